//! Finds the tensors in the values of a pickle.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde_json::Value as Json;

use super::super::dtype::Dtype;
use super::super::error::WeightsError;
use super::globals::{Global, Rebuild};
use super::pickle::{Id, Pickle, Value};
use super::view::{Budget, StorageRef, View};

/// Bounds on what a hostile file can make us keep; the largest preset has under 500 tensors.
pub(in super::super) const MAX_TENSORS: usize = 1 << 16;
/// Of a tensor, from the root of the file; what has a longer one is no part of a network.
const MAX_NAME: usize = 512;
/// The longest key of a storage; PyTorch writes up to 20 digits.
pub(super) const MAX_STORAGE_KEY: usize = 64;
const MAX_SCALARS: usize = 64;
const MAX_SCALAR_TEXT: usize = 256;

/// What a pickle describes, before any storage is read.
pub(super) struct Plan {
    /// Every tensor by the keys that lead to it, with dots between them (`state_dict.conv1.weight`), in the file's order.
    pub tensors: Vec<(String, View)>,
    /// Plain values at the root.
    pub scalars: BTreeMap<String, Json>,
    /// One-element tensors at the root of a file that keeps its networks deeper: scalars once they are read.
    pub scalar_views: Vec<(String, View)>,
}

/// Finds every tensor, however deep in dictionaries, lists and tuples. What is shared is found once, at its first place.
///
/// # Errors
/// When a tensor's description is damaged, there is none, or there are too many.
pub(super) fn plan(pickle: &Pickle, path: &Path) -> Result<Plan, WeightsError> {
    let mut found = Found::default();
    let mut waiting = vec![(String::new(), pickle.root)];
    let mut seen = HashSet::from([pickle.root]);
    // Not by recursion: a hostile file nests a million deep.
    while let Some((prefix, id)) = waiting.pop() {
        let mut deeper = vec![];
        for (key, value) in children(pickle, id) {
            let Some(name) = key.under(&prefix) else { continue };
            match pickle.get(value) {
                Value::Tensor(..) => found.add(name, view_of(pickle, value), path)?,
                _ if holds_more(pickle, value) && seen.insert(value) => deeper.push((name + ".", value)),
                _ => {}
            }
        }
        if seen.len() > MAX_TENSORS {
            return Err(WeightsError::unsupported(path, format!("it nests more than {MAX_TENSORS} dictionaries")));
        }
        waiting.extend(deeper.into_iter().rev());
    }
    let Found { tensors, .. } = found;
    if tensors.is_empty() {
        let detail = "the file holds no tensors; a state dict is wanted, alone or in a dictionary: \
                      torch.save(model.state_dict(), ...)";
        return Err(WeightsError::unsupported(path, detail));
    }
    Ok(with_scalars(pickle, tensors))
}

impl Plan {
    /// Drops the tensors that `keep` does not name.
    ///
    /// # Errors
    /// When the rest is larger than the file can mean.
    pub fn keep(mut self, keep: &dyn Fn(&str) -> bool, file_bytes: u64, path: &Path) -> Result<Self, WeightsError> {
        self.tensors.retain(|(name, _)| keep(name));
        let mut budget = Budget::of_file(file_bytes);
        for (name, view) in &self.tensors {
            let elements = view.elements().map_err(|detail| WeightsError::tensor(path, name, detail))?;
            if !budget.spend(elements) {
                let detail = "with it the file asks for more memory than its size allows";
                return Err(WeightsError::tensor(path, name, detail));
            }
        }
        Ok(self)
    }
}

#[derive(Default)]
struct Found {
    tensors: Vec<(String, View)>,
    place: HashMap<String, usize>,
}

