//! The zip layout of `.pth` files, PyTorch 1.6 and later: `NAME/data.pkl` beside `NAME/data/KEY` for each storage.

use std::io::{self, Read, Seek};
use std::ops::RangeInclusive;
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use super::super::error::WeightsError;
use super::state_dict::{self, Plan};
use super::{Assembly, StateDict, pickle};

/// The name of the pickle inside the archive's one folder.
const PICKLE: &str = "data.pkl";

/// What the file describes.
pub(super) fn list(reader: impl Read + Seek, file_bytes: u64, path: &Path) -> Result<Plan, WeightsError> {
    open(reader, file_bytes, path).map(|(.., plan)| plan)
}

/// The tensors that `keep` names.
pub(super) fn read(
    reader: impl Read + Seek,
    file_bytes: u64,
    path: &Path,
    keep: &dyn Fn(&str) -> bool,
) -> Result<StateDict, WeightsError> {
    let (mut archive, folder, plan) = open(reader, file_bytes, path)?;
    let mut assembly = Assembly::new(plan.keep(keep, file_bytes, path)?, path)?;
    let mut read = 0u64;
    for (key, bytes) in assembly.storages() {
        // Honest entries do not overlap, so all of them together are no longer than the file.
        read = read.saturating_add(bytes as u64);
        if read > file_bytes {
            return Err(WeightsError::damaged(path, "its storages are larger than the file"));
        }
        let bytes = bytes as u64;
        assembly.add(&key, &archive.bytes(&format!("{folder}data/{key}"), bytes..=bytes)?);
    }
    assembly.finish()
}

/// The archive, the folder in it with its slash, and what its pickle describes.
fn open<R: Read + Seek>(
    reader: R,
    file_bytes: u64,
    path: &Path,
) -> Result<(Archive<'_, R>, String, Plan), WeightsError> {
    let archive = ZipArchive::new(reader).map_err(|error| zip_error(path, "the table of contents", error))?;
    let mut archive = Archive { archive, file_bytes, path };
    let folder = archive.folder()?;
    let entry = |name: &str| format!("{folder}{name}");
    if archive.has(&entry("constants.pkl")) || archive.has(&entry("code/")) {
        return Err(WeightsError::unsupported(
            path,
            "a TorchScript program, which would have to be executed; \
             in Python, save its state dict: torch.save(torch.jit.load(FILE).state_dict(), ...)",
        ));
    }
    if archive.has(&entry("byteorder")) && archive.bytes(&entry("byteorder"), 0..=16)? != b"little" {
        return Err(WeightsError::unsupported(path, "not little-endian; save it again on a little-endian machine"));
    }
    let pickle = archive.bytes(&entry(PICKLE), 0..=pickle::MAX_BYTES)?;
    let pickle = pickle::read(&mut pickle.as_slice(), path)?;
    let plan = state_dict::plan(&pickle, path)?;
    Ok((archive, folder, plan))
}

struct Archive<'a, R> {
    archive: ZipArchive<R>,
    file_bytes: u64,
    path: &'a Path,
}

impl<R: Read + Seek> Archive<'_, R> {
    /// The folder of the pickle, with its slash.
    fn folder(&self) -> Result<String, WeightsError> {
        let names = self.archive.file_names().filter_map(Result::ok);
        let folders = names.filter_map(|name| name.strip_suffix(PICKLE).map(str::to_owned));
        let folders = folders.filter(|folder| folder.is_empty() || folder.ends_with('/'));
        folders.min_by_key(|folder| folder.matches('/').count()).ok_or_else(|| WeightsError::NotWeights {
            path: self.path.to_owned(),
            found: "a zip archive that PyTorch did not write".into(),
            remedy: "give the .pth or .safetensors file that may be inside it".into(),
        })
    }

    /// Whether there is an entry of this name, or any in it when it ends in a slash.
    fn has(&self, name: &str) -> bool {
        self.archive.index_for_name_raw(name.as_bytes()).is_some()
            || name.ends_with('/') && self.archive.file_names_raw().any(|entry| entry.starts_with(name.as_bytes()))
    }

    /// The whole of an entry, which must be as long as `expected` says; its checksum is verified.
    fn bytes(&mut self, name: &str, expected: RangeInclusive<u64>) -> Result<Vec<u8>, WeightsError> {
        let path = self.path;
        let index = self.archive.index_for_name_raw(name.as_bytes());
        let index = index.ok_or_else(|| WeightsError::damaged(path, format!("it lacks {name}")))?;
        let mut entry = self.archive.by_index(index).map_err(|error| zip_error(path, name, error))?;
        let size = entry.size();
        if size > self.file_bytes || !expected.contains(&size) {
            let detail = format!("{name} has {size} bytes, not {} to {}", expected.start(), expected.end());
            return Err(WeightsError::damaged(path, detail));
        }
        let mut bytes = Vec::with_capacity(size as usize);
        // One more than the size: the checksum is compared at the end of the entry.
        let mut entry = entry.by_ref().take(size + 1);
        entry.read_to_end(&mut bytes).map_err(|error| WeightsError::reading(path, name, error))?;
        if bytes.len() as u64 != size {
            return Err(WeightsError::damaged(path, format!("{name} is not {size} bytes long")));
        }
        Ok(bytes)
    }
}

fn zip_error(path: &Path, what: &str, error: ZipError) -> WeightsError {
    match error {
        ZipError::Io(source) => WeightsError::reading(path, what, source),
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => WeightsError::unsupported(
            path,
            format!("{what}: {error}; PyTorch neither compresses nor encrypts: save the file again with torch.save"),
        ),
        error => WeightsError::reading(path, what, io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
    }
}
