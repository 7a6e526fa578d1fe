//! A tensor as a pickle describes it: a strided window onto a storage.

use super::super::dtype::Dtype;
use crate::tensor::Tensor;

/// The most elements in all tensors of one file: 2 GiB of f32, about twice the largest preset.
const MAX_ELEMENTS: usize = 1 << 29;
/// Elements that any file may hold, and per byte of the file beyond that. Views may overlap and repeat (stride 0),
/// so elements may outnumber the stored ones, but a small file cannot ask for more than 256 MiB.
const FREE_ELEMENTS: usize = 1 << 26;
const ELEMENTS_PER_BYTE: u64 = 16;
/// PyTorch's own limit.
const MAX_RANK: usize = 64;

/// Where a storage is and how long it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StorageRef {
    /// The storage's name in the file.
    pub key: String,
    /// Bytes of the whole storage.
    pub bytes: usize,
    /// The first byte and the number of bytes that this reference covers: all but in files before PyTorch 0.4.
    pub window: (usize, usize),
}

/// `offset` and `strides` in elements of `dtype`, counted from the start of the storage's window.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub storage: StorageRef,
    pub dtype: Dtype,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

impl View {
    /// Checks that every element lies in the storage, and returns how many there are.
    pub fn elements(&self) -> Result<usize, String> {
        if self.shape.len() != self.strides.len() || self.shape.len() > MAX_RANK {
            return Err(format!("{} sizes and {} strides", self.shape.len(), self.strides.len()));
        }
        let overflow = || format!("an impossible shape {:?}", self.shape);
        // In this order, as `Tensor::new` multiplies them.
        let elements = self.shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        let elements = elements.ok_or_else(overflow)?;
        if elements == 0 {
            return Ok(0);
        }
        let mut last = self.offset;
        for (&size, &stride) in self.shape.iter().zip(&self.strides) {
            last = (size - 1).checked_mul(stride).and_then(|step| last.checked_add(step)).ok_or_else(overflow)?;
        }
        let stored = self.storage.window.1 / self.dtype.size();
        if last >= stored {
            return Err(format!("it reaches element {last} of a storage of {stored}"));
        }
        Ok(elements)
    }

    /// Copies the window out of the storage's bytes.
    ///
    /// # Panics
    /// When [`View::elements`] fails, or `storage` is not `self.storage.bytes` long.
    pub fn gather(&self, storage: &[u8]) -> Tensor {
        let elements = self.elements().expect("a checked view");
        let (start, length) = self.storage.window;
        let (bytes, size) = (&storage[start..start + length], self.dtype.size());
        let mut data = Vec::with_capacity(elements);
        if elements > 0 {
            let (outer, run) = self.runs();
            let mut index = vec![0; outer];
            for _ in 0..elements / run {
                let at = self.offset + index.iter().zip(&self.strides).map(|(i, stride)| i * stride).sum::<usize>();
                self.dtype.decode_into(&bytes[at * size..(at + run) * size], &mut data);
                advance(&mut index, &self.shape[..outer]);
            }
        }
        Tensor::new(self.shape.clone(), data)
    }

    /// How many leading axes must be stepped through, and how many elements then lie one after the other: all of them
    /// in nearly every tensor.
    fn runs(&self) -> (usize, usize) {
        let mut run = 1;
        for (axis, (&size, &stride)) in self.shape.iter().zip(&self.strides).enumerate().rev() {
            if size != 1 && stride != run {
                return (axis + 1, run);
            }
            run *= size;
        }
        (0, run)
    }
}

/// The next index in row-major order; all zeros after the last.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (position, &size) in index.iter_mut().zip(shape).rev() {
        *position += 1;
        if *position < size {
            return;
        }
        *position = 0;
    }
}

/// Counts the elements of a whole file.
pub(super) struct Budget {
    left: usize,
}

impl Budget {
    pub fn of_file(bytes: u64) -> Self {
        let by_size = usize::try_from(bytes.saturating_mul(ELEMENTS_PER_BYTE)).unwrap_or(usize::MAX);
        Budget { left: by_size.saturating_add(FREE_ELEMENTS).min(MAX_ELEMENTS) }
    }

    /// Takes `elements` out of the budget; false when it is spent.
    pub fn spend(&mut self, elements: usize) -> bool {
        match self.left.checked_sub(elements) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(stored: usize, offset: usize, shape: &[usize], strides: &[usize]) -> View {
        let storage = StorageRef { key: "0".into(), bytes: stored * 4, window: (0, stored * 4) };
        View { storage, dtype: Dtype::F32, offset, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    fn counting(stored: usize) -> Vec<u8> {
        (0..stored).flat_map(|value| (value as f32).to_le_bytes()).collect()
    }

    #[test]
    fn strides_and_offsets_are_honoured() {
        let gather = |offset, shape: &[usize], strides: &[usize]| {
            let view = view(12, offset, shape, strides);
            assert_eq!(view.elements().unwrap(), shape.iter().product::<usize>());
            view.gather(&counting(12)).data
        };
        assert_eq!(gather(2, &[2, 3], &[3, 1]), [2., 3., 4., 5., 6., 7.]);
        assert_eq!(gather(0, &[3, 4], &[1, 3]), [0., 3., 6., 9., 1., 4., 7., 10., 2., 5., 8., 11.], "transposed");
        assert_eq!(gather(1, &[3, 2], &[1, 1]), [1., 2., 2., 3., 3., 4.], "overlapping");
        assert_eq!(gather(5, &[2, 2], &[0, 0]), [5.; 4], "expanded");
        assert_eq!(gather(11, &[1, 1, 1], &[99, 7, 1]), [11.], "strides of single elements do not matter");
        assert_eq!(gather(3, &[], &[]), [3.], "a scalar");
        assert_eq!(gather(0, &[2, 0], &[1, 1]), [0f32; 0], "empty");
    }

    #[test]
    fn what_lies_outside_the_storage_is_refused() {
        let refused = [
            view(12, 12, &[], &[]),
            view(12, 0, &[13], &[1]),
            view(12, 1, &[3, 4], &[4, 1]),
            view(12, 0, &[2, 2], &[11, 1]),
            view(12, 0, &[2], &[usize::MAX]),
            view(12, usize::MAX, &[2], &[1]),
            view(12, 0, &[usize::MAX, 2], &[0, 0]),
            view(12, 0, &[usize::MAX, 2, 0], &[0, 0, 0]),
            view(12, 0, &[2, 2], &[1]),
            view(12, 0, &[1; 65], &[1; 65]),
            view(0, 0, &[1], &[1]),
        ];
        for view in refused {
            assert!(view.elements().is_err(), "{view:?}");
        }
    }

    #[test]
    fn the_budget_follows_the_size_of_the_file() {
        assert!(Budget::of_file(1000).spend(FREE_ELEMENTS));
        assert!(!Budget::of_file(1000).spend(FREE_ELEMENTS + 16_001));
        assert!(Budget::of_file(u64::MAX).spend(MAX_ELEMENTS));
        assert!(!Budget::of_file(u64::MAX).spend(MAX_ELEMENTS + 1));
        // The largest preset fits.
        assert!(Budget::of_file(4 * 272_486_609).spend(272_486_609));
    }
}
