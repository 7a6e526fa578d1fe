//! ResNet-18, -34 and -50 (He et al. 2016) in torchvision's layout, without the classifier: picture -> features.
//! Like torchvision, the bottleneck strides in its 3x3 convolution.

use crate::blocks::{batch_norm, conv, relu};
use crate::graph::{Graph, NodeId};
use crate::op::Op;

/// Appends a residual block: (graph, prefix, input, channels, stride).
pub type Block = fn(&mut Graph, &str, NodeId, usize, usize) -> NodeId;

/// Continues `graph` from the picture `x` [3, h, w] to its features [512], with bottlenecks [2048]; `depths`: blocks in each stage.
pub fn features(graph: &mut Graph, x: NodeId, block: Block, depths: [usize; 4]) -> NodeId {
    let x = conv(graph, "conv1", x, 64, 7, 2); // [64, h/2, w/2]
    let x = batch_norm(graph, "bn1", x);
    let x = relu(graph, "relu", x);
    let pool = Op::MaxPool2d { kernel: [3; 2], stride: [2; 2], padding: [1; 2] };
    let mut x = graph.push("maxpool", pool, &[x]); // [64, h/4, w/4]
    for (stage, depth) in depths.into_iter().enumerate() {
        for k in 0..depth {
            let stride = if stage > 0 && k == 0 { 2 } else { 1 };
            x = block(graph, &format!("layer{}.{k}.", stage + 1), x, 64 << stage, stride);
        } // stage s: [64 2^s (x 4 for ResNet-50), h / 2^(s+2), w / 2^(s+2)]
    }
    graph.push("avgpool", Op::GlobalAveragePool, &[x])
}

pub fn basic(graph: &mut Graph, prefix: &str, x: NodeId, channels: usize, stride: usize) -> NodeId {
    let y = conv(graph, &format!("{prefix}conv1"), x, channels, 3, stride);
    let y = batch_norm(graph, &format!("{prefix}bn1"), y);
    let y = relu(graph, &format!("{prefix}relu1"), y);
    let y = conv(graph, &format!("{prefix}conv2"), y, channels, 3, 1);
    let y = batch_norm(graph, &format!("{prefix}bn2"), y);
    join(graph, prefix, x, y, stride)
}

pub fn bottleneck(graph: &mut Graph, prefix: &str, x: NodeId, channels: usize, stride: usize) -> NodeId {
    let y = conv(graph, &format!("{prefix}conv1"), x, channels, 1, 1);
    let y = batch_norm(graph, &format!("{prefix}bn1"), y);
    let y = relu(graph, &format!("{prefix}relu1"), y);
    let y = conv(graph, &format!("{prefix}conv2"), y, channels, 3, stride);
    let y = batch_norm(graph, &format!("{prefix}bn2"), y);
    let y = relu(graph, &format!("{prefix}relu2"), y);
    let y = conv(graph, &format!("{prefix}conv3"), y, 4 * channels, 1, 1);
    let y = batch_norm(graph, &format!("{prefix}bn3"), y);
    join(graph, prefix, x, y, stride)
}

/// `ReLU(y + shortcut(x))`; the shortcut is a strided 1x1 convolution where the shapes differ.
fn join(graph: &mut Graph, prefix: &str, x: NodeId, y: NodeId, stride: usize) -> NodeId {
    let shortcut = if graph.node(x).shape == graph.node(y).shape {
        x
    } else {
        let channels = graph.node(y).shape.item[0];
        let shortcut = conv(graph, &format!("{prefix}downsample.0"), x, channels, 1, stride);
        batch_norm(graph, &format!("{prefix}downsample.1"), shortcut)
    };
    let sum = graph.push(&format!("{prefix}sum"), Op::Add, &[y, shortcut]);
    relu(graph, &format!("{prefix}relu"), sum)
}
