//! One step's computation: which kernel with which sizes and weights, and how its result is divided among threads.

use std::fmt;
use std::ops::Range;

use est_kernels::conv::{Conv, Epilogue, leak};
use est_kernels::pool::{max_pool, max_pool_of, upsample_nearest};
use est_kernels::recurrent::Recurrent;
use est_kernels::rowwise::{self, AttentionShape};
use est_kernels::transposed::gather_taps;
use est_kernels::{Window, activate, layout};
use est_nets::Activation;

use crate::error::EngineError;
use crate::frames::FrameConv;
use crate::layer::{self, Workspace};
use crate::threads::for_blocks;

/// Numbers that make a block of a cheap function worth a thread's attention.
const BLOCK: usize = 1 << 14;
/// Rows of a pool behind a layer: the rows of the layer that two blocks need are computed twice, one in 15.
const POOLED: usize = 7;

/// Sizes are of one item, those of matrices [rows, width]; inputs hold any number of items.
pub enum Kernel {
    /// Convolutions, linear layers and lone batch norms, with the slope of a ReLU. A second input is the residual.
    Layer(Box<Conv>, Option<f32>),
    /// The same of stacks of frames, by more than one frame at a time.
    Frames(Box<FrameConv>, Option<f32>),
    /// A layer and the max pool behind it.
    Pooled(Box<Conv>, Option<f32>, Window),
    /// With the number of channels.
    MaxPool(Window, usize),
    /// From and to [height, width], and the channels. With `true` the second input is added; else it is not read.
    Upsample([usize; 2], [usize; 2], usize, bool),
    /// The second input is repeated over the rows of the first.
    Add([usize; 2]),
    Gate([usize; 2]),
    /// The width of each input.
    Concat(Vec<usize>),
    /// Gain, shift, eps.
    LayerNorm(Vec<f32>, Vec<f32>, f32),
    /// Between the projections.
    Attention(AttentionShape),
    Softmax(usize),
    Leak(f32),
    Activate(Activation),
    /// Of sequences of so many rows.
    Recurrent(Box<Recurrent>, usize),
    /// The window that slides over the result, and the bias.
    GatherTaps(Window, Vec<f32>),
    /// Images of [channels, pixels] to planes.
    Planes([usize; 2]),
    MaxOverRows([usize; 2]),
    MeanOverRows([usize; 2]),
    CosinePool([usize; 2]),
    /// The node's name, the table and its width.
    Embedding(String, Vec<f32>, usize),
    /// A learned tensor, once for every element of the batch.
    Repeat(Vec<f32>),
}

impl Kernel {
    /// Stands for a layer until its weights are packed.
    pub const UNPACKED: Kernel = Kernel::Leak(1.0);

    /// Numbers of the result that are computed together.
    fn unit(&self) -> usize {
        match self {
            Kernel::Layer(conv, _) => conv.shape().outputs,
            Kernel::Frames(conv, _) => conv.unit(),
            Kernel::Pooled(conv, _, window) => window.out_width() * conv.shape().outputs,
            Kernel::MaxPool(window, channels) => window.out_width() * channels,
            Kernel::Upsample(_, to, channels, _) => to[1] * channels,
            Kernel::Add([rows, width]) | Kernel::Gate([rows, width]) => rows * width,
            Kernel::Concat(widths) => widths.iter().sum(),
            Kernel::LayerNorm(gain, ..) => gain.len(),
            Kernel::Attention(shape) => shape.queries * shape.width,
            Kernel::MaxOverRows([_, width]) | Kernel::MeanOverRows([_, width]) => *width,
            Kernel::CosinePool([_, width]) | Kernel::Softmax(width) | Kernel::Embedding(.., width) => *width,
            Kernel::Leak(_) | Kernel::Activate(_) => 1,
            Kernel::Recurrent(layer, rows) => rows * layer.outputs(),
            Kernel::GatherTaps(window, bias) => window.width * bias.len(),
            Kernel::Planes([channels, pixels]) => channels * pixels,
            Kernel::Repeat(tensor) => tensor.len(),
        }
    }

