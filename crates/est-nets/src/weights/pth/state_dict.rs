//! Finds the tensors in the values of a pickle.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::Value as Json;

use super::super::dtype::Dtype;
use super::super::error::WeightsError;
use super::globals::{Global, Rebuild};
use super::pickle::{Id, Pickle, Value};
use super::view::{Budget, StorageRef, View};

/// Where a checkpoint keeps its state dict, in the order in which they are tried.
const STATE_DICT_KEYS: [&str; 4] = ["state_dict", "model", "model_state_dict", "net"];
/// What `nn.DataParallel` puts before every key.
const PARALLEL_PREFIX: &str = "module.";
/// Bounds on what a hostile file can make us keep; the largest preset has under 500 tensors.
const MAX_TENSORS: usize = 1 << 16;
const MAX_KEY: usize = 512;
/// The longest key of a storage; PyTorch writes up to 20 digits.
pub(super) const MAX_STORAGE_KEY: usize = 64;
const MAX_SCALARS: usize = 64;
const MAX_SCALAR_TEXT: usize = 256;

/// What a pickle describes, before any storage is read.
pub(super) struct Plan {
    /// In the file's order.
    pub tensors: Vec<(String, View)>,
    /// Plain values beside the state dict.
    pub scalars: BTreeMap<String, Json>,
    /// One-element tensors beside the state dict: scalars once they are read.
    pub scalar_views: Vec<(String, View)>,
    /// Entries of the state dict that are no tensors.
    pub skipped: Vec<String>,
}

pub(super) fn plan(pickle: &Pickle, file_bytes: u64, path: &Path) -> Result<Plan, WeightsError> {
    let Value::Dict(top) = pickle.get(pickle.root) else {
        return Err(no_state_dict(path, "the file holds no dictionary"));
    };
    let nested = STATE_DICT_KEYS.iter().find_map(|key| {
        let (_, value) = top.iter().rev().find(|(name, _)| pickle.text(*name) == Some(key))?;
        match pickle.get(*value) {
            Value::Dict(entries) if holds_tensors(pickle, entries) => Some((*value, entries)),
            _ => None,
        }
    });
    let entries = match nested {
        Some((_, entries)) => entries,
        None if holds_tensors(pickle, top) => top,
        None => return Err(no_state_dict(path, "the file holds no tensors")),
    };

    let mut plan =
        Plan { tensors: Vec::new(), scalars: BTreeMap::new(), scalar_views: Vec::new(), skipped: Vec::new() };
    let mut budget = Budget::of_file(file_bytes);
    let mut place = HashMap::new();
    for &(key, value) in entries {
        let key = name_of(pickle, key, path)?;
        let Value::Tensor(..) = pickle.get(value) else {
            if plan.skipped.len() < MAX_SCALARS {
                plan.skipped.push(key.to_owned());
            }
            continue;
        };
        let view = view_of(pickle, value).map_err(|detail| WeightsError::tensor(path, key, detail))?;
        let elements = view.elements().map_err(|detail| WeightsError::tensor(path, key, detail))?;
        if plan.tensors.len() == MAX_TENSORS || !budget.spend(elements) {
            return Err(WeightsError::tensor(path, key, "with it the file asks for more memory than its size allows"));
        }
        // As in Python, a key's last value counts.
        match place.insert(key, plan.tensors.len()) {
            Some(earlier) => {
                plan.tensors[earlier].1 = view;
                place.insert(key, earlier);
            }
            None => plan.tensors.push((key.to_owned(), view)),
        }
    }
    strip_prefix(&mut plan.tensors);
    if let Some((state_dict, _)) = nested {
        collect_scalars(pickle, top, state_dict, &mut plan);
    }
    Ok(plan)
}

fn no_state_dict(path: &Path, what: &str) -> WeightsError {
    WeightsError::unsupported(
        path,
        format!(
            "{what}; a state dict is wanted, alone or under one of {}: torch.save(model.state_dict(), ...)",
            STATE_DICT_KEYS.join(", ")
        ),
    )
}

fn holds_tensors(pickle: &Pickle, entries: &[(Id, Id)]) -> bool {
    entries.iter().any(|(_, value)| matches!(pickle.get(*value), Value::Tensor(..)))
}

fn name_of<'a>(pickle: &'a Pickle, key: Id, path: &Path) -> Result<&'a str, WeightsError> {
    match pickle.text(key) {
        Some(key) if key.len() <= MAX_KEY => Ok(key),
        Some(key) => Err(WeightsError::tensor(path, key, "the name is too long")),
        None => Err(no_state_dict(path, "a key of the state dict is no text")),
    }
}

/// Drops the prefix that every key has.
fn strip_prefix(tensors: &mut [(String, View)]) {
    if tensors.iter().all(|(key, _)| key.starts_with(PARALLEL_PREFIX)) {
        for (key, _) in tensors {
            key.drain(..PARALLEL_PREFIX.len());
        }
    }
}

