//! Batch norm in evaluation is a factor and an offset for each channel; both go into the layer before.

use est_nets::Tensor;

/// The running statistics and factors of a batch norm, one number a channel each.
pub struct BatchNorm<'a> {
    pub weight: &'a Tensor,
    pub bias: &'a Tensor,
    pub mean: &'a Tensor,
    pub variance: &'a Tensor,
    pub eps: f32,
}

impl BatchNorm<'_> {
    /// Rewrites a layer's `weights` [channels, ..] and `bias` [channels] so that it gives the normalised result. In f64:
    /// the only error of folding is the rounding of the new weights.
    pub fn fold_into(&self, weights: &mut [f32], bias: &mut [f32]) {
        let channels = bias.len();
        for (channel, filter) in weights.chunks_exact_mut(weights.len() / channels).enumerate() {
            let at = |tensor: &Tensor| f64::from(tensor.data[channel]);
            let scale = at(self.weight) / (at(self.variance) + f64::from(self.eps)).sqrt();
            for weight in filter {
                *weight = (f64::from(*weight) * scale) as f32;
            }
            bias[channel] = ((f64::from(bias[channel]) - at(self.mean)) * scale + at(self.bias)) as f32;
        }
    }
}
