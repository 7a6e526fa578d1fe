//! ResNet-18, -34 and -50 (He et al. 2016) in torchvision's layout, without the classifier: picture -> features.
//! Like torchvision, the bottleneck strides in its 3x3 convolution.

use serde::{Deserialize, Serialize};

use crate::blocks::{batch_norm, conv, relu};
use crate::graph::{Graph, NodeId};
use crate::op::Op;

/// The frame encoders that EST is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backbone {
    #[serde(rename = "resnet18")]
    ResNet18,
    #[serde(rename = "resnet34")]
    ResNet34,
    #[serde(rename = "resnet50")]
    ResNet50,
}

impl Backbone {
    pub const ALL: [Backbone; 3] = [Backbone::ResNet18, Backbone::ResNet34, Backbone::ResNet50];

    /// Blocks in each of the four stages.
    fn depths(self) -> [usize; 4] {
        match self {
            Backbone::ResNet18 => [2, 2, 2, 2],
            Backbone::ResNet34 | Backbone::ResNet50 => [3, 4, 6, 3],
        }
    }

    /// Width d of the features.
    pub fn width(self) -> usize {
        match self {
            Backbone::ResNet18 | Backbone::ResNet34 => 512,
            Backbone::ResNet50 => 2048,
        }
    }

    /// Continues `graph` from the picture `x` [3, h, w] to its features [d].
    pub fn features(self, graph: &mut Graph, x: NodeId) -> NodeId {
        let x = conv(graph, "conv1", x, 64, 7, 2); // [64, h/2, w/2]
        let x = batch_norm(graph, "bn1", x);
        let x = relu(graph, "relu", x);
        let pool = Op::MaxPool { kernel: 3, stride: 2, padding: 1 };
        let mut x = graph.push("maxpool", pool, &[x]); // [64, h/4, w/4]
        for (stage, depth) in self.depths().into_iter().enumerate() {
            let channels = 64 << stage;
            for block in 0..depth {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let prefix = format!("layer{}.{block}.", stage + 1);
                x = match self {
                    Backbone::ResNet18 | Backbone::ResNet34 => basic(graph, &prefix, x, channels, stride),
                    Backbone::ResNet50 => bottleneck(graph, &prefix, x, channels, stride),
                };
            } // stage s: [64 2^s (x 4 for ResNet-50), h / 2^(s+2), w / 2^(s+2)]
        }
        graph.push("avgpool", Op::GlobalAveragePool, &[x])
    }

    /// The encoder alone: input `frames` [3, size, size] in [0, 1], output `features` [d].
    pub fn graph(self, size: usize) -> Graph {
        let mut graph = Graph::new();
        let frames = graph.input("frames", 1, &[3, size, size]);
        let features = self.features(&mut graph, frames);
        graph.output("features", features);
        graph
    }
}

fn basic(graph: &mut Graph, prefix: &str, x: NodeId, channels: usize, stride: usize) -> NodeId {
    let y = conv(graph, &format!("{prefix}conv1"), x, channels, 3, stride);
    let y = batch_norm(graph, &format!("{prefix}bn1"), y);
    let y = relu(graph, &format!("{prefix}relu1"), y);
    let y = conv(graph, &format!("{prefix}conv2"), y, channels, 3, 1);
    let y = batch_norm(graph, &format!("{prefix}bn2"), y);
    join(graph, prefix, x, y, stride)
}

fn bottleneck(graph: &mut Graph, prefix: &str, x: NodeId, channels: usize, stride: usize) -> NodeId {
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
