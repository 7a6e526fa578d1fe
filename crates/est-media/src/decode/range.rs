//! Which part of a source is read.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::MediaError;

/// Frames from `start_s` on and before `end_s`, by their times, which stay those of the whole source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "[Option<u64>; 2]", into = "[Option<u64>; 2]")]
pub struct TimeRange {
    pub start_s: Option<f64>,
    pub end_s: Option<f64>,
}

/// By their bits: a double that went through JSON may be the next one, and then a frame at the very start is not in it.
impl From<[Option<u64>; 2]> for TimeRange {
    fn from(bits: [Option<u64>; 2]) -> Self {
        let [start_s, end_s] = bits.map(|bits| bits.map(f64::from_bits));
        TimeRange { start_s, end_s }
    }
}

impl From<TimeRange> for [Option<u64>; 2] {
    fn from(range: TimeRange) -> Self {
        [range.start_s, range.end_s].map(|time| time.map(f64::to_bits))
    }
}

impl TimeRange {
    pub fn is_whole(self) -> bool {
        self == TimeRange::default()
    }

    pub(super) fn begins_after(self, pts_s: f64) -> bool {
        self.start_s.is_some_and(|start_s| pts_s < start_s)
    }

    pub(super) fn ends_by(self, pts_s: f64) -> bool {
        self.end_s.is_some_and(|end_s| pts_s >= end_s)
    }

    /// Why there is no frame in it, in a source whose last frame before or in it ends at `end_s`; None where the range is
    /// not to blame.
    pub(super) fn nothing(self, path: &Path, end_s: f64, goes_on: bool) -> Option<MediaError> {
        let path = path.to_owned();
        match self.start_s {
            _ if goes_on => {
                let (start_s, to_s) = (self.start_s.unwrap_or(0.0), self.end_s.unwrap_or(f64::INFINITY));
                Some(MediaError::NoFrameBetween { path, start_s, to_s })
            }
            Some(start_s) if end_s > 0.0 && start_s >= end_s => Some(MediaError::BeyondEnd { path, start_s, end_s }),
            Some(start_s) if end_s > 0.0 => Some(MediaError::NoFrameBetween { path, start_s, to_s: end_s }),
            _ => None,
        }
    }
}

/// A double in JSON, by its bits.
pub(super) mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.to_bits())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

/// Called now and then while frames before the range are passed over, so that who waits knows that work goes on.
#[derive(Clone, Default)]
pub(super) struct Pulse(pub Option<Arc<dyn Fn() + Send + Sync>>);

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pulse({})", self.0.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_to_another_process_as_they_are() {
        for start_s in [12.48, 64.0 / 45.0, 0.1 + 0.2, f64::MAX] {
            let range = TimeRange { start_s: Some(start_s), end_s: None };
            let text = serde_json::to_string(&range).unwrap();
            assert_eq!(serde_json::from_str::<TimeRange>(&text).unwrap(), range);
        }
    }
}
