//! Named configurations: the paper's network, the rows of its ablation tables, its other backbones, and our baseline.

use crate::aasfe::SnippetFeatures;
use crate::backbone::Backbone;
use crate::cost::Convention;
use crate::est::{ClipFeatures, EstConfig};
use crate::network::Network;
use crate::zoo::Tiny3d;

/// Where a figure for multiply-accumulates comes from: G MACs as printed there, and how they were counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrintedMacs {
    pub giga: f64,
    pub convention: Convention,
}

/// A configuration with what the paper prints about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    pub name: &'static str,
    /// Where the paper has it.
    pub source: &'static str,
    pub config: Network,
    /// Millions of parameters as the paper prints them.
    pub printed_parameters: Option<f64>,
    pub printed_macs: Option<PrintedMacs>,
}

impl Preset {
    /// The preset called `name`.
    pub fn named(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|preset| preset.name == name)
    }
}

const fn full(giga: f64) -> Option<PrintedMacs> {
    Some(PrintedMacs { giga, convention: Convention::Full })
}

const fn layers(giga: f64) -> Option<PrintedMacs> {
    Some(PrintedMacs { giga, convention: Convention::Layers })
}

const fn paper_with(snippet_features: SnippetFeatures, orders: usize, backbone: Backbone) -> Network {
    Network::Est(EstConfig { snippet_features, orders, backbone, ..EstConfig::PAPER })
}

use Backbone::{ResNet18, ResNet34, ResNet50, Separable16};
use SnippetFeatures::{Hierarchical, Mean, SelfAttention, SqueezeExcite};

/// Every preset, the paper's own first.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "paper",
        source: "Table 5, + SSOP; Table 7",
        config: Network::Est(EstConfig::PAPER),
        printed_parameters: Some(42.78),
        printed_macs: full(63.89),
    },
    Preset {
        name: "paper-6",
        source: "the same with 6 classes",
        config: Network::Est(EstConfig::PAPER_6),
        printed_parameters: None,
        printed_macs: None,
    },
    Preset {
        name: "transformer",
        source: "Table 5, Transformer; Table 6, w/o attention",
        config: paper_with(Mean, 0, ResNet18),
        // The paper counts the AA-SFE that this row does not use.
        printed_parameters: Some(34.37),
        printed_macs: full(63.85),
    },
    Preset {
        name: "transformer+aasfe",
        source: "Table 5, + AA-SFE",
        config: paper_with(Hierarchical, 0, ResNet18),
        printed_parameters: Some(34.37),
        printed_macs: full(63.88),
    },
    Preset {
        name: "self-attention",
        source: "Table 6",
        config: paper_with(SelfAttention, 10, ResNet18),
        printed_parameters: Some(42.78),
        printed_macs: None,
    },
    Preset {
        name: "squeeze-excite",
        source: "Table 6, SE-like",
        config: paper_with(SqueezeExcite, 10, ResNet18),
        printed_parameters: Some(43.30),
        printed_macs: None,
    },
    Preset {
        name: "resnet34",
        source: "supplement",
        config: paper_with(Hierarchical, 10, ResNet34),
        printed_parameters: Some(52.88),
        printed_macs: layers(128.535),
    },
    Preset {
        name: "resnet50",
        source: "supplement",
        config: paper_with(Hierarchical, 10, ResNet50),
        printed_parameters: Some(272.49),
        printed_macs: layers(144.063),
    },
    Preset {
        name: "separable16",
        source: "ours: the default weights' frame encoder",
        config: paper_with(Hierarchical, 10, Separable16),
        printed_parameters: None,
        printed_macs: None,
    },
    Preset {
        name: "average",
        source: "ours: frames scored alone, logits averaged",
        config: Network::Est(EstConfig {
            snippet_features: Mean,
            clip_features: ClipFeatures::Mean,
            orders: 0,
            ..EstConfig::PAPER
        }),
        printed_parameters: None,
        printed_macs: None,
    },
    Preset {
        name: "tiny3d",
        source: "ours: the example of docs/add-a-network.md",
        config: Network::Tiny3d(Tiny3d::DEFAULT),
        printed_parameters: None,
        printed_macs: None,
    },
];
