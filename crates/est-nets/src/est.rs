//! The Expression Snippet Transformer (Liu et al., Pattern Recognition 2023), as its authors released it (SPEC
//! section 2). B clips, n snippets of J frames, width d, C classes, P orders.
//!
//! Where this differs from the paper's text:
//! 1. Cross-attention reads the encoder's memory without positions, and positions are added once, as released.
//! 2. The orders head is one softmax over P orders (Eq. 6 prints the one-vs-all form).
//! 3. Frames carry no positional code inside a snippet.
//!
//! The input `order` [n] says which snippet stands at each place: 0..n in prediction, a permutation in training, when
//! `frames` come in that order too. It selects the rows of the positional table, so each snippet keeps its true-time
//! code and only the SSOP head can see the order.

use serde::{Deserialize, Serialize};

use crate::aasfe::SnippetFeatures;
use crate::backbone::Backbone;
use crate::blocks::{AttentionSpec, linear, relu};
use crate::feed::Feed;
use crate::graph::{Graph, NodeId};
use crate::network::{Architecture, SnippetAttention, classes_and_size};
use crate::op::Op;
use crate::parameters::{Init, WeightInit};
use crate::{ssop, transformer};

/// The layer that makes the class logits.
const CLASS_LAYER: &str = "classifier.5.0";

/// How the snippets of a clip become one vector T, which the class head reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipFeatures {
    /// The Transformer's encoder and decoder.
    #[default]
    Transformer,
    /// The mean over the snippets, and one linear layer as the class head: with [`SnippetFeatures::Mean`] a classifier of
    /// single frames whose logits are averaged over the clip. It knows neither order nor change: the baseline of a
    /// network that does.
    Mean,
}

impl ClipFeatures {
    /// Whether a file need not say it: those that were written before there was a choice do not.
    fn is_transformer(&self) -> bool {
        *self == ClipFeatures::Transformer
    }
}

/// Everything that shapes the network. The presets are constants; a weights file holds the value it was made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstConfig {
    pub backbone: Backbone,
    /// C.
    pub classes: usize,
    /// n.
    pub snippets: usize,
    /// J.
    pub frames: usize,
    pub snippet_features: SnippetFeatures,
    #[serde(default, skip_serializing_if = "ClipFeatures::is_transformer")]
    pub clip_features: ClipFeatures,
    /// P, or 0 for a network without the SSOP head.
    pub orders: usize,
    pub encoder_layers: usize,
    pub decoder_layers: usize,
    pub heads: usize,
    /// Hidden width of the feed-forward sub-layers.
    pub feed_forward: usize,
    pub dropout: f32,
    /// Before the last layer of the class head.
    pub class_dropout: f32,
    /// Side of the square frames in pixels.
    pub size: usize,
}

impl EstConfig {
    /// The released network with seven classes (AFEW, DFEW).
    pub const PAPER: EstConfig = EstConfig {
        backbone: Backbone::ResNet18,
        classes: 7,
        snippets: 7,
        frames: 5,
        snippet_features: SnippetFeatures::Hierarchical,
        clip_features: ClipFeatures::Transformer,
        orders: ssop::PAPER_ORDERS.len(),
        encoder_layers: 3,
        decoder_layers: 3,
        heads: 4,
        feed_forward: 2048,
        dropout: 0.1,
        class_dropout: 0.4,
        size: 224,
    };

    /// The released network with six classes (BU-4DFE, MMI).
    pub const PAPER_6: EstConfig = EstConfig { classes: 6, ..Self::PAPER };

    /// `base` with the parts that this config is made of; widths, depths, n and J stay those of `base`, P as long as it has
    /// any, and the backbone where this config has the paper's. What a row of an ablation is.
    pub fn applied_to(&self, base: &EstConfig) -> EstConfig {
        let EstConfig { backbone, snippet_features, clip_features, orders, .. } = *self;
        let orders = if orders > 0 && base.orders > 0 { base.orders } else { orders };
        let backbone = if backbone == EstConfig::PAPER.backbone { base.backbone } else { backbone };
        EstConfig { backbone, snippet_features, clip_features, orders, ..base.clone() }
    }

    /// d -> 128 -> 64 -> C
    fn class_head(&self, g: &mut Graph, emotion: NodeId) -> NodeId {
        let x = g.push("classifier.flat", Op::Flatten, &[emotion]); // [B, d]
        let x = linear(g, "classifier.0", x, 128);
        let x = relu(g, "classifier.1", x);
        let x = linear(g, "classifier.2", x, 64);
        let x = relu(g, "classifier.3", x);
        let dropout = Op::Dropout { probability: self.class_dropout };
        let x = g.push("classifier.4", dropout, &[x]);
        linear(g, CLASS_LAYER, x, self.classes)
    }
}

