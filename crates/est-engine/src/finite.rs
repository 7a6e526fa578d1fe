//! Results that are no numbers, and the layer that they come from. A NaN is below and above nothing, so whatever reads one
//! as a score takes it for an answer.

use est_kernels::Aligned;

use crate::buffers::Place;
use crate::layer::Workspace;
use crate::plan::Plan;

/// The first place of a value that is NaN or infinite. Nearly always there is none: one pass without a branch.
pub fn not_finite(values: &[f32]) -> Option<usize> {
    const EXPONENT: u32 = 0x7f80_0000;
    let is_none = |value: &f32| value.to_bits() & EXPONENT == EXPONENT;
    let any = values.iter().fold(false, |any, value| any | is_none(value));
    any.then(|| values.iter().position(is_none)).flatten()
}

/// The first step, or input, of one element of a batch whose result holds such a value: every step again, each into memory
/// of its own. None where all are finite.
pub fn first_step(plan: &Plan, inputs: &[&[f32]]) -> Option<String> {
    if let Some((name, _)) = plan.inputs.iter().zip(inputs).find(|(_, input)| not_finite(input).is_some()) {
        return Some(name.clone());
    }
    let mut values: Vec<Aligned<f32>> = vec![];
    values.resize_with(plan.values.len(), Aligned::default);
    let mut workspace = Workspace::default();
    for step in &plan.steps {
        let mut output = std::mem::take(&mut values[step.output]);
        let len = plan.values[step.output].len;
        output.reserve(len);
        let get = |&value: &usize| match plan.values[value].place {
            Place::Input(number) if number < inputs.len() => inputs[number],
            _ => &values[value][..plan.values[value].len],
        };
        let read: Vec<&[f32]> = step.inputs.iter().map(get).collect();
        step.kernel.run(&read, &mut output[..len], &mut workspace).ok()?;
        if not_finite(&output[..len]).is_some() {
            return Some(step.name.clone());
        }
        values[step.output] = output;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_finite_number_is_found() {
        let mut values = vec![1.0, -0.0, f32::MAX, f32::MIN_POSITIVE, 1e-45, f32::MIN];
        assert_eq!(not_finite(&values), None);
        for wrong in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            values[4] = wrong;
            assert_eq!(not_finite(&values), Some(4));
        }
        assert_eq!(not_finite(&[]), None);
    }
}
