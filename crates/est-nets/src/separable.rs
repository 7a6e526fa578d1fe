//! A small encoder: four stages of four units, each a depthwise separable convolution (Chollet 2017) with batch norm; within
//! a stage a unit reads the ReLU of the sum of all before it. The layout is that of face-api.js's expression network, which
//! has biases in place of batch norm: a student learns fastest to do what a network of its own layout does.

use crate::blocks::{batch_norm, conv, depthwise, relu};
use crate::graph::{Graph, NodeId};
use crate::op::Op;

const STAGES: usize = 4;
const UNITS: usize = 4;
/// Channels of the first stage; each later one has twice as many.
const NARROWEST: usize = 32;
/// Width d of the features.
pub const WIDTH: usize = NARROWEST << (STAGES - 1);

/// Continues `graph` from the picture `x` [3, h, w] to its features [256].
pub fn features(graph: &mut Graph, x: NodeId) -> NodeId {
    let mut x = x;
    for stage in 0..STAGES {
        let channels = NARROWEST << stage;
        let name = |unit: usize| format!("stage{}.{unit}.", stage + 1);
        let first = if stage == 0 {
            let y = conv(graph, &format!("{}conv", name(0)), x, channels, 3, 2);
            batch_norm(graph, &format!("{}bn", name(0)), y)
        } else {
            separable(graph, &name(0), x, channels, 2)
        };
        x = relu(graph, &format!("{}relu", name(0)), first);
        let mut sum = x;
        for unit in 1..UNITS {
            let y = separable(graph, &name(unit), x, channels, 1);
            sum = graph.push(&format!("{}sum", name(unit)), Op::Add, &[y, sum]);
            x = relu(graph, &format!("{}relu", name(unit)), sum);
        } // stage s: [32 2^s, h / 2^(s+1), w / 2^(s+1)]
    }
    graph.push("avgpool", Op::GlobalAveragePool, &[x])
}

fn separable(graph: &mut Graph, prefix: &str, x: NodeId, channels: usize, stride: usize) -> NodeId {
    let x = depthwise(graph, &format!("{prefix}depthwise"), x, stride);
    let x = conv(graph, &format!("{prefix}pointwise"), x, channels, 1, 1);
    batch_norm(graph, &format!("{prefix}bn"), x)
}
