//! Convolution of stacks of frames: each tap along the frames is a convolution of images, and every one after the first adds
//! to what the ones before came to.

use std::fmt;
use std::ops::Range;

use est_kernels::conv::{Conv, ConvShape};
use est_kernels::{Isa, Window};
use est_nets::Sliding;

use crate::layer::{self, Workspace};

/// What a window does along the frames of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frames {
    frames: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
}

impl Frames {
    pub fn new(frames: usize, sliding: Sliding) -> Self {
        Frames { frames, kernel: sliding.kernel[0], stride: sliding.stride[0], padding: sliding.padding[0] }
    }

    /// The same of an image that is one pixel wide and as high as there are frames.
    pub fn window(&self) -> Window {
        Window::oblong([self.frames, 1], [self.kernel, 1], [self.stride, 1], [self.padding, 0])
    }

    fn places(&self) -> usize {
        self.window().out_height()
    }

    /// The taps at which `place` sees a frame.
    fn taps(&self, place: usize) -> Range<usize> {
        let first = place * self.stride;
        self.padding.saturating_sub(first)..self.kernel.min(self.frames + self.padding - first)
    }

    /// Runs of places that see the same taps and whose frames lie one behind the other.
    fn runs(&self) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = vec![];
        for place in 0..self.places() {
            match runs.last_mut() {
                Some(run) if self.stride == 1 && self.taps(run.start) == self.taps(place) => run.end = place + 1,
                _ => runs.push(place..place + 1),
            }
        }
        runs
    }
}

/// A layer with its weights repacked, tap by tap.
pub struct FrameConv {
    frames: Frames,
    taps: Vec<Conv>,
    bias: Vec<f32>,
}

impl FrameConv {
    /// `weights` [outputs, inputs / groups, kernel along the frames, down, across] as PyTorch lays them out; `shape` is that of
    /// every tap.
    pub fn new(isa: Isa, shape: ConvShape, frames: Frames, weights: &[f32], bias: Vec<f32>) -> Self {
        let filter = shape.window.taps_len();
        let none = vec![0.0; shape.outputs];
        let tap = |tap: usize| {
            let filters = weights.chunks_exact(filter).skip(tap).step_by(frames.kernel);
            Conv::new(isa, shape, &filters.flatten().copied().collect::<Vec<f32>>(), &none)
        };
        FrameConv { frames, taps: (0..frames.kernel).map(tap).collect(), bias }
    }

    /// Numbers of a frame of the result.
    pub fn unit(&self) -> usize {
        let shape = self.taps[0].shape();
        shape.window.pixels() * shape.outputs
    }

    /// Computes `output` from whole stacks on the pool that this is called in. A second input is the residual.
    pub fn run(&self, inputs: &[&[f32]], slope: Option<f32>, output: &mut [f32], workspace: &mut Workspace) {
        let window = self.taps[0].shape().window;
        let image = window.height * window.width * self.taps[0].shape().inputs;
        let (unit, places) = (self.unit(), self.frames.places());
        // A sum is read here and written there by turns: the last one into the output.
        let mut sums = std::mem::take(&mut workspace.sums);
        sums.reserve(places * unit);
        for (stack, output) in output.chunks_exact_mut(places * unit).enumerate() {
            let input = &inputs[0][stack * self.frames.frames * image..][..self.frames.frames * image];
            let residual = inputs.get(1).map(|all| &all[stack * places * unit..][..places * unit]);
            for run in self.frames.runs() {
                let taps = self.frames.taps(run.start);
                let part = run.start * unit..run.end * unit;
                let (mut from, mut to) = (&mut sums[part.clone()], &mut output[part.clone()]);
                if taps.len().is_multiple_of(2) {
                    (from, to) = (to, from);
                }
                self.begin(residual.map(|all| &all[part]), from);
                for tap in taps.clone() {
                    let first = run.start * self.frames.stride + tap - self.frames.padding;
                    let seen = &input[first * image..(first + run.len()) * image];
                    let slope = slope.filter(|_| tap + 1 == taps.end);
                    layer::run(&self.taps[tap], &[seen, from], slope, to, workspace);
                    (from, to) = (to, from);
                }
            }
        }
        workspace.sums = sums;
    }

    /// What is there before the first tap: the bias, and the residual.
    fn begin(&self, residual: Option<&[f32]>, sums: &mut [f32]) {
        for pixel in sums.chunks_exact_mut(self.bias.len()) {
            pixel.copy_from_slice(&self.bias);
        }
        if let Some(residual) = residual {
            sums.iter_mut().zip(residual).for_each(|(sum, x)| *sum += x);
        }
    }
}

/// For a printed plan.
impl fmt::Display for FrameConv {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} frames/{} of {}", self.frames.kernel, self.frames.stride, self.taps[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(frames: usize, kernel: usize, stride: usize, padding: usize) -> Frames {
        Frames { frames, kernel, stride, padding }
    }

    #[test]
    fn places_see_the_taps_that_lie_inside() {
        let of = |frames: Frames| (0..frames.places()).map(|place| frames.taps(place)).collect::<Vec<_>>();
        assert_eq!(of(frames(4, 3, 1, 1)), [1..3, 0..3, 0..3, 0..2]);
        assert_eq!(of(frames(5, 3, 2, 1)), [1..3, 0..3, 0..2]);
        assert_eq!(of(frames(1, 3, 1, 1)), std::slice::from_ref(&(1..2)));
        assert_eq!(of(frames(2, 5, 1, 4)), [4..5, 3..5, 2..4, 1..3, 0..2, 0..1]);
    }

    #[test]
    fn runs_are_of_equal_taps() {
        assert_eq!(frames(6, 3, 1, 1).runs(), [0..1, 1..5, 5..6]);
        assert_eq!(frames(6, 2, 1, 0).runs(), std::slice::from_ref(&(0..5)));
        assert_eq!(frames(6, 3, 2, 1).runs(), [0..1, 1..2, 2..3]);
    }
}
