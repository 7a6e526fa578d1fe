//! What a model says of each clip of a prepared set, and everything that the saying depends on.

mod classes;
mod encoded;
mod file;
mod run;
mod scope;

use est::Emotion;
use est::report::ModelRecord;
use est_data::protocol::Selection;
use est_data::set::ClipStatus;
use serde::{Deserialize, Serialize};

pub use encoded::Encoded;
pub(crate) use file::put;
pub use file::{read, write};
pub use run::{EvaluateOptions, Progress, evaluate, evaluate_encoded, evaluate_scope};
pub(crate) use run::{ReadClip, predict};
pub use scope::{Part, Scope};

/// One clip.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipPrediction {
    pub clip: String,
    pub subject: Option<String>,
    /// Index into the record's classes.
    pub label: usize,
    /// [`ClipStatus::Ok`] where there were crops to read.
    pub status: ClipStatus,
    /// One for each of the record's classes, in [0, 1]; None where the status is not ok.
    pub probabilities: Option<Vec<f32>>,
    /// Presentation times of the first and last place of the window that was read, in seconds.
    pub window_s: Option<(f64, f64)>,
    /// The clip was shorter than a window and was stretched to fill it.
    pub stretched: bool,
}

impl ClipPrediction {
    /// The most probable class; the first of equals.
    pub fn predicted(&self) -> Option<usize> {
        let probabilities = self.probabilities.clone()?;
        Some(Emotion { probabilities }.label())
    }
}

/// The prepared set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetStamp {
    pub name: String,
    /// [`SetRecord::hash`](est_data::set::SetRecord::hash).
    pub sha256: String,
}

/// The split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitStamp {
    pub name: String,
    pub sha256: String,
}

/// What predictions were made with. Equal records, but for the command line, mean equal predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub est_version: String,
    /// The command line or the program that asked for them.
    pub command: String,
    pub model: ModelRecord,
    /// What the frame encoder multiplied in: `f32` or `bf16`.
    pub encoder_arithmetic: String,
    pub set: SetStamp,
    /// None: all labelled clips of the set.
    pub split: Option<SplitStamp>,
    /// Of the split: `fold-1`, `official`.
    pub round: Option<String>,
    pub part: Part,
    pub selection: Selection,
    /// Of the training, where it is known.
    pub seed: Option<u64>,
    /// The set's that are scored, in its order. Labels and probabilities follow it, whatever the model's order is.
    pub classes: Vec<String>,
    /// The set's other classes, whose clips were not scored.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// The model has more classes than are scored, and was asked to choose among these.
    pub restricted: bool,
    /// Side of the set's crops and of the model's, where the crops had to be resized.
    pub resized: Option<(usize, usize)>,
    /// Part of the side of the set's crops that was read, where the model's crops are tighter.
    #[serde(default)]
    pub middle: Option<f32>,
}

impl Record {
    /// The round, or `whole` where all clips of the set are scored.
    pub fn round_name(&self) -> &str {
        self.round.as_deref().unwrap_or("whole")
    }
}

/// What a model says of the clips of one part of one round.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    pub record: Record,
    pub clips: Vec<ClipPrediction>,
}

impl Predictions {
    /// Clips without a face.
    pub fn faceless(&self) -> usize {
        self.clips.iter().filter(|clip| clip.probabilities.is_none()).count()
    }
}
