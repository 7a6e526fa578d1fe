//! The weights that a command is given.

use std::path::Path;

use anyhow::anyhow;
use est::Model;
use est_nets::Preprocessing;

use crate::log::Log;

/// A weights file, or `random:SEED`; a warning where the model is untrained.
pub fn open(weights: &str, log: Log) -> anyhow::Result<Model> {
    let model = match random(weights)? {
        None => Model::open(Path::new(weights))?,
        Some(seed) => Model::random(seed),
    };
    if !model.provenance.trained {
        log.warning("the model is untrained: its probabilities mean nothing; --weights FILE takes a trained one");
    }
    Ok(model)
}

/// How pictures are made for the model that [`open`] will give, known at once.
pub fn preprocessing(weights: &str) -> anyhow::Result<Preprocessing> {
    match random(weights)? {
        None => Ok(Model::preprocessing(Path::new(weights))?),
        Some(_) => Ok(Preprocessing::PAPER),
    }
}

/// The seed of `random:SEED`.
fn random(weights: &str) -> anyhow::Result<Option<u64>> {
    let seed = |seed: &str| seed.parse().map_err(|_| anyhow!("--weights {weights}: the seed must be a whole number"));
    weights.strip_prefix("random:").map(seed).transpose()
}
