//! Tensors at rest.

/// A dense f32 tensor in row-major order, as a PyTorch state dict holds it: `data.len()` is the product of `shape`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

impl Tensor {
    /// # Panics
    /// When `data` does not fill `shape`.
    pub fn new(shape: Vec<usize>, data: Vec<f32>) -> Self {
        assert_eq!(data.len(), shape.iter().product::<usize>(), "data of shape {shape:?}");
        Tensor { shape, data }
    }

    /// Every value rounded to IEEE half precision, the nearest or of two the even one. Weights files store such a matrix
    /// or filter in half the bytes. None where a value is beyond 65504, or where all are so small (below 2^-14) that half
    /// precision has less than its 11 bits for any of them.
    pub fn halved(&self) -> Option<Self> {
        let largest = self.data.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let fits = largest == 0.0 || (half::f16::MIN_POSITIVE.to_f32()..=half::f16::MAX.to_f32()).contains(&largest);
        let data = self.data.iter().map(|&value| half::f16::from_f32(value).to_f32());
        fits.then(|| Tensor { shape: self.shape.clone(), data: data.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_half_precision_cannot_hold_is_not_halved() {
        let halved = |data: &[f32]| Tensor::new(vec![data.len()], data.to_vec()).halved().map(|tensor| tensor.data);
        assert_eq!(halved(&[0.1, -65504.0]), Some(vec![0.099975586, -65504.0]));
        assert_eq!(halved(&[0.0, 0.0]), Some(vec![0.0, 0.0]));
        // Would be infinite, and zero.
        assert_eq!(halved(&[0.1, 70_000.0]), None);
        assert_eq!(halved(&[1e-8, -1e-9]), None);
    }
}