impl Architecture for EstConfig {
    classes_and_size!();

    fn name(&self) -> String {
        format!("est-{}", self.backbone.name())
    }

    fn orders(&self) -> usize {
        self.orders
    }

    /// The decoder's cross-attention, layer by layer. Its query is the result of the sub-layer before.
    fn attention(&self) -> Vec<SnippetAttention> {
        let layers = if self.clip_features == ClipFeatures::Mean { 0 } else { self.decoder_layers };
        let layer = |layer: usize| {
            let prefix = format!("transformer.decoder.layers.{layer}.");
            SnippetAttention {
                query: format!("{prefix}norm1"),
                memory: "memory",
                key: format!("{prefix}multihead_attn"),
                width: self.backbone.width(),
                heads: self.heads,
            }
        };
        (0..layers).map(layer).collect()
    }

    fn frame_cosines(&self) -> Option<[&'static str; 2]> {
        (self.snippet_features == SnippetFeatures::Hierarchical).then_some(["norm1", "general"])
    }

    fn problem(&self) -> Option<String> {
        let positive = [
            ("classes", self.classes),
            ("snippets", self.snippets),
            ("frames", self.frames),
            ("heads", self.heads),
            ("feed_forward", self.feed_forward),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Some(format!("`{name}` is 0"));
        }
        let bounded = [
            ("classes", self.classes, 1000),
            ("snippets", self.snippets, 1000),
            ("frames", self.frames, 1000),
            ("orders", self.orders, 10_000),
            ("encoder_layers", self.encoder_layers, 100),
            ("decoder_layers", self.decoder_layers, 100),
            ("feed_forward", self.feed_forward, 65_536),
            ("size", self.size, 1024),
        ];
        if let Some((name, value, limit)) = bounded.iter().find(|(_, value, limit)| value > limit) {
            return Some(format!("`{name}` is {value}; at most {limit} is supported"));
        }
        if self.size < 32 {
            return Some(format!("`size` is {}; at least 32 pixels are needed", self.size));
        }
        if self.clip_features == ClipFeatures::Mean && self.orders > 0 {
            return Some("`orders` is not 0: a mean over the snippets knows no order".to_string());
        }
        let width = self.backbone.width();
        (!width.is_multiple_of(self.heads)).then(|| format!("`heads` is {}, no divisor of {width}", self.heads))
    }

    /// The network. Inputs: `frames` [B n J, 3, size, size], snippet by snippet; `order` [B, n]. Outputs: `features`
    /// [B n J, d], `snippets` R [B n, d], with the Transformer `memory` H [B, n, d], `emotion` T, `class_logits`
    /// [B, C] and, with the SSOP head, `order_logits` [B, P].
    fn graph(&self) -> Graph {
        let mut graph = Graph::new();
        let g = &mut graph;
        let attention = AttentionSpec {
            width: self.backbone.width(),
            heads: self.heads,
            dropout: self.dropout,
            init: WeightInit::Default,
        };

        let frames = g.frames([self.snippets, self.frames], self.size);
        let order = g.input("order", Feed::Order, 1, &[self.snippets]);
        let features = self.backbone.features(g, frames); // [B n J, d]
        let snippets = self.snippet_features.build(g, features, self.frames, attention); // [B n, d]
        let sequence = g.push("sequence", Op::Group { by: self.snippets }, &[snippets]); // [B, n, d]
        g.output("features", features);
        g.output("snippets", snippets);
        if self.clip_features == ClipFeatures::Mean {
            let emotion = g.push("clip", Op::MeanOverRows, &[sequence]); // [B, d]
            let class_logits = linear(g, CLASS_LAYER, emotion, self.classes); // [B, C]
            g.output("emotion", emotion);
            g.output("class_logits", class_logits);
            return graph;
        }
        let table = Op::Embedding { rows: self.snippets, width: attention.width };
        let positions = g.push("pos_enc.pos_enc", table, &[order]); // [B, n, d]
        let placed = g.push("placed", Op::Add, &[sequence, positions]);
        let attention = AttentionSpec { init: WeightInit::KaimingUniform, ..attention };
        let memory = transformer::encoder(g, self.encoder_layers, self.feed_forward, attention, placed); // [B, n, d]
        let query = g.parameter("query_embed", &[1, attention.width], Init::Normal(1.0)); // [B, 1, d]
        let emotion = transformer::decoder(g, self.decoder_layers, self.feed_forward, attention, query, memory);
        let class_logits = self.class_head(g, emotion); // [B, C]

        g.output("memory", memory);
        g.output("emotion", emotion);
        g.output("class_logits", class_logits);
        if self.orders > 0 {
            let order_logits = ssop::head(g, self.orders, sequence, emotion); // [B, P]
            g.output("order_logits", order_logits);
        }
        graph
    }
}
