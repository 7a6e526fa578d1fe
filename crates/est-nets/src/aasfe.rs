//! The attention-augmented snippet feature extractor, AA-SFE (paper section 3.2), and what Table 6 puts in its place.

use serde::{Deserialize, Serialize};

use crate::blocks::{AttentionSpec, attend, linear, relu};
use crate::graph::{Graph, NodeId};
use crate::op::{Activation, Op};

/// How the J frame features of a snippet become one vector (rows of Tables 5 and 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnippetFeatures {
    /// Table 5's first row: the mean over the frames.
    Mean,
    /// The first level alone: self-attention over the frames, then their mean.
    SelfAttention,
    /// The first level, then a squeeze-and-excitation gate from the mean frame, full width in between: of the forms
    /// that fit the words "SE-like", the one whose parameters are Table 6's 43.30 M.
    SqueezeExcite,
    /// AA-SFE: the first level, then the mean weighted by each frame's cosine to the frames' maximum.
    Hierarchical,
}

impl SnippetFeatures {
    /// Frame features [B n J, d] -> snippet features R [B n, d].
    pub fn build(self, g: &mut Graph, features: NodeId, frames: usize, attention: AttentionSpec) -> NodeId {
        let group = g.push("snippet_frames", Op::Group { by: frames }, &[features]); // I [B n, J, d]
        if self == SnippetFeatures::Mean {
            return g.push("snippet", Op::MeanOverRows, &[group]);
        }
        let x = attend(g, "", ["attn", "norm1"], attention, group, group); // I' [B n, J, d]
        match self {
            SnippetFeatures::Mean => unreachable!("returned above"),
            SnippetFeatures::SelfAttention => g.push("snippet", Op::MeanOverRows, &[x]),
            SnippetFeatures::SqueezeExcite => {
                let mean = g.push("se.mean", Op::MeanOverRows, &[x]); // [B n, d]
                let gate = linear(g, "se.0", mean, attention.width);
                let gate = relu(g, "se.1", gate);
                let gate = linear(g, "se.2", gate, attention.width);
                let gate = g.push("se.3", Op::Activation(Activation::Sigmoid), &[gate]);
                let gated = g.push("se.gated", Op::Gate, &[x, gate]); // [B n, J, d]
                g.push("snippet", Op::MeanOverRows, &[gated])
            }
            SnippetFeatures::Hierarchical => {
                let general = g.push("general", Op::MaxOverRows, &[x]); // [B n, d]
                g.push("snippet", Op::CosinePool, &[x, general])
            }
        }
    }
}
