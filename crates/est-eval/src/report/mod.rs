//! The scores of one or several rounds, with everything that they depend on.

mod check;
mod markdown;
mod seeds;
#[cfg(test)]
mod tests;
mod variants;
mod write;

use serde::{Deserialize, Serialize};

use crate::calibration::{BINS, Calibration, calibration};
use crate::error::EvalError;
use crate::intervals::{BootstrapOptions, ScoreIntervals, bootstrap};
use crate::metrics::{Confusion, Metrics};
use crate::outcome::{Faceless, Outcome};
use crate::predictions::{Predictions, Record};
use crate::subgroups::{Attributes, MINIMUM, Subgroups, subgroups};

pub use seeds::{SeedScores, over_seeds};
pub use variants::{SeedRow, Variant, Variants};
pub use write::PREDICTIONS;

/// How predictions become scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportOptions {
    pub faceless: Faceless,
    pub bootstrap: BootstrapOptions,
    /// Of the calibration.
    pub bins: usize,
    /// Classes of the set may be without a clip; they are left out of UAR and macro F1.
    pub allow_empty_classes: bool,
    /// Subgroups below this many clips are not scored.
    pub subgroup_minimum: usize,
}

impl Default for ReportOptions {
    fn default() -> Self {
        ReportOptions {
            faceless: Faceless::default(),
            bootstrap: BootstrapOptions::default(),
            bins: BINS,
            allow_empty_classes: false,
            subgroup_minimum: MINIMUM,
        }
    }
}

/// One round's scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    #[serde(flatten)]
    pub record: Record,
    /// Clips without a face, counted or left out as the options say.
    pub faceless: usize,
    pub metrics: Metrics,
    pub confusion: Confusion,
}

/// The scores of all rounds' clips together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pooled {
    pub faceless: usize,
    pub metrics: Metrics,
    pub intervals: ScoreIntervals,
    pub confusion: Confusion,
    /// Of the clips with a face; None where there is none.
    pub calibration: Option<Calibration>,
}

/// Mean and sample deviation of the rounds' scores, as papers print them. Rounds share training clips, so this is no
/// interval: [`Pooled::intervals`] is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OverRounds {
    pub mean: f64,
    pub deviation: f64,
}

/// Scores with everything that they depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub est_version: String,
    pub notice: String,
    pub options: ReportOptions,
    pub classes: Vec<String>,
    pub pooled: Pooled,
    /// WAR and UAR of several rounds.
    pub war_over_rounds: Option<OverRounds>,
    pub uar_over_rounds: Option<OverRounds>,
    pub subgroups: Option<Subgroups>,
    pub rounds: Vec<Round>,
    #[serde(skip)]
    predictions: Vec<Predictions>,
}

impl Report {
    /// Scores each round and all of them together.
    ///
    /// # Errors
    /// No rounds; rounds of different sets, splits, classes or selection protocols; a round or a clip that comes twice; a
    /// class without a clip, unless the options allow it.
    pub fn pooled(predictions: Vec<Predictions>, options: ReportOptions) -> Result<Report, EvalError> {
        let first = check::alike(&predictions)?.clone();
        let classes = first.classes.len();
        let rounds: Vec<Round> = predictions
            .iter()
            .map(|round| {
                let confusion = Confusion::of(classes, &Outcome::of(&round.clips, options.faceless));
                let (record, faceless) = (round.record.clone(), round.faceless());
                Round { record, faceless, metrics: confusion.metrics(), confusion }
            })
            .collect();
        let clips = || predictions.iter().flat_map(|round| &round.clips);
        let outcomes = Outcome::of(clips(), options.faceless);
        let confusion = Confusion::of(classes, &outcomes);
        let metrics = confusion.metrics();
        if !options.allow_empty_classes {
            check::no_empty_class(&first, &metrics)?;
        }
        let pooled = Pooled {
            faceless: rounds.iter().map(|round| round.faceless).sum(),
            metrics,
            intervals: bootstrap(classes, &outcomes, &options.bootstrap),
            confusion,
            calibration: calibration(clips(), options.bins),
        };
        Ok(Report {
            est_version: env!("CARGO_PKG_VERSION").to_string(),
            notice: est::report::RunRecord::NOTICE.to_string(),
            options,
            classes: first.classes,
            pooled,
            war_over_rounds: over_rounds(&rounds, |metrics| metrics.war),
            uar_over_rounds: over_rounds(&rounds, |metrics| metrics.uar),
            subgroups: None,
            rounds,
            predictions,
        })
    }

    /// With scores of the groups that `attributes` name.
    #[must_use]
    pub fn with_subgroups(mut self, attributes: &Attributes) -> Report {
        let clips: Vec<_> = self.predictions.iter().flat_map(|round| &round.clips).collect();
        let ReportOptions { faceless, bootstrap, subgroup_minimum, .. } = &self.options;
        let groups = subgroups(attributes, self.classes.len(), &clips, *faceless, bootstrap, *subgroup_minimum);
        self.subgroups = Some(groups);
        self
    }

    /// The predictions that were scored.
    pub fn predictions(&self) -> &[Predictions] {
        &self.predictions
    }

    /// What all rounds have in common.
    pub fn record(&self) -> &Record {
        &self.rounds[0].record
    }
}

fn over_rounds(rounds: &[Round], score: fn(&Metrics) -> Option<f64>) -> Option<OverRounds> {
    let scores: Vec<f64> = rounds.iter().filter_map(|round| score(&round.metrics)).collect();
    let over = crate::intervals::over_seeds(&scores)?;
    Some(OverRounds { mean: over.mean, deviation: over.deviation? })
}