    /// Units in a block: small enough that every thread gets some.
    fn block(&self) -> usize {
        match self {
            Kernel::MeanOverRows([rows, width]) => (BLOCK / (rows * width)).max(1),
            Kernel::Pooled(..) => POOLED,
            // Exponentials are dear: of the detector's 12,600 rows each thread gets some.
            Kernel::Softmax(width) => (BLOCK / 8 / width).max(1),
            _ => (BLOCK / self.unit()).max(1),
        }
    }

    /// Computes the whole result from the whole inputs, on the pool that this is called in.
    pub fn run(&self, inputs: &[&[f32]], output: &mut [f32], workspace: &mut Workspace) -> Result<(), EngineError> {
        if output.is_empty() {
            return Ok(());
        }
        if let Kernel::Embedding(node, table, width) = self {
            let last = table.len() / width - 1;
            let wrong = |index: &&f32| !(index.fract() == 0.0 && (0.0..=last as f32).contains(*index));
            if let Some(&index) = inputs[0].iter().find(wrong) {
                let node = node.clone();
                return Err(EngineError::Index { node, index, last });
            }
        }
        if let Kernel::Layer(conv, slope) = self {
            layer::run(conv, inputs, *slope, output, workspace);
            return Ok(());
        }
        if let Kernel::Frames(conv, slope) = self {
            conv.run(inputs, *slope, output, workspace);
            return Ok(());
        }
        let unit = self.unit();
        let units = output.len() / unit;
        for_blocks(output, unit, self.block(), |range, output| {
            self.run_block(inputs, range, units, output);
        });
        Ok(())
    }

    /// Whether the kernel computes an image from the images at its place alone, and [`Kernel::run_alone`] can do it.
    pub fn is_of_images(&self) -> bool {
        match self {
            Kernel::Layer(conv, _) => !conv.is_heavy() && conv.shape().window != Window::ONE,
            Kernel::MaxPool(..) | Kernel::Pooled(..) => true,
            _ => false,
        }
    }

    /// Computes the whole result on this thread alone.
    pub fn run_alone(&self, inputs: &[&[f32]], output: &mut [f32]) {
        if let Kernel::Layer(conv, slope) = self {
            let images = output.len() / conv.shape().outputs / conv.shape().window.pixels();
            let epilogue = Epilogue { residual: inputs.get(1).copied(), slope: *slope };
            conv.run(inputs[0], 0..conv.units(images), epilogue, output);
        } else {
            let units = output.len() / self.unit();
            self.run_block(inputs, 0..units, units, output);
        }
    }

    fn run_block(&self, inputs: &[&[f32]], range: Range<usize>, units: usize, output: &mut [f32]) {
        // The part of an input that belongs to the range, where every unit has its own.
        let part = |input: usize| {
            let unit = inputs[input].len() / units;
            &inputs[input][range.start * unit..range.end * unit]
        };
        match self {
            Kernel::Layer(..) | Kernel::Frames(..) => unreachable!("has its own division"),
            Kernel::Pooled(conv, slope, window) => max_pool_of(conv, *slope, window, inputs[0], range, output),
            Kernel::MaxPool(window, channels) => max_pool(window, *channels, inputs[0], range, output),
            &Kernel::Upsample(from, to, channels, adds) => {
                let addend = adds.then(|| part(1));
                upsample_nearest(inputs[0], from, to, channels, range, addend, output);
            }
            &Kernel::Add([rows, width]) => rowwise::add(part(0), part(1), rows, width, output),
            &Kernel::Gate([rows, width]) => rowwise::gate(part(0), part(1), rows, width, output),
            Kernel::Concat(widths) => {
                let parts: Vec<_> = widths.iter().enumerate().map(|(i, &width)| (part(i), width)).collect();
                layout::concat(&parts, output);
            }
            Kernel::LayerNorm(gain, shift, eps) => rowwise::layer_norm(part(0), gain, shift, *eps, output),
            Kernel::Attention(shape) => rowwise::attention(shape, part(0), part(1), part(2), output),
            Kernel::Softmax(width) => rowwise::softmax(part(0), *width, output),
            Kernel::Leak(slope) => {
                output.copy_from_slice(part(0));
                leak(*slope, output);
            }
            Kernel::Activate(activation) => activate(*activation, part(0), output),
            Kernel::Recurrent(layer, rows) => layer.run(*rows, part(0), output),
            Kernel::GatherTaps(window, bias) => gather_taps(window, inputs[0], bias, range, output),
            Kernel::Planes(shape) => layout::planes(part(0), *shape, output),
            &Kernel::MaxOverRows([rows, width]) => rowwise::max_over_rows(part(0), rows, width, output),
            &Kernel::MeanOverRows([rows, width]) => rowwise::mean_over_rows(part(0), rows, width, output),
            &Kernel::CosinePool([rows, width]) => rowwise::cosine_pool(part(0), part(1), rows, width, output),
            Kernel::Embedding(_, table, width) => layout::gather_rows(table, *width, part(0), output),
            Kernel::Repeat(tensor) => output.chunks_exact_mut(tensor.len()).for_each(|out| out.copy_from_slice(tensor)),
        }
    }
}

