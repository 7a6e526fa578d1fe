//! PyTorch's `.pth` and `.pt` files without Python. Nothing in such a file is executed: the pickle interpreter builds
//! plain data from an allow-list of names and refuses the rest. All sizes that a file claims are checked against the
//! file's own length before anything is allocated.

mod archive;
mod globals;
pub(super) mod legacy;
mod pickle;
mod state_dict;
#[cfg(test)]
mod tests;
mod view;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

use serde_json::Value as Json;

use super::error::WeightsError;
use super::sniff::{Container, sniff};
use crate::tensor::Tensor;
use state_dict::Plan;
use view::View;

/// What a checkpoint holds.
#[derive(Debug, Clone, PartialEq)]
pub struct StateDict {
    /// In the file's order; without the `module.` of `nn.DataParallel` where every key has it.
    pub tensors: Vec<(String, Tensor)>,
    /// Numbers and short texts beside the state dict (`epoch`, `prec1`, `arch`), for the provenance.
    pub scalars: BTreeMap<String, Json>,
    /// Entries of the state dict that are no tensors (at most 64 are named).
    pub skipped: Vec<String>,
}

/// Reads the state dict of a `.pth` file, zip or legacy layout. It is the file's dictionary itself, or the first of its
/// entries `state_dict`, `model`, `model_state_dict`, `net` that is a dictionary with tensors in it. All element types
/// become f32.
///
/// # Errors
/// Not a `.pth` file, damaged, TorchScript, a whole pickled model, or a pickle that refers to anything but tensors
/// and plain data.
pub fn read(path: &Path) -> Result<StateDict, WeightsError> {
    let container = sniff(path)?;
    if container == Container::Safetensors {
        return Err(WeightsError::NotWeights {
            path: path.to_owned(),
            found: "a safetensors file".into(),
            remedy: "a PyTorch .pth file is wanted here".into(),
        });
    }
    let file = File::open(path).map_err(|source| WeightsError::io(path, source))?;
    let bytes = file.metadata().map_err(|source| WeightsError::io(path, source))?.len();
    read_from(BufReader::with_capacity(1 << 16, file), container, bytes, path)
}

fn read_from(
    reader: impl BufRead + Seek,
    container: Container,
    bytes: u64,
    path: &Path,
) -> Result<StateDict, WeightsError> {
    match container {
        Container::PthZip => archive::read(reader, bytes, path),
        Container::PthLegacy => legacy::read(reader, bytes, path),
        Container::Safetensors => unreachable!("not a pickle"),
    }
}

/// Tensors on their way from a [`Plan`] to a [`StateDict`]: filled storage by storage, so that no more than one storage
/// is in memory beside the finished tensors.
struct Assembly<'a> {
    path: &'a Path,
    /// The state dict's views, then the scalars'.
    views: Vec<(String, View)>,
    tensors: Vec<Option<Tensor>>,
    /// How many views are the state dict's.
    named: usize,
    scalars: BTreeMap<String, Json>,
    skipped: Vec<String>,
    /// Storage keys in the order of their first use.
    keys: Vec<String>,
    users: HashMap<String, Vec<usize>>,
}

impl<'a> Assembly<'a> {
    /// # Errors
    /// When two tensors disagree about the length of a storage.
    fn new(plan: Plan, path: &'a Path) -> Result<Self, WeightsError> {
        let named = plan.tensors.len();
        let mut views = plan.tensors;
        views.extend(plan.scalar_views);
        let mut keys = Vec::new();
        let mut users: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, (name, view)) in views.iter().enumerate() {
            let users = users.entry(view.storage.key.clone()).or_default();
            match users.first() {
                None => keys.push(view.storage.key.clone()),
                Some(&first) if views[first].1.storage.bytes == view.storage.bytes => {}
                Some(_) => return Err(WeightsError::tensor(path, name, "its storage has two lengths")),
            }
            users.push(index);
        }
        let tensors = vec![None; views.len()];
        Ok(Assembly { path, views, tensors, named, scalars: plan.scalars, skipped: plan.skipped, keys, users })
    }

    /// Keys and lengths in bytes of the storages that are needed.
    fn storages(&self) -> Vec<(String, usize)> {
        self.keys.iter().map(|key| (key.clone(), self.views[self.users[key][0]].1.storage.bytes)).collect()
    }

    /// Takes the tensors of one storage out of its bytes, as many as [`Assembly::storages`] said.
    fn add(&mut self, key: &str, storage: &[u8]) {
        for &user in &self.users[key] {
            self.tensors[user] = Some(self.views[user].1.gather(storage));
        }
    }

    fn finish(mut self) -> Result<StateDict, WeightsError> {
        let mut tensors = Vec::with_capacity(self.named);
        for (index, ((name, view), tensor)) in self.views.into_iter().zip(self.tensors).enumerate() {
            let Some(tensor) = tensor else {
                let detail = format!("its storage {} is not in the file", view.storage.key);
                return Err(WeightsError::tensor(self.path, &name, detail));
            };
            if index < self.named {
                tensors.push((name, tensor));
            } else if let Some(number) = state_dict::number(tensor.data[0]) {
                self.scalars.insert(name, number);
            }
        }
        Ok(StateDict { tensors, scalars: self.scalars, skipped: self.skipped })
    }
}
