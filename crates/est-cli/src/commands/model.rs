//! The weights that a command is given.

use anyhow::bail;
use est::{Model, Weights};

use crate::log::Log;

/// What `--weights` names: a weights file, or `random:SEED`; without it the default weights.
pub fn which(weights: Option<&str>) -> anyhow::Result<Weights> {
    let Some(weights) = weights else { return Ok(Weights::Installed) };
    match weights.strip_prefix("random:").map(str::parse) {
        None => Ok(Weights::File(weights.into())),
        Some(Ok(seed)) => Ok(Weights::Untrained(seed)),
        Some(Err(_)) => bail!("--weights {weights}: the seed must be a whole number"),
    }
}

/// The model in them; a warning where it is untrained.
pub fn open(weights: Option<&str>, log: Log) -> anyhow::Result<Model> {
    let model = which(weights)?.open()?;
    warn_untrained(model.provenance.trained, log);
    Ok(model)
}

pub fn warn_untrained(trained: bool, log: Log) {
    if !trained {
        log.warning("the model is untrained: its probabilities mean nothing; --weights FILE takes a trained one");
    }
}
