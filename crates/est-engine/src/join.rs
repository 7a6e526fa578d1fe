//! Steps that become one, where nobody else reads what is between them.

use std::collections::BTreeMap;

use crate::kernel::Kernel;
use crate::plan::Step;

/// Joins what can be joined; `kept` values are outputs of the plan.
pub fn join(steps: Vec<Step>, kept: &[usize]) -> Vec<Step> {
    let mut readers = BTreeMap::new();
    for value in steps.iter().flat_map(|step| &step.inputs).chain(kept) {
        *readers.entry(*value).or_insert(0) += 1;
    }
    let mut joined: Vec<Step> = vec![];
    for step in steps {
        let step = match joined.pop_if(|last| step.inputs.contains(&last.output) && readers[&last.output] == 1) {
            Some(last) => match pair(&mut joined, &readers, last, step) {
                Ok(both) => both,
                Err([last, step]) => {
                    joined.push(*last);
                    *step
                }
            },
            None => step,
        };
        joined.push(step);
    }
    joined
}

/// A step with the one before it, which it alone reads, or both as they were.
fn pair(before: &mut [Step], readers: &BTreeMap<usize, usize>, last: Step, step: Step) -> Result<Step, [Box<Step>; 2]> {
    // A pool over frames has another window than the images that the layer computes.
    let images = [&last, &step].iter().all(|step| step.shape.item.len() == 3);
    match (last.kernel, step.kernel) {
        // The pool takes the layer's rows while they are in the cache.
        (Kernel::Layer(conv, slope), Kernel::MaxPool(window, _))
            if images && conv.is_by_rows() && last.inputs.len() == 1 =>
        {
            Ok(Step { kernel: Kernel::Pooled(conv, slope, window), inputs: last.inputs, name: last.name, ..step })
        }
        (Kernel::Upsample(from, to, channels, false), Kernel::Add([1, _])) => {
            let other = step.inputs[usize::from(step.inputs[0] == last.output)];
            Ok(Step { kernel: Kernel::Upsample(from, to, channels, true), inputs: vec![last.inputs[0], other], ..step })
        }
        // What is joined was just computed by layers that can do it as well.
        (Kernel::Concat(widths), Kernel::Leak(leak)) if are_layers(before, readers, &last.inputs) => {
            for step in before.iter_mut().filter(|step| last.inputs.contains(&step.output)) {
                if let Kernel::Layer(_, slope) = &mut step.kernel {
                    *slope = Some(leak);
                }
            }
            Ok(Step { kernel: Kernel::Concat(widths), inputs: last.inputs, name: last.name, ..step })
        }
        (one, other) => Err([Box::new(Step { kernel: one, ..last }), Box::new(Step { kernel: other, ..step })]),
    }
}

/// Whether layers without an activation compute these values and nobody else reads them.
fn are_layers(steps: &[Step], readers: &BTreeMap<usize, usize>, values: &[usize]) -> bool {
    values.iter().all(|value| {
        let step = steps.iter().find(|step| step.output == *value);
        readers[value] == 1 && step.is_some_and(|step| matches!(step.kernel, Kernel::Layer(_, None)))
    })
}
