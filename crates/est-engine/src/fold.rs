//! Batch norm in evaluation is a factor and an offset for each channel; both go into the layer before.

use est_nets::Tensor;

/// Rewrites a layer's `weights` [channels, ..] and `bias` [channels] so that it gives the normalised result. The
/// tensors are the norm's weight, bias, mean and variance. In f64: the only error is the rounding of the new weights.
pub fn fold_batch_norm(norm: [&Tensor; 4], eps: f32, weights: &mut [f32], bias: &mut [f32]) {
    let len = weights.len() / bias.len();
    for (channel, filter) in weights.chunks_exact_mut(len).enumerate() {
        let [weight, shift, mean, variance] = norm.map(|tensor| f64::from(tensor.data[channel]));
        let scale = weight / (variance + f64::from(eps)).sqrt();
        for weight in filter {
            *weight = (f64::from(*weight) * scale) as f32;
        }
        bias[channel] = ((f64::from(bias[channel]) - mean) * scale + shift) as f32;
    }
}
