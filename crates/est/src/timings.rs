//! Where the time of a video goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A part of the path, in the order of the path. Stages run beside each other, so that their times may sum to more than
/// the clock's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Packets to RGB frames.
    Decode,
    /// The face detector.
    Detect,
    /// Cuts, tracks, the quality of each face.
    Track,
    /// Faces to square pictures.
    Crop,
    /// The frame encoder.
    Encode,
    /// AA-SFE and transformer: features to probabilities.
    Score,
    /// What the caller does with the rows.
    Report,
}

impl Stage {
    pub const ALL: [Stage; 7] =
        [Stage::Decode, Stage::Detect, Stage::Track, Stage::Crop, Stage::Encode, Stage::Score, Stage::Report];

    pub fn name(self) -> &'static str {
        match self {
            Stage::Decode => "decode",
            Stage::Detect => "detect",
            Stage::Track => "track",
            Stage::Crop => "crop",
            Stage::Encode => "encode",
            Stage::Score => "score",
            Stage::Report => "report",
        }
    }
}

/// How long each stage of a video was busy: wall-clock time spent in it, waiting for other stages left out. Clones count
/// together, over all threads.
#[derive(Debug, Clone, Default)]
pub struct Timings(Arc<[AtomicU64; Stage::ALL.len()]>);

impl Timings {
    /// Runs `work` and counts its time to `stage`.
    pub fn time<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.add(stage, start.elapsed());
        result
    }

    fn add(&self, stage: Stage, time: Duration) {
        self.0[stage as usize].fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    pub fn busy(&self, stage: Stage) -> Duration {
        Duration::from_nanos(self.0[stage as usize].load(Ordering::Relaxed))
    }

    /// Runs `work`, and counts its time to `stage` but for what it counted to `inner` itself.
    pub(crate) fn time_around<T>(&self, stage: Stage, inner: Stage, work: impl FnOnce() -> T) -> T {
        let (start, before) = (Instant::now(), self.busy(inner));
        let result = work();
        self.add(stage, start.elapsed().saturating_sub(self.busy(inner) - before));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_count_apart_and_clones_together() {
        let timings = Timings::default();
        let pause = || std::thread::sleep(Duration::from_millis(5));
        let inner = timings.clone();
        timings.time_around(Stage::Track, Stage::Detect, || inner.time(Stage::Detect, pause));
        assert!(timings.busy(Stage::Detect) >= Duration::from_millis(5));
        assert!(timings.busy(Stage::Track) < timings.busy(Stage::Detect));
        assert_eq!(timings.busy(Stage::Encode), Duration::ZERO);
        for (place, stage) in Stage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, place, "{}", stage.name());
        }
    }
}
