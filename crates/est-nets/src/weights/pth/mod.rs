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

use super::Listed;
use super::error::WeightsError;
use super::sniff::Container;
use crate::tensor::Tensor;
use state_dict::Plan;
use view::View;

/// What was read of a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StateDict {
    /// In the file's order, by the keys that lead to them (`state_dict.conv1.weight`).
    pub tensors: Vec<(String, Tensor)>,
    /// Numbers and short texts at the root (`epoch`, `prec1`, `arch`), for the provenance.
    pub scalars: BTreeMap<String, Json>,
}

/// Names and shapes of all tensors of a `.pth` file, zip or legacy layout, however deep they are in it.
///
/// # Errors
/// Damaged, TorchScript, a whole pickled model, or a pickle that refers to anything but tensors and plain data.
pub(super) fn list(container: Container, path: &Path) -> Result<Listed, WeightsError> {
    let (reader, bytes) = open(path)?;
    list_from(reader, container, bytes, path)
}

/// Reads the tensors that `keep` names. All element types become f32.
///
/// # Errors
/// Those of [`list`], and whatever is wrong with these tensors.
pub(super) fn read(container: Container, path: &Path, keep: &dyn Fn(&str) -> bool) -> Result<StateDict, WeightsError> {
    let (reader, bytes) = open(path)?;
    read_from(reader, container, bytes, path, keep)
}

fn open(path: &Path) -> Result<(BufReader<File>, u64), WeightsError> {
    let file = File::open(path).map_err(|source| WeightsError::io(path, source))?;
    let bytes = file.metadata().map_err(|source| WeightsError::io(path, source))?.len();
    Ok((BufReader::with_capacity(1 << 16, file), bytes))
}

fn list_from(
    reader: impl BufRead + Seek,
    container: Container,
    bytes: u64,
    path: &Path,
) -> Result<Listed, WeightsError> {
    let plan = match container {
        Container::PthZip => archive::list(reader, bytes, path)?,
        Container::PthLegacy => legacy::list(reader, path)?,
        Container::Safetensors => unreachable!("not a pickle"),
    };
    Ok(plan.tensors.into_iter().map(|(name, view)| (name, view.shape)).collect())
}

fn read_from(
    reader: impl BufRead + Seek,
    container: Container,
    bytes: u64,
    path: &Path,
    keep: &dyn Fn(&str) -> bool,
) -> Result<StateDict, WeightsError> {
    match container {
        Container::PthZip => archive::read(reader, bytes, path, keep),
        Container::PthLegacy => legacy::read(reader, bytes, path, keep),
        Container::Safetensors => unreachable!("not a pickle"),
    }
}

/// Tensors on their way from a [`Plan`] to a [`StateDict`]: filled storage by storage, so that no more than one storage
/// is in memory beside the finished tensors.
struct Assembly<'a> {
    path: &'a Path,
    /// The tensors' views, then the scalars'.
    views: Vec<(String, View)>,
    tensors: Vec<Option<Tensor>>,
    /// How many views are tensors'.
    named: usize,
    scalars: BTreeMap<String, Json>,
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
        Ok(Assembly { path, views, tensors, named, scalars: plan.scalars, keys, users })
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
        Ok(StateDict { tensors, scalars: self.scalars })
    }
}
