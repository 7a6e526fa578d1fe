//! Multiply-accumulates, in the two conventions of the field's tables (SPEC section 2).

use crate::graph::{Graph, Node};
use crate::op::{Op, Recurrent};

/// What a counting tool counts. The products of recurrent layers count in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// Convolutions, 2 per batch-norm element, outputs of activations, pool inputs, linear layers and whole attention layers:
    /// Table 5's and Table 7's figures.
    Full,
    /// Convolutions, 2 per batch-norm element, the global pool and linear layers: the supplement's ResNet-34 and
    /// ResNet-50 figures.
    Layers,
    /// Convolutions and matrix products alone: the arithmetic that is really done.
    Products,
}

/// Multiply-accumulates of one element of the batch through all of `graph`.
pub fn macs(graph: &Graph, convention: Convention) -> u64 {
    graph.nodes().iter().map(|node| count(graph, node, convention)).sum()
}

fn count(graph: &Graph, node: &Node, convention: Convention) -> u64 {
    use Convention::{Full, Layers, Products};
    let outputs = node.shape.len();
    let input = |i: usize| &graph.node(node.inputs[i]).shape;
    let macs = match (&node.op, convention) {
        (Op::Conv2d { inputs, groups, .. } | Op::Conv3d { inputs, groups, .. }, _) => {
            outputs * inputs / groups * node.op.sliding().expect("a convolution has a window").taps()
        }
        (Op::ConvTranspose2d { outputs, kernel, .. }, _) => input(0).len() * outputs * kernel.iter().product::<usize>(),
        (Op::Linear { inputs, .. }, _) => outputs * inputs,
        (Op::BatchNorm { .. }, Full | Layers) => 2 * outputs,
        (Op::Activation(_), Full) => outputs,
        (Op::MaxPool2d { .. } | Op::MaxPool3d { .. }, Full) => input(0).len(),
        (Op::AveragePool2d { .. } | Op::AveragePool3d { .. }, Full) => input(0).len(),
        (Op::GlobalAveragePool, Full | Layers) => input(0).len(),
        (Op::Attention { width, .. }, Full | Products) => {
            let (n, m) = (input(0).item[0], input(1).item[0]);
            let projections = 2 * n * width * width + 2 * m * width * width;
            node.shape.repeat * (projections + 2 * n * m * width)
        }
        (&Op::Lstm(spec), _) => recurrent(spec, 4, node),
        (&Op::Gru(spec), _) => recurrent(spec, 3, node),
        _ => 0,
    };
    macs as u64
}

/// The products of a sequence with the weights of `gates` gates, row by row, in every layer and direction.
fn recurrent(spec: Recurrent, gates: usize, node: &Node) -> usize {
    let rows = node.shape.repeat * node.shape.item[0] * spec.directions().len();
    let layer = |layer: usize| if layer == 0 { spec.inputs } else { spec.outputs() };
    (0..spec.layers).map(|index| rows * gates * spec.hidden * (layer(index) + spec.hidden)).sum()
}
