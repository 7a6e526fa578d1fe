//! The frame encoders that EST is built on: picture -> features.

use serde::{Deserialize, Serialize};

use crate::graph::{Graph, NodeId};
use crate::{resnet, separable};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backbone {
    ResNet18,
    ResNet34,
    ResNet50,
    /// Sixteen units, fifteen of them separable convolutions; a thirtieth of ResNet-18's parameters.
    Separable16,
}

impl Backbone {
    pub const ALL: [Backbone; 4] = [Backbone::ResNet18, Backbone::ResNet34, Backbone::ResNet50, Backbone::Separable16];

    /// As in configs: `resnet18`.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Width d of the features.
    pub fn width(self) -> usize {
        match self {
            Backbone::ResNet18 | Backbone::ResNet34 => 512,
            Backbone::ResNet50 => 2048,
            Backbone::Separable16 => separable::WIDTH,
        }
    }

    /// Continues `graph` from the picture `x` [3, h, w] to its features [d].
    pub fn features(self, graph: &mut Graph, x: NodeId) -> NodeId {
        match self {
            Backbone::ResNet18 => resnet::features(graph, x, resnet::basic, [2, 2, 2, 2]),
            Backbone::ResNet34 => resnet::features(graph, x, resnet::basic, [3, 4, 6, 3]),
            Backbone::ResNet50 => resnet::features(graph, x, resnet::bottleneck, [3, 4, 6, 3]),
            Backbone::Separable16 => separable::features(graph, x),
        }
    }

    /// The encoder alone: input `frames` [3, size, size] in [0, 1], output `features` [d].
    pub fn graph(self, size: usize) -> Graph {
        let mut graph = Graph::new();
        let frames = graph.frames([1, 1], size);
        let features = self.features(&mut graph, frames);
        graph.output("features", features);
        graph
    }
}
