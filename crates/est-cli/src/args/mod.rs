//! The command line.

mod about;
mod examples;
mod live;
mod output;
mod part;
mod runs;
mod score;
mod time;
mod train;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

pub use about::*;
pub use examples::program;
pub use live::*;
pub use output::*;
pub use part::*;
pub use runs::*;
pub use score::*;
pub use train::*;

/// Apparent facial expressions over time, from video (Expression Snippet Transformer).
#[derive(Debug, Parser)]
// The package is called est-cli, and the manual's pages would be.
#[command(name = "est", version, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find, follow and read the faces in videos
    Predict(Box<PredictArgs>),
    /// Join the results of `est predict --shard`
    Merge(MergeArgs),
    /// Delete what est wrote into a folder, and nothing else
    Purge(PurgeArgs),
    /// Decode a video for another est, which asks on standard input
    #[command(name = crate::commands::decoder::COMMAND, hide = true)]
    DecodeChild,
    /// Bring a data set's videos into one form: face crops, manifest, splits
    Prepare(PrepareArgs),
    /// Generate labelled expression video whose truth is known
    Synth(SynthArgs),
    /// Make one prepared set of several, to train on all of them
    Join(JoinArgs),
    /// Score weights on a prepared set
    Eval(EvalArgs),
    /// Test whether two evaluations differ on the clips that they share (McNemar's exact test)
    Compare(CompareArgs),
    /// Fit the temperature of weights on held-out clips and write it into a copy of them
    Calibrate(CalibrateArgs),
    /// Draw what weights attend to in the clips of a prepared set
    Explain(ExplainArgs),
    /// Train a network on a prepared set
    Train(TrainArgs),
    /// Train and score every round of a prepared set's split
    Crossval(CrossvalArgs),
    /// Train and score variants of the network beside each other: the paper's tables and sweeps
    Ablate(AblateArgs),
    /// Parameters and multiply-accumulates of the networks beside the paper's figures
    Complexity(ComplexityArgs),
    /// Import or inspect weights
    Weights(WeightsArgs),
    /// Say what is installed and what is missing
    Doctor(DoctorArgs),
    /// Bring another program's results into est's columns
    Import(ImportRowsArgs),
    /// Your own defaults: what they are, where they stand
    Config(ConfigArgs),
    /// Whose code, weights and data these are
    Licenses(LicensesArgs),
    /// Completions for a shell, on standard output
    Completions(CompletionsArgs),
    /// Write the manual's pages
    Man(ManArgs),
}

