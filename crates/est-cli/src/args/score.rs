//! The commands that score weights, and what they have in common.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use est_data::protocol::Selection;

/// Which clips of a prepared set are read, and by which weights.
#[derive(Debug, clap::Args)]
pub struct ScopeArgs {
    /// The prepared set, made by `est prepare` or `est synth`
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Weights file, or random:SEED for an untrained model [default: est's own]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<String>,
    /// One of the set's splits; without --split and --round every labelled clip is read
    #[arg(long, value_name = "NAME")]
    pub split: Option<String>,
    /// A round of the split, like fold-1 or official [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub round: Option<String>,
    /// The model has more classes than the set: it chooses among the set's
    #[arg(long)]
    pub restrict_classes: bool,
    /// Worker threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PartKind {
    Train,
    Validation,
    Test,
}

/// How intervals are drawn.
#[derive(Debug, clap::Args)]
pub struct BootstrapArgs {
    /// Samples of the bootstrap over subjects
    #[arg(long, value_name = "B", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub resamples: u32,
    /// Its seed
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub bootstrap_seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FacelessKind {
    /// They count as wrong: a user with such a clip gets no answer
    Error,
    /// They are left out
    Skip,
}

/// How predictions become scores.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// Clips without a face
    #[arg(long, value_enum, default_value = "error")]
    pub faceless: FacelessKind,
    /// Classes without a clip are left out of UAR and macro F1 instead of being an error
    #[arg(long)]
    pub allow_empty_classes: bool,
    /// CSV of attributes: first column clip or subject, every other an attribute; scores of each group
    #[arg(long, value_name = "FILE")]
    pub subgroups: Option<PathBuf>,
    /// Groups of fewer clips are not scored
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub subgroup_minimum: u32,
    /// Bins of the calibration
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(2..=100))]
    pub bins: u32,
    #[command(flatten)]
    pub bootstrap: BootstrapArgs,
}

#[derive(Debug, clap::Args)]
pub struct EvalArgs {
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Folder for the report, figures and predictions; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The part of the round that is scored
    #[arg(long, value_enum, default_value = "test")]
    pub part: PartKind,
    /// Score these classes of the set: clips of others are left out, and the model chooses among these [default: all]
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// How the epoch of the weights was chosen: stamped on every score [default: what the weights say]
    #[arg(long, value_name = "NAME", value_parser = selections())]
    pub selection: Option<Selection>,
    #[command(flatten)]
    pub report: ReportArgs,
    /// Log as JSON lines on standard error, and the report as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// Predictions of one model: the folder of an evaluation, or its predictions.csv
    pub a: PathBuf,
    /// Predictions of the other, on the same set and split
    pub b: PathBuf,
    #[command(flatten)]
    pub bootstrap: BootstrapArgs,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct CalibrateArgs {
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// The part of the round that the temperature is fitted on
    #[arg(long, value_enum, default_value = "validation")]
    pub part: PartKind,
    /// The weights with the temperature; a new file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// Other weights to draw beside, like those trained without SSOP
    #[arg(long, value_name = "FILE")]
    pub against: Option<String>,
    /// Folder for the figures; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The part of the round that is explained
    #[arg(long, value_enum, default_value = "test")]
    pub part: PartKind,
    /// Draw this clip's attention; may be given again
    #[arg(long, value_name = "ID")]
    pub clip: Vec<String>,
    /// Without --clip, draw the attention of this many, class after class
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub clips: u32,
    /// Log of the training of the weights (JSON lines): draw its learning curves
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Of the t-SNE
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[arg(long)]
    pub json: bool,
}

/// The protocols that a user can name.
fn selections() -> impl TypedValueParser<Value = Selection> {
    let help = |selection: Selection| match selection {
        Selection::InnerValidation => Some("The best epoch on held-out training subjects"),
        Selection::LastEpoch => Some("The last epoch, fixed beforehand"),
        Selection::BestOnTest => Some("The best epoch on the clips that are scored: too high"),
        Selection::Unstated => None,
    };
    let value = |selection: Selection| Some(PossibleValue::new(selection.name()).help(help(selection)?));
    let names: PossibleValuesParser = Selection::ALL.into_iter().filter_map(value).collect::<Vec<_>>().into();
    names.map(|name| Selection::named(&name).expect("one of the names"))
}
