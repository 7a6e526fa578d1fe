//! Weights at rest: PyTorch's `.pth` ([`pth`]), safetensors and our own model files ([`file`]). What a file is decides
//! its content, not its name.

mod check;
mod dtype;
mod error;
pub mod file;
pub mod pth;
mod safetensors;
mod sniff;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

pub use check::check;
pub use error::{Mismatch, WeightsError};
pub use file::{ModelFile, Provenance};

use crate::tensor::Tensor;
use sniff::{Container, sniff};

/// What a weight file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// PyTorch 1.6 and later.
    PthZip,
    /// PyTorch before 1.6.
    PthLegacy,
    /// Tensors without our metadata.
    Safetensors,
    /// A model file of ours, see [`ModelFile`].
    Est,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::PthZip => "PyTorch state dict",
            FileKind::PthLegacy => "PyTorch state dict (layout before 1.6)",
            FileKind::Safetensors => "safetensors",
            FileKind::Est => "est model",
        })
    }
}

/// What any weight file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub tensors: BTreeMap<String, Tensor>,
    pub kind: FileKind,
    /// Numbers and short texts that came with a checkpoint (`epoch`, `prec1`).
    pub scalars: BTreeMap<String, serde_json::Value>,
}

/// The tensors of any weight file that can be read, as f32. [`file::read`] gives what else is in a model file of ours.
///
/// # Errors
/// Whatever is wrong with the file, with what to do about it.
pub fn load_tensors(path: &Path) -> Result<Loaded, WeightsError> {
    let container = sniff(path)?;
    if container == Container::Safetensors {
        let contents = safetensors::read(path)?;
        let kind = if file::is_ours(&contents) { FileKind::Est } else { FileKind::Safetensors };
        return Ok(Loaded { tensors: contents.tensors, kind, scalars: BTreeMap::new() });
    }
    let pth::StateDict { tensors, scalars, .. } = pth::read(path)?;
    let kind = if container == Container::PthZip { FileKind::PthZip } else { FileKind::PthLegacy };
    Ok(Loaded { tensors: tensors.into_iter().collect(), kind, scalars })
}
