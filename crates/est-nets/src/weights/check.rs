//! Do these tensors fit that network?

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::error::{Mismatch, WeightsError};
use crate::tensor::Tensor;

/// A counter of training batches beside every batch norm; no network reads it, so it may be there or not.
const BATCH_COUNTER: &str = "num_batches_tracked";
/// The variance of a channel, of which a batch norm takes the square root.
const VARIANCE: &str = "running_var";

/// Compares the tensors of the file at `path` with the keys and shapes that a network expects, and looks for values
/// that are no numbers.
///
/// # Errors
/// [`WeightsError::Mismatch`] with all missing, surplus and misshapen tensors; else the first tensor with a NaN or an
/// infinity, or a variance below zero.
pub fn check(
    tensors: &BTreeMap<String, Tensor>,
    expected: &[(String, Vec<usize>)],
    path: &Path,
) -> Result<(), WeightsError> {
    let mut mismatch = Mismatch::default();
    for (key, shape) in expected.iter().filter(|(key, _)| !is_counter(key)) {
        match tensors.get(key) {
            None => mismatch.missing.push(key.clone()),
            Some(tensor) if tensor.shape != *shape => {
                mismatch.misshapen.push((key.clone(), tensor.shape.clone(), shape.clone()));
            }
            Some(_) => {}
        }
    }
    let known: HashMap<&str, &Vec<usize>> = expected.iter().map(|(key, shape)| (key.as_str(), shape)).collect();
    let surplus = tensors.keys().filter(|key| !known.contains_key(key.as_str()) && !is_counter(key));
    mismatch.surplus.extend(surplus.cloned());
    if !mismatch.is_empty() {
        return Err(WeightsError::Mismatch { path: path.to_owned(), mismatch: Box::new(mismatch) });
    }
    check_values(tensors, path)
}

/// Looks for values that no sound training leaves: what is computed from them would be nothing, and look like something.
///
/// # Errors
/// The first tensor with a NaN, an infinity or a variance below zero.
pub(super) fn check_values(tensors: &BTreeMap<String, Tensor>, path: &Path) -> Result<(), WeightsError> {
    const ADVICE: &str = "the training failed, or the file is damaged; use another checkpoint";
    let mut wrong = tensors.iter().filter_map(|(key, tensor)| Some((key, problem(key, tensor)?)));
    let Some((key, problem)) = wrong.next() else { return Ok(()) };
    let others = match wrong.count() {
        0 => String::new(),
        count => format!(" (and {count} more tensors are wrong)"),
    };
    Err(WeightsError::tensor(path, key, format!("{problem}{others}: {ADVICE}")))
}

/// What is wrong with the values of a tensor.
fn problem(key: &str, tensor: &Tensor) -> Option<String> {
    let all = tensor.data.len();
    if let Some(first) = tensor.data.iter().find(|value| !value.is_finite()) {
        let count = tensor.data.iter().filter(|value| !value.is_finite()).count();
        return Some(format!("{count} of its {all} values are no finite numbers, the first is {first}"));
    }
    let below = tensor.data.iter().filter(|value| **value < 0.0);
    if !ends_with(key, VARIANCE) || below.clone().next().is_none() {
        return None;
    }
    let least = below.clone().copied().fold(0.0, f32::min);
    Some(format!("{} of its {all} variances are below zero, the least is {least}", below.count()))
}

/// Whether a tensor counts training batches.
pub(crate) fn is_counter(key: &str) -> bool {
    ends_with(key, BATCH_COUNTER)
}

fn ends_with(key: &str, name: &str) -> bool {
    key.rsplit('.').next() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(shapes: &[(&str, &[usize])]) -> BTreeMap<String, Tensor> {
        let tensor = |shape: &[usize]| Tensor::new(shape.to_vec(), vec![0.5; shape.iter().product()]);
        shapes.iter().map(|(key, shape)| (key.to_string(), tensor(shape))).collect()
    }

    fn expected(shapes: &[(&str, &[usize])]) -> Vec<(String, Vec<usize>)> {
        shapes.iter().map(|(key, shape)| (key.to_string(), shape.to_vec())).collect()
    }

    const PATH: &str = "folder/w.pth";
    const NETWORK: [(&str, &[usize]); 3] =
        [("bn1.weight", &[2]), ("bn1.num_batches_tracked", &[]), ("fc.weight", &[7, 2])];

    #[test]
    fn fitting_tensors_pass_with_and_without_the_batch_counters() {
        let with = tensors(&NETWORK);
        let without = tensors(&[NETWORK[0], NETWORK[2]]);
        for expected in [expected(&NETWORK), expected(&[NETWORK[0], NETWORK[2]])] {
            check(&with, &expected, Path::new(PATH)).unwrap();
            check(&without, &expected, Path::new(PATH)).unwrap();
        }
    }

    #[test]
    fn every_difference_is_reported_at_once() {
        let found = tensors(&[
            ("fc.weight", &[6, 2]),
            ("a", &[1]),
            ("b", &[1]),
            ("c", &[1]),
            ("d.num_batches", &[1]),
            ("e.num_batches_tracked", &[]),
        ]);
        let error = check(&found, &expected(&NETWORK), Path::new(PATH)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "folder/w.pth: its tensors do not fit the network: 1 missing (bn1.weight), 4 surplus (a, b, c, ...), \
             1 misshapen (fc.weight is [6, 2], not [7, 2]); choose the architecture that these weights were trained \
             with"
        );
        let WeightsError::Mismatch { mismatch, .. } = error else { panic!("{error}") };
        assert_eq!(mismatch.surplus, ["a", "b", "c", "d.num_batches"]);
    }

    #[test]
    fn values_that_are_no_numbers_name_their_tensor() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut found = tensors(&NETWORK);
            found.get_mut("fc.weight").unwrap().data[13] = value;
            let message = check(&found, &expected(&NETWORK), Path::new(PATH)).unwrap_err().to_string();
            assert!(message.contains("folder/w.pth") && message.contains("`fc.weight`"), "{message}");
        }
    }
}
