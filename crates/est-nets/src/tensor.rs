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
    /// or filter in half the bytes.
    pub fn halved(&self) -> Self {
        let data = self.data.iter().map(|&value| half::f16::from_f32(value).to_f32()).collect();
        Tensor { shape: self.shape.clone(), data }
    }
}
