//! The weights that a command is given.

use std::path::Path;

use anyhow::anyhow;
use est::Model;

use crate::assets;
use crate::log::Log;

/// A weights file, or `random:SEED`, or without either the default weights; a warning where the model is untrained.
pub fn open(weights: Option<&str>, log: Log) -> anyhow::Result<Model> {
    let model = match weights.map(|weights| (weights, weights.strip_prefix("random:"))) {
        None => Model::open(&assets::weights()?)?,
        Some((weights, None)) => Model::open(Path::new(weights))?,
        Some((weights, Some(seed))) => {
            let seed = seed.parse().map_err(|_| anyhow!("--weights {weights}: the seed must be a whole number"))?;
            Model::random(seed)
        }
    };
    if !model.provenance.trained {
        log.warning("the model is untrained: its probabilities mean nothing; --weights FILE takes a trained one");
    }
    Ok(model)
}
