//! How sure a score is: a bootstrap over subjects for one model, a t interval for several seeds.

use std::collections::BTreeMap;

use est_nets::Noise;
use serde::{Deserialize, Serialize};

use crate::metrics::{Confusion, Metrics};
use crate::outcome::Outcome;

/// How the bootstrap is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BootstrapOptions {
    /// B, samples drawn.
    pub resamples: usize,
    /// Share of the samples inside the interval: 0.95.
    pub level: f64,
    pub seed: u64,
}

impl Default for BootstrapOptions {
    fn default() -> Self {
        BootstrapOptions { resamples: 2000, level: 0.95, seed: 1 }
    }
}

/// From `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// Intervals of the scores of one set of outcomes. None where the score is undefined in more than half of the samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreIntervals {
    pub war: Option<Interval>,
    pub uar: Option<Interval>,
    pub macro_f1: Option<Interval>,
    pub kappa: Option<Interval>,
    /// Subjects that were drawn from; a clip of unknown subject counts as a subject of its own.
    pub subjects: usize,
}

/// Percentile bootstrap over subjects (clusters): as many subjects as there are, drawn with replacement, each with all
/// its clips, B times. A function of the outcomes, in any order, and the options.
pub fn bootstrap(classes: usize, outcomes: &[Outcome], options: &BootstrapOptions) -> ScoreIntervals {
    let clusters = by_subject(outcomes);
    let samples: Vec<Metrics> = resamples(clusters.len(), options)
        .map(|times| {
            let mut sample = Confusion::new(classes);
            for (cluster, times) in clusters.iter().zip(times).filter(|(_, times)| *times > 0) {
                cluster.iter().for_each(|outcome| sample.add_times(outcome, times));
            }
            sample.metrics()
        })
        .collect();
    let interval = |score: fn(&Metrics) -> Option<f64>| {
        percentiles(samples.iter().filter_map(score).collect(), options.resamples, options.level)
    };
    ScoreIntervals {
        war: interval(|metrics| metrics.war),
        uar: interval(|metrics| metrics.uar),
        macro_f1: interval(|metrics| metrics.macro_f1),
        kappa: interval(|metrics| metrics.kappa),
        subjects: clusters.len(),
    }
}

/// Outcomes of each subject; each outcome of unknown subject on its own.
pub(crate) fn by_subject(outcomes: &[Outcome]) -> Vec<Vec<&Outcome>> {
    let mut subjects: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    let mut alone = vec![];
    for outcome in outcomes {
        match &outcome.subject {
            Some(subject) => subjects.entry(subject).or_default().push(outcome),
            None => alone.push(vec![outcome]),
        }
    }
    // An order that does not depend on that of the outcomes: subjects by name, then alike ones side by side.
    alone.sort_by_key(|one| (one[0].label, one[0].predicted));
    subjects.into_values().chain(alone).collect()
}

/// For each of B samples, how often each of `clusters` is drawn.
pub(crate) fn resamples(clusters: usize, options: &BootstrapOptions) -> impl Iterator<Item = Vec<u64>> {
    let noise = Noise::new(options.seed, "bootstrap");
    (0..options.resamples).map(move |sample| {
        let mut times = vec![0; clusters];
        for draw in 0..clusters {
            let at = noise.unit((sample * clusters + draw) as u64);
            times[(at * clusters as f64) as usize] += 1;
        }
        times
    })
}

/// The interval that holds `level` of `values`, by linear interpolation between order statistics (NumPy's default).
pub(crate) fn percentiles(mut values: Vec<f64>, drawn: usize, level: f64) -> Option<Interval> {
    if values.is_empty() || values.len() * 2 < drawn {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (values.len() - 1) as f64;
        let (low, high) = (place.floor() as usize, place.ceil() as usize);
        values[low] + (values[high] - values[low]) * (place - low as f64)
    };
    let outside = (1.0 - level) / 2.0;
    Some(Interval { low: at(outside), high: at(1.0 - outside) })
}

/// The mean of several seeds' scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverSeeds {
    pub seeds: usize,
    pub mean: f64,
    /// Sample standard deviation; None for one seed.
    pub deviation: Option<f64>,
    /// 95 % interval of the mean by Student's t; None for one seed.
    pub interval: Option<Interval>,
}

/// 0.975 quantiles of Student's t with 1, 2, .. 30 degrees of freedom (scipy.stats.t.ppf).
const T_975: [f64; 30] = [
    12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157, 2.228_139,
    2.200_985, 2.178_813, 2.160_369, 2.144_787, 2.131_450, 2.119_905, 2.109_816, 2.100_922, 2.093_024, 2.085_963,
    2.079_614, 2.073_873, 2.068_658, 2.063_899, 2.059_539, 2.055_529, 2.051_831, 2.048_407, 2.045_230, 2.042_272,
];

