//! The weights that a command is given.

use std::path::PathBuf;

use anyhow::bail;
use est::Model;
use est_nets::Preprocessing;

use crate::assets;
use crate::log::Log;

/// A weights file, or `random:SEED`, or without either the default weights; a warning where the model is untrained.
pub fn open(weights: Option<&str>, log: Log) -> anyhow::Result<Model> {
    let model = match which(weights)? {
        Which::File(path) => Model::open(&path)?,
        Which::Random(seed) => Model::random(seed),
    };
    if !model.provenance.trained {
        log.warning("the model is untrained: its probabilities mean nothing; --weights FILE takes a trained one");
    }
    Ok(model)
}

/// How pictures are made for the model that [`open`] will give, known at once.
pub fn preprocessing(weights: Option<&str>) -> anyhow::Result<Preprocessing> {
    match which(weights)? {
        Which::File(path) => Ok(Model::preprocessing(&path)?),
        Which::Random(_) => Ok(Preprocessing::PAPER),
    }
}

enum Which {
    File(PathBuf),
    Random(u64),
}

fn which(weights: Option<&str>) -> anyhow::Result<Which> {
    let Some(weights) = weights else { return Ok(Which::File(assets::weights()?)) };
    match weights.strip_prefix("random:").map(str::parse) {
        None => Ok(Which::File(weights.into())),
        Some(Ok(seed)) => Ok(Which::Random(seed)),
        Some(Err(_)) => bail!("--weights {weights}: the seed must be a whole number"),
    }
}
