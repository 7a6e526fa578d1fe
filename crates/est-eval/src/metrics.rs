//! Scores of the field, from a confusion matrix.
//!
//! Undefined scores are None, never 0 or NaN. A class without a clip has no recall and is left out of the means; a class
//! that is never said has no precision, and its F1 is 0.

use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// How often each class was taken for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// `[true class][class said]`
    pub counts: Vec<Vec<u64>>,
    /// Clips of each true class of which nothing was said: no face. They count as wrong.
    pub faceless: Vec<u64>,
}

/// Scores of one confusion matrix; shares are in [0, 1].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Clips scored.
    pub clips: u64,
    /// Clips of each class, the faceless included.
    pub support: Vec<u64>,
    /// Weighted average recall: the share of clips said rightly (accuracy).
    pub war: Option<f64>,
    /// Unweighted average recall: the mean of the recalls of the classes that have clips.
    pub uar: Option<f64>,
    /// The mean of the F1 of the classes that have clips.
    pub macro_f1: Option<f64>,
    /// Cohen's kappa: agreement beyond chance. None where chance alone would agree always.
    pub kappa: Option<f64>,
    pub recall: Vec<Option<f64>>,
    pub precision: Vec<Option<f64>>,
    pub f1: Vec<Option<f64>>,
}

impl Confusion {
    pub fn new(classes: usize) -> Self {
        Confusion { counts: vec![vec![0; classes]; classes], faceless: vec![0; classes] }
    }

