//! The commands that train.

use std::path::PathBuf;

use super::ReportArgs;

#[derive(Debug, clap::Args)]
pub struct TrainArgs {
    /// What differs from the preset, as TOML; docs/train.md lists the fields [default: the paper's training]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The prepared set
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Folder for the run: config, log, checkpoint, weights
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Go on with the run in --out from its checkpoint
    #[arg(long)]
    pub resume: bool,
    /// Log as JSON lines on standard error, and the result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// What a series of runs has in common.
#[derive(Debug, clap::Args)]
pub struct SeriesArgs {
    /// The prepared set
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// What differs from the preset, as for `est train`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for the runs and the reports; a series that was stopped goes on there, and what is finished is not done again
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Seeds of the training, separated by commas [default: the config's]
    #[arg(long, value_name = "SEEDS", value_delimiter = ',')]
    pub seeds: Vec<u64>,
    #[command(flatten)]
    pub report: ReportArgs,
    /// Threads that score [default: all cores]; the config has those that train
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Log as JSON lines on standard error, and the result as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct CrossvalArgs {
    #[command(flatten)]
    pub series: SeriesArgs,
}

#[derive(Debug, clap::Args)]
pub struct AblateArgs {
    /// What is varied, separated by commas: 5 and 6, the paper's tables; snippets (n), lengths (J), orders (P), backbone, the
    /// supplement's sweeps; or names of presets (`est complexity` lists them). A config with a `round` keeps to that round
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    pub table: Vec<String>,
    #[command(flatten)]
    pub series: SeriesArgs,
}
