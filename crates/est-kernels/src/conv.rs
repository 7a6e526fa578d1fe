//! 2-D convolution of channels-last images, and linear layers, which are 1x1 convolutions of 1x1 images.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use crate::gemm::{DEPTH, add_product};
use crate::window::{Window, inside};

/// A convolution layer: images [height, width, inputs] -> [out_height, out_width, outputs], zero padding. `groups`
/// divides `inputs` and `outputs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    pub window: Window,
    pub inputs: usize,
    pub outputs: usize,
    pub groups: usize,
}

impl ConvShape {
    pub fn new(window: Window, [inputs, outputs]: [usize; 2], groups: usize) -> Self {
        assert!(inputs % groups == 0 && outputs % groups == 0, "{groups} groups");
        ConvShape { window, inputs, outputs, groups }
    }

    /// A linear layer: each row of `inputs` numbers is an image of one pixel.
    pub fn linear(inputs: usize, outputs: usize) -> Self {
        ConvShape::new(Window::ONE, [inputs, outputs], 1)
    }

    /// Numbers in the weights: [outputs, inputs / groups, kernel, kernel].
    pub fn weights(&self) -> usize {
        self.outputs * self.inputs / self.groups * self.window.kernel.pow(2)
    }
}

/// How a layer is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// The pixels of the input are the rows of a matrix product.
    Pointwise,
    /// The patches under the kernel are gathered, some taps of a block of pixels at a time, then multiplied.
    Patches,
    /// Each channel by itself, eight side by side.
    Depthwise,
}

/// A layer with its weights repacked: by group, tap and input channel, outputs innermost.
pub struct Conv {
    shape: ConvShape,
    method: Method,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// What is done to a layer's result before it is stored: the number at the same place of `residual` is added, then
/// what is negative is multiplied by `slope` (0 is ReLU).
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a> {
    pub residual: Option<&'a [f32]>,
    pub slope: Option<f32>,
}

/// Numbers in a cache line.
const LINE: usize = 16;
/// Channels that a depthwise layer keeps in registers.
const LANES: usize = 8;

thread_local! {
    static PATCHES: RefCell<Vec<f32>> = const { RefCell::new(vec![]) };
}

impl Conv {
    /// `weights` [outputs, inputs / groups, kernel, kernel] as PyTorch lays them out; `bias` [outputs].
    pub fn new(shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        let (window, groups) = (shape.window, shape.groups);
        assert_eq!(weights.len(), shape.weights(), "weights of {shape:?}");
        assert_eq!(bias.len(), shape.outputs, "bias of {shape:?}");
        let method = if groups == shape.inputs && groups == shape.outputs {
            Method::Depthwise
        } else if (window.kernel, window.stride, window.padding, groups) == (1, 1, 0, 1) {
            Method::Pointwise
        } else {
            Method::Patches
        };
        let taps = window.kernel.pow(2);
        let (ins, outs) = match method {
            Method::Depthwise => (1, shape.outputs),
            _ => (shape.inputs / groups, shape.outputs / groups),
        };
        let mut packed = vec![0.0; weights.len()];
        let groups = weights.chunks_exact(outs * ins * taps);
        for (filters, packed) in groups.zip(packed.chunks_exact_mut(outs * ins * taps)) {
            // A cache line of outputs at a time: filters are read, and lines written, from front to back.
            for first in (0..outs).step_by(LINE) {
                for input in 0..ins {
                    for tap in 0..taps {
                        for output in first..outs.min(first + LINE) {
                            packed[(tap * ins + input) * outs + output] = filters[(output * ins + input) * taps + tap];
                        }
                    }
                }
            }
        }
        Conv { shape, method, weights: packed, bias: bias.to_vec() }
    }

    pub fn shape(&self) -> &ConvShape {
        &self.shape
    }

    /// Computes `pixels` of the output: pixels of all images of `input`, counted through, row by row. `output` and the
    /// residual hold these pixels alone.
    pub fn run(&self, input: &[f32], pixels: Range<usize>, epilogue: Epilogue, output: &mut [f32]) {
        let shape = &self.shape;
        let image = shape.window.height * shape.window.width * shape.inputs;
        let all = input.len() / image * shape.window.pixels();
        assert!(input.len().is_multiple_of(image) && pixels.end <= all, "input of {shape:?}");
        assert_eq!(output.len(), pixels.len() * shape.outputs, "output of {shape:?}");
        for row in output.chunks_exact_mut(shape.outputs) {
            row.copy_from_slice(&self.bias);
        }
        if let Some(residual) = epilogue.residual {
            assert_eq!(residual.len(), output.len(), "residual of {shape:?}");
            for (sum, residual) in output.iter_mut().zip(residual) {
                *sum += residual;
            }
        }
        match self.method {
            Method::Pointwise => {
                let (k, n) = (shape.inputs, shape.outputs);
                let rows = &input[pixels.start * k..pixels.end * k];
                add_product(pixels.len(), rows, k, &self.weights, output, n, n);
            }
            Method::Patches => self.add_patches(input, pixels, output),
            Method::Depthwise => self.add_depthwise(input, pixels, output),
        }
        if let Some(slope) = epilogue.slope {
            leak(slope, output);
        }
    }

