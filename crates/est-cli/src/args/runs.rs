//! Runs over many videos, and what is done with their results afterwards.

use std::path::PathBuf;

use est::run::{Retention, ShardChoice};

/// Which of the videos are done, how, and what is noted about it.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// CSV or Parquet list of videos: column path (from the list's folder), perhaps video_id; other columns go into summary.csv
    #[arg(long, value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Do what is up to date too, and replace results of other videos of the same name
    #[arg(long)]
    pub again: bool,
    /// Do one part of the videos, like 2/8. auto: the part that this task of a Slurm array is; auto/8: of eight, also of a
    /// Kubernetes, Grid Engine, PBS, LSF or AWS Batch array; auto/8@0: of tasks from 0 on; auto/8@0:4: in steps of 4
    #[arg(long, value_name = "I/N")]
    pub shard: Option<ShardChoice>,
    /// What the results are for, for the run log
    #[arg(long, value_name = "TEXT")]
    pub purpose: Option<String>,
    /// How long results are kept: days, or the last day as 2027-01-31; `est purge --expired` deletes then
    #[arg(long, value_name = "DAYS|DATE")]
    pub retain: Option<Retention>,
    /// Name results after the content of their video instead of its file: `v-` and ten digits of its SHA-256. Manifest, run
    /// log and summary.csv say which is which: keep them apart
    #[arg(long)]
    pub pseudonyms: bool,
    /// Print errors only
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    pub decoder: DecoderArgs,
}

/// Videos are decoded in a process of their own, so that one that crashes its decoder costs itself alone.
#[derive(Debug, clap::Args)]
pub struct DecoderArgs {
    /// Decode in est's own process: no second one is started, and a crash of a decoder ends the run
    #[arg(long)]
    pub decode_in_process: bool,
    /// Memory that decoding a video may take, in GiB
    #[arg(long, value_name = "GIB", default_value_t = 4.0, value_parser = super::positive)]
    pub decode_memory: f64,
    /// Give a video up when its decoder gives nothing for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub decode_patience: u32,
}

#[derive(Debug, clap::Args)]
pub struct MergeArgs {
    /// Folder for the joined results; made if it is not there
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Folders that `est predict --shard` wrote
    #[arg(value_name = "SHARD", required = true)]
    pub shards: Vec<PathBuf>,
    /// Join what is there though parts or videos are missing, or nobody can tell
    #[arg(long)]
    pub partial: bool,
    /// Log as JSON lines on standard error, and the summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct PurgeArgs {
    /// A folder that `est predict` or `est merge` wrote
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Only results whose retention (`est predict --retain`) is over
    #[arg(long)]
    pub expired: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// List what would be deleted, and delete nothing
    #[arg(long)]
    pub dry_run: bool,
}
