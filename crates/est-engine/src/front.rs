//! The front of a plan: the first steps, on large images, run through image by image, each by one thread, so that what
//! one step writes is in that core's cache when the next reads it.

use std::sync::{Mutex, PoisonError};

use est_kernels::Aligned;

use crate::buffers::{Place, Use, Value, assign};
use crate::clock::Clock;
use crate::error::EngineError;
use crate::layer::Workspace;
use crate::plan::Step;
use crate::threads::for_parts;

/// Each thread's own buffers.
pub type Cores = Vec<Mutex<Vec<Aligned<f32>>>>;

/// Steps before the first heavy one that read nothing but images of the input and leave one value to the others.
#[derive(Default)]
pub struct Front {
    pub steps: usize,
    /// Places of the values inside, by their number in the plan; the caller's input stays.
    pub values: Vec<Value>,
    /// Numbers in each buffer for one image.
    pub buffers: Vec<usize>,
    /// Numbers of an image of the input.
    input: usize,
}

impl Front {
    /// Finds the front of `steps`; `kept` values are outputs of the plan.
    pub fn new(values: &[Value], steps: &[Step], kept: &[usize]) -> Front {
        let Some(repeat) = steps.first().map(|step| step.shape.repeat) else {
            return Front::default();
        };
        let fits = |step: &&Step| {
            let inputs =
                step.inputs.iter().filter(|&&value| matches!(values[value].place, Place::Input(n) if n != usize::MAX));
            step.kernel.is_of_images() && step.shape.repeat == repeat && inputs.into_iter().all(|&value| value == 0)
        };
        let longest = steps.iter().take_while(fits).count();
        // Only the last value may be read later on.
        let closed = |&count: &usize| {
            let inside = |value: &usize| steps[..count - 1].iter().any(|step| step.output == *value);
            !steps[count..].iter().flat_map(|step| &step.inputs).chain(kept).any(inside)
        };
        let Some(count) = (2..=longest).rev().find(closed) else {
            return Front::default();
        };
        let mut local: Vec<Value> = values.to_vec();
        for value in &mut local {
            value.len /= repeat;
        }
        let uses: Vec<Use> =
            steps[..count].iter().map(|step| Use { inputs: &step.inputs, output: step.output }).collect();
        let buffers = assign(&mut local, &uses, &[]);
        Front { steps: count, buffers, input: local[0].len, values: local }
    }

    /// Runs `steps`, which are those of the front, from `input` to `output`, on the pool that this is called in.
    pub fn run(
        &self,
        steps: &[Step],
        input: &[f32],
        output: &mut [f32],
        (cores, workspace, clock): (&Cores, &mut Workspace, &Clock),
    ) -> Result<(), EngineError> {
        let threads = rayon::current_num_threads();
        let images = input.len() / self.input;
        if images == 0 {
            return Ok(());
        }
        // What is left over when every thread has had the same number of images is divided inside the images.
        let left = images % threads;
        let (whole, rest) = output.split_at_mut((images - left) * (output.len() / images));
        let ends: Vec<usize> = (1..=images - left).map(|end| end * (whole.len() / (images - left))).collect();
        for_parts(whole, &ends, |image, output| {
            let thread = rayon::current_thread_index().unwrap_or(0);
            let mut buffers = cores[thread].lock().unwrap_or_else(PoisonError::into_inner);
            let input = &input[image * self.input..(image + 1) * self.input];
            let alone = |index: usize, inputs: &[&[f32]], output: &mut [f32]| {
                clock.time(index, || steps[index].kernel.run_alone(inputs, output));
                Ok(())
            };
            self.walk(steps, 1, input, output, &mut buffers, alone).expect("images have no wrong numbers");
        });
        if left == 0 {
            return Ok(());
        }
        let mut buffers = cores[0].lock().unwrap_or_else(PoisonError::into_inner);
        let input = &input[(images - left) * self.input..];
        let together = |index: usize, inputs: &[&[f32]], output: &mut [f32]| {
            clock.time(index, || steps[index].kernel.run(inputs, output, workspace))
        };
        self.walk(steps, left, input, rest, &mut buffers, together)
    }

    fn walk(
        &self,
        steps: &[Step],
        images: usize,
        input: &[f32],
        output: &mut [f32],
        buffers: &mut Vec<Aligned<f32>>,
        mut run: impl FnMut(usize, &[&[f32]], &mut [f32]) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        buffers.resize_with(self.buffers.len(), Aligned::default);
        for (buffer, len) in buffers.iter_mut().zip(&self.buffers) {
            buffer.reserve(len * images);
        }
        for (index, step) in steps.iter().enumerate() {
            let Place::Buffer(target) = self.values[step.output].place else { unreachable!("steps write to buffers") };
            // A step never writes to a buffer that it reads.
            let mut taken = std::mem::take(&mut buffers[target]);
            let get = |&value: &usize| match self.values[value].place {
                Place::Input(_) => input,
                Place::Buffer(buffer) => &buffers[buffer][..self.values[value].len * images],
            };
            let inputs: Vec<&[f32]> = step.inputs.iter().map(get).collect();
            let result = match index + 1 == steps.len() {
                true => run(index, &inputs, output),
                false => run(index, &inputs, &mut taken[..self.values[step.output].len * images]),
            };
            buffers[target] = taken;
            result?;
        }
        Ok(())
    }
}
