//! The operations that networks are made of. What shape each makes: [`Op::shape`]; which tensors it owns:
//! [`Op::parameters`].

use crate::parameters::{Init, WeightInit};

use crate::feed::Feed;

/// Non-linearities, each applied element by element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    Relu,
    /// `x` where positive, else `slope * x`.
    LeakyRelu(f32),
    /// `x` where positive, else `alpha * (exp(x) - 1)`.
    Elu(f32),
    Sigmoid,
    Tanh,
    /// `x * sigmoid(x)`
    Silu,
    /// `x` times the normal distribution function of `x`, exactly: PyTorch's default, by the error function.
    Gelu,
}

/// What LSTMs and GRUs have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recurrent {
    pub inputs: usize,
    /// Width of the state of one direction.
    pub hidden: usize,
    /// Each reads what the one before gives, of both directions.
    pub layers: usize,
    /// A second state begins at the last row; its results stand behind the first's.
    pub bidirectional: bool,
}

impl Recurrent {
    /// Width of the result.
    pub fn outputs(&self) -> usize {
        self.directions().len() * self.hidden
    }

    /// What PyTorch's keys end with, for each direction.
    pub fn directions(&self) -> &'static [&'static str] {
        if self.bidirectional { &["", "_reverse"] } else { &[""] }
    }
}

/// The window of a convolution or pool, its axes frames, height and width; what works on images sees one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sliding {
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub padding: [usize; 3],
}

impl Sliding {
    fn of_images(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Self {
        let with = |first, [h, w]: [usize; 2]| [first, h, w];
        Sliding { kernel: with(1, kernel), stride: with(1, stride), padding: with(0, padding) }
    }

    /// Places of the window along an axis of `side`; none where it is larger than the padded side.
    pub fn places(&self, axis: usize, side: usize) -> Option<usize> {
        let (kernel, stride) = (self.kernel[axis], self.stride[axis]);
        let room = (side + 2 * self.padding[axis]).checked_sub(kernel)?;
        (kernel > 0).then_some(room.checked_div(stride)? + 1)
    }

    /// Whether the window leaves frames alone: every frame is an image for itself.
    pub fn is_of_images(&self) -> bool {
        (self.kernel[0], self.stride[0], self.padding[0]) == (1, 1, 0)
    }

    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }
}

