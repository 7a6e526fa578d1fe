//! The network in evaluation mode on clips that it does not train on, by test sampling.

use std::path::Path;

use est_nets::{Clips, Network};

use crate::augment::Change;
use crate::autodiff::Learner;
use crate::config::{Stage, TrainConfig};
use crate::corpus::{Corpus, Frames};
use crate::error::TrainError;

/// Share of right clips, mean of the recalls of the classes that occur, mean cross-entropy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Validation {
    pub war: f64,
    pub uar: f64,
    pub loss: f64,
}

/// Reads `clips` one window each.
///
/// # Errors
/// When a clip cannot be read.
pub(crate) fn validate(
    learner: &Learner,
    config: &TrainConfig,
    network: &Network,
    corpus: &Corpus,
    clips: &[usize],
) -> Result<Validation, TrainError> {
    let places = est::test_places(config.sampling, network.layout())
        .map_err(|problem| TrainError::input(Path::new("config.toml"), problem))?;
    // Of single frames, the snippet in the middle.
    let [snippets, frames] = network.layout();
    let places = match config.stage {
        Stage::Frames => &places[snippets / 2 * frames..][..frames],
        Stage::Clips | Stage::Frozen => &places[..],
    };
    let classes = network.classes();
    let mut tally = Tally { right: vec![0; classes], all: vec![0; classes], loss: 0.0 };
    for clips in clips.chunks(config.optimiser.batch) {
        let mut read = Frames::default();
        for &clip in clips {
            read.add(corpus.frames(clip, places, &Change::default())?);
        }
        let count = match config.stage {
            Stage::Frames => clips.len() * places.len(),
            Stage::Clips | Stage::Frozen => clips.len(),
        };
        let given = Clips { count, frames: read.values(), order: None };
        let inputs = given.feed(learner.graph()).expect("a clip gives what its network takes");
        let logits = learner.evaluate(count, &inputs, &["class_logits"])?.swap_remove(0);
        for (&clip, logits) in clips.iter().zip(logits.chunks(logits.len() / clips.len())) {
            tally.add(&mean_rows(logits, classes), corpus.label(clip));
        }
    }
    Ok(tally.result())
}

fn mean_rows(rows: &[f32], width: usize) -> Vec<f64> {
    let count = (rows.len() / width) as f64;
    (0..width).map(|i| rows[i..].iter().step_by(width).map(|&x| f64::from(x)).sum::<f64>() / count).collect()
}

struct Tally {
    /// By class.
    right: Vec<usize>,
    all: Vec<usize>,
    loss: f64,
}

impl Tally {
    fn add(&mut self, logits: &[f64], label: usize) {
        let best = est::largest(logits);
        let largest = logits[best];
        let sum: f64 = logits.iter().map(|x| (x - largest).exp()).sum();
        self.loss += sum.ln() + largest - logits[label];
        self.all[label] += 1;
        self.right[label] += usize::from(best == label);
    }

    fn result(&self) -> Validation {
        let clips = self.all.iter().sum::<usize>() as f64;
        let occurring = || self.all.iter().zip(&self.right).filter(|(all, _)| **all > 0);
        let recalls: f64 = occurring().map(|(&all, &right)| right as f64 / all as f64).sum();
        Validation {
            war: self.right.iter().sum::<usize>() as f64 / clips,
            uar: recalls / occurring().count() as f64,
            loss: self.loss / clips,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_what_they_are_called() {
        let mut tally = Tally { right: vec![0; 3], all: vec![0; 3], loss: 0.0 };
        tally.add(&[1.0, 0.0, 0.0], 0);
        tally.add(&[1.0, 0.0, 0.0], 0);
        tally.add(&[1.0, 0.0, 0.0], 1);
        tally.add(&[0.0, 2.0, 0.0], 1);
        let Validation { war, uar, loss } = tally.result();
        assert_eq!((war, uar), (0.75, 0.75));
        let e = std::f64::consts::E;
        let expected = (3.0 * (e + 2.0).ln() - 2.0 + (e * e + 2.0).ln() - 2.0) / 4.0;
        assert!((loss - expected).abs() < 1e-12);
        assert_eq!(mean_rows(&[1.0, 2.0, 3.0, 6.0], 2), [2.0, 4.0]);
    }
}