impl Found {
    fn add(&mut self, name: String, view: Result<View, String>, path: &Path) -> Result<(), WeightsError> {
        let view = view.and_then(|view| view.elements().map(|_| view));
        let view = view.map_err(|detail| WeightsError::tensor(path, &name, detail))?;
        match self.place.get(&name) {
            // As in Python, a key's last value counts.
            Some(&earlier) => self.tensors[earlier].1 = view,
            None if self.tensors.len() == MAX_TENSORS => {
                return Err(WeightsError::unsupported(path, format!("it holds more than {MAX_TENSORS} tensors")));
            }
            None => {
                self.place.insert(name.clone(), self.tensors.len());
                self.tensors.push((name, view));
            }
        }
        Ok(())
    }
}

/// What leads from a container to one of its values.
enum Key<'a> {
    Text(&'a str),
    Number(i64),
}

impl Key<'_> {
    /// The name of the value, or None where that is too long for one.
    fn under(&self, prefix: &str) -> Option<String> {
        let name = match self {
            Key::Text(text) => (prefix.len() + text.len() < MAX_NAME).then(|| format!("{prefix}{text}"))?,
            Key::Number(number) => format!("{prefix}{number}"),
        };
        (name.len() < MAX_NAME).then_some(name)
    }
}

fn children<'a>(pickle: &'a Pickle, id: Id) -> Box<dyn Iterator<Item = (Key<'a>, Id)> + 'a> {
    match pickle.get(id) {
        Value::Dict(entries) => Box::new(entries.iter().filter_map(|&(key, value)| match pickle.get(key) {
            Value::Text(text) => Some((Key::Text(text), value)),
            Value::Int(number) => Some((Key::Number(*number), value)),
            _ => None,
        })),
        Value::List(items) | Value::Tuple(items) => {
            Box::new(items.iter().zip(0..).map(|(&item, place)| (Key::Number(place), item)))
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// Whether a value has others in it that may be or hold tensors: a list of a million numbers is not looked at again.
fn holds_more(pickle: &Pickle, id: Id) -> bool {
    let kind = |id: Id| matches!(pickle.get(id), Value::Tensor(..) | Value::Dict(_) | Value::List(_) | Value::Tuple(_));
    match pickle.get(id) {
        Value::Dict(entries) => entries.iter().any(|&(_, value)| kind(value)),
        Value::List(items) | Value::Tuple(items) => items.iter().any(|&item| kind(item)),
        _ => false,
    }
}

/// Takes the numbers and short texts at the root (`epoch`, `prec1`, `arch`).
fn with_scalars(pickle: &Pickle, mut tensors: Vec<(String, View)>) -> Plan {
    let mut plan = Plan { tensors: vec![], scalars: BTreeMap::new(), scalar_views: vec![] };
    let Value::Dict(root) = pickle.get(pickle.root) else { return Plan { tensors, ..plan } };
    for &(key, value) in root.iter().take(MAX_SCALARS) {
        let Some(key) = pickle.text(key).filter(|key| key.len() <= MAX_SCALAR_TEXT) else { continue };
        let scalar = match pickle.get(value) {
            Value::Bool(value) => Json::from(*value),
            Value::Int(value) => Json::from(*value),
            // JSON has no NaN and no infinity.
            Value::Float(value) if value.is_finite() => Json::from(*value),
            Value::Text(text) if text.len() <= MAX_SCALAR_TEXT => Json::from(text.as_str()),
            _ => continue,
        };
        plan.scalars.insert(key.to_owned(), scalar);
    }
    // Beside a network in a dictionary of its own, a lone number is no weight.
    let keys: HashSet<&str> = root
        .iter()
        .filter(|(_, value)| matches!(pickle.get(*value), Value::Tensor(..)))
        .filter_map(|&(key, _)| pickle.text(key))
        .collect();
    if keys.len() < tensors.len() {
        let lone = |(name, view): &(String, View)| keys.contains(name.as_str()) && view.elements() == Ok(1);
        let scalars = tensors.extract_if(.., |tensor| lone(tensor));
        plan.scalar_views = scalars.take(MAX_SCALARS).collect();
    }
    Plan { tensors, ..plan }
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
