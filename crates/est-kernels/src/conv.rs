//! 2-D convolution of channels-last images, and linear layers, which are 1x1 convolutions of 1x1 images.

use std::fmt;
use std::ops::Range;

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

    /// Numbers in the weights: [outputs, inputs / groups, kernel, kernel].
    pub fn weights(&self) -> usize {
        self.outputs * self.inputs / self.groups * self.window.kernel.pow(2)
    }

    /// Whether an output pixel sees the input pixel at its own place alone.
    pub(crate) fn is_pointwise(&self) -> bool {
        (self.window.kernel, self.window.stride, self.window.padding) == (1, 1, 0)
    }

    fn is_depthwise(&self) -> bool {
        self.groups == self.inputs && self.groups == self.outputs
    }
}

/// How a layer is computed.
enum Method {
    /// One for each group.
    Direct(Vec<Direct>),
    Winograd(Box<Winograd>),
    Depthwise(Depthwise),
}

/// A layer with its weights repacked for one kernel, which is chosen here: [`fmt::Display`] says which.
pub struct Conv {
    shape: ConvShape,
    isa: Isa,
    method: Method,
}

impl Conv {
    /// `weights` [outputs, inputs / groups, kernel, kernel] as PyTorch lays them out; `bias` [outputs]. Factors are in
    /// bf16 with [`Isa::Avx512Bf16`], else in f32; so are those of depthwise layers with any.
    ///
    /// # Panics
    /// When this processor lacks `isa`.
    pub fn new(isa: Isa, shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!(weights.len(), shape.weights(), "weights of {shape:?}");
        assert_eq!(bias.len(), shape.outputs, "bias of {shape:?}");
        let method = if shape.is_depthwise() {
            Method::Depthwise(Depthwise::new(isa, shape, weights, bias))
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
            Method::Depthwise(depthwise) => depthwise.run(input, units, epilogue, output),
        }
    }
}

/// The kernel, for a printed plan.
impl fmt::Display for Conv {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Window { kernel, stride, .. } = self.shape.window;
        let factors = if self.isa.has_bf16() { "bf16" } else { "f32" };
        match &self.method {
            Method::Direct(_) if self.shape.is_pointwise() => write!(f, "product {factors}"),
            Method::Direct(_) => write!(f, "{kernel}x{kernel}/{stride} direct {factors}"),
            Method::Winograd(winograd) => write!(f, "{kernel}x{kernel}/{stride} {} {factors}", winograd.name()),
            Method::Depthwise(_) => write!(f, "{kernel}x{kernel}/{stride} depthwise f32"),
        }
    }
}

/// Multiplies what is negative by `slope`: leaky ReLU, or ReLU with slope 0.
pub fn leak(slope: f32, x: &mut [f32]) {
    for x in x {
        *x *= if *x < 0.0 { slope } else { 1.0 };
    }
}
