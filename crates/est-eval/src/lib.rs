//! Scores of a model on a prepared set, how sure they are, and what the model looked at.
//!
//! `predictions` (what the shipped [`Recogniser`](est::Recogniser) says of each clip) `-> outcome -> metrics, intervals,
//! calibration, subgroups -> report -> figures`. [`evaluate`] makes the predictions of one round of a split, and
//! [`Report::pooled`] puts rounds together:
//!
//! ```no_run
//! # use est_eval::{EvalError, EvaluateOptions, Report, ReportOptions};
//! # use est_data::protocol::Selection;
//! # fn scores(
//! #     recogniser: &mut est::Recogniser, set: &est_data::set::PreparedSet, split: &est_data::protocol::Split,
//! # ) -> Result<(), EvalError> {
//! let options = EvaluateOptions { selection: Selection::InnerValidation, seed: Some(1), ..EvaluateOptions::default() };
//! let fold = est_eval::evaluate(recogniser, set, split, "fold-1", &options, &mut |_| ())?;
//! let report = Report::pooled(vec![fold], ReportOptions::default())?;
//! report.write("scores".as_ref())?;
//! # Ok(())
//! # }
//! ```
//!
//! [`mcnemar`] compares two models, [`explain`] shows what one attends to.
#![forbid(unsafe_code)]

pub mod calibration;
mod error;
pub mod explain;
pub mod figures;
pub mod intervals;
pub mod lineage;
pub mod mcnemar;
pub mod metrics;
mod outcome;
pub mod predictions;
pub mod report;
pub mod subgroups;

pub use error::EvalError;
pub use outcome::{Faceless, Outcome};
pub use predictions::{
    ClipPrediction, Encoded, EvaluateOptions, Part, Predictions, Progress, Scope, evaluate, evaluate_encoded,
    evaluate_scope,
};
pub use report::{Report, ReportOptions};
