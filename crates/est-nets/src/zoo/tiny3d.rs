//! A small 3-D network with an LSTM: the example of docs/add-a-network.md. Ours, from no paper.

use serde::{Deserialize, Serialize};

use crate::blocks::{batch_norm, conv, conv3d, linear, relu};
use crate::graph::Graph;
use crate::network::{Architecture, classes_and_size};
use crate::op::{Op, Recurrent};
use crate::preprocessing::Sampling;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiny3d {
    pub classes: usize,
    /// Frames of a clip.
    pub frames: usize,
    /// Side of the square frames in pixels.
    pub size: usize,
}

impl Tiny3d {
    pub const DEFAULT: Tiny3d = Tiny3d { classes: 7, frames: 16, size: 112 };
}

impl Architecture for Tiny3d {
    classes_and_size!();

    fn name(&self) -> String {
        "tiny3d".to_string()
    }

    fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        let g = &mut graph;
        let x = g.frames([1, self.frames], self.size); // [B t, 3, s, s]
        let x = conv(g, "conv1", x, 16, 3, 4); // each frame by itself
        let x = g.push("stack", Op::StackFrames { frames: self.frames }, &[x]); // [B, 16, t, s / 4, s / 4]
        let x = g.push("conv2", conv3d(16, 32, [3, 3, 3], [1, 2, 2]), &[x]);
        let x = batch_norm(g, "bn2", x);
        let x = relu(g, "relu2", x); // [B, 32, t, s / 8, s / 8]
        let x = g.push("frames.apart", Op::UnstackFrames, &[x]);
        let x = g.push("pool", Op::GlobalAveragePool, &[x]); // [B t, 32]
        let x = g.push("sequence", Op::Group { by: self.frames }, &[x]); // [B, t, 32]
        let lstm = Recurrent { inputs: 32, hidden: 32, layers: 1, bidirectional: true };
        let x = g.push("lstm", Op::Lstm(lstm), &[x]); // [B, t, 64]
        let x = g.push("mean", Op::MeanOverRows, &[x]);
        let logits = linear(g, "fc", x, self.classes);
        g.output("class_logits", logits);
        graph
    }

    /// Sixteen frames, three apart.
    fn sampling(&self) -> Sampling {
        Sampling { window: 64, span: 48, step: 48 }
    }

    fn problem(&self) -> Option<String> {
        (self.frames == 0 || self.size < 32).then(|| "`frames` is 0 or `size` below 32".to_string())
    }
}