impl Command {
    /// Whether what it prints is all that it makes. Without a reader it has nothing to do.
    pub fn only_prints(&self) -> bool {
        match self {
            Command::Predict(args) => args.dry_run || args.to_standard_output(),
            Command::Prepare(args) => args.dry_run,
            Command::Purge(args) => args.dry_run,
            Command::Weights(args) => matches!(args.command, WeightsCommand::Show(_)),
            Command::Compare(_)
            | Command::Complexity(_)
            | Command::Doctor(_)
            | Command::Config(_)
            | Command::Licenses(_)
            | Command::Completions(_) => true,
            _ => false,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct PredictArgs {
    /// Video files, folders (of videos, at any depth: each of them; of pictures: one video), or quoted patterns like 'clips/*.mp4'
    #[arg(required_unless_present = "list", value_name = "SOURCE")]
    pub sources: Vec<PathBuf>,
    /// Folder for the results; made if it is not there. With --format jsonl, - is standard output
    #[arg(long, value_name = "DIR", default_value = "est-results")]
    pub out: PathBuf,
    /// Weights file of `est train` or `est weights import`, or random:SEED for an untrained model [default: est's own]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<String>,
    /// The frames already are face crops of the model's size: no detection, pixels used as they are
    #[arg(long)]
    pub crops: bool,
    /// Say what would be done, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Log as JSON lines on standard error, and results as JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Frames per second of picture folders, which have no clock [default: the model's rate]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub fps: Option<f64>,
    /// What places pictures in time
    #[arg(long, value_enum, default_value = "auto")]
    pub numbering: NumberingKind,
    /// From one window to the next, in frames at the model's rate
    #[arg(long, value_name = "FRAMES", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub hop: u32,
    #[command(flatten)]
    pub faces: FaceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    /// How the frame encoder multiplies
    #[arg(long, value_enum, default_value = "default")]
    pub precision: PrecisionKind,
    /// Worker threads [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Say on standard error where the time went
    #[arg(long)]
    pub timing: bool,
    #[command(flatten)]
    pub part: PartArgs,
    #[command(flatten)]
    pub live: LiveArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

impl PredictArgs {
    /// Rows go to standard output, and nothing is kept.
    pub fn to_standard_output(&self) -> bool {
        self.out.as_os_str() == "-"
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NumberingKind {
    /// The number that rises in their names, --fps of them a second; their order where there is none
    Auto,
    /// They follow each other, whatever they are called
    Order,
    /// As auto, but an error where there is no such number
    Numbers,
    /// The number that rises in their names, in milliseconds
    Ms,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrecisionKind {
    /// 32-bit floats: the numbers of PyTorch but for rounding
    Exact,
    /// 16-bit factors (bf16) summed in 32 bits where the processor has them, else as exact: the fastest
    Default,
}

#[derive(Debug, clap::Args)]
pub struct PrepareArgs {
    /// The data set; `own` is any table of clips, `frames` the EST authors' frame lists
    #[arg(value_name = "SET", value_parser = set_names())]
    pub set: String,
    /// The data set's folder
    #[arg(long, value_name = "DIR")]
    pub root: PathBuf,
    /// Folder for the prepared set; a run that was stopped goes on there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Of `own`: CSV or Parquet with the columns path, label and perhaps subject, split; of `frames`: the list of clips
    #[arg(long, value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Draw this many person-independent folds [default: the set's own protocol]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub folds: Option<u32>,
    /// Seed of drawn folds
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The pictures already are face crops: no detection, each resized as it is
    #[arg(long)]
    pub crops: bool,
    #[command(flatten)]
    pub crop: CropArgs,
    /// Side of the crops in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 224, value_parser = clap::value_parser!(u32).range(16..=2048))]
    pub size: u32,
    /// Frames per second of clips that are folders of pictures [default: the set's own]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub fps: Option<f64>,
    /// Of files with several video streams: the one to read, from 1
    #[arg(long, value_name = "N", value_parser = part::number)]
    pub stream: Option<u32>,
    #[command(flatten)]
    pub decoder: DecoderArgs,
    #[command(flatten)]
    pub faces: FaceArgs,
    /// Clips in one shard
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub shard_clips: u32,
    /// Clips made at a time [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Say what is there and what is missing, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Log as JSON lines on standard error, and the table as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

fn set_names() -> clap::builder::PossibleValuesParser {
    est_data::datasets::DATA_SETS.iter().map(|set| clap::builder::PossibleValue::new(set.name).help(set.title)).into()
}

#[derive(Debug, clap::Args)]
pub struct JoinArgs {
    /// Prepared sets; with train=, validation= or test= before each, the joined set has that split
    #[arg(value_name = "[PART=]DIR", required = true)]
    pub sets: Vec<String>,
    /// Folder for the joined set; a run that was stopped goes on there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Clips in one shard
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub shard_clips: u32,
    /// Log as JSON lines on standard error, and the summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct SynthArgs {
    /// Folder for the set; a run that was stopped goes on there
    #[arg(long, value_name = "DIR", required_unless_present = "preview")]
    pub out: Option<PathBuf>,
    /// Only write a contact sheet: a row a subject with every class at full strength, then a few clips
    #[arg(long, value_name = "FILE.jpg", num_args = 0..=1, default_missing_value = "preview.jpg")]
    pub preview: Option<PathBuf>,
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub subjects: u32,
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..))]
    pub clips_per_subject: u32,
    /// Everything follows from it
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How strong the expressions are and what disturbs them
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = profile_names())]
    pub profile: String,
    /// Changes the profile, like --knob blinks=0; docs/data.md lists the knobs
    #[arg(long, value_name = "NAME=VALUE")]
    pub knob: Vec<String>,
    /// Animate the portraits of this folder (neutral/*.jpg, landmarks.json) instead of drawing 3D heads
    #[arg(long, value_name = "DIR")]
    pub portraits: Option<PathBuf>,
    /// With --portraits: subjects beyond the photographs are blends of two of them, so that any number can be made. No
    /// folds are drawn then: no two subjects are certain to be different people
    #[arg(long, requires = "portraits")]
    pub blends: bool,
    /// The head mesh [default: where `make setup` put it]
    #[arg(long, value_name = "FILE")]
    pub mesh: Option<PathBuf>,
    /// Side of the pictures in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 224, value_parser = clap::value_parser!(u32).range(32..=2048))]
    pub size: u32,
    /// Person-independent folds to draw [default: 10, or one a subject]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub folds: Option<u32>,
    /// Only draw up to four frames of each clip: its apex, another of it, one on the way, one at rest
    #[arg(long)]
    pub stills: bool,
    /// Write every clip as mp4 too, into DIR/videos (needs the program ffmpeg)
    #[arg(long, conflicts_with = "stills")]
    pub videos: bool,
    /// Clips in one shard
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub shard_clips: u32,
    /// Clips made at a time [default: all cores]; results do not depend on it
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Log as JSON lines on standard error, and the summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

fn profile_names() -> clap::builder::PossibleValuesParser {
    est_data::synth::script::Profile::NAMES.into()
}

/// How faces are found and followed.
#[derive(Debug, clap::Args)]
pub struct FaceArgs {
    /// Weights of the face detector [default: where `make setup` put them]
    #[arg(long, value_name = "FILE")]
    pub detector: Option<PathBuf>,
    /// Detect in pictures scaled to this longer side, in pixels: smaller is faster and misses small faces
    #[arg(long, value_name = "PIXELS", default_value_t = 640, value_parser = clap::value_parser!(u32).range(32..=4096))]
    pub detect_size: u32,
    /// Detect in every k-th frame and follow in between [default: 3]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub detect_every: Option<u32>,
    /// Detector's confidence from which a face starts a track
    #[arg(long, value_name = "0..1", value_parser = share)]
    pub min_score: Option<f32>,
    /// A face that is missing for up to this many seconds keeps its track
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    pub max_gap: Option<f64>,
}

/// How a face becomes the network's picture.
#[derive(Debug, clap::Args)]
pub struct CropArgs {
    /// How faces are cropped: the square box scaled by --crop-margin, or five-point aligned
    #[arg(long, value_enum, default_value = "square")]
    pub crop: CropKind,
    /// Side of the square crop over the longer side of the face's box
    #[arg(long, default_value_t = 1.2, value_parser = margin)]
    pub crop_margin: f32,
    /// Turn the square crop of a face upright that is tilted by more than this, and look for lying faces too; from twice as
    /// much on it is turned wholly [default: never]
    #[arg(long, value_name = "DEGREES", value_parser = tilt)]
    pub upright_beyond: Option<f32>,
}

#[derive(Debug, clap::Args)]
pub struct ComplexityArgs {
    /// Only this preset, part by part
    #[arg(value_name = "PRESET")]
    pub preset: Option<String>,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct WeightsArgs {
    #[command(subcommand)]
    pub command: WeightsCommand,
}

#[derive(Debug, Subcommand)]
pub enum WeightsCommand {
    /// Turn a PyTorch checkpoint (.pth) or plain safetensors into a weights file of est
    Import(ImportArgs),
    /// What a weights file holds
    Show(ShowArgs),
    /// Leave out what prediction does not read and store the rest in half precision: under half the size
    Shrink(ShrinkArgs),
}

#[derive(Debug, clap::Args)]
pub struct ShrinkArgs {
    pub input: PathBuf,
    pub output: PathBuf,
    /// Turn the square crop of a face upright that is tilted by more than this [default: what the file says]
    #[arg(long, value_name = "DEGREES", value_parser = tilt)]
    pub upright_beyond: Option<f32>,
}

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// A PyTorch checkpoint or safetensors: a file, the index or a part of several, or a folder of them
    pub input: PathBuf,
    pub output: PathBuf,
    /// What stands before the names of the tensors that are meant, where a checkpoint holds several networks; `.` for
    /// nothing
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// The architecture [default: the one that the tensors' names and shapes fit]
    #[arg(long)]
    pub preset: Option<String>,
    /// Names of the classes in the order of the logits, separated by commas
    /// [default for 7: angry,disgust,fear,happy,neutral,sad,surprise; for 6: without neutral]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub classes: Option<Vec<String>>,
    #[command(flatten)]
    pub crop: CropArgs,
    /// Frames per second that the model was trained at
    #[arg(long, default_value_t = 25.0, value_parser = positive)]
    pub rate: f64,
    /// The model was trained on pictures normalised by ImageNet's mean and deviation
    #[arg(long)]
    pub imagenet_normalisation: bool,
    /// Where the weights come from: kept in the file and written beside every result
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CropKind {
    Square,
    Aligned,
}

#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    pub file: PathBuf,
    /// Every tensor with its shape
    #[arg(long)]
    pub tensors: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    #[arg(long)]
    pub json: bool,
    /// Which kernel runs each layer of the preset `paper` and of the face detector
    #[arg(long)]
    pub kernels: bool,
}

fn within(text: &str, fits: impl Fn(f64) -> bool, what: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if fits(value) { Ok(value) } else { Err(format!("must be {what}")) }
}

fn positive(text: &str) -> Result<f64, String> {
    within(text, |value| value > 0.0 && value.is_finite(), "a positive number")
}

fn share(text: &str) -> Result<f32, String> {
    within(text, |value| (0.0..=1.0).contains(&value), "between 0 and 1").map(|value| value as f32)
}

fn tilt(text: &str) -> Result<f32, String> {
    within(text, |value| (1.0..=90.0).contains(&value), "between 1 and 90").map(|value| value as f32)
}

fn margin(text: &str) -> Result<f32, String> {
    within(text, |value| (0.1..=10.0).contains(&value), "between 0.1 and 10").map(|value| value as f32)
}
