//! What training makes small.

use serde::{Deserialize, Serialize};

/// `CE(class) + order_weight * CE(order)`: softmax cross-entropies, each the mean over the batch (SPEC section 3;
/// Eqs. 5-7 of the paper print the one-vs-all form). With class weights w, the class term is the weighted mean, sum of
/// w_y CE over sum of w_y.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Objective {
    /// Of the SSOP head's term.
    pub order_weight: f64,
    /// Probability that the class target gives away, evenly to all classes.
    pub label_smoothing: f64,
    /// Weigh each class by the inverse of its clips in the training part, scaled to 1 on average over the clips.
    pub balance_classes: bool,
    /// The weights that come of it, in the order of the classes; empty: all 1.
    #[serde(skip)]
    pub class_weights: Vec<f32>,
}

impl Objective {
    /// SPEC section 3, row "loss".
    pub const PAPER: Objective =
        Objective { order_weight: 1.0 / 7.0, label_smoothing: 0.0, balance_classes: false, class_weights: vec![] };

    /// With the weights that `counts`, training clips by class, ask for.
    ///
    /// # Panics
    /// When a class is empty: the split's check comes first.
    pub fn for_counts(&self, counts: &[usize]) -> Self {
        assert!(counts.iter().all(|&count| count > 0), "an empty class");
        let clips = counts.iter().sum::<usize>() as f32;
        let weight = |&count: &usize| clips / (counts.len() * count) as f32;
        let class_weights = if self.balance_classes { counts.iter().map(weight).collect() } else { vec![] };
        Objective { class_weights, ..self.clone() }
    }

    pub(crate) fn problem(&self) -> Option<String> {
        let share = 0.0..1.0;
        if !share.contains(&self.label_smoothing) {
            return Some(format!("objective.label_smoothing is {}, not from 0 to below 1", self.label_smoothing));
        }
        (!(self.order_weight >= 0.0 && self.order_weight.is_finite()))
            .then(|| format!("objective.order_weight is {}", self.order_weight))
    }
}

impl Default for Objective {
    fn default() -> Self {
        Objective::PAPER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_classes_weigh_more() {
        let balanced = Objective { balance_classes: true, ..Objective::PAPER }.for_counts(&[10, 30]);
        assert_eq!(balanced.class_weights, [2.0, 2.0 / 3.0]);
        assert!(Objective::PAPER.for_counts(&[10, 30]).class_weights.is_empty());
    }
}
