//! Which graph a stage trains, what it begins with, and the weights file that comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use est::Model;
use est_nets::weights::{self, Provenance, Wanted};
use est_nets::{Graph, Network, Preprocessing, Tensor, random_weights};
use serde_json::json;

use crate::config::{Stage, TrainConfig};
use crate::corpus::Corpus;
use crate::error::TrainError;

/// The whole network of a run.
pub(crate) fn network(config: &TrainConfig, corpus: &Corpus) -> Network {
    let mut network = config.network.clone();
    network.set_classes(corpus.set().record().classes.len());
    network.set_size(corpus.size());
    network
}

/// What a stage trains of it: a part of its graph that ends in `class_logits`, where there is one `order_logits`, and what the
/// objective's terms read and learn.
///
/// # Errors
/// An output that the part does not have, or that a term cannot take: in words.
///
/// # Panics
/// When a stage needs a frame encoder and there is none: the config is checked.
pub(crate) fn graph(config: &TrainConfig, network: &Network) -> Result<Graph, String> {
    let more = config.objective.outputs();
    let part = match config.stage {
        Stage::Clips => Some(network.training(&more)),
        Stage::Frozen => network.training_behind_encoder(&more),
        Stage::Frames => network.frame_classifier(&more),
    };
    let part = part.expect("the stages of single frames have a frame encoder");
    let mut graph = part.map_err(|error| format!("objective.terms: {error}"))?;
    config.objective.extend(&mut graph, network)?;
    Ok(graph)
}

/// The weights that a run begins with: random ones, and those of `config.initial` that fit.
///
/// # Errors
/// When the file cannot be read, or lacks a tensor of the network's trunk or has one of another shape.
pub(crate) fn initial(
    config: &TrainConfig,
    graph: &Graph,
    network: &Network,
) -> Result<BTreeMap<String, Tensor>, TrainError> {
    let whole = network.graph();
    let mut tensors = random_weights(&whole, config.seed);
    // The classifier of single frames is no part of the network.
    let beside = random_weights(graph, config.seed).into_iter().filter(|(name, _)| !tensors.contains_key(name));
    let beside: Vec<_> = beside.collect();
    tensors.extend(beside);
    let Some(path) = &config.initial else { return Ok(tensors) };
    let given = with_trunk(path, config.initial_prefix.as_deref(), network)?.into_iter();
    let fitting: BTreeMap<_, _> =
        given.filter(|(name, tensor)| tensors.get(name).is_some_and(|own| own.shape == tensor.shape)).collect();
    tensors.extend(fitting);
    Ok(tensors)
}

/// The tensors of a weights file, of any format, that holds the trunk of `network` (its frame encoder, or all but the layer
/// of the classes); those of its other parts and of a classifier of single frames, where there are any.
///
/// # Errors
/// When the file cannot be read, holds no such trunk or several, or has one with values that are no numbers.
pub(crate) fn with_trunk(
    path: &Path,
    prefix: Option<&str>,
    network: &Network,
) -> Result<BTreeMap<String, Tensor>, TrainError> {
    let part = if network.encoder().is_some() { "frame encoder of" } else { "network" };
    let what = format!("{part} `{}`, which `initial` must hold", network.name());
    let rest = network.graph().parameters().into_iter().map(|spec| spec.name);
    let wanted = Wanted::network(&what, &network.trunk()).and(rest.chain(["fc.weight", "fc.bias"].map(String::from)));
    Ok(weights::load(path, &wanted, prefix)?.tensors)
}

/// Writes what prediction needs: `tensors` over `base`, the tensors that the run began with.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_weights(
    path: &Path,
    config: &TrainConfig,
    corpus: &Corpus,
    base: &BTreeMap<String, Tensor>,
    tensors: BTreeMap<String, Tensor>,
    scores: &[(&str, serde_json::Value)],
) -> Result<(), TrainError> {
    let network = network(config, corpus);
    let mut all = base.clone();
    all.extend(tensors);
    let whole: BTreeSet<String> = network.graph().parameters().into_iter().map(|spec| spec.name).collect();
    all.retain(|name, _| whole.contains(name));
    let record = corpus.set().record();
    let mut scalars = BTreeMap::from([
        ("seed".to_string(), json!(config.seed)),
        ("git".to_string(), json!(crate::GIT)),
        ("data".to_string(), json!(record.name)),
        ("data_sha256".to_string(), json!(corpus.set().record().hash())),
        ("selection".to_string(), json!(config.selection.name())),
        ("round".to_string(), json!(config.round.as_deref().unwrap_or("all"))),
    ]);
    scalars.extend(scores.iter().map(|(name, value)| (name.to_string(), value.clone())));
    let trained = config.stage != Stage::Frames;
    let note = match config.stage {
        Stage::Frames => "frame encoder trained on single frames; the rest is untrained",
        Stage::Frozen => "trained by est train on the features of a frozen frame encoder",
        Stage::Clips => "trained by est train",
    };
    let mut model = Model {
        classes: record.classes.clone(),
        preprocessing: Preprocessing {
            crop: corpus.crop(),
            size: network.size(),
            rate: config.rate,
            sampling: config.sampling,
            mean: config.mean,
            std: config.std,
            upright_beyond: corpus.set().upright_beyond(),
        },
        temperature: 1.0,
        provenance: Provenance {
            source: format!("est train on {}", record.name),
            trained,
            note: note.to_string(),
            created_by: crate::created_by(),
            scalars,
        },
        tensors: all,
        sha256: String::new(),
        config: network,
    };
    Ok(model.save(path)?)
}