/// The numbers and short texts beside the state dict (`epoch`, `prec1`, `arch`).
fn collect_scalars(pickle: &Pickle, top: &[(Id, Id)], state_dict: Id, plan: &mut Plan) {
    for &(key, value) in top.iter().filter(|(_, value)| *value != state_dict).take(MAX_SCALARS) {
        let Some(key) = pickle.text(key).filter(|key| key.len() <= MAX_SCALAR_TEXT) else {
            continue;
        };
        let scalar = match pickle.get(value) {
            Value::Bool(value) => Json::from(*value),
            Value::Int(value) => Json::from(*value),
            // JSON has no NaN and no infinity.
            Value::Float(value) if value.is_finite() => Json::from(*value),
            Value::Text(text) if text.len() <= MAX_SCALAR_TEXT => Json::from(text.as_str()),
            Value::Tensor(..) => {
                if let Ok(view) = view_of(pickle, value)
                    && view.elements() == Ok(1)
                {
                    plan.scalar_views.push((key.to_owned(), view));
                }
                continue;
            }
            _ => continue,
        };
        plan.scalars.insert(key.to_owned(), scalar);
    }
}

/// `(storage, offset, size, stride, requires_grad, hooks, ...)`.
fn view_of(pickle: &Pickle, tensor: Id) -> Result<View, String> {
    let Value::Tensor(rebuild, arguments) = *pickle.get(tensor) else { unreachable!("only called on tensors") };
    let malformed = || "its description is damaged".to_owned();
    let arguments = pickle.tuple(arguments).filter(|items| items.len() >= 4).ok_or_else(malformed)?;
    let Value::Storage(storage) = *pickle.get(arguments[0]) else {
        return Err(malformed());
    };
    let (storage, storage_dtype) = storage_of(pickle, storage).ok_or_else(malformed)?;
    let dtype = match rebuild {
        Rebuild::TypedStorage => storage_dtype.ok_or("its storage has no element type")?,
        Rebuild::TypedArgument => match arguments.get(6).map(|&dtype| pickle.get(dtype)) {
            Some(Value::Global(Global::Dtype(dtype))) => *dtype,
            _ => return Err(malformed()),
        },
    };
    let sizes = |id| -> Option<Vec<usize>> {
        // The view checks the rank; this keeps a shared million-item tuple from being copied again and again.
        let items = pickle.tuple(id)?;
        items.iter().take(256).map(|&item| pickle.size(item)).collect()
    };
    Ok(View {
        storage,
        dtype,
        offset: pickle.size(arguments[1]).ok_or_else(malformed)?,
        shape: sizes(arguments[2]).ok_or_else(malformed)?,
        strides: sizes(arguments[3]).ok_or_else(malformed)?,
    })
}

/// A persistent id: `("storage", type, key, location, elements[, None or (view key, offset, elements)])`.
fn storage_of(pickle: &Pickle, description: Id) -> Option<(StorageRef, Option<Dtype>)> {
    let items = pickle.tuple(description).filter(|items| items.len() >= 5)?;
    if pickle.text(items[0]) != Some("storage") {
        return None;
    }
    let Value::Global(Global::Storage(dtype)) = *pickle.get(items[1]) else {
        return None;
    };
    let element = dtype.map_or(1, Dtype::size);
    let key = match pickle.get(items[2]) {
        Value::Text(key) if key.len() <= MAX_STORAGE_KEY => key.clone(),
        Value::Int(key) => key.to_string(),
        _ => return None,
    };
    let bytes = pickle.size(items[4])?.checked_mul(element)?;
    let window = match items.get(5).and_then(|&view| pickle.tuple(view)) {
        None => (0, bytes),
        Some(view) => {
            let start = pickle.size(*view.get(1)?)?.checked_mul(element)?;
            let length = pickle.size(*view.get(2)?)?.checked_mul(element)?;
            if start.checked_add(length)? > bytes {
                return None;
            }
            (start, length)
        }
    };
    Some((StorageRef { key, bytes, window }, dtype))
}

/// The size in bytes of an element of every storage that the pickle names, by key, whether a tensor uses it or not:
/// a legacy file gives each storage's length in elements.
pub(super) fn element_sizes(pickle: &Pickle, path: &Path) -> Result<HashMap<String, usize>, WeightsError> {
    let mut sizes = HashMap::new();
    for value in pickle.values() {
        if let Value::Storage(description) = *value {
            let (storage, dtype) = storage_of(pickle, description)
                .ok_or_else(|| WeightsError::damaged(path, "the description of a storage"))?;
            let size = dtype.map_or(1, Dtype::size);
            if *sizes.entry(storage.key).or_insert_with_key(|_| size) != size {
                return Err(WeightsError::damaged(path, "a storage of two element types"));
            }
        }
    }
    Ok(sizes)
}

/// A one-element tensor as a number.
pub(super) fn number(value: f32) -> Option<Json> {
    // Shortest decimal of the f32: 54.26, not 54.2599983215332.
    value.is_finite().then(|| value.to_string().parse::<f64>().ok().map(Json::from)).flatten()
}