    /// # Panics
    /// When a class is not below `classes`.
    pub fn of<'a>(classes: usize, outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let mut confusion = Confusion::new(classes);
        outcomes.into_iter().for_each(|outcome| confusion.add_times(outcome, 1));
        confusion
    }

    /// Counts one outcome `times` times.
    pub(crate) fn add_times(&mut self, outcome: &Outcome, times: u64) {
        match outcome.predicted {
            Some(predicted) => self.counts[outcome.label][predicted] += times,
            None => self.faceless[outcome.label] += times,
        }
    }

    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// Clips of each class.
    pub fn support(&self) -> Vec<u64> {
        self.counts.iter().zip(&self.faceless).map(|(row, faceless)| row.iter().sum::<u64>() + faceless).collect()
    }

    /// Clips of which each class was said.
    fn said(&self) -> Vec<u64> {
        (0..self.classes()).map(|class| self.counts.iter().map(|row| row[class]).sum()).collect()
    }

    pub fn metrics(&self) -> Metrics {
        let (support, said) = (self.support(), self.said());
        let right: Vec<u64> = (0..self.classes()).map(|class| self.counts[class][class]).collect();
        let clips: u64 = support.iter().sum();
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let per_class = |f: &dyn Fn(usize) -> Option<f64>| (0..self.classes()).map(f).collect::<Vec<_>>();
        let recall = per_class(&|class| share(right[class], support[class]));
        let precision = per_class(&|class| share(right[class], said[class]));
        // 2 / (1 / recall + 1 / precision), which is 0 where nothing is right.
        let f1 = per_class(&|class| {
            (support[class] > 0).then(|| 2.0 * right[class] as f64 / (support[class] + said[class]) as f64)
        });
        let mean = |values: &[Option<f64>]| {
            let defined: Vec<f64> = values.iter().flatten().copied().collect();
            (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
        };
        let war = share(right.iter().sum(), clips);
        let kappa = war.and_then(|agreed| {
            let squared = (clips as f64).powi(2);
            let chance = support.iter().zip(&said).map(|(&a, &b)| a as f64 * b as f64).sum::<f64>() / squared;
            (chance < 1.0).then(|| (agreed - chance) / (1.0 - chance))
        });
        Metrics { clips, war, uar: mean(&recall), macro_f1: mean(&f1), kappa, support, recall, precision, f1 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Fifteen clips of three classes; None is a clip without a face.
    pub fn fifteen() -> Vec<Outcome> {
        let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2];
        let said = [0, 0, 0, 1, 2, 3, 1, 1, 0, 1, 3, 2, 2, 0, 2];
        let outcome = |(label, said): (usize, usize)| Outcome {
            label,
            predicted: (said < 3).then_some(said),
            subject: Some(format!("s{}", label + said)),
        };
        labels.into_iter().zip(said).map(outcome).collect()
    }

    fn near(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value - expected).abs() < 1e-12)
    }

    #[test]
    fn scores_are_scikit_learns() {
        // scikit-learn 1.7: accuracy_score, recall_score, f1_score, cohen_kappa_score with "no face" as a fourth class
        // said, macro over the three true classes.
        let metrics = Confusion::of(3, &fifteen()).metrics();
        assert_eq!((metrics.clips, metrics.support.as_slice()), (15, [6, 5, 4].as_slice()));
        assert!(near(metrics.war, 0.6) && near(metrics.uar, 0.616_666_666_666_666_7), "{metrics:?}");
        assert!(near(metrics.macro_f1, 0.654_040_404_040_404) && near(metrics.kappa, 0.433_962_264_150_943_4));
        for (found, expected) in [
            (&metrics.recall, [0.5, 0.6, 0.75]),
            (&metrics.precision, [0.6, 0.75, 0.75]),
            (&metrics.f1, [6.0 / 11.0, 2.0 / 3.0, 0.75]),
        ] {
            assert!(found.iter().zip(expected).all(|(&found, expected)| near(found, expected)), "{found:?}");
        }
        // Without the two faceless clips: the same functions, balanced_accuracy_score.
        let with_faces: Vec<Outcome> = fifteen().into_iter().filter(|outcome| outcome.predicted.is_some()).collect();
        let metrics = Confusion::of(3, &with_faces).metrics();
        assert!(near(metrics.war, 0.692_307_692_307_692_3) && near(metrics.uar, 0.7), "{metrics:?}");
        assert!(near(metrics.macro_f1, 0.7) && near(metrics.kappa, 0.535_714_285_714_285_8), "{metrics:?}");
    }

    #[test]
    fn what_is_undefined_is_none() {
        let none = Confusion::new(2).metrics();
        assert_eq!((none.war, none.uar, none.macro_f1, none.kappa), (None, None, None, None));
        // One class, always said: chance agrees always. The other has no clip and is in no mean.
        let one = [Outcome { label: 1, predicted: Some(1), subject: None }];
        let one = Confusion::of(2, &one).metrics();
        assert_eq!((one.war, one.uar, one.macro_f1, one.kappa), (Some(1.0), Some(1.0), Some(1.0), None));
        assert_eq!((&one.recall[0], &one.precision[0], &one.f1[0]), (&None, &None, &None));
        // A class that is never said has an F1 of 0, and no precision.
        let never = [Outcome { label: 0, predicted: Some(1), subject: None }];
        let never = Confusion::of(2, &never).metrics();
        assert_eq!((never.precision[0], never.f1[0], never.uar), (None, Some(0.0), Some(0.0)));
    }

    fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
        let outcome = (0..4usize, proptest::option::of(0..4usize));
        let outcome = outcome.prop_map(|(label, predicted)| Outcome { label, predicted, subject: None });
        proptest::collection::vec(outcome, 1..60)
    }

    proptest! {
        #[test]
        fn laws(outcomes in outcomes()) {
            let metrics = Confusion::of(4, &outcomes).metrics();
            let right = outcomes.iter().filter(|outcome| outcome.predicted == Some(outcome.label)).count();
            prop_assert!(near(metrics.war, right as f64 / outcomes.len() as f64));
            for score in [metrics.uar, metrics.macro_f1] {
                prop_assert!((0.0..=1.0).contains(&score.unwrap()));
            }
            prop_assert!(metrics.kappa.is_none_or(|kappa| (-1.0..=1.0).contains(&kappa)));
            // Scores do not know the classes' names.
            let renamed: Vec<Outcome> = outcomes.iter().map(|outcome| Outcome {
                label: 3 - outcome.label, predicted: outcome.predicted.map(|class| 3 - class), subject: None,
            }).collect();
            let renamed = Confusion::of(4, &renamed).metrics();
            prop_assert!((renamed.uar.unwrap() - metrics.uar.unwrap()).abs() < 1e-12);
            prop_assert!((renamed.macro_f1.unwrap() - metrics.macro_f1.unwrap()).abs() < 1e-12);
        }
    }
}
