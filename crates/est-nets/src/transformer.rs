//! The post-norm encoder and decoder of Vaswani et al. (2017), keys as in PyTorch's nn.Transformer layers.

use crate::blocks::{AttentionSpec, attend, feed_forward, layer_norm};
use crate::graph::{Graph, NodeId};

/// x [n, d] -> memory [n, d], with a final layer norm.
pub fn encoder(g: &mut Graph, layers: usize, hidden: usize, attention: AttentionSpec, mut x: NodeId) -> NodeId {
    for layer in 0..layers {
        let prefix = format!("transformer.encoder.layers.{layer}.");
        x = attend(g, &prefix, ["self_attn", "norm1"], attention, x, x);
        x = feed_forward(g, &prefix, "norm2", hidden, attention, x);
    }
    layer_norm(g, "transformer.encoder.norm", x)
}

/// Queries x [m, d] over memory [n, d] -> [m, d], with a final layer norm.
pub fn decoder(
    g: &mut Graph,
    layers: usize,
    hidden: usize,
    attention: AttentionSpec,
    mut x: NodeId,
    memory: NodeId,
) -> NodeId {
    for layer in 0..layers {
        let prefix = format!("transformer.decoder.layers.{layer}.");
        x = attend(g, &prefix, ["self_attn", "norm1"], attention, x, x);
        x = attend(g, &prefix, ["multihead_attn", "norm2"], attention, x, memory);
        x = feed_forward(g, &prefix, "norm3", hidden, attention, x);
    }
    layer_norm(g, "transformer.decoder.norm", x)
}
