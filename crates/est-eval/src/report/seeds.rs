//! The same evaluation under several seeds of the training: means and intervals.

use est_data::protocol::Selection;
use serde::{Deserialize, Serialize};

use super::Report;
use crate::error::EvalError;
use crate::intervals::{self, OverSeeds};
use crate::metrics::Metrics;

/// Scores over seeds. None where a score is undefined under one of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedScores {
    pub seeds: Vec<Option<u64>>,
    pub selection: Selection,
    pub war: Option<OverSeeds>,
    pub uar: Option<OverSeeds>,
    pub macro_f1: Option<OverSeeds>,
    pub kappa: Option<OverSeeds>,
}

/// The pooled scores of one report a seed.
///
/// # Errors
/// When there is no report, or they are of different sets, splits or selection protocols.
pub fn over_seeds(reports: &[Report]) -> Result<SeedScores, EvalError> {
    let Some(first) = reports.first() else {
        return Err(EvalError::Different("there are no reports to average".to_string()));
    };
    let (a, options) = (first.record(), &first.options);
    for report in reports {
        let b = report.record();
        let alike = a.set == b.set && a.split == b.split && a.part == b.part && a.selection == b.selection;
        if !alike || report.options.faceless != options.faceless || report.rounds.len() != first.rounds.len() {
            let text = "reports of different sets, splits, rounds or selection protocols cannot be averaged over seeds";
            return Err(EvalError::Different(text.to_string()));
        }
    }
    let over = |score: fn(&Metrics) -> Option<f64>| {
        let scores: Option<Vec<f64>> = reports.iter().map(|report| score(&report.pooled.metrics)).collect();
        intervals::over_seeds(&scores?)
    };
    Ok(SeedScores {
        seeds: reports.iter().map(|report| report.record().seed).collect(),
        selection: a.selection,
        war: over(|metrics| metrics.war),
        uar: over(|metrics| metrics.uar),
        macro_f1: over(|metrics| metrics.macro_f1),
        kappa: over(|metrics| metrics.kappa),
    })
}