    fn add_patches(&self, input: &[f32], pixels: Range<usize>, output: &mut [f32]) {
        let shape = &self.shape;
        let taps = shape.window.kernel.pow(2);
        let (ins, outs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
        // As many taps at a time as one pass of the matrix product sums, in parts of nearly equal size.
        let parts = taps.div_ceil((DEPTH / ins).max(1));
        PATCHES.with_borrow_mut(|patches| {
            for group in 0..shape.groups {
                for part in 0..parts {
                    let part = part * taps / parts..(part + 1) * taps / parts;
                    let depth = part.len() * ins;
                    patches.resize(patches.len().max(pixels.len() * depth), 0.0);
                    let patches = &mut patches[..pixels.len() * depth];
                    for (patch, pixel) in patches.chunks_exact_mut(depth).zip(pixels.clone()) {
                        self.gather(input, pixel, group, part.clone(), patch);
                    }
                    let first = (group * taps + part.start) * ins * outs;
                    let weights = &self.weights[first..first + depth * outs];
                    let columns = &mut output[group * outs..];
                    add_product(pixels.len(), patches, depth, weights, columns, shape.outputs, outs);
                }
            }
        });
    }

    /// Copies what `taps` of the kernel see at an output pixel: [taps, inputs / groups].
    fn gather(&self, input: &[f32], pixel: usize, group: usize, taps: Range<usize>, mut patch: &mut [f32]) {
        let ConvShape { window, inputs, groups, .. } = self.shape;
        let ins = inputs / groups;
        let (image, y, x) = window.locate(pixel);
        let mut tap = taps.start;
        while tap < taps.end {
            // Taps of one kernel row lie side by side, unless the other groups' channels stand between them.
            let run = match groups {
                1 => (window.kernel - tap % window.kernel).min(taps.end - tap),
                _ => 1,
            };
            let (into, rest) = patch.split_at_mut(run * ins);
            let row = y + (tap / window.kernel) as isize;
            let first = x + (tap % window.kernel) as isize;
            let mut seen = inside(first, run, window.width);
            if inside(row, 1, window.height).is_empty() {
                seen = 0..0;
            }
            if seen.len() < run {
                into.fill(0.0);
            }
            if !seen.is_empty() {
                let column = (first + seen.start as isize) as usize;
                let from = (image * window.height + row as usize) * window.width + column;
                let from = &input[from * inputs + group * ins..][..seen.len() * ins];
                into[seen.start * ins..seen.end * ins].copy_from_slice(from);
            }
            patch = rest;
            tap += run;
        }
    }

    fn add_depthwise(&self, input: &[f32], pixels: Range<usize>, output: &mut [f32]) {
        let ConvShape { window, inputs: channels, .. } = self.shape;
        let whole = channels / LANES * LANES;
        let mut taps = vec![];
        for (out, pixel) in output.chunks_exact_mut(channels).zip(pixels) {
            let (image, y, x) = window.locate(pixel);
            let image = &input[image * window.height * window.width * channels..];
            taps.clear();
            taps.extend(window.taps(y, x).map(|(tap, pixel)| (tap * channels, pixel * channels)));
            for first in (0..whole).step_by(LANES) {
                let out = out[first..].first_chunk_mut::<LANES>().expect("a whole chunk");
                let mut sums = *out;
                for &(tap, pixel) in &taps {
                    let x = image[pixel + first..].first_chunk::<LANES>().expect("a whole chunk");
                    let w = self.weights[tap + first..].first_chunk::<LANES>().expect("a whole chunk");
                    for lane in 0..LANES {
                        sums[lane] += x[lane] * w[lane];
                    }
                }
                *out = sums;
            }
            for (channel, out) in out.iter_mut().enumerate().skip(whole) {
                for &(tap, pixel) in &taps {
                    *out += image[pixel + channel] * self.weights[tap + channel];
                }
            }
        }
    }
}

/// The method, for a printed plan.
impl fmt::Display for Conv {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Window { kernel, stride, .. } = self.shape.window;
        match self.method {
            Method::Pointwise => write!(f, "product"),
            Method::Patches => write!(f, "{kernel}x{kernel}/{stride} patches + product"),
            Method::Depthwise => write!(f, "{kernel}x{kernel}/{stride} depthwise"),
        }
    }
}

/// Multiplies what is negative by `slope`: leaky ReLU, or ReLU with slope 0.
pub fn leak(slope: f32, x: &mut [f32]) {
    for x in x {
        *x *= if *x < 0.0 { slope } else { 1.0 };
    }
}
