//! Do these tensors fit that network?

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::error::{Mismatch, WeightsError};
use crate::tensor::Tensor;

/// A counter of training batches beside every batch norm; no network reads it, so it may be there or not.
const BATCH_COUNTER: &str = "num_batches_tracked";

/// Compares the tensors of the file at `path` with the keys and shapes that a network expects, and looks for values
/// that are no numbers.
///
/// # Errors
/// [`WeightsError::Mismatch`] with all missing, surplus and misshapen tensors; else the first tensor with a NaN or an
/// infinity.
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
    for (key, tensor) in tensors {
        if let Some(value) = tensor.data.iter().find(|value| !value.is_finite()) {
            let detail =
                format!("it holds {value}: the training failed, or the file is damaged; use another checkpoint");
            return Err(WeightsError::tensor(path, key, detail));
        }
    }
    Ok(())
}

fn is_counter(key: &str) -> bool {
    key.rsplit('.').next() == Some(BATCH_COUNTER)
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
