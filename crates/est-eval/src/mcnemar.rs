//! Whether two models differ on the clips that both were scored on: McNemar's exact test.

use std::collections::BTreeMap;

use est_data::protocol::Selection;
use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::intervals::{BootstrapOptions, Interval, by_subject, percentiles, resamples};
use crate::outcome::Outcome;
use crate::predictions::{ClipPrediction, Predictions, Record};

/// One of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    pub model_id: String,
    /// Of each round, in its order.
    pub weights_sha256: Vec<String>,
    pub selection: Selection,
    /// On the shared clips, the faceless counted as wrong.
    pub war: f64,
}

/// Two models on shared clips.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub set: String,
    pub set_sha256: String,
    pub split: Option<String>,
    pub a: Side,
    pub b: Side,
    /// Clips that both were scored on.
    pub shared: usize,
    /// Clips that only one was scored on; they are left out.
    pub unshared: usize,
    /// Shared clips without a face: wrong for both.
    pub faceless: usize,
    pub both_right: u64,
    pub both_wrong: u64,
    pub only_a_right: u64,
    pub only_b_right: u64,
    /// Two-sided, of [`exact`].
    pub p: f64,
    /// WAR of a minus WAR of b, with its interval by a bootstrap over subjects.
    pub difference: f64,
    pub difference_interval: Option<Interval>,
    pub bootstrap: BootstrapOptions,
}

/// The two-sided p of McNemar's exact test: how probable it is, if a clip that only one model gets right is as likely
/// either's, that they share `b + c` such clips at least as unevenly as `b` to `c`. 1 where there is none.
pub fn exact(b: u64, c: u64) -> f64 {
    let n = b + c;
    // Of a binomial with n trials of 1/2, the probability of at most min(b, c), twice; in logarithms, as 2^-n underflows.
    let mut log_term = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = log_term.exp();
    for k in 1..=b.min(c) {
        log_term += ((n - k + 1) as f64 / k as f64).ln();
        tail += log_term.exp();
    }
    (2.0 * tail).min(1.0)
}

/// Compares the models of `a` and `b`, each the rounds of one evaluation.
///
/// # Errors
/// When they are of different sets, splits, parts or classes, or share no clip.
pub fn compare(a: &[Predictions], b: &[Predictions], bootstrap: &BootstrapOptions) -> Result<Comparison, EvalError> {
    let (first, second) = (record(a)?, record(b)?);
    same(first, second)?;
    let of_b: BTreeMap<&str, &ClipPrediction> = clips(b).map(|clip| (clip.clip.as_str(), clip)).collect();
    let pairs: Vec<(&ClipPrediction, &ClipPrediction)> =
        clips(a).filter_map(|clip| Some((clip, *of_b.get(clip.clip.as_str())?))).collect();
    if pairs.is_empty() {
        return Err(EvalError::Different("the two evaluations share no clip: nothing can be compared".to_string()));
    }
    let right = |clip: &ClipPrediction| clip.predicted() == Some(clip.label);
    let mut counts = [[0u64; 2]; 2];
    for (a, b) in &pairs {
        counts[usize::from(right(a))][usize::from(right(b))] += 1;
    }
    let [[both_wrong, only_b_right], [only_a_right, both_right]] = counts;
    let shared = pairs.len();
    let war = |right: u64| right as f64 / shared as f64;
    Ok(Comparison {
        set: first.set.name.clone(),
        set_sha256: first.set.sha256.clone(),
        split: first.split.as_ref().map(|split| split.name.clone()),
        a: side(a, first, war(both_right + only_a_right)),
        b: side(b, second, war(both_right + only_b_right)),
        shared,
        unshared: clips(a).count() + clips(b).count() - 2 * shared,
        faceless: pairs.iter().filter(|(a, _)| a.probabilities.is_none()).count(),
        both_right,
        both_wrong,
        only_a_right,
        only_b_right,
        p: exact(only_a_right, only_b_right),
        difference: war(both_right + only_a_right) - war(both_right + only_b_right),
        difference_interval: difference_interval(&pairs, bootstrap),
        bootstrap: *bootstrap,
    })
}

fn clips(rounds: &[Predictions]) -> impl Iterator<Item = &ClipPrediction> {
    rounds.iter().flat_map(|round| &round.clips)
}

fn record(rounds: &[Predictions]) -> Result<&Record, EvalError> {
    let first =
        rounds.first().ok_or_else(|| EvalError::Different("there are no predictions to compare".to_string()))?;
    Ok(&first.record)
}

fn side(rounds: &[Predictions], first: &Record, war: f64) -> Side {
    Side {
        model_id: first.model.id.clone(),
        weights_sha256: rounds.iter().map(|round| round.record.model.weights_sha256.clone()).collect(),
        selection: first.selection,
        war,
    }
}

fn same(a: &Record, b: &Record) -> Result<(), EvalError> {
    let different = |what: &str, a: &str, b: &str| {
        let text = format!("the predictions are of different {what} ({a}; {b}); evaluate both models on one");
        Err(EvalError::Different(text))
    };
    if a.set.sha256 != b.set.sha256 {
        let name =
            |record: &Record| format!("{} {}", record.set.name, &record.set.sha256[..12.min(record.set.sha256.len())]);
        return different("sets", &name(a), &name(b));
    }
    if a.split != b.split {
        let name = |record: &Record| record.split.as_ref().map_or("none".to_string(), |split| split.name.clone());
        return different("splits", &name(a), &name(b));
    }
    if a.part != b.part {
        return different("parts", &a.part.to_string(), &b.part.to_string());
    }
    if a.classes != b.classes {
        return different("classes", &a.classes.join(" "), &b.classes.join(" "));
    }
    Ok(())
}

fn difference_interval(pairs: &[(&ClipPrediction, &ClipPrediction)], options: &BootstrapOptions) -> Option<Interval> {
    // An outcome of "class" 1 + (right for a) - (right for b): its subjects are drawn as those of any other score.
    let right = |clip: &ClipPrediction| usize::from(clip.predicted() == Some(clip.label));
    let outcome = |(a, b): &(&ClipPrediction, &ClipPrediction)| Outcome {
        label: 1 + right(a) - right(b),
        predicted: None,
        subject: a.subject.clone(),
    };
    let outcomes: Vec<Outcome> = pairs.iter().map(outcome).collect();
    let clusters: Vec<(f64, f64)> = by_subject(&outcomes)
        .iter()
        .map(|cluster| {
            let sum: f64 = cluster.iter().map(|outcome| outcome.label as f64 - 1.0).sum();
            (sum, cluster.len() as f64)
        })
        .collect();
    let difference = |times: Vec<u64>| {
        let drawn = clusters.iter().zip(times).map(|(&(sum, clips), times)| (sum * times as f64, clips * times as f64));
        let (sum, clips) = drawn.fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
        sum / clips
    };
    percentiles(resamples(clusters.len(), options).map(difference).collect(), options.resamples, options.level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_is_scipys_binomial_test() {
        // scipy.stats.binomtest(b, b + c, 0.5).pvalue
        for (b, c, expected) in [
            (5, 15, 0.041_389_465_332_031_25),
            (3, 3, 1.0),
            (0, 10, 0.001_953_125),
            (120, 170, 0.003_933_336_512_825_17),
            (1, 2, 1.0),
            (0, 0, 1.0),
        ] {
            assert!((exact(b, c) - expected).abs() < 1e-12, "{b} {c}: {}", exact(b, c));
            assert_eq!(exact(b, c), exact(c, b));
        }
        assert!(exact(3000, 5000) > 0.0 && exact(3000, 5000) < 1e-100, "no underflow to a wrong answer");
    }
}
