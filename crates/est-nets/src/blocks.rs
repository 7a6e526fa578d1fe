//! Pieces that several networks share. Each takes the graph, the prefix of its keys and the node it continues.

use crate::graph::{Graph, NodeId};
use crate::op::{Activation, Op};
use crate::parameters::WeightInit;

/// PyTorch's default epsilon of batch norm and layer norm.
pub const EPS: f32 = 1e-5;

pub fn relu(graph: &mut Graph, name: &str, x: NodeId) -> NodeId {
    graph.push(name, Op::Activation(Activation::Relu), &[x])
}

/// A convolution without bias that keeps the picture's size but for `stride` (padding = kernel / 2) and starts as
/// torchvision's.
pub fn conv(graph: &mut Graph, name: &str, x: NodeId, outputs: usize, kernel: usize, stride: usize) -> NodeId {
    let op = Op::Conv2d {
        inputs: graph.node(x).shape.item[0],
        outputs,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [kernel / 2; 2],
        groups: 1,
        bias: false,
        init: WeightInit::KaimingNormal,
    };
    graph.push(name, op, &[x])
}

/// A 3x3 convolution of every channel by itself, without bias, that keeps the picture's size but for `stride`.
pub fn depthwise(graph: &mut Graph, name: &str, x: NodeId, stride: usize) -> NodeId {
    let inputs = graph.node(x).shape.item[0];
    let op = Op::Conv2d {
        inputs,
        outputs: inputs,
        kernel: [3; 2],
        stride: [stride; 2],
        padding: [1; 2],
        groups: inputs,
        bias: false,
        init: WeightInit::KaimingNormal,
    };
    graph.push(name, op, &[x])
}

/// A convolution of stacks of frames with an odd kernel, without bias, that keeps the size but for `stride`.
pub fn conv3d(inputs: usize, outputs: usize, kernel: [usize; 3], stride: [usize; 3]) -> Op {
    let (padding, init) = (kernel.map(|side| side / 2), WeightInit::Default);
    Op::Conv3d { inputs, outputs, kernel, stride, padding, groups: 1, bias: false, init }
}

pub fn batch_norm(graph: &mut Graph, name: &str, x: NodeId) -> NodeId {
    let channels = graph.node(x).shape.item[0];
    graph.push(name, Op::BatchNorm { channels, eps: EPS }, &[x])
}

pub fn linear(graph: &mut Graph, name: &str, x: NodeId, outputs: usize) -> NodeId {
    linear_from(graph, name, x, outputs, WeightInit::Default)
}

fn linear_from(graph: &mut Graph, name: &str, x: NodeId, outputs: usize, init: WeightInit) -> NodeId {
    let inputs = *graph.node(x).shape.item.last().expect("a tensor has a last dimension");
    graph.push(name, Op::Linear { inputs, outputs, init }, &[x])
}

pub fn layer_norm(graph: &mut Graph, name: &str, x: NodeId) -> NodeId {
    let width = *graph.node(x).shape.item.last().expect("a tensor has a last dimension");
    graph.push(name, Op::LayerNorm { width, eps: EPS }, &[x])
}

/// What multi-head attention layers of one network have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionSpec {
    pub width: usize,
    pub heads: usize,
    /// Of the attention weights and of every sub-layer's result.
    pub dropout: f32,
    /// Of every matrix, those of the feed-forward sub-layers too.
    pub init: WeightInit,
}

/// `LayerNorm(x + Dropout(attention(x, memory, memory)))`: a post-norm attention sub-layer (SPEC section 2). The
/// nodes are `prefix` + `attention` and `prefix` + `norm`.
pub fn attend(
    graph: &mut Graph,
    prefix: &str,
    [attention, norm]: [&str; 2],
    spec: AttentionSpec,
    x: NodeId,
    memory: NodeId,
) -> NodeId {
    let AttentionSpec { width, heads, dropout, init } = spec;
    let op = Op::Attention { width, heads, dropout, init };
    let attended = graph.push(&format!("{prefix}{attention}"), op, &[x, memory, memory]);
    add_and_norm(graph, prefix, [attention, norm], dropout, x, attended)
}

/// `LayerNorm(x + Dropout(linear2(Dropout(ReLU(linear1(x))))))`: a post-norm feed-forward sub-layer, `hidden` wide inside.
pub fn feed_forward(
    graph: &mut Graph,
    prefix: &str,
    norm: &str,
    hidden: usize,
    spec: AttentionSpec,
    x: NodeId,
) -> NodeId {
    let AttentionSpec { dropout, init, .. } = spec;
    let width = *graph.node(x).shape.item.last().expect("a tensor has a last dimension");
    let inner = linear_from(graph, &format!("{prefix}linear1"), x, hidden, init);
    let inner = relu(graph, &format!("{prefix}relu"), inner);
    let inner = graph.push(&format!("{prefix}dropout"), Op::Dropout { probability: dropout }, &[inner]);
    let outer = linear_from(graph, &format!("{prefix}linear2"), inner, width, init);
    add_and_norm(graph, prefix, ["linear2", norm], dropout, x, outer)
}

fn add_and_norm(
    graph: &mut Graph,
    prefix: &str,
    [of, norm]: [&str; 2],
    dropout: f32,
    x: NodeId,
    change: NodeId,
) -> NodeId {
    let dropped = Op::Dropout { probability: dropout };
    let change = graph.push(&format!("{prefix}{of}.dropped"), dropped, &[change]);
    let sum = graph.push(&format!("{prefix}{of}.sum"), Op::Add, &[x, change]);
    layer_norm(graph, &format!("{prefix}{norm}"), sum)
}
