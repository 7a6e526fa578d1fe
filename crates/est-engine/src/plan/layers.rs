//! Layers: what has weights that are repacked for a kernel, and what is computed with it.

use std::borrow::Cow;

use est_kernels::conv::{Conv, ConvShape};
use est_kernels::recurrent::{Cell, Recurrent};
use est_kernels::rowwise::AttentionShape;
use est_kernels::{Isa, Window};
use est_nets::{Node, NodeId, Op, Shape, Sliding, Tensor};

use super::Builder;
use crate::chain::Chain;
use crate::error::EngineError;
use crate::fold::fold_batch_norm;
use crate::frames::{FrameConv, Frames};
use crate::kernel::Kernel;

/// A layer whose weights are not packed yet: that takes most of the time of planning and is divided among threads. They
/// are still the caller's; a layer with a norm copies them when its turn comes, so that copies are few at a time.
pub(super) struct Layer<'a> {
    step: usize,
    isa: Isa,
    /// Of every tap of `frames`, where there are several.
    shape: ConvShape,
    frames: Option<Frames>,
    weights: Cow<'a, [f32]>,
    bias: Cow<'a, [f32]>,
    /// [channels, pixels] where the inputs of a linear layer lie pixel by pixel; its weights go channel by channel.
    turned: Option<[usize; 2]>,
    /// The batch norm behind it, and its eps.
    norm: Option<([&'a Tensor; 4], f32)>,
    slope: Option<f32>,
}

impl<'a> Layer<'a> {
    fn new(step: usize, isa: Isa, shape: ConvShape, weights: Cow<'a, [f32]>, bias: Cow<'a, [f32]>) -> Self {
        Layer { step, isa, shape, frames: None, weights, bias, turned: None, norm: None, slope: None }
    }

    pub fn cost(&self) -> usize {
        self.weights.len()
    }

    /// The step that this is the kernel of, and the kernel.
    pub fn pack(&self) -> (usize, Kernel) {
        let (mut weights, mut bias) = (self.weights.clone(), self.bias.clone());
        if let Some([channels, pixels]) = self.turned {
            let turn = |row: &[f32]| -> Vec<f32> {
                (0..channels * pixels).map(|place| row[place % channels * pixels + place / channels]).collect()
            };
            weights = weights.chunks_exact(channels * pixels).flat_map(turn).collect();
        }
        if let Some((norm, eps)) = self.norm {
            fold_batch_norm(norm, eps, weights.to_mut(), bias.to_mut());
        }
        let kernel = match self.frames {
            None => Kernel::Layer(Box::new(Conv::new(self.isa, self.shape, &weights, &bias)), self.slope),
            Some(frames) => {
                let conv = FrameConv::new(self.isa, self.shape, frames, &weights, bias.into_owned());
                Kernel::Frames(Box::new(conv), self.slope)
            }
        };
        (self.step, kernel)
    }
}

/// The window of a convolution or pool over images or over the frames of a stack, without what it does along these.
pub(super) fn window(sliding: Sliding, item: &[usize]) -> Window {
    let pair = |[_, down, across]: [usize; 3]| [down, across];
    let size = [item[item.len() - 2], item[item.len() - 1]];
    Window::oblong(size, pair(sliding.kernel), pair(sliding.stride), pair(sliding.padding))
}

impl<'a> Builder<'a> {
    /// A layer with what follows it. A placeholder is its kernel until it is packed.
    pub(super) fn chain(&mut self, chain: &Chain, end: NodeId) -> Result<usize, EngineError> {
        let graph = self.graph;
        let node = graph.node(chain.head);
        let mut inputs = self.inputs(chain.head);
        let tensors = self.tensors(chain.head)?;
        let data = |tensor: usize| Cow::Borrowed(&tensors[tensor].data[..]);
        let all = |value, count| Cow::Owned(vec![value; count]);
        let item = &graph.node(node.inputs[0]).shape.item[..];
        let (shape, weights, bias) = match node.op {
            Op::Conv2d { inputs, outputs, groups, bias, .. } | Op::Conv3d { inputs, outputs, groups, bias, .. } => {
                let shape = ConvShape::new(window(sliding(node), item), [inputs, outputs], groups);
                (shape, data(0), if bias { data(1) } else { all(0.0, outputs) })
            }
            // Every tap of a mean is the same: a convolution of each channel by itself.
            Op::AveragePool2d { .. } | Op::AveragePool3d { .. } => {
                let (sliding, channels) = (sliding(node), item[0]);
                let shape = ConvShape::new(window(sliding, item), [channels, channels], channels);
                let share = (1.0 / sliding.taps() as f64) as f32;
                (shape, all(share, channels * sliding.taps()), all(0.0, channels))
            }
            Op::Linear { inputs, outputs, .. } => {
                self.last(chain.head)?;
                (ConvShape::linear(inputs, outputs), data(0), data(1))
            }
            Op::Attention { width, heads, .. } => {
                inputs = vec![self.attention(chain.head, heads, &inputs)?];
                (ConvShape::linear(width, width), data(2), data(3))
            }
            Op::BatchNorm { .. } if node.shape.item.len() == 2 => {
                return Err(self.unsupported(chain.head, "it normalises the rows of a matrix"));
            }
            Op::BatchNorm { channels, .. } => {
                let shape = ConvShape::new(Window::ONE, [channels, channels], channels);
                (shape, all(1.0, channels), all(0.0, channels))
            }
            _ => unreachable!("chains begin with layers"),
        };
        let norm = match chain.norm.map(|norm| (norm, &graph.node(norm).op)) {
            Some((norm, &Op::BatchNorm { eps, .. })) => {
                let tensors: [&Tensor; 4] = self.tensors(norm)?.try_into().expect("four but for the counter");
                let least = tensors[3].data.iter().copied().fold(0.0, f32::min);
                if least < 0.0 {
                    let key = format!("{}.running_var", graph.node(norm).name);
                    return Err(EngineError::Variance { key, least });
                }
                Some((tensors, eps))
            }
            _ => None,
        };
        inputs.extend(chain.residual.map(|residual| self.of_node[residual]));
        let is_filter = matches!(node.op, Op::Conv2d { .. } | Op::Conv3d { .. });
        let isa = if is_filter && shape.gains_from_bf16() { self.images } else { self.isa };
        let of_frames = node.op.sliding().filter(|sliding| !sliding.is_of_images());
        let frames = of_frames.map(|sliding| Frames::new(item[1], sliding));
        let turned = self.turned[node.inputs[0]];
        let layer = Layer::new(self.steps.len(), isa, shape, weights, bias);
        self.layers.push(Layer { frames, turned, norm, slope: chain.slope, ..layer });
        Ok(self.step(node.name.clone(), Kernel::UNPACKED, inputs, &graph.node(end).shape))
    }

    /// A product of rows with `weights`.
    fn linear(
        &mut self,
        name: String,
        shape: ConvShape,
        [weights, bias]: [Cow<'a, [f32]>; 2],
        input: usize,
        output: &Shape,
    ) -> usize {
        self.layers.push(Layer::new(self.steps.len(), self.isa, shape, weights, bias));
        self.step(name, Kernel::UNPACKED, vec![input], output)
    }

    /// The three input projections and what lies between them and the output projection.
    fn attention(&mut self, id: NodeId, heads: usize, inputs: &[usize]) -> Result<usize, EngineError> {
        let graph = self.graph;
        let node = graph.node(id);
        let width = self.last(id)?;
        let tensors = self.tensors(id)?;
        let mut projected = vec![];
        for (i, name) in ["query", "key", "value"].iter().enumerate() {
            let weights = Cow::Borrowed(&tensors[0].data[i * width * width..(i + 1) * width * width]);
            let bias = Cow::Borrowed(&tensors[1].data[i * width..(i + 1) * width]);
            let (name, shape) = (format!("{}.{name}", node.name), &graph.node(node.inputs[i]).shape);
            projected.push(self.linear(name, ConvShape::linear(width, width), [weights, bias], inputs[i], shape));
        }
        let [queries, keys] = [0, 1].map(|i| graph.node(node.inputs[i]).shape.item[0]);
        let kernel = Kernel::Attention(AttentionShape { queries, keys, width, heads });
        Ok(self.step(format!("{}.heads", node.name), kernel, projected, &node.shape))
    }

    /// Each layer of a recurrent network as the product of all rows with the weights of the inputs, of both directions at
    /// once, and then the states row by row.
    pub(super) fn recurrent(
        &mut self,
        id: NodeId,
        cell: Cell,
        spec: est_nets::Recurrent,
    ) -> Result<usize, EngineError> {
        let node = self.graph.node(id);
        let tensors = self.tensors(id)?;
        let (rows, directions) = (node.shape.item[0], spec.directions().len());
        let mut input = self.inputs(id)[0];
        for (layer, tensors) in tensors.chunks_exact(4 * directions).enumerate() {
            let inputs = if layer == 0 { spec.inputs } else { spec.outputs() };
            let join = |first: usize| -> Vec<f32> {
                tensors.iter().skip(first).step_by(4).flat_map(|tensor| &tensor.data).copied().collect()
            };
            let (weights, bias) = (join(0), join(2));
            let outputs = bias.len();
            let shape = Shape { repeat: node.shape.repeat, item: vec![rows, outputs] };
            let name = format!("{}.l{layer}.inputs", node.name);
            let weights = [Cow::Owned(weights), Cow::Owned(bias)];
            let projected = self.linear(name, ConvShape::linear(inputs, outputs), weights, input, &shape);
            let of_state: Vec<[&[f32]; 2]> =
                tensors.chunks_exact(4).map(|tensors| [&tensors[1].data[..], &tensors[3].data]).collect();
            let kernel = Kernel::Recurrent(Box::new(Recurrent::new(self.isa, cell, spec.hidden, &of_state)), rows);
            let shape = Shape { repeat: node.shape.repeat, item: vec![rows, spec.outputs()] };
            // The last step has the node's own name.
            let name = if layer + 1 == spec.layers { node.name.clone() } else { format!("{}.l{layer}", node.name) };
            input = self.step(name, kernel, vec![projected], &shape);
        }
        Ok(input)
    }

    /// The product of every pixel with all taps, and the sum of what falls on each pixel of the result.
    pub(super) fn transposed(&mut self, id: NodeId) -> Result<usize, EngineError> {
        let node = self.graph.node(id);
        let &Op::ConvTranspose2d { inputs, outputs, kernel, stride, padding, bias, .. } = &node.op else {
            unreachable!("asked of a transposed convolution")
        };
        let tensors = self.tensors(id)?;
        let taps = kernel[0] * kernel[1];
        // [inputs, outputs, taps] -> [taps, outputs, inputs]
        let weight = |place: usize| {
            let (tap, output, input) = (place / inputs / outputs, place / inputs % outputs, place % inputs);
            tensors[0].data[(input * outputs + output) * taps + tap]
        };
        let weights = (0..taps * outputs * inputs).map(weight).collect();
        let item = &self.graph.node(node.inputs[0]).shape.item;
        let shape = Shape { repeat: node.shape.repeat, item: vec![taps * outputs, item[1], item[2]] };
        let input = self.inputs(id)[0];
        let none = Cow::Owned(vec![0.0; taps * outputs]);
        let product = ConvShape::linear(inputs, taps * outputs);
        let products = self.linear(format!("{}.taps", node.name), product, [weights, none], input, &shape);
        let window = Window::oblong([node.shape.item[1], node.shape.item[2]], kernel, stride, padding);
        let bias = if bias { tensors[1].data.clone() } else { vec![0.0; outputs] };
        Ok(self.step(node.name.clone(), Kernel::GatherTaps(window, bias), vec![products], &node.shape))
    }
}

fn sliding(node: &Node) -> Sliding {
    node.op.sliding().expect("convolutions and pools have a window")
}
