//! Which graph a stage trains, what it begins with, and the weights file that comes of it.

use std::collections::BTreeMap;
use std::path::Path;

use est::Model;
use est_nets::weights::{self, Provenance, Wanted};
use est_nets::{EstConfig, Graph, Op, Preprocessing, Tensor, random_weights};
use serde_json::json;

use crate::config::{Stage, TrainConfig};
use crate::corpus::Corpus;
use crate::error::TrainError;

/// The whole network of a run.
pub(crate) fn network(config: &TrainConfig, corpus: &Corpus) -> EstConfig {
    EstConfig { classes: corpus.set().record().classes.len(), size: corpus.size(), ..config.network.clone() }
}

/// What `stage` trains of it. Inputs `frames` or `features`, then `order` (not in the stage `frames`); outputs
/// `class_logits` and, where there is one, `order_logits`.
pub(crate) fn graph(stage: Stage, network: &EstConfig) -> Graph {
    let whole = network.graph();
    let mut outputs = vec!["class_logits"];
    outputs.extend((network.orders > 0).then_some("order_logits"));
    match stage {
        Stage::Clips => whole.cut(&["frames", "order"], &outputs).expect("EST has these nodes"),
        Stage::Frozen => whole.cut(&["features", "order"], &outputs).expect("EST has these nodes"),
        Stage::Frames => {
            let mut graph = Graph::new();
            let frames = graph.input("frames", 1, &[3, network.size, network.size]);
            let features = network.backbone.features(&mut graph, frames);
            // torchvision's name of a ResNet's classifier.
            let head = Op::Linear { inputs: network.backbone.width(), outputs: network.classes };
            let logits = graph.push("fc", head, &[features]);
            graph.output("class_logits", logits);
            graph
        }
    }
}

/// The weights that a run begins with: random ones, and those of `config.initial` that fit.
///
/// # Errors
/// When the file cannot be read, or lacks a tensor of the frame encoder or has one of another shape.
pub(crate) fn initial(
    config: &TrainConfig,
    graph: &Graph,
    network: &EstConfig,
) -> Result<BTreeMap<String, Tensor>, TrainError> {
    let whole = network.graph();
    let mut tensors = random_weights(&whole, config.seed);
    tensors.extend(random_weights(graph, config.seed).into_iter().filter(|(name, _)| name.starts_with("fc.")));
    let Some(path) = &config.initial else { return Ok(tensors) };
    let given = with_encoder(path, config.initial_prefix.as_deref(), network)?.into_iter();
    let fitting: BTreeMap<_, _> =
        given.filter(|(name, tensor)| tensors.get(name).is_some_and(|own| own.shape == tensor.shape)).collect();
    tensors.extend(fitting);
    Ok(tensors)
}

/// The tensors of a weights file, of any format, that holds the frame encoder of `network`; those of its other parts and of
/// a classifier of single frames, where there are any.
///
/// # Errors
/// When the file cannot be read, holds no such frame encoder or several, or has one with values that are no numbers.
pub(crate) fn with_encoder(
    path: &Path,
    prefix: Option<&str>,
    network: &EstConfig,
) -> Result<BTreeMap<String, Tensor>, TrainError> {
    let encoder = network.backbone.graph(network.size);
    let what = format!("frame encoder `{}`, which `initial` must hold", network.backbone.name());
    let rest = network.graph().parameters().into_iter().map(|spec| spec.name);
    let wanted = Wanted::network(&what, &encoder).and(rest.chain(["fc.weight", "fc.bias"].map(String::from)));
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
    all.retain(|name, _| !name.starts_with("fc."));
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
            size: network.size,
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
