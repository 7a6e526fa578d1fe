//! Scores of a model on a prepared set, how sure they are, and what the model looked at.
//!
//! `predictions` (what the shipped [`Recogniser`](est::Recogniser) says of each clip) `-> outcome -> metrics, intervals,
//! calibration, subgroups -> report -> figures`. [`evaluate`] makes the predictions of one round of a split, and
//! [`Report::pooled`] puts rounds together.
#![forbid(unsafe_code)]

mod error;
pub mod intervals;
pub mod metrics;
mod outcome;
pub mod predictions;
pub mod report;

pub use error::EvalError;
pub use outcome::{Faceless, Outcome};
pub use predictions::{ClipPrediction, EvaluateOptions, Part, Predictions, Scope, Selection, evaluate, evaluate_scope};
pub use report::{Report, ReportOptions};
