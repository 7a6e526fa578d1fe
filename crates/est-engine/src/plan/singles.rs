//! Nodes that are no part of a chain.

use est_kernels::recurrent::Cell;
use est_nets::{NodeId, Op, Shape};

use super::Builder;
use super::layers::window;
use crate::chain::{CALLER, slope};
use crate::error::EngineError;
use crate::frames::Frames;
use crate::kernel::Kernel;

/// Whether items of this shape travel channels-last.
fn is_image(item: &[usize]) -> bool {
    item.len() > 2
}

impl Builder<'_> {
    pub(super) fn single(&mut self, id: NodeId) -> Result<usize, EngineError> {
        let node = self.graph.node(id);
        let item = |i: usize| &self.graph.node(node.inputs[i]).shape.item[..];
        let matrix = || [item(0)[0], item(0)[1]];
        let pixels = |item: &[usize]| item[1..].iter().product::<usize>();
        let tensors = self.tensors(id)?;
        let data = |tensor: usize| tensors[tensor].data.clone();
        if let [input] = node.inputs[..] {
            // Whatever goes number by number leaves the order as it is.
            self.turned[id] = self.turned[input].filter(|_| is_by_number(&node.op));
        }
        let kernel = match node.op {
            Op::Dropout { .. } | Op::StopGradient => return Ok(self.of_node[node.inputs[0]]),
            // Channels-last, a cell's numbers already are its rows, and frames are images one behind the other.
            Op::CellsToRows { .. } | Op::StackFrames { .. } | Op::UnstackFrames => {
                return Ok(self.of_node[node.inputs[0]]);
            }
            Op::Group { .. } | Op::Ungroup if is_image(item(0)) || is_image(&node.shape.item) => {
                return Err(self.unsupported(id, "it takes images apart"));
            }
            Op::Group { .. } | Op::Ungroup => return Ok(self.of_node[node.inputs[0]]),
            Op::Flatten if !is_image(item(0)) || pixels(item(0)) == 1 || item(0)[0] == 1 => {
                return Ok(self.of_node[node.inputs[0]]);
            }
            Op::Flatten => {
                let turned = [item(0)[0], pixels(item(0))];
                if self.takes_any_order(id) {
                    self.turned[id] = Some(turned);
                    return Ok(self.of_node[node.inputs[0]]);
                }
                Kernel::Planes(turned)
            }
            Op::MaxPool2d { .. } | Op::MaxPool3d { .. } => return Ok(self.max_pool(id)),
            Op::GlobalAveragePool => Kernel::MeanOverRows([pixels(item(0)), item(0)[0]]),
            Op::UpsampleLike => {
                let [from, to] = [0, 1].map(|i| [item(i)[1], item(i)[2]]);
                Kernel::Upsample(from, to, item(0)[0], false)
            }
            Op::Add if item(0) == item(1) => {
                let innermost = if is_image(item(0)) { 0 } else { item(0).len() - 1 };
                Kernel::Add([1, item(0)[innermost]])
            }
            Op::Add => Kernel::Add(matrix()),
            Op::Gate => Kernel::Gate(matrix()),
            Op::Concat => {
                let width = |item: &[usize]| if is_image(item) { item[0] } else { item.iter().product() };
                Kernel::Concat((0..node.inputs.len()).map(|i| width(item(i))).collect())
            }
            Op::LayerNorm { eps, .. } => {
                self.last(id)?;
                Kernel::LayerNorm(data(0), data(1), eps)
            }
            Op::Softmax => Kernel::Softmax(self.last(id)?),
            Op::Activation(activation) => slope(activation).map_or(Kernel::Activate(activation), Kernel::Leak),
            Op::MaxOverRows => Kernel::MaxOverRows(matrix()),
            Op::MeanOverRows => Kernel::MeanOverRows(matrix()),
            Op::CosinePool => Kernel::CosinePool(matrix()),
            Op::Embedding { width, .. } => Kernel::Embedding(node.name.clone(), data(0), width),
            Op::Parameter { .. } => Kernel::Repeat(data(0)),
            Op::Lstm(spec) => return self.recurrent(id, Cell::Lstm, spec),
            Op::Gru(spec) => return self.recurrent(id, Cell::Gru, spec),
            Op::ConvTranspose2d { .. } => return self.transposed(id),
            Op::Input(_)
            | Op::Conv2d { .. }
            | Op::Conv3d { .. }
            | Op::AveragePool2d { .. }
            | Op::AveragePool3d { .. }
            | Op::Linear { .. }
            | Op::Attention { .. }
            | Op::BatchNorm { .. } => {
                unreachable!("inputs have values already, layers are chains")
            }
        };
        let inputs = self.inputs(id);
        Ok(self.step(node.name.clone(), kernel, inputs, &node.shape))
    }

    /// Whether all readers of a vector are linear layers, whose weights can be turned to the order that the numbers lie in.
    fn takes_any_order(&self, id: NodeId) -> bool {
        self.users[id].iter().all(|&user| {
            user != CALLER
                && match &self.graph.node(user).op {
                    Op::Linear { .. } => true,
                    op => is_by_number(op) && self.takes_any_order(user),
                }
        })
    }

    /// The largest of a window of several frames is the largest along the frames of what is the largest in each.
    fn max_pool(&mut self, id: NodeId) -> usize {
        let node = self.graph.node(id);
        let item = &self.graph.node(node.inputs[0]).shape.item;
        let sliding = node.op.sliding().expect("pools have a window");
        let window = window(sliding, item);
        let channels = item[0];
        let input = self.inputs(id)[0];
        if sliding.is_of_images() {
            return self.step(node.name.clone(), Kernel::MaxPool(window, channels), vec![input], &node.shape);
        }
        let frames = Frames::new(item[1], sliding);
        let inside = vec![channels, item[1], window.out_height(), window.out_width()];
        let shape = Shape { repeat: node.shape.repeat, item: inside };
        let is_alone = (window.kernel, window.stride, window.padding) == ([1; 2], [1; 2], [0; 2]);
        let largest = match is_alone {
            true => input,
            false => {
                let name = format!("{}.images", node.name);
                self.step(name, Kernel::MaxPool(window, channels), vec![input], &shape)
            }
        };
        // A frame is one pixel of so many channels.
        let kernel = Kernel::MaxPool(frames.window(), window.pixels() * channels);
        self.step(node.name.clone(), kernel, vec![largest], &node.shape)
    }
}

fn is_by_number(op: &Op) -> bool {
    matches!(op, Op::Dropout { .. } | Op::StopGradient | Op::Activation(_))
}
