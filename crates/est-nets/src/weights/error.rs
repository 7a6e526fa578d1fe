//! What can be wrong with a weight file. Every message names the file and, where there is one, the key, and says
//! what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why weights could not be read, written or used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("{}: {source}; check the path and its permissions", path.display())]
    Io { path: PathBuf, source: io::Error },

    #[error("{}: not a weight file but {found}; {remedy}", path.display())]
    NotWeights { path: PathBuf, found: String, remedy: String },

    /// A pickle that refers to something other than tensors and plain data.
    #[error(
        "{}: the pickle refers to {global}, which is not plain weights; nothing in the file was executed. \
         In Python, save only the state dict: torch.save(model.state_dict(), ...)",
        path.display()
    )]
    ForeignGlobal { path: PathBuf, global: String },

    #[error("{}: damaged or truncated: {detail}; copy or download the file again", path.display())]
    Damaged { path: PathBuf, detail: String },

    #[error("{}: {detail}", path.display())]
    Unsupported { path: PathBuf, detail: String },

    /// One tensor is wrong.
    #[error("{}: tensor `{key}`: {detail}", path.display())]
    Tensor { path: PathBuf, key: String, detail: String },

    /// One entry of our own metadata is wrong or absent.
    #[error(
        "{}: metadata entry `{key}`: {detail}; write the file again with `est weights import`",
        path.display()
    )]
    Metadata { path: PathBuf, key: String, detail: String },

    #[error("{}: holds no {what} ({detail})", path.display())]
    NoNetwork { path: PathBuf, what: String, detail: String },

    /// Several whole networks, by what stands before their names, with the number of tensors of each.
    #[error("{}: holds more than one {what}: {}", path.display(), choices(held))]
    Ambiguous { path: PathBuf, what: String, held: Vec<(String, usize)> },

    #[error("{}: {mismatch}; choose the architecture that these weights were trained with", path.display())]
    Mismatch { path: PathBuf, mismatch: Box<Mismatch> },
}

impl WeightsError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        WeightsError::Io { path: path.to_owned(), source }
    }

    /// An error while reading: a file that ends early is damaged, the rest is the system's.
    pub(super) fn reading(path: &Path, what: &str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => WeightsError::damaged(path, format!("it ends inside {what}")),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                WeightsError::damaged(path, format!("{what}: {source}"))
            }
            _ => WeightsError::io(path, source),
        }
    }

    pub(super) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        WeightsError::Damaged { path: path.to_owned(), detail: detail.into() }
    }

    pub(super) fn unsupported(path: &Path, detail: impl Into<String>) -> Self {
        WeightsError::Unsupported { path: path.to_owned(), detail: detail.into() }
    }

    pub(super) fn tensor(path: &Path, key: &str, detail: impl Into<String>) -> Self {
        WeightsError::Tensor { path: path.to_owned(), key: clip(key), detail: detail.into() }
    }

    pub(super) fn metadata(path: &Path, key: &str, detail: impl Into<String>) -> Self {
        WeightsError::Metadata { path: path.to_owned(), key: clip(key), detail: detail.into() }
    }
}

/// `text` from a file, made fit for one line of an error message: control characters escaped, at most 80 characters.
pub(super) fn clip(text: &str) -> String {
    let mut clipped: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        clipped.push_str("...");
    }
    clipped
}

/// What stands before the names of tensors, as it is given on a command line: `.` for nothing.
pub(super) fn shown(prefix: &str) -> String {
    if prefix.is_empty() { ".".to_owned() } else { clip(prefix) }
}

/// How the tensors of a file differ from those that a network wants.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mismatch {
    /// Keys that the network wants and the file lacks.
    pub missing: Vec<String>,
    /// Keys that the file has and the network does not know.
    pub surplus: Vec<String>,
    /// Key, shape in the file, shape wanted.
    pub misshapen: Vec<(String, Vec<usize>, Vec<usize>)>,
}

impl Mismatch {
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.surplus.is_empty() && self.misshapen.is_empty()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its tensors do not fit the network")?;
        let misshapen: Vec<String> =
            self.misshapen.iter().map(|(key, found, wanted)| format!("{key} is {found:?}, not {wanted:?}")).collect();
        let parts = [("missing", &self.missing), ("surplus", &self.surplus), ("misshapen", &misshapen)];
        if self.misshapen.iter().any(|(_, found, wanted)| *found == [0] && *wanted != [0]) {
            write!(f, " (empty ones are DeepSpeed's ZeRO-3 parts: zero_to_fp32.py beside the checkpoint joins them)")?;
        }
        let mut separator = ": ";
        for (name, keys) in parts.into_iter().filter(|(_, keys)| !keys.is_empty()) {
            write!(f, "{separator}{} {name} ({})", keys.len(), first_of(keys))?;
            separator = ", ";
        }
        Ok(())
    }
}

/// Which networks a file holds, and how to say which is meant.
fn choices(held: &[(String, usize)]) -> String {
    const SHOWN: usize = 6;
    let list = held.iter().take(SHOWN).map(|(prefix, count)| format!("{count} tensors under `{}`", shown(prefix)));
    let more = if held.len() > SHOWN { ", ..." } else { "" };
    let list = list.collect::<Vec<_>>().join(", ") + more;
    let last = held.last().map(|(prefix, _)| shown(prefix)).unwrap_or_default();
    format!("{list}; say which is meant, for example --prefix {last} (in a training's config: initial_prefix)")
}

/// The first three keys, and a sign that there are more.
pub(super) fn first_of(keys: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = keys.iter().take(SHOWN).map(|key| clip(key)).collect();
    let more = if keys.len() > SHOWN { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}
