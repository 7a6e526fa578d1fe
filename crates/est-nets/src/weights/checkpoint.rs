//! All tensors of a checkpoint by their full names, in one file or several, and those of them that somebody wants.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::WeightsError;
use super::files::{Files, files};
use super::network::Shapes;
use super::sniff::Container;
use super::{FileKind, Listed, file, pth, safetensors};
use crate::tensor::Tensor;

/// A checkpoint whose tensors are known by name and shape; none is read yet.
pub(super) struct Checkpoint {
    files: Files,
    shapes: Shapes,
    kind: FileKind,
}

/// What was read.
pub(super) struct Read {
    pub tensors: Vec<(String, Tensor)>,
    pub scalars: BTreeMap<String, serde_json::Value>,
}

impl Checkpoint {
    /// # Errors
    /// When a file cannot be read or two parts have a tensor of the same name.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let files = files(path)?;
        let mut shapes = Shapes::new();
        let mut kind = FileKind::Est;
        for (number, (path, container)) in files.parts.iter().enumerate() {
            let (tensors, found) = list(path, *container)?;
            kind = found;
            // Of a name that two parts have, the index says which part's is meant.
            let of_this = |name: &str| files.places.get(name).is_none_or(|&place| place == number);
            for (name, shape) in tensors.into_iter().filter(|(name, _)| of_this(name)) {
                if shapes.contains_key(&name) && files.parts.len() > 1 {
                    return Err(WeightsError::tensor(path, &name, "another part of the checkpoint has it too"));
                }
                shapes.insert(name, shape);
            }
        }
        match files.places.iter().find(|(name, _)| !shapes.contains_key(*name)) {
            Some((name, &place)) => {
                let detail = "the index says that it is in this file, which has no such tensor; download both again";
                Err(WeightsError::tensor(&files.parts[place].0, name, detail))
            }
            None => Ok(Checkpoint { files, shapes, kind }),
        }
    }

    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    pub fn kind(&self) -> FileKind {
        self.kind
    }

    pub fn files(&self) -> Vec<PathBuf> {
        self.files.parts.iter().map(|(path, _)| path.clone()).collect()
    }

    /// Reads the tensors that `keep` names.
    pub fn read(&self, keep: &dyn Fn(&str) -> bool) -> Result<Read, WeightsError> {
        let mut read = Read { tensors: vec![], scalars: BTreeMap::new() };
        for (number, (path, container)) in self.files.parts.iter().enumerate() {
            let places = &self.files.places;
            let keep = |name: &str| keep(name) && places.get(name).is_none_or(|&place| place == number);
            match container {
                // Ours says what its bytes must be.
                Container::Safetensors if self.kind == FileKind::Est => {
                    let all = file::read(path)?.tensors.into_iter();
                    read.tensors.extend(all.filter(|(name, _)| keep(name)));
                }
                Container::Safetensors => read.tensors.extend(safetensors::read_some(path, &keep)?),
                Container::PthZip | Container::PthLegacy => {
                    let found = pth::read(*container, path, &keep)?;
                    read.tensors.extend(found.tensors);
                    read.scalars.extend(found.scalars);
                }
            }
        }
        Ok(read)
    }
}

fn list(path: &Path, container: Container) -> Result<(Listed, FileKind), WeightsError> {
    Ok(match container {
        Container::Safetensors => {
            let (metadata, tensors) = safetensors::list(path)?;
            (tensors, if file::is_ours(&metadata) { FileKind::Est } else { FileKind::Safetensors })
        }
        Container::PthZip => (pth::list(container, path)?, FileKind::PthZip),
        Container::PthLegacy => (pth::list(container, path)?, FileKind::PthLegacy),
    })
}
