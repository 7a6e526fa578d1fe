//! Runs over many videos: what is done already, who does what, what is left on the disk.
//!
//! A folder of results holds, beside the files of each video, [`MANIFEST`] (a line for each result, by the hash of the
//! video and of the settings), [`RUNS`] (a line for each run: when, why, with what, kept until when) and [`TABLE`] (a
//! row for each video and track), and of a part of a run [`PARTS`] (a line for each part: which of how many, of which
//! videos). [`OutputFolder`] is that folder, [`Run`] does the videos that it lacks, [`Merge`] joins what shards made,
//! [`Purge`] deletes.

mod array;
mod claim;
mod content;
mod folder;
mod gaps;
mod log;
mod manifest;
mod merge;
mod part;
mod purge;
mod shard;
mod standing;
mod table;
mod work;

pub use array::{Divided, Numbering, ShardChoice};
pub use folder::OutputFolder;
pub use gaps::Gap;
pub use log::{Retention, RunLine, Runs};
pub use manifest::{Entry, config_sha256};
pub use merge::{Merge, Merged};
pub use part::{Part, Parts, divided_before, list_sha256};
pub use purge::{Purge, Purged};
pub use shard::Shard;
pub use standing::{Standing, Why};
pub use work::{Event, Made, Outcome, Run, Work};

/// What was made of which video: one line of JSON each, the last of a video holds.
pub const MANIFEST: &str = "est-manifest.jsonl";
/// The runs that wrote into the folder.
pub const RUNS: &str = "est-runs.jsonl";
/// The parts of runs (`--shard`) that are in the folder.
pub const PARTS: &str = "est-parts.jsonl";
/// All videos and tracks at a glance.
pub const TABLE: &str = "summary.csv";

/// Names that no video's results may have.
pub const OWN_NAMES: [&str; 4] = ["summary", "est-manifest", "est-runs", "est-parts"];

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
