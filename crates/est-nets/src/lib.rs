//! What each network is, written once: a function that builds a small static [`Graph`] whose node names are the keys
//! of the PyTorch checkpoint. Readers walk the graph: cost (here), the CPU engine (est-engine), training (later).
#![forbid(unsafe_code)]

mod aasfe;
mod backbone;
mod blocks;
mod cost;
mod est;
mod feed;
mod graph;
pub mod hash;
mod network;
mod noise;
mod op;
mod parameters;
mod preprocessing;
mod presets;
mod random;
mod resnet;
pub mod retinaface;
mod separable;
mod shape;
mod ssop;
mod stand_in;
mod tensor;
mod transformer;
pub mod weights;
pub mod whole_file;
mod zoo;

pub use aasfe::SnippetFeatures;
pub use backbone::Backbone;
pub use cost::{Convention, macs};
pub use est::{ClipFeatures, EstConfig};
pub use feed::{Clips, Feed, Values};
pub use graph::{Graph, NoSuchNode, Node, NodeId, Shape};
pub use network::{Architecture, Network, SnippetAttention};
pub use noise::Noise;
pub use op::{Activation, Op, Recurrent, Sliding};
pub use parameters::{Init, ParameterSpec, Role, WeightInit};
pub use preprocessing::{Crop, Preprocessing, Sampling};
pub use presets::{PRESETS, Preset, PrintedMacs};
pub use random::random_weights;
pub use shape::ShapeError;
pub use ssop::PAPER_ORDERS;
pub use stand_in::StandIn;
pub use tensor::Tensor;
pub use zoo::Tiny3d;