/// Those activations that are no slope.
fn activate(activation: Activation, x: &[f32], out: &mut [f32]) {
    match activation {
        Activation::Relu | Activation::LeakyRelu(_) => unreachable!("has a slope"),
        Activation::Elu(alpha) => activate::each(|x| activate::elu(f64::from(alpha), x), x, out),
        Activation::Sigmoid => activate::each(activate::sigmoid, x, out),
        Activation::Tanh => activate::each(f64::tanh, x, out),
        Activation::Silu => activate::each(activate::silu, x, out),
        Activation::Gelu => activate::each(activate::gelu, x, out),
    }
}

/// What follows a layer.
fn after(slope: Option<f32>) -> String {
    match slope {
        None => String::new(),
        Some(0.0) => ", relu".to_string(),
        Some(slope) => format!(", leaky relu {slope}"),
    }
}

/// What is done, for a printed plan.
impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Kernel::Layer(conv, slope) => write!(f, "{conv}{}", after(*slope)),
            Kernel::Frames(conv, slope) => write!(f, "{conv}{}", after(*slope)),
            Kernel::Pooled(conv, slope, window) => write!(f, "{conv}{}, max pool {window}", after(*slope)),
            Kernel::MaxPool(window, _) => write!(f, "max pool {window}"),
            Kernel::Upsample(.., false) => write!(f, "upsample"),
            Kernel::Upsample(.., true) => write!(f, "upsample and add"),
            Kernel::Add(_) => write!(f, "add"),
            Kernel::Gate(_) => write!(f, "gate"),
            Kernel::Concat(_) => write!(f, "concat"),
            Kernel::LayerNorm(..) => write!(f, "layer norm"),
            Kernel::Attention(shape) => write!(f, "attention of {} heads", shape.heads),
            Kernel::Softmax(_) => write!(f, "softmax"),
            Kernel::Leak(slope) => write!(f, "leaky relu {slope}"),
            Kernel::Activate(activation) => write!(f, "{}", format!("{activation:?}").to_lowercase()),
            Kernel::Recurrent(layer, rows) => write!(f, "{} over {rows}", format!("{:?}", layer.cell()).to_lowercase()),
            Kernel::GatherTaps(window, _) => write!(f, "{window} transposed"),
            Kernel::Planes(_) => write!(f, "to planes"),
            Kernel::MaxOverRows([rows, _]) => write!(f, "max over {rows}"),
            Kernel::MeanOverRows([rows, _]) => write!(f, "mean over {rows}"),
            Kernel::CosinePool([rows, _]) => write!(f, "cosine pool over {rows}"),
            Kernel::Embedding(..) => write!(f, "embedding"),
            Kernel::Repeat(_) => write!(f, "parameter"),
        }
    }
}