/// One operation. Shapes are of one item; every tensor has a leading batch dimension that no operation but
/// [`Op::Group`], [`Op::Ungroup`], [`Op::StackFrames`] and [`Op::UnstackFrames`] touches (see [`crate::Shape`]). Images are
/// written [channels, height, width], stacks of frames [channels, frames, height, width]; windows have a number for each axis
/// in that order.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// A tensor that the caller gives, and what feeds it.
    Input(Feed),
    /// A learned tensor, the same for every item.
    Parameter {
        init: Init,
    },
    /// Cross-correlation of images with zero padding, without dilation.
    Conv2d {
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        groups: usize,
        bias: bool,
        init: WeightInit,
    },
    /// The same of stacks of frames. Along the frames the padding is smaller than the kernel.
    Conv3d {
        inputs: usize,
        outputs: usize,
        kernel: [usize; 3],
        stride: [usize; 3],
        padding: [usize; 3],
        groups: usize,
        bias: bool,
        init: WeightInit,
    },
    /// The transpose of a convolution: [inputs, h, w] -> [outputs, h2, w2] with h2 = (h - 1) stride - 2 padding + kernel +
    /// output_padding. Weights are [inputs, outputs, kernel].
    ConvTranspose2d {
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        /// Below and on the right alone; smaller than the stride.
        output_padding: [usize; 2],
        bias: bool,
        init: WeightInit,
    },
    /// Batch normalisation over the first item dimension: of [c], [c, h, w] or [c, t, h, w].
    BatchNorm {
        channels: usize,
        eps: f32,
    },
    Activation(Activation),
    /// Of images. What lies outside does not count.
    MaxPool2d {
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    },
    /// Of stacks of frames.
    MaxPool3d {
        kernel: [usize; 3],
        stride: [usize; 3],
        padding: [usize; 3],
    },
    /// Of images. What lies outside counts as 0, as in PyTorch.
    AveragePool2d {
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    },
    /// Of stacks of frames.
    AveragePool3d {
        kernel: [usize; 3],
        stride: [usize; 3],
        padding: [usize; 3],
    },
    /// [c, h, w] or [c, t, h, w] -> [c]
    GlobalAveragePool,
    /// Inputs x [c, h, w] and like [_, h2, w2] -> [c, h2, w2] by nearest neighbour.
    UpsampleLike,
    /// Elementwise; a second input [1, d] is repeated over the rows of a first input [n, d].
    Add,
    /// Inputs x [n, d] and gate [d] -> [n, d]: every row times the gate.
    Gate,
    /// Any number of inputs, joined along the first item dimension.
    Concat,
    /// Over the last dimension.
    Linear {
        inputs: usize,
        outputs: usize,
        init: WeightInit,
    },
    /// Over the last dimension.
    LayerNorm {
        width: usize,
        eps: f32,
    },
    /// Multi-head attention with biases and output projection; inputs query [n, d], key [m, d], value [m, d] -> [n, d].
    /// `dropout` applies to the attention weights, in training.
    Attention {
        width: usize,
        heads: usize,
        dropout: f32,
        init: WeightInit,
    },
    /// Long short-term memory over the rows of a sequence, states beginning at 0: [t, inputs] -> [t, hidden], or
    /// [t, 2 hidden] in both directions.
    Lstm(Recurrent),
    /// Gated recurrent unit in PyTorch's form (the reset gate behind the product); shapes as [`Op::Lstm`].
    Gru(Recurrent),
    /// Identity but in training.
    Dropout {
        probability: f32,
    },
    /// Over the last dimension.
    Softmax,
    /// `by` consecutive items, vectors or matrices, become one: [d..] -> [by, d..]
    Group {
        by: usize,
    },
    /// The inverse: [by, d..] -> [d..]
    Ungroup,
    /// `frames` consecutive images become one item: [c, h, w] -> [c, frames, h, w]
    StackFrames {
        frames: usize,
    },
    /// The inverse: [c, t, h, w] -> t items [c, h, w]
    UnstackFrames,
    /// [a, b, ..] -> [a * b * ..]
    Flatten,
    /// [n, d] -> [d], the largest of each column.
    MaxOverRows,
    /// [n, d] -> [d], the mean of each column.
    MeanOverRows,
    /// AA-SFE's second level (Eqs. 2-3): inputs x [n, d] and g [d] -> [d], the mean of x's rows weighted by
    /// max(cos(x_j, g), 1e-8).
    CosinePool,
    /// Input: indices below `rows` -> rows of a table: [n] -> [n, width]. The table is fixed, not learned.
    Embedding {
        rows: usize,
        width: usize,
    },
    /// Identity whose gradient is zero.
    StopGradient,
    /// [a * last, h, w] -> [h * w * a, last]: a detector's per-cell outputs as rows, cell by cell from the top left.
    CellsToRows {
        last: usize,
    },
}

impl Op {
    /// A linear layer that starts as PyTorch's.
    pub fn linear(inputs: usize, outputs: usize) -> Self {
        Op::Linear { inputs, outputs, init: WeightInit::Default }
    }

    /// The window of a convolution or pool.
    pub fn sliding(&self) -> Option<Sliding> {
        match *self {
            Op::Conv2d { kernel, stride, padding, .. }
            | Op::MaxPool2d { kernel, stride, padding }
            | Op::AveragePool2d { kernel, stride, padding } => Some(Sliding::of_images(kernel, stride, padding)),
            Op::Conv3d { kernel, stride, padding, .. }
            | Op::MaxPool3d { kernel, stride, padding }
            | Op::AveragePool3d { kernel, stride, padding } => Some(Sliding { kernel, stride, padding }),
            _ => None,
        }
    }
}
