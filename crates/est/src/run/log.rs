//! Who read faces here, when, why and with what: a line at the beginning of each run and one at its end.

use std::path::Path;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::manifest::{Lines, config};
use super::{RUNS, now, stamp_of};
use crate::error::EstError;
use crate::report::{Format, RunRecord};

/// A run, as it begins and as it ends; what is not known yet is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunLine {
    /// Time and process: the same in both lines of a run.
    pub run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// What the results are for, in the user's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_sha256: Option<String>,
    /// What that is the hash of.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub config: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub videos: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to_date: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<usize>,
    /// Videos whose results were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purged: Option<usize>,
}

impl RunLine {
    fn new() -> Self {
        let began = stamp_of(now());
        RunLine { run: format!("{began}-{}", std::process::id()), ..RunLine::default() }
    }

    /// A run that begins with these settings.
    pub fn begin(
        command: Vec<String>,
        purpose: Option<String>,
        retention: Option<Retention>,
        record: &RunRecord,
        formats: &[Format],
    ) -> Self {
        RunLine {
            began: Some(stamp_of(now())),
            command,
            purpose,
            keep_until: retention.map(|retention| stamp_of(retention.0)),
            model_id: Some(record.model.id.clone()),
            weights_sha256: Some(record.model.weights_sha256.clone()),
            config: config(record, formats),
            ..RunLine::new()
        }
    }

    /// Something deleted.
    pub fn purge(purged: usize) -> Self {
        RunLine { ended: Some(stamp_of(now())), purged: Some(purged), ..RunLine::new() }
    }

    /// The line at the end of this run.
    pub fn end(&self, done: usize, failed: usize) -> Self {
        let run = self.run.clone();
        let (done, failed) = (Some(done), Some(failed));
        RunLine { run, ended: Some(stamp_of(now())), done, failed, ..RunLine::default() }
    }
}

/// The run log of a folder.
pub struct Runs(Lines);

impl Runs {
    pub fn new(folder: &Path) -> Self {
        Runs(Lines::new(folder.join(RUNS)))
    }

    pub fn add(&self, line: &RunLine) -> Result<(), EstError> {
        self.0.add(line).map_err(|error| EstError::Output { path: self.0.path().to_owned(), error })
    }

    pub fn all(mut self) -> Result<Vec<RunLine>, EstError> {
        let path = self.0.path().to_owned();
        self.0.news().map_err(|error| EstError::Output { path, error })
    }
}

/// Until when results are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retention(DateTime<Utc>);

impl std::str::FromStr for Retention {
    type Err = String;

    /// A number of days from now, or the last day as `2027-01-31`.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::from(text, now()).ok_or_else(|| "must be a number of days, or a date like 2027-01-31".to_string())
    }
}

impl Retention {
    fn from(text: &str, now: DateTime<Utc>) -> Option<Self> {
        if let Ok(days) = text.parse::<u32>() {
            return now.checked_add_days(Days::new(days.into())).map(Retention);
        }
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(Retention(date.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN).and_utc()))
    }
}

/// Whether the time `keep_until` of a manifest is over.
pub fn is_over(keep_until: &str) -> bool {
    DateTime::parse_from_rfc3339(keep_until).is_ok_and(|until| until <= now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_days_or_a_date() {
        let now: DateTime<Utc> = "2026-11-24T12:00:00Z".parse().unwrap();
        let until = |text: &str| Retention::from(text, now).map(|Retention(until)| stamp_of(until));
        assert_eq!(until("30").as_deref(), Some("2026-12-24T12:00:00Z"));
        assert_eq!(until("2026-12-31").as_deref(), Some("2027-01-01T00:00:00Z"), "the day itself is kept");
        assert_eq!(until("soon"), None);
        assert!(is_over("2020-01-01T00:00:00Z") && !is_over("2999-01-01T00:00:00Z"));
    }
}
