//! Runs over many videos: what is done already, who does what, what is left on the disk.
//!
//! A folder of results holds, beside the files of each video, [`MANIFEST`] (a line for each result, by the hash of the
//! video and of the settings), [`RUNS`] (a line for each run: when, why, with what, kept until when) and [`TABLE`] (a
//! row for each video and track). [`OutputFolder`] is that folder, [`Run`] does the videos that it lacks, [`merge`] joins
//! what shards made, [`Purge`] deletes.

mod claim;
mod content;
mod folder;
mod log;
mod manifest;
mod merge;
mod purge;
mod shard;
mod standing;
mod table;
mod work;

pub use folder::OutputFolder;
pub use log::{Retention, RunLine, Runs};
pub use manifest::{Entry, config_sha256};
pub use merge::{Merged, merge};
pub use purge::{Purge, Purged};
pub use shard::Shard;
pub use standing::{Standing, Why};
pub use work::{Event, Made, Outcome, Run, Work};

/// What was made of which video: one line of JSON each, the last of a video holds.
pub const MANIFEST: &str = "est-manifest.jsonl";
/// The runs that wrote into the folder.
pub const RUNS: &str = "est-runs.jsonl";
/// All videos and tracks at a glance.
pub const TABLE: &str = "summary.csv";

/// Names that no video's results may have.
pub const OWN_NAMES: [&str; 3] = ["summary", "est-manifest", "est-runs"];

/// The time, as the run log has it.
pub(crate) fn stamp() -> String {
    stamp_of(now())
}

fn now() -> chrono::DateTime<chrono::Utc> {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|time| chrono::DateTime::from_timestamp(time.as_secs() as i64, 0))
        .unwrap_or_default()
}

/// As the run log and the manifest have times: RFC 3339, UTC, whole seconds.
fn stamp_of(time: chrono::DateTime<chrono::Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
