//! The layout of `.pth` files before PyTorch 1.6: four pickles (a magic number, a version, the writer's machine, the
//! object), a pickled list of storage keys, then each storage in that order: its length in elements (i64), its bytes.

use std::collections::HashMap;
use std::io::{BufRead, Seek, SeekFrom};
use std::path::Path;

use super::super::error::WeightsError;
use super::pickle::{self, Pickle, Value};
use super::state_dict::{self, Plan};
use super::{Assembly, StateDict};

/// The pickled magic number without its protocol: LONG1, ten bytes, STOP.
pub(in super::super) const MAGIC: [u8; 13] =
    [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];
const VERSION: i64 = 1001;

/// What the file describes.
pub(super) fn list(mut reader: impl BufRead, path: &Path) -> Result<Plan, WeightsError> {
    state_dict::plan(&object(&mut reader, path)?, path)
}

/// The pickle of the object that was saved; `reader` is behind it.
fn object(reader: &mut impl BufRead, path: &Path) -> Result<Pickle, WeightsError> {
    // The caller has recognised the magic number.
    pickle::read(reader, path)?;
    let version = pickle::read(reader, path)?;
    if !matches!(version.get(version.root), Value::Int(VERSION)) {
        return Err(WeightsError::unsupported(path, format!("not version {VERSION} of PyTorch's file format")));
    }
    let machine = pickle::read(reader, path)?;
    if entry(&machine, "little_endian").is_some_and(|value| matches!(value, Value::Bool(false))) {
        return Err(WeightsError::unsupported(path, "not little-endian; save it again on a little-endian machine"));
    }
    pickle::read(reader, path)
}

/// The tensors that `keep` names.
pub(super) fn read(
    mut reader: impl BufRead + Seek,
    file_bytes: u64,
    path: &Path,
    keep: &dyn Fn(&str) -> bool,
) -> Result<StateDict, WeightsError> {
    let object = object(&mut reader, path)?;
    let plan = state_dict::plan(&object, path)?.keep(keep, file_bytes, path)?;
    let sizes = state_dict::element_sizes(&object, path)?;
    drop(object);
    let keys = storage_keys(&pickle::read(&mut reader, path)?, path)?;

    let mut assembly = Assembly::new(plan, path)?;
    let mut wanted: HashMap<String, usize> = assembly.storages().into_iter().collect();
    for key in keys {
        let failed = |source| WeightsError::reading(path, &format!("storage {key}"), source);
        let mut count = [0; 8];
        reader.read_exact(&mut count).map_err(failed)?;
        let size = sizes.get(&key).ok_or_else(|| WeightsError::damaged(path, "a storage that nothing describes"))?;
        let position = reader.stream_position().map_err(failed)?;
        let bytes = u64::try_from(i64::from_le_bytes(count))
            .ok()
            .and_then(|count| count.checked_mul(*size as u64))
            .filter(|&bytes| bytes <= file_bytes.saturating_sub(position))
            .ok_or_else(|| WeightsError::damaged(path, format!("it ends inside storage {key}")))?;
        match wanted.remove(&key) {
            None => drop(reader.seek(SeekFrom::Start(position + bytes)).map_err(failed)?),
            Some(expected) if expected as u64 == bytes => {
                let mut storage = vec![0; expected];
                reader.read_exact(&mut storage).map_err(failed)?;
                assembly.add(&key, &storage);
            }
            Some(expected) => {
                return Err(WeightsError::damaged(path, format!("storage {key} has {bytes} bytes, not {expected}")));
            }
        }
    }
    assembly.finish()
}

fn entry<'a>(pickle: &'a Pickle, key: &str) -> Option<&'a Value> {
    let Value::Dict(entries) = pickle.get(pickle.root) else {
        return None;
    };
    entries.iter().find(|(name, _)| pickle.text(*name) == Some(key)).map(|(_, value)| pickle.get(*value))
}

fn storage_keys(pickle: &Pickle, path: &Path) -> Result<Vec<String>, WeightsError> {
    let damaged = || WeightsError::damaged(path, "the list of storages");
    let Value::List(keys) = pickle.get(pickle.root) else {
        return Err(damaged());
    };
    keys.iter()
        .map(|&key| match pickle.get(key) {
            Value::Text(key) if key.len() <= state_dict::MAX_STORAGE_KEY => Ok(key.clone()),
            Value::Int(key) => Ok(key.to_string()),
            _ => Err(damaged()),
        })
        .collect()
}
