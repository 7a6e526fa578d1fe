//! The shuffled snippet order prediction head, SSOP (paper section 3.3). Training only: no prediction reads it.

use crate::blocks::{batch_norm, linear, relu};
use crate::graph::{Graph, NodeId};
use crate::op::Op;

/// The orders of the `paper` preset: place k holds snippet S[k].
pub const PAPER_ORDERS: [[u8; 7]; 10] = [
    [0, 4, 3, 2, 6, 1, 5],
    [5, 3, 1, 6, 4, 0, 2],
    [0, 4, 3, 5, 2, 6, 1],
    [5, 4, 3, 2, 1, 0, 6],
    [5, 1, 2, 4, 0, 6, 3],
    [0, 5, 2, 6, 4, 1, 3],
    [3, 1, 5, 0, 6, 2, 4],
    [2, 3, 0, 4, 1, 6, 5],
    [5, 0, 4, 1, 3, 2, 6],
    [0, 3, 2, 6, 4, 5, 1],
];

/// Snippets R in shuffled order [B, n, d] and emotion T [B, 1, d] -> order logits [B, P].
pub fn head(g: &mut Graph, orders: usize, sequence: NodeId, emotion: NodeId) -> NodeId {
    let snippets = g.push("per_branch.detached", Op::StopGradient, &[sequence]);
    let x = g.push("per_branch.sum", Op::Add, &[snippets, emotion]); // O [B, n, d]
    let x = g.push("per_branch.flat", Op::Flatten, &[x]); // [B, n d]
    let x = linear(g, "per_branch.classifier.0", x, 2048);
    let x = batch_norm(g, "per_branch.classifier.1", x);
    let x = relu(g, "per_branch.classifier.2", x);
    let x = linear(g, "per_branch.classifier.3", x, 512);
    let x = batch_norm(g, "per_branch.classifier.4", x);
    let x = relu(g, "per_branch.classifier.5", x);
    linear(g, "per_branch.classifier.6", x, orders)
}
