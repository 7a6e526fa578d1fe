//! 2-D convolution of channels-last images, and linear layers, which are 1x1 convolutions of 1x1 images.

use std::fmt;
use std::ops::Range;

use crate::across::Across;
use crate::depthwise::Depthwise;
use crate::direct::Direct;
pub use crate::epilogue::Epilogue;
use crate::isa::Isa;
use crate::window::Window;
pub use crate::winograd::Stages;
use crate::winograd::Winograd;

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

    /// Numbers in the weights: [outputs, inputs / groups, kernel down, kernel across].
    pub fn weights(&self) -> usize {
        self.outputs * self.inputs / self.groups * self.window.taps_len()
    }

    /// Whether a matrix product of the pixels: each sees the input pixel at its own place alone, but all its channels.
    pub(crate) fn is_pointwise(&self) -> bool {
        (self.window.kernel, self.window.stride, self.window.padding) == ([1; 2], [1; 2], [0; 2])
            && !self.is_depthwise()
    }

    /// Whether products of bf16 are faster: with few channels, conversion and words that are not full cost more.
    pub fn gains_from_bf16(&self) -> bool {
        Winograd::points(self).is_some() || Across::fits(self) || self.inputs / self.groups >= 32
    }

    fn is_depthwise(&self) -> bool {
        self.groups == self.inputs && self.groups == self.outputs
    }
}

/// Rows that each thread has to be given some of before it pays that all threads read all weights, and weights that are
/// read in a few microseconds.
const FEW_ROWS: usize = 64;
const MANY_WEIGHTS: usize = 1 << 16;

/// How a layer is computed.
enum Method {
    /// One for each group.
    Direct(Vec<Direct>),
    Winograd(Box<Winograd>),
    Across(Across),
    Depthwise(Depthwise),
}

/// A layer with its weights repacked for one kernel, which is chosen here: [`fmt::Display`] says which.
pub struct Conv {
    shape: ConvShape,
    isa: Isa,
    method: Method,
}

impl Conv {
    /// `weights` [outputs, inputs / groups, kernel down, kernel across] as PyTorch lays them out; `bias` [outputs]. Factors are in
    /// bf16 with [`Isa::Avx512Bf16`], else in f32; so are those of depthwise layers with any.
    ///
    /// # Panics
    /// When this processor lacks `isa`.
    pub fn new(isa: Isa, shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!(weights.len(), shape.weights(), "weights of {shape:?}");
        assert_eq!(bias.len(), shape.outputs, "bias of {shape:?}");
        let method = if shape.is_depthwise() {
            Method::Depthwise(Depthwise::new(isa, shape, weights, bias))
        } else if Across::fits(&shape) {
            Method::Across(Across::new(isa, shape, weights, bias))
        } else if Winograd::points(&shape).is_some() {
            Method::Winograd(Box::new(Winograd::new(isa, shape, weights, bias)))
        } else {
            let group = |group| Direct::new(isa, shape, group, weights, bias);
            Method::Direct((0..shape.groups).map(group).collect())
        };
        Conv { shape, isa, method }
    }

    pub fn shape(&self) -> &ConvShape {
        &self.shape
    }

    /// Units that the work on so many images can be divided into: pixels of a pointwise layer, rows of pixels or several
    /// rows of others.
    pub fn units(&self, images: usize) -> usize {
        match &self.method {
            Method::Winograd(winograd) => winograd.units(images),
            _ if self.shape.is_pointwise() => images * self.shape.window.pixels(),
            _ => images * self.shape.window.out_height(),
        }
    }

    /// Whether a unit is one row of pixels.
    pub fn is_by_rows(&self) -> bool {
        self.units(1) == self.shape.window.out_height() && !self.shape.is_pointwise()
    }

    /// The output pixels of `units`, counted through all images, row by row.
    pub fn pixels(&self, units: Range<usize>) -> Range<usize> {
        let row = match &self.method {
            _ if self.shape.is_pointwise() => return units,
            Method::Winograd(winograd) => winograd.rows(units),
            _ => units,
        };
        let width = self.shape.window.out_width();
        row.start * width..row.end * width
    }

