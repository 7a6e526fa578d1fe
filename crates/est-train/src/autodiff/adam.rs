//! Adam with L2 regularisation (weight decay is added to the gradient), as PyTorch's `optim.Adam`.

use tch::Tensor;

use super::parameters::{Parameter, Parameters, row};
use crate::error::TrainError;

/// One update. `step` counts from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamStep {
    pub step: u64,
    pub rate: f64,
    pub betas: [f64; 2],
    pub eps: f64,
    pub weight_decay: f64,
    /// Factors of the rate by prefix of the parameter's name; the longest prefix that fits counts.
    pub rate_factors: Vec<(String, f64)>,
    /// Share of the old moving average in the new one, once there have been updates enough; 0: none is kept.
    pub average: f64,
}

impl AdamStep {
    /// The share at this step. Early on the average forgets faster, or the random weights of the beginning would stay in it
    /// for thousands of updates: with 0.998 an encoder guessed one class for everything at update 900, when its weights
    /// themselves had half of the validation clips right.
    fn kept(&self) -> f64 {
        let step = self.step as f64;
        self.average.min(step / (step + 9.0))
    }
}

/// Numbers that are updated at a time, so that the ten passes over them run in the cores' caches.
const CHUNK: i64 = 1 << 16;

/// `gradients` in the order of the trained parameters.
pub(super) fn update(
    parameters: &mut Parameters,
    gradients: Vec<Option<Tensor>>,
    step: &AdamStep,
) -> Result<(), TrainError> {
    for (parameter, gradient) in parameters.trained_mut().zip(gradients) {
        if let Some(gradient) = gradient {
            one(parameter, &row(&gradient)?, step)?;
        }
        if step.average > 0.0 {
            match &mut parameter.average {
                Some(average) => _ = average.f_lerp_(&parameter.flat, 1.0 - step.kept())?,
                None => parameter.average = Some(parameter.flat.f_add_scalar(0.0)?),
            }
        }
    }
    Ok(())
}

fn one(parameter: &mut Parameter, gradient: &Tensor, step: &AdamStep) -> Result<(), TrainError> {
    if parameter.moments.is_none() {
        parameter.moments = Some([parameter.flat.f_zeros_like()?, parameter.flat.f_zeros_like()?]);
    }
    let Parameter { name, flat, moments: Some([first, second]), .. } = parameter else {
        unreachable!("just put there");
    };
    let [beta1, beta2] = step.betas;
    let count = step.step as f64;
    let (bias1, bias2) = (1.0 - beta1.powf(count), 1.0 - beta2.powf(count));
    let rate = step.rate * factor(name, &step.rate_factors) / bias1;
    let numbers = flat.size()[0];
    let chunk = if flat.device() == tch::Device::Cpu { CHUNK } else { numbers };
    for start in (0..numbers).step_by(chunk.max(1) as usize) {
        let length = chunk.min(numbers - start);
        let part = |tensor: &Tensor| tensor.f_narrow(0, start, length);
        let (mut weights, mut first, mut second) = (part(flat)?, part(first)?, part(second)?);
        let mut gradient = part(gradient)?;
        if step.weight_decay > 0.0 {
            gradient = weights.f_mul_scalar(step.weight_decay)?.f_add_(&gradient)?;
        }
        _ = first.f_lerp_(&gradient, 1.0 - beta1)?;
        let square = gradient.f_square()?.f_mul_scalar_(1.0 - beta2)?;
        _ = second.f_mul_scalar_(beta2)?.f_add_(&square)?;
        let size = second.f_sqrt()?.f_div_scalar_(bias2.sqrt())?.f_add_scalar_(step.eps)?;
        _ = weights.f_sub_(&first.f_mul_scalar(rate)?.f_div_(&size)?)?;
    }
    Ok(())
}

fn factor(name: &str, factors: &[(String, f64)]) -> f64 {
    let fitting = factors.iter().filter(|(prefix, _)| name.starts_with(prefix.as_str()));
    fitting.max_by_key(|(prefix, _)| prefix.len()).map_or(1.0, |(_, factor)| *factor)
}
