//! The frame encoder's part in a run that does not train it: its features, computed once with est-engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use est_engine::{Options, Session};
use est_nets::weights::file::{self, ModelFile, Provenance};
use est_nets::{Preprocessing, Tensor};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::augment::Change;
use crate::config::TrainConfig;
use crate::corpus::{Corpus, Features, Frames};
use crate::error::TrainError;
use crate::network;

/// Frames that pass the engine at once.
const BATCH: usize = 32;

/// Features of every frame that the windows of `clips` show. They are kept in `folder`, and read again where encoder, set
/// and settings are the same. `progress` is told clips done.
///
/// # Errors
/// When a clip cannot be read or the file not be written.
pub(crate) fn features(
    corpus: &Corpus,
    config: &TrainConfig,
    tensors: &BTreeMap<String, Tensor>,
    clips: &[usize],
    folder: &Path,
    progress: &mut dyn FnMut(usize),
) -> Result<Features, TrainError> {
    let graph = network::network(config, corpus).encoder().expect("the config is checked");
    let width = graph.node(graph.outputs()[0].1).shape.item[0];
    let encoder: BTreeMap<String, Tensor> = graph
        .parameters()
        .into_iter()
        .filter_map(|spec| Some((spec.name.clone(), tensors.get(&spec.name)?.clone())))
        .collect();
    let path = folder.join(format!("features-{}.est", fingerprint(corpus, config, &encoder, clips)));
    if path.exists() {
        let stored = file::read(&path)?;
        return unpack(corpus, clips, width, &stored.tensors)
            .ok_or_else(|| TrainError::input(&path, "is not complete; remove it, and it is made again"));
    }
    // In f32, so that the training does not depend on the processor.
    let options = Options { threads: config.threads, precision: est_engine::Precision::Exact };
    let mut session = Session::new(&graph, tensors, &options)?;
    let mut stored = BTreeMap::new();
    for (done, &clip) in clips.iter().enumerate() {
        let window = corpus.window(clip);
        // The first place of each frame that the window shows.
        let places: Vec<usize> = shown(corpus, clip)
            .iter()
            .map(|frame| window.iter().position(|at| at == frame).expect("it is shown"))
            .collect();
        let mut rows = Vec::with_capacity(places.len() * width);
        for places in places.chunks(BATCH) {
            let Frames::Pixels(pixels) = corpus.frames(clip, places, &Change::default())? else {
                unreachable!("features come from pixels")
            };
            let of = |(i, &value): (usize, &u8)| (f32::from(value) / 255.0 - config.mean[i % 3]) / config.std[i % 3];
            let pixels: Vec<f32> = pixels.iter().enumerate().map(of).collect();
            rows.extend(session.run(places.len(), &[&pixels])?.swap_remove(0));
        }
        stored.insert(corpus.set().clips()[clip].clip.clone(), Tensor::new(vec![places.len(), width], rows));
        progress(done + 1);
    }
    let file = ModelFile {
        architecture: Value::Null,
        classes: vec![],
        preprocessing: Preprocessing::PAPER,
        provenance: Provenance {
            source: "features of a frozen encoder".to_string(),
            created_by: crate::created_by(),
            ..Provenance::default()
        },
        temperature: None,
        tensors: stored,
        sha256: String::new(),
    };
    file.write(&path)?;
    Ok(unpack(corpus, clips, width, &file.tensors).expect("just made"))
}

fn shown(corpus: &Corpus, clip: usize) -> BTreeSet<u64> {
    corpus.window(clip).iter().copied().collect()
}

fn unpack(corpus: &Corpus, clips: &[usize], width: usize, stored: &BTreeMap<String, Tensor>) -> Option<Features> {
    let mut rows = vec![BTreeMap::new(); corpus.set().clips().len()];
    for &clip in clips {
        let tensor = stored.get(&corpus.set().clips()[clip].clip)?;
        let frames = shown(corpus, clip);
        if tensor.shape != [frames.len(), width] {
            return None;
        }
        rows[clip] = frames.into_iter().zip(tensor.data.chunks_exact(width).map(<[f32]>::to_vec)).collect();
    }
    Some(Features { rows })
}

fn fingerprint(corpus: &Corpus, config: &TrainConfig, encoder: &BTreeMap<String, Tensor>, clips: &[usize]) -> String {
    let mut hash = Sha256::new();
    let settings = (
        config.crop_margin,
        config.mean,
        config.std,
        config.rate,
        config.sampling,
        clips,
        corpus.set().record().hash(),
    );
    hash.update(serde_json::to_vec(&settings).expect("settings are plain data"));
    for (name, tensor) in encoder {
        hash.update(name);
        tensor.data.iter().for_each(|value| hash.update(value.to_le_bytes()));
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