/// Mean, deviation and interval of one score over seeds. None for no scores. Above 31 seeds the interval is that of 31:
/// a little too wide.
pub fn over_seeds(scores: &[f64]) -> Option<OverSeeds> {
    let seeds = scores.len();
    let mean = (seeds > 0).then(|| scores.iter().sum::<f64>() / seeds as f64)?;
    let deviation = (seeds > 1).then(|| {
        let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
        (squares / (seeds - 1) as f64).sqrt()
    });
    let interval = deviation.map(|deviation| {
        let reach = T_975[(seeds - 2).min(T_975.len() - 1)] * deviation / (seeds as f64).sqrt();
        Interval { low: mean - reach, high: mean + reach }
    });
    Some(OverSeeds { seeds, mean, deviation, interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `subjects` subjects of `clips` clips of two classes; a subject is right in all or in none.
    fn outcomes(subjects: usize, clips: usize) -> Vec<Outcome> {
        let outcome = |k: usize| {
            let (subject, label) = (k / clips, k % 2);
            let predicted = if subject % 2 == 0 { label } else { 1 - label };
            Outcome { label, predicted: Some(predicted), subject: Some(format!("s{subject:03}")) }
        };
        (0..subjects * clips).map(outcome).collect()
    }

    #[test]
    fn clips_of_one_subject_are_one_draw() {
        let options = BootstrapOptions::default();
        // 40 subjects, half of them right: the standard error of the share is sqrt(0.25 / 40) = 0.079 whatever the number
        // of clips, so the interval is 0.5 +- 0.155.
        for clips in [2, 30] {
            let outcomes = outcomes(40, clips);
            let intervals = bootstrap(2, &outcomes, &options);
            let war = intervals.war.unwrap();
            assert!((war.low - 0.345).abs() < 0.03 && (war.high - 0.655).abs() < 0.03, "{war:?}");
            assert_eq!(intervals.subjects, 40);
        }
        // Without subjects every clip is a draw: 0.5 +- 1.96 sqrt(0.25 / 1200) = 0.028.
        let alone: Vec<Outcome> =
            outcomes(40, 30).into_iter().map(|outcome| Outcome { subject: None, ..outcome }).collect();
        let war = bootstrap(2, &alone, &options).war.unwrap();
        assert!((war.low - 0.472).abs() < 0.01 && (war.high - 0.528).abs() < 0.01, "{war:?}");
    }

    #[test]
    fn a_function_of_outcomes_and_seed() {
        let outcomes = outcomes(9, 3);
        let options = BootstrapOptions { resamples: 200, ..BootstrapOptions::default() };
        let first = bootstrap(2, &outcomes, &options);
        let mut turned = outcomes.clone();
        turned.reverse();
        assert_eq!(bootstrap(2, &turned, &options), first);
        let draws = |seed: u64| resamples(9, &BootstrapOptions { seed, ..options }).collect::<Vec<_>>();
        assert_ne!(draws(1), draws(2));
        assert!(draws(1).iter().all(|times| times.iter().sum::<u64>() == 9));
        assert_eq!(bootstrap(2, &[], &options).war, None);
    }

    #[test]
    fn percentiles_are_numpys() {
        // numpy.percentile([3, 1, 4, 1, 5, 9, 2, 6], [2.5, 97.5])
        let found = percentiles(vec![3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0], 8, 0.95).unwrap();
        assert!((found.low - 1.0).abs() < 1e-12 && (found.high - 8.475).abs() < 1e-12, "{found:?}");
        assert_eq!(percentiles(vec![1.0], 3, 0.95), None, "undefined in most of the samples");
    }

    #[test]
    fn several_seeds_have_a_t_interval() {
        // scipy.stats.t.interval(0.95, 2, loc = 0.61, scale = 0.03 / sqrt(3))
        let seeds = over_seeds(&[0.61, 0.64, 0.58]).unwrap();
        let interval = seeds.interval.unwrap();
        assert!((seeds.mean - 0.61).abs() < 1e-12 && (seeds.deviation.unwrap() - 0.03).abs() < 1e-12);
        assert!((interval.low - 0.535_475_868).abs() < 1e-6 && (interval.high - 0.684_524_131).abs() < 1e-6);
        assert_eq!(over_seeds(&[0.5]).unwrap().interval, None);
        assert_eq!(over_seeds(&[]), None);
    }
}
