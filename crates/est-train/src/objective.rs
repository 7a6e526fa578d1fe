//! What training makes small.

use est_nets::{Graph, Init, Network};
use serde::{Deserialize, Serialize};

/// `CE(class) + order_weight * CE(order)`, and what `terms` add: softmax cross-entropies, each the mean over the batch (SPEC section 3;
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
    /// Further terms, each of any output or node of the network.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<Term>,
}

/// A further term: `weight` times a loss of `output`, an output or node of the network with one row a clip (in the stage
/// `frames`, one a frame). x_i is row i, y_i its class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Term {
    /// Softmax cross-entropy of the logits [C] of another head, mean over the batch.
    CrossEntropy { output: String, weight: f64 },
    /// Large within a class and small between classes is what EC-STFL (DFEW's baseline) punishes: with the L1 distances d_ij
    /// of a batch of B, A_i the mean of d_ij over the rows of i's class (itself among them) and R_i the sum of
    /// 1 / (d_ij + 1e-6) over the n others, divided by n + 1 + 1e-6, it is the mean of A_i R_i over i, divided by B.
    Compactness { output: String, weight: f64 },
    /// Centre loss (Wen et al., ECCV 2016): half the squared distance of x_i to the centre of its class, mean over the batch.
    /// The centres are trained with the network, by the same optimiser, and stay in the checkpoint.
    Centre { output: String, weight: f64 },
    /// Supervised contrastive loss (Khosla et al., NeurIPS 2020, Eq. 2) of the rows at length 1: the mean over a row's partners
    /// of its class of -log softmax of their products over `temperature`, mean over the rows that have partners.
    Contrastive { output: String, weight: f64, temperature: f64 },
}

impl Term {
    pub(crate) fn output(&self) -> &str {
        match self {
            Term::CrossEntropy { output, .. }
            | Term::Compactness { output, .. }
            | Term::Centre { output, .. }
            | Term::Contrastive { output, .. } => output,
        }
    }

    pub(crate) fn weight(&self) -> f64 {
        match *self {
            Term::CrossEntropy { weight, .. }
            | Term::Compactness { weight, .. }
            | Term::Centre { weight, .. }
            | Term::Contrastive { weight, .. } => weight,
        }
    }

    /// As logs call it: `compactness.emotion`.
    pub(crate) fn name(&self) -> String {
        let kind = match self {
            Term::CrossEntropy { .. } => "cross-entropy",
            Term::Compactness { .. } => "compactness",
            Term::Centre { .. } => "centre",
            Term::Contrastive { .. } => "contrastive",
        };
        format!("{kind}.{}", self.output())
    }

    /// The node with the centres of the classes, [C, d]; its tensor is `objective.centre.OUTPUT.weight`.
    pub(crate) fn centres(&self) -> Option<String> {
        matches!(self, Term::Centre { .. }).then(|| format!("objective.centre.{}", self.output()))
    }

    fn problem(&self) -> Option<String> {
        let (name, weight) = (self.name(), self.weight());
        if !(weight >= 0.0 && weight.is_finite()) {
            return Some(format!("objective.terms: the weight of {name} is {weight}"));
        }
        match *self {
            Term::Contrastive { temperature, .. } if !(temperature > 0.0 && temperature.is_finite()) => {
                Some(format!("objective.terms: the temperature of {name} is {temperature}, no positive number"))
            }
            _ => None,
        }
    }
}

impl Objective {
    /// SPEC section 3, row "loss".
    pub const PAPER: Objective = Objective {
        order_weight: 1.0 / 7.0,
        label_smoothing: 0.0,
        balance_classes: false,
        class_weights: vec![],
        terms: vec![],
    };

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
        let order = (!(self.order_weight >= 0.0 && self.order_weight.is_finite()))
            .then(|| format!("objective.order_weight is {}", self.order_weight));
        order.or_else(|| self.terms.iter().find_map(Term::problem))
    }

    /// The outputs that the further terms read.
    pub(crate) fn outputs(&self) -> Vec<&str> {
        let mut outputs: Vec<&str> = self.terms.iter().map(Term::output).collect();
        outputs.sort_unstable();
        outputs.dedup();
        outputs
    }

    /// Adds what the terms learn to the graph that is trained, as outputs of their names.
    ///
    /// # Errors
    /// A term of an output that has more rows than one a clip, or is none of logits where logits are asked for: in words.
    pub(crate) fn extend(&self, graph: &mut Graph, network: &Network) -> Result<(), String> {
        for term in &self.terms {
            let output =
                graph.outputs().iter().find(|(name, _)| name == term.output()).expect("the graph was cut to it");
            let shape = graph.node(output.1).shape.clone();
            let (name, width) = (term.name(), shape.item.iter().product::<usize>());
            if shape.repeat != 1 {
                return Err(format!("objective.terms: {name} has {} rows a clip; a term takes one", shape.repeat));
            }
            if matches!(term, Term::CrossEntropy { .. }) && width != network.classes() {
                return Err(format!("objective.terms: {name} has {width} numbers for {} classes", network.classes()));
            }
            if let Some(centres) = term.centres() {
                // Zeros are as far from every class, and the first steps move them.
                let id = graph.parameter(&centres, &[network.classes(), width], Init::Zeros);
                graph.output(&centres, id);
            }
        }
        Ok(())
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
