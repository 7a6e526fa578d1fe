//! Weights at rest: PyTorch's `.pth`, safetensors, in one file or several, and our own model files ([`file`]). What a file
//! is decides its content, not its name. [`load`] finds a network in it.

mod check;
mod checkpoint;
mod dtype;
mod error;
pub mod file;
mod files;
mod network;
mod pth;
mod safetensors;
mod sniff;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

pub use check::check;
use check::check_values;
pub(crate) use check::is_counter;
use checkpoint::Checkpoint;
pub use error::{Mismatch, WeightsError};
pub use file::{ModelFile, Provenance};
pub use network::{Found, Origin, Shapes, Wanted, load};

use crate::tensor::Tensor;

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

/// Names and shapes of tensors.
type Listed = Vec<(String, Vec<usize>)>;

/// What a checkpoint holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub tensors: BTreeMap<String, Tensor>,
    pub kind: FileKind,
    /// Numbers and short texts that came with a checkpoint (`epoch`, `prec1`).
    pub scalars: BTreeMap<String, serde_json::Value>,
}

/// Every tensor of a checkpoint, as f32, by its name without what all names begin with (`state_dict.`, `module.`). Who
/// knows the network asks [`load`] instead.
///
/// # Errors
/// Whatever is wrong with the file, with what to do about it.
pub fn load_tensors(path: &Path) -> Result<Loaded, WeightsError> {
    let checkpoint = Checkpoint::open(path)?;
    let shared = match checkpoint.kind() {
        FileKind::Est => 0,
        _ => shared(checkpoint.shapes().keys().map(String::as_str)),
    };
    let read = checkpoint.read(&|_| true)?;
    let tensors = read.tensors.into_iter().map(|(key, tensor)| (key[shared..].to_owned(), tensor)).collect();
    Ok(Loaded { tensors, kind: checkpoint.kind(), scalars: read.scalars })
}

/// The length of what all keys begin with, up to and with a dot.
fn shared<'a>(mut keys: impl Iterator<Item = &'a str>) -> usize {
    let Some(first) = keys.next() else { return 0 };
    let dots = |text: &str| text.rfind('.').map_or(0, |dot| dot + 1);
    keys.fold(dots(first), |shared, key| {
        let same = first[..shared].bytes().zip(key.bytes()).take_while(|(a, b)| a == b).count();
        dots(std::str::from_utf8(&first.as_bytes()[..same]).unwrap_or(""))
    })
}

/// The SHA-256 of a checkpoint in hexadecimal: of its one file, or of the hashes of its parts, in their order.
///
/// # Errors
/// When a file cannot be read.
pub fn sha256(path: &Path) -> Result<String, WeightsError> {
    let files = files::files(path)?;
    let hashes = files.parts.iter().map(|(path, _)| file::sha256(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(match <[String; 1]>::try_from(hashes) {
        Ok([one]) => one,
        Err(several) => crate::hash::of(several.concat().as_bytes()),
    })
}
