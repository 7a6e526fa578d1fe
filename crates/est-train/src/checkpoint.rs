//! A run as it stands, in one file that appears whole or not at all. It is a weights file of ours whose tensors are
//! `weights.NAME` and the optimiser's memory (`first.NAME`, `second.NAME`, `average.NAME`), with the run's record in its
//! provenance; the file's own hash of its tensors finds a flipped bit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use est_nets::weights::file::{self, ModelFile, Provenance};
use est_nets::weights::{self, WeightsError};
use est_nets::{Graph, Preprocessing, Role, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::autodiff::Learner;
use crate::config::TrainConfig;
use crate::error::TrainError;

/// Name in the run's folder.
pub const CHECKPOINT: &str = "checkpoint.est";
/// Where the record is in the provenance, and what the tensors' names begin with.
const RECORD: &str = "training";
const WEIGHTS: &str = "weights.";

/// Everything but the tensors. The sampler and the dropout have no state beyond these numbers: they are functions of
/// seed, epoch and step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Updates done.
    pub updates: u64,
    /// The epoch that the best weights so far are from, and its share of right validation clips.
    pub best: Option<(u32, f64)>,
    pub config: Value,
    /// Of the set, as `SetRecord::hash` has it, and where it lay.
    pub data_sha256: String,
    pub data: PathBuf,
    /// Of the file that `config.initial` names.
    pub initial_sha256: Option<String>,
    /// Of the file that `config.targets` names.
    pub targets_sha256: Option<String>,
    /// Of the program's source.
    pub git: String,
}

impl Record {
    pub fn new(config: &TrainConfig, data_sha256: String, data: &Path) -> Self {
        Record {
            updates: 0,
            best: None,
            config: as_json(config),
            data_sha256,
            data: data.to_owned(),
            initial_sha256: None,
            targets_sha256: None,
            git: crate::GIT.to_string(),
        }
    }

    /// Whether a run that would begin as `now` may go on from here.
    ///
    /// # Errors
    /// What differs, naming `path`, the checkpoint, or `data`, the set's folder.
    pub fn check(&self, path: &Path, now: &Record, data: &Path) -> Result<(), TrainError> {
        if let Some((key, there, here)) = difference("", &self.config, &now.config) {
            let problem = format!(
                "belongs to another config: {key} is {there} there and {here} here; use that config, or choose another --out"
            );
            return Err(TrainError::input(path, problem));
        }
        if self.data_sha256 != now.data_sha256 {
            let problem = format!(
                "is not the set that the run of {} began with: its set.json is another; restore it, or choose another --out",
                path.display()
            );
            return Err(TrainError::input(data, problem));
        }
        if self.initial_sha256 != now.initial_sha256 {
            let problem = "began with other weights: the file that `initial` names has changed; restore it, or choose \
                           another --out";
            return Err(TrainError::input(path, problem));
        }
        if self.targets_sha256 != now.targets_sha256 {
            let problem = "began with other targets: the file that `targets` names has changed; restore it, or choose \
                           another --out";
            return Err(TrainError::input(path, problem));
        }
        Ok(())
    }
}

fn as_json(config: &TrainConfig) -> Value {
    // By way of text, where an f32 of 0.1 is 0.1.
    let text = serde_json::to_string(config).expect("a config is plain data");
    serde_json::from_str(&text).expect("just written")
}

/// The first field that differs, and its two values.
fn difference(key: &str, there: &Value, here: &Value) -> Option<(String, Value, Value)> {
    let (Value::Object(some), Value::Object(others)) = (there, here) else {
        return (there != here).then(|| (key.to_string(), there.clone(), here.clone()));
    };
    let keys = some.keys().chain(others.keys().filter(|key| !some.contains_key(*key)));
    let name = |field: &String| if key.is_empty() { field.clone() } else { format!("{key}.{field}") };
    keys.into_iter().find_map(|field| {
        let get = |map: &serde_json::Map<String, Value>| map.get(field).cloned().unwrap_or(Value::Null);
        difference(&name(field), &get(some), &get(others))
    })
}

/// Writes `path`.
///
/// # Errors
/// A weight that is no number, by its name; a disk that is full.
pub fn write(path: &Path, learner: &Learner, record: &Record) -> Result<(), CheckpointError> {
    let weights = learner.tensors()?;
    if let Some(name) = not_finite(&weights) {
        return Err(CheckpointError::NotFinite(name));
    }
    let weights = weights.into_iter().map(|(name, tensor)| (format!("{WEIGHTS}{name}"), tensor));
    let record = serde_json::to_value(record).expect("a record is plain data");
    let file = ModelFile {
        architecture: Value::Null,
        classes: vec![],
        preprocessing: Preprocessing::PAPER,
        provenance: Provenance {
            source: "checkpoint of est train".to_string(),
            trained: true,
            note: "holds the optimiser's state; weights.est beside it is for prediction".to_string(),
            created_by: crate::created_by(),
            scalars: BTreeMap::from([(RECORD.to_string(), record)]),
        },
        temperature: None,
        tensors: weights.chain(learner.memory()?).collect(),
        sha256: String::new(),
    };
    file.write(path)?;
    Ok(())
}

/// Why a checkpoint was not written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("weight `{0}` is no number")]
    NotFinite(String),
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// The name of a tensor that holds a NaN or an infinity.
pub(crate) fn not_finite(tensors: &BTreeMap<String, Tensor>) -> Option<String> {
    tensors.iter().find(|(_, tensor)| tensor.data.iter().any(|value| !value.is_finite())).map(|(name, _)| name.clone())
}

/// A checkpoint that was read.
pub struct Checkpoint {
    pub record: Record,
    /// By name, without their beginning.
    pub weights: BTreeMap<String, Tensor>,
    pub memory: BTreeMap<String, Tensor>,
}

/// Reads `path`, the checkpoint of a run of `graph`.
///
/// # Errors
/// When it is no checkpoint or damaged, or its tensors are not those of the network.
pub fn read(path: &Path, graph: &Graph) -> Result<Checkpoint, TrainError> {
    let ModelFile { provenance, tensors, .. } = file::read(path)?;
    let record = provenance.scalars.get(RECORD).cloned();
    let record: Record = record
        .and_then(|record| serde_json::from_value(record).ok())
        .ok_or_else(|| TrainError::input(path, "not a checkpoint of est train, or one of another version"))?;
    let (weights, memory): (BTreeMap<_, _>, BTreeMap<_, _>) =
        tensors.into_iter().partition(|(name, _)| name.starts_with(WEIGHTS));
    let weights = weights.into_iter().map(|(name, tensor)| (name[WEIGHTS.len()..].to_string(), tensor)).collect();
    let expected: Vec<_> = graph.parameters().into_iter().map(|spec| (spec.name, spec.shape)).collect();
    weights::check(&weights, &expected, path)?;
    let learned = graph.parameters().into_iter().filter(|spec| spec.role == Role::Learned);
    let shapes: BTreeMap<String, Vec<usize>> = learned.map(|spec| (spec.name, spec.shape)).collect();
    for (name, tensor) in &memory {
        let of = ["first.", "second.", "average."].iter().find_map(|kind| name.strip_prefix(kind));
        if of.and_then(|of| shapes.get(of)) != Some(&tensor.shape) {
            return Err(TrainError::input(
                path,
                format!("tensor `{name}` is not the optimiser's; the file is damaged"),
            ));
        }
    }
    Ok(Checkpoint { record, weights, memory })
}
