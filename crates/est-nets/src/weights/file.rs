//! Our own model files: safetensors whose metadata say everything that a prediction needs beside the tensors.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::error::{WeightsError, clip};
use super::safetensors::{self, Contents};
use super::sniff::{Container, sniff};
use crate::hash;
use crate::preprocessing::Preprocessing;
use crate::tensor::Tensor;

/// The metadata entry that marks a file as ours, and its value. A change that old readers would misread counts up.
const FORMAT_KEY: &str = "format";
const FORMAT: &str = "est 1";
const FORMAT_NAME: &str = "est ";

/// The metadata entry with the SHA-256 of the tensors' bytes: a flipped bit would otherwise pass as a weight.
const DATA_HASH_KEY: &str = "tensors_sha256";
const PREPROCESSING_KEY: &str = "preprocessing";

/// A network with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// The configuration from which the network is built.
    pub architecture: Json,
    /// In the order of the class logits.
    pub classes: Vec<String>,
    pub preprocessing: Preprocessing,
    pub provenance: Provenance,
    /// Divides the class logits before the softmax, where calibration has found one.
    pub temperature: Option<f32>,
    pub tensors: BTreeMap<String, Tensor>,
    /// SHA-256 of the file that was read, in hexadecimal; not written.
    pub sha256: String,
}

/// Where the weights come from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// The file or run that the tensors come from.
    pub source: String,
    /// False for random weights: every output must say so.
    pub trained: bool,
    pub note: String,
    /// The program and version that wrote the file.
    pub created_by: String,
    /// Numbers and short texts that came with a checkpoint (`epoch`, `prec1`).
    #[serde(default)]
    pub scalars: BTreeMap<String, Json>,
}

/// Reads a model file and its hash.
///
/// # Errors
/// Not a safetensors file, damaged, without our metadata or with those of a newer version.
pub fn read(path: &Path) -> Result<ModelFile, WeightsError> {
    check_container(path)?;
    from_contents(safetensors::read(path)?, path)
}

/// What a model file has for [`ModelFile::preprocessing`]: a matter of its first bytes, where [`read`] reads and hashes
/// all of them. Whether the file is whole only [`read`] can say.
///
/// # Errors
/// Those of [`read`] that its first bytes show.
pub fn read_preprocessing(path: &Path) -> Result<Preprocessing, WeightsError> {
    check_container(path)?;
    let metadata = safetensors::read_metadata(path)?;
    check_format(&metadata, path)?;
    entry(&metadata, PREPROCESSING_KEY, path)
}

fn check_container(path: &Path) -> Result<(), WeightsError> {
    match sniff(path)? {
        Container::Safetensors => Ok(()),
        Container::PthZip | Container::PthLegacy => Err(not_ours(path, "a PyTorch file")),
    }
}

fn check_format(metadata: &BTreeMap<String, String>, path: &Path) -> Result<(), WeightsError> {
    match metadata.get(FORMAT_KEY) {
        Some(format) if format == FORMAT => Ok(()),
        Some(format) if format.starts_with(FORMAT_NAME) => {
            let detail = format!("format `{}` is newer than this program; update est", clip(format));
            Err(WeightsError::unsupported(path, detail))
        }
        _ => Err(not_ours(path, "a safetensors file without est's metadata")),
    }
}

fn from_contents(contents: Contents, path: &Path) -> Result<ModelFile, WeightsError> {
    let metadata = &contents.metadata;
    check_format(metadata, path)?;
    match metadata.get(DATA_HASH_KEY) {
        Some(hash) if *hash == contents.data_sha256 => {}
        Some(_) => return Err(WeightsError::damaged(path, "its tensors are not those that were written (SHA-256)")),
        None => return Err(WeightsError::metadata(path, DATA_HASH_KEY, "it is missing")),
    }
    let temperature: Option<f32> =
        metadata.get("temperature").map(|_| entry(metadata, "temperature", path)).transpose()?;
    if temperature.is_some_and(|temperature| !(temperature > 0.0 && temperature.is_finite())) {
        return Err(WeightsError::metadata(path, "temperature", "it must be a positive number"));
    }
    Ok(ModelFile {
        architecture: entry(metadata, "architecture", path)?,
        classes: entry(metadata, "classes", path)?,
        preprocessing: entry(metadata, PREPROCESSING_KEY, path)?,
        provenance: entry(metadata, "provenance", path)?,
        temperature,
        tensors: contents.tensors,
        sha256: contents.sha256,
    })
}

fn not_ours(path: &Path, found: &str) -> WeightsError {
    WeightsError::NotWeights {
        path: path.to_owned(),
        found: found.into(),
        remedy: "make a model file of it: est weights import IN OUT".into(),
    }
}

fn entry<T: DeserializeOwned>(metadata: &BTreeMap<String, String>, key: &str, path: &Path) -> Result<T, WeightsError> {
    let text = metadata.get(key).ok_or_else(|| WeightsError::metadata(path, key, "it is missing"))?;
    serde_json::from_str(text).map_err(|error| WeightsError::metadata(path, key, error.to_string()))
}

/// Whether the metadata of a safetensors file are ours, of whatever version.
pub(super) fn is_ours(metadata: &BTreeMap<String, String>) -> bool {
    metadata.get(FORMAT_KEY).is_some_and(|format| format.starts_with(FORMAT_NAME))
}

impl ModelFile {
    /// Writes the file and returns its SHA-256: f32, but for matrices and filters that lose nothing in half precision. `path` is replaced only when the new file is complete and on
    /// the disk; equal models give equal bytes.
    ///
    /// # Errors
    /// When the folder cannot be written to or the disk is full.
    pub fn write(&self, path: &Path) -> Result<String, WeightsError> {
        let mut metadata = BTreeMap::from([
            (FORMAT_KEY.to_owned(), FORMAT.to_owned()),
            (DATA_HASH_KEY.to_owned(), safetensors::data_sha256(&self.tensors)),
        ]);
        let mut insert = |key: &str, value: serde_json::Result<String>| {
            let value = value.map_err(|error| WeightsError::metadata(path, key, error.to_string()))?;
            metadata.insert(key.to_owned(), value);
            Ok::<_, WeightsError>(())
        };
        insert("architecture", serde_json::to_string(&self.architecture))?;
        insert("classes", serde_json::to_string(&self.classes))?;
        insert(PREPROCESSING_KEY, serde_json::to_string(&self.preprocessing))?;
        insert("provenance", serde_json::to_string(&self.provenance))?;
        if let Some(temperature) = self.temperature {
            insert("temperature", serde_json::to_string(&temperature))?;
        }
        safetensors::write(path, &metadata, &self.tensors)
    }
}

/// The SHA-256 of any file's bytes, in hexadecimal.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256(path: &Path) -> Result<String, WeightsError> {
    hash::of_file(path).map_err(|source| WeightsError::io(path, source))
}
