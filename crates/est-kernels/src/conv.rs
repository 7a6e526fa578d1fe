//! 2-D convolution of channels-last images, and linear layers, which are 1x1 convolutions of 1x1 images.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

use crate::gemm::{DEPTH, add_product};

/// A convolution layer: images [height, width, inputs] -> [out_height, out_width, outputs]; square kernel, zero
/// padding. `groups` divides `inputs` and `outputs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    pub height: usize,
    pub width: usize,
    pub inputs: usize,
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub groups: usize,
}

impl ConvShape {
    /// A linear layer: each row of `inputs` numbers is an image of one pixel.
    pub fn linear(inputs: usize, outputs: usize) -> Self {
        ConvShape {
            height: 1,
            width: 1,
            inputs,
            outputs,
            kernel: 1,
            stride: 1,
            padding: 0,
            groups: 1,
        }
    }

    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Output pixels of one image.
    pub fn pixels(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Numbers in the weights: [outputs, inputs / groups, kernel, kernel].
    pub fn weights(&self) -> usize {
        self.outputs * self.inputs / self.groups * self.kernel * self.kernel
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

/// What happens to a sum of products before it is stored: `bias` is part of the layer, then comes the number at the
/// same place of `residual`, then `slope` times what is negative (0 is ReLU).
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a> {
    pub residual: Option<&'a [f32]>,
    pub slope: Option<f32>,
}

/// Numbers in a cache line.
const LINE: usize = 16;

thread_local! {
    static PATCHES: RefCell<Vec<f32>> = const { RefCell::new(vec![]) };
}

impl Conv {
    /// `weights` [outputs, inputs / groups, kernel, kernel] as PyTorch lays them out; `bias` [outputs].
    ///
    /// # Panics
    /// When the lengths do not fit, or the kernel does not fit the padded image.
    pub fn new(shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        let ConvShape {
            inputs,
            outputs,
            kernel,
            stride,
            padding,
            groups,
            ..
        } = shape;
        assert!(inputs % groups == 0 && outputs % groups == 0, "{shape:?}");
        assert!(
            stride > 0 && shape.height.min(shape.width) + 2 * padding >= kernel,
            "{shape:?}"
        );
        assert_eq!(weights.len(), shape.weights(), "weights of {shape:?}");
        assert_eq!(bias.len(), outputs, "bias of {shape:?}");
        let method = if groups == inputs && groups == outputs {
            Method::Depthwise
        } else if (kernel, stride, padding, groups) == (1, 1, 0, 1) {
            Method::Pointwise
        } else {
            Method::Patches
        };
        let taps = kernel * kernel;
        let (ins, outs) = match method {
            Method::Depthwise => (1, outputs),
            _ => (inputs / groups, outputs / groups),
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
        Conv {
            shape,
            method,
            weights: packed,
            bias: bias.to_vec(),
        }
    }

    pub fn shape(&self) -> &ConvShape {
        &self.shape
    }

    /// Computes `pixels` of the output: pixels of all images of `input`, counted through, row by row. `output` and the
    /// residual hold these pixels alone.
    ///
    /// # Panics
    /// When the lengths do not fit.
    pub fn run(&self, input: &[f32], pixels: Range<usize>, epilogue: Epilogue, output: &mut [f32]) {
        let shape = &self.shape;
        let image = shape.height * shape.width * shape.inputs;
        assert_eq!(input.len() % image, 0, "images of {shape:?}");
        assert!(
            pixels.end <= input.len() / image * shape.pixels(),
            "{pixels:?} of {shape:?}"
        );
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
        let (taps, ins, outs) = (
            shape.kernel * shape.kernel,
            shape.inputs / shape.groups,
            shape.outputs / shape.groups,
        );
        // As many taps at a time as one pass of the matrix product sums, in parts of nearly equal size.
        let parts = taps.div_ceil((DEPTH / ins).max(1));
        PATCHES.with_borrow_mut(|patches| {
            for group in 0..shape.groups {
                for part in 0..parts {
                    let part = part * taps / parts..(part + 1) * taps / parts;
                    let depth = part.len() * ins;
                    patches.resize(patches.len().max(pixels.len() * depth), 0.0);
                    let patches = &mut patches[..pixels.len() * depth];
                    let rows = patches.chunks_exact_mut(depth).zip(pixels.clone());
                    for (patch, pixel) in rows {
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
    fn gather(&self, input: &[f32], pixel: usize, group: usize, taps: Range<usize>, patch: &mut [f32]) {
        let shape = &self.shape;
        let ins = shape.inputs / shape.groups;
        let (image, y, x) = self.locate(pixel);
        let (width, height) = (shape.width as isize, shape.height as isize);
        let mut tap = taps.start;
        let mut patch = patch;
        while tap < taps.end {
            // Taps of one kernel row lie side by side, unless the other groups' channels stand between them.
            let run = match shape.groups {
                1 => (shape.kernel - tap % shape.kernel).min(taps.end - tap),
                _ => 1,
            };
            let row = y + (tap / shape.kernel) as isize;
            let first = x + (tap % shape.kernel) as isize;
            let (into, rest) = patch.split_at_mut(run * ins);
            let inside = if (0..height).contains(&row) {
                (-first).clamp(0, run as isize) as usize..(width - first).clamp(0, run as isize) as usize
            } else {
                0..0
            };
            if inside.len() < run {
                into.fill(0.0);
            }
            if !inside.is_empty() {
                let column = (first + inside.start as isize) as usize;
                let from = ((image * shape.height + row as usize) * shape.width + column) * shape.inputs + group * ins;
                let count = inside.len() * ins;
                into[inside.start * ins..][..count].copy_from_slice(&input[from..from + count]);
            }
            patch = rest;
            tap += run;
        }
    }

    fn add_depthwise(&self, input: &[f32], pixels: Range<usize>, output: &mut [f32]) {
        const LANES: usize = 8;
        let shape = &self.shape;
        let channels = shape.inputs;
        for (out, pixel) in output.chunks_exact_mut(channels).zip(pixels) {
            let (image, y, x) = self.locate(pixel);
            let image = &input[image * shape.height * shape.width * channels..];
            let ys = self.taps_inside(y, shape.height);
            let xs = self.taps_inside(x, shape.width);
            let taps = ys.flat_map(|ky| xs.clone().map(move |kx| (ky, kx)));
            let places = |(ky, kx): (usize, usize)| {
                let pixel = (y + ky as isize) as usize * shape.width + (x + kx as isize) as usize;
                (pixel * channels, (ky * shape.kernel + kx) * channels)
            };
            let whole = channels / LANES * LANES;
            for first in (0..whole).step_by(LANES) {
                let out = out[first..].first_chunk_mut::<LANES>().expect("a whole chunk");
                let mut sums = *out;
                for (at, tap) in taps.clone().map(places) {
                    let x = image[at + first..].first_chunk::<LANES>().expect("a whole chunk");
                    let w = self.weights[tap + first..]
                        .first_chunk::<LANES>()
                        .expect("a whole chunk");
                    for lane in 0..LANES {
                        sums[lane] += x[lane] * w[lane];
                    }
                }
                *out = sums;
            }
            for (channel, out) in out.iter_mut().enumerate().skip(whole) {
                for (at, tap) in taps.clone().map(places) {
                    *out += image[at + channel] * self.weights[tap + channel];
                }
            }
        }
    }

    /// Image, and row and column of the kernel's first tap in it, of an output pixel.
    fn locate(&self, pixel: usize) -> (usize, isize, isize) {
        let ConvShape { stride, padding, .. } = self.shape;
        let (row, column) = (pixel / self.shape.out_width(), pixel % self.shape.out_width());
        let corner = |index: usize| (index * stride) as isize - padding as isize;
        let (image, row) = (row / self.shape.out_height(), row % self.shape.out_height());
        (image, corner(row), corner(column))
    }

    /// Which kernel rows (columns) lie in the image when the first lies at `first`.
    fn taps_inside(&self, first: isize, side: usize) -> Range<usize> {
        let kernel = self.shape.kernel as isize;
        (-first).clamp(0, kernel) as usize..(side as isize - first).clamp(0, kernel) as usize
    }
}

/// The method, for a printed plan.
impl fmt::Display for Conv {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ConvShape { kernel, stride, .. } = self.shape;
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