    /// The stages of computing so many images on so many threads, for a layer that is better computed stage after stage;
    /// `blocks` is how many blocks the first stage is to have.
    pub fn stages(&self, images: usize, threads: usize, blocks: usize) -> Option<Stages<'_>> {
        match &self.method {
            Method::Winograd(winograd) if winograd.prefers_stages(images, threads) => {
                Some(winograd.stages(images, blocks))
            }
            _ => None,
        }
    }

    /// For a matrix product of few rows with many weights: where about `parts` parts of its outputs end, which
    /// [`Conv::run_outputs`] computes, so that each thread reads its own weights alone.
    pub fn output_parts(&self, images: usize, parts: usize) -> Option<Vec<usize>> {
        let rows = images * self.shape.window.pixels();
        match &self.method {
            Method::Direct(groups) if self.shape.is_pointwise() && groups.len() == 1 => {
                let direct = &groups[0];
                let parts = parts.min(direct.panels);
                let end = |part: usize| (part * direct.panels / parts * direct.width).min(self.shape.outputs);
                (rows <= FEW_ROWS && self.shape.weights() >= MANY_WEIGHTS && parts > 1)
                    .then(|| (1..=parts).map(end).collect())
            }
            _ => None,
        }
    }

    /// Computes some outputs, between two ends that [`Conv::output_parts`] gave, of all pixels: [pixels, outputs.len()].
    pub fn run_outputs(&self, input: &[f32], outputs: Range<usize>, output: &mut [f32]) {
        let Method::Direct(groups) = &self.method else { panic!("{self} is not divided by outputs") };
        let direct = &groups[0];
        let panels = outputs.start / direct.width..outputs.end.div_ceil(direct.width);
        let rows = input.len() / self.shape.inputs;
        assert!(groups.len() == 1 && self.shape.is_pointwise() && output.len() == rows * outputs.len(), "{outputs:?}");
        direct.run_panels(input, 0..rows, panels, outputs.len(), Epilogue::default(), output);
    }

    /// Whether the weights are so large that they should be read for many images at once.
    pub fn is_heavy(&self) -> bool {
        matches!(&self.method, Method::Winograd(winograd) if winograd.is_heavy())
    }

    /// Computes `units` of the images in `input`, counted through all of them. `output` and the residual hold
    /// [`Conv::pixels`] of these units.
    pub fn run(&self, input: &[f32], units: Range<usize>, epilogue: Epilogue, output: &mut [f32]) {
        let shape = &self.shape;
        let image = shape.window.height * shape.window.width * shape.inputs;
        let fits = input.len().is_multiple_of(image) && units.end <= self.units(input.len() / image);
        assert!(fits, "input of {shape:?}");
        assert_eq!(output.len(), self.pixels(units.clone()).len() * shape.outputs, "output of {shape:?}");
        if let Some(residual) = epilogue.residual {
            assert_eq!(residual.len(), output.len(), "residual of {shape:?}");
        }
        assert!(epilogue.slope.is_none_or(|slope| slope <= 1.0), "slope {:?}", epilogue.slope);
        if units.is_empty() {
            return;
        }
        match &self.method {
            Method::Direct(groups) => {
                for group in groups {
                    group.run(input, units.clone(), epilogue, output);
                }
            }
            Method::Winograd(winograd) => winograd.run(input, units, epilogue, output),
            Method::Across(across) => across.run(input, units, epilogue, output),
            Method::Depthwise(depthwise) => depthwise.run(input, units, epilogue, output),
        }
    }
}

/// The kernel, for a printed plan.
impl fmt::Display for Conv {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let window = self.shape.window;
        let factors = if self.isa.has_bf16() { "bf16" } else { "f32" };
        match &self.method {
            Method::Direct(_) if self.shape.is_pointwise() => write!(f, "product {factors}"),
            Method::Direct(_) => write!(f, "{window} direct {factors}"),
            Method::Winograd(winograd) => write!(f, "{window} {} {factors}", winograd.name()),
            Method::Across(_) => write!(f, "{window} winograd F(4,4) across {factors}"),
            Method::Depthwise(_) => write!(f, "{window} depthwise f32"),
        }
    }
}

/// Multiplies what is negative by `slope`: leaky ReLU, or ReLU with slope 0.
pub fn leak(slope: f32, x: &mut [f32]) {
    for x in x {
        *x *= if *x < 0.0 { slope } else { 1.0 };
    }
}
