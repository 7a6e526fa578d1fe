//! Every network that est knows, in one list. A new one is a file with a config that implements [`Architecture`], and one
//! line in the list at the end of this file: docs/add-a-network.md.

use std::fmt::Debug;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::est::EstConfig;
use crate::feed::Feed;
use crate::graph::{Graph, NoSuchNode, NodeId};
use crate::op::Op;
use crate::preprocessing::Sampling;
use crate::zoo::Tiny3d;

/// The key that says which network a config is of. A config without it is EST's: files that were written before there was
/// a choice have none.
const TAG: &str = "architecture";
/// Outputs that the rest of est knows by name.
const FEATURES: &str = "features";
const CLASS_LOGITS: &str = "class_logits";
const ORDER_LOGITS: &str = "order_logits";

/// What a network says of itself. Its graph has one input fed by frames ([`Graph::frames_input`]) and the output
/// `class_logits` [B, C]. With the output `features` [B n J, d], one row a frame, every frame is encoded once however many
/// windows show it.
pub trait Architecture: Debug {
    /// The network.
    fn graph(&self) -> Graph;

    /// What in this config cannot be built, in words: configs come from files.
    fn problem(&self) -> Option<String>;

    /// A short name for tables and identifiers, such as `est-resnet18`.
    fn name(&self) -> String;

    /// C, the number of classes.
    fn classes(&self) -> usize;

    fn set_classes(&mut self, classes: usize);

    /// Side of the square frames in pixels.
    fn size(&self) -> usize;

    fn set_size(&mut self, size: usize);

    /// Which places of a window the frames are taken from, unless a training or a weights file says otherwise.
    fn sampling(&self) -> Sampling {
        Sampling::PAPER
    }

    /// P, the number of wrong orders that the output `order_logits` [B, P] tells apart (SSOP, SPEC section 2); 0 for a
    /// network without it.
    fn orders(&self) -> usize {
        0
    }

    /// The layers, first to last, whose attention over the snippets can be shown; none for a network without.
    fn attention(&self) -> Vec<SnippetAttention> {
        vec![]
    }

    /// The nodes between which the cosine weighs the frames of a snippet (SPEC section 2, level 2): frames [B n J, d] and
    /// snippets [B n, d].
    fn frame_cosines(&self) -> Option<[&'static str; 2]> {
        None
    }
}

/// What [`Architecture`] asks about classes and size, of a config that has the fields `classes` and `size`.
macro_rules! classes_and_size {
    () => {
        fn classes(&self) -> usize {
            self.classes
        }

        fn set_classes(&mut self, classes: usize) {
            self.classes = classes;
        }

        fn size(&self) -> usize {
            self.size
        }

        fn set_size(&mut self, size: usize) {
            self.size = size;
        }
    };
}
pub(crate) use classes_and_size;

/// A multi-head attention of one query over the snippets of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnippetAttention {
    /// The node whose value is the query, [B, 1, width].
    pub query: String,
    /// The output or node that is attended to, [B, n, width].
    pub memory: &'static str,
    /// What the names of its tensors begin with.
    pub key: String,
    pub width: usize,
    pub heads: usize,
}

/// Parts of a network by what they are for. None of these can fail for a network whose `graph` is as [`Architecture`] says;
/// a test holds every entry of the list to that.
impl Network {
    /// n snippets of J frames: what a clip must bring.
    pub fn layout(&self) -> [usize; 2] {
        self.graph().layout()
    }

    /// Frames of a clip that the network reads: n J.
    pub fn clip_frames(&self) -> usize {
        self.layout().iter().product()
    }

    /// What prediction runs: all inputs, the output `class_logits`.
    pub fn prediction(&self) -> Graph {
        self.whole(&[CLASS_LOGITS]).expect(KNOWN)
    }

    /// What training runs: all inputs, the outputs `class_logits`, with the SSOP head `order_logits`, and `more`.
    ///
    /// # Errors
    /// When the network has no output or node that is in `more`.
    pub fn training(&self, more: &[&str]) -> Result<Graph, NoSuchNode> {
        self.whole(&self.trained_outputs(more))
    }

    fn whole(&self, outputs: &[&str]) -> Result<Graph, NoSuchNode> {
        let graph = self.graph();
        let inputs: Vec<&str> = graph.inputs().map(|(_, node)| node.name.as_str()).collect();
        graph.cut(&inputs, outputs)
    }

    fn trained_outputs<'a>(&self, more: &[&'a str]) -> Vec<&'a str> {
        let orders = (self.orders() > 0).then_some(ORDER_LOGITS);
        let more = more.iter().copied().filter(|&name| name != CLASS_LOGITS && name != ORDER_LOGITS);
        [CLASS_LOGITS].into_iter().chain(orders).chain(more).collect()
    }

    /// The frame encoder alone, one frame [3, size, size] to `features` [d]; None for a network that reads its frames
    /// together.
    pub fn encoder(&self) -> Option<Graph> {
        let graph = self.graph();
        let (_, features) = graph.outputs().iter().find(|(name, _)| name == FEATURES)?;
        let frames = graph.node(graph.frames_input());
        (graph.node(*features).shape.repeat == frames.shape.repeat)
            .then(|| graph.cut(&[&frames.name], &[FEATURES]).expect(KNOWN))
    }

    /// Width d of the frame encoder's features.
    pub fn feature_width(&self) -> Option<usize> {
        self.encoder().map(|encoder| encoder.node(encoder.outputs()[0].1).shape.item[0])
    }

    /// What is behind the frame encoder: input `features` and whatever else the network is given, the outputs (or nodes)
    /// asked for. None for a network without a frame encoder.
    pub fn behind_encoder(&self, outputs: &[&str]) -> Option<Graph> {
        self.encoder().map(|_| self.graph().cut(&[FEATURES], outputs).expect(KNOWN))
    }

    /// [`Network::behind_encoder`] with the outputs of [`Network::training`].
    pub fn training_behind_encoder(&self, more: &[&str]) -> Option<Result<Graph, NoSuchNode>> {
        self.encoder().map(|_| self.graph().cut(&[FEATURES], &self.trained_outputs(more)))
    }

    /// The frame encoder with a linear layer `fc` (torchvision's name for a ResNet's) as the head, outputs `class_logits` and
    /// `more`.
    pub fn frame_classifier(&self, more: &[&str]) -> Option<Result<Graph, NoSuchNode>> {
        let graph = self.encoder()?;
        let inner: Vec<&str> =
            [FEATURES].into_iter().chain(more.iter().copied().filter(|&name| name != FEATURES)).collect();
        let frames = &graph.node(graph.frames_input()).name;
        Some(graph.cut(&[frames], &inner).map(|graph| self.with_frame_head(graph)))
    }

    fn with_frame_head(&self, mut graph: Graph) -> Graph {
        let features = graph.outputs()[0].1;
        let width = graph.node(features).shape.item[0];
        let logits = graph.push("fc", Op::linear(width, self.classes()), &[features]);
        graph.output(CLASS_LOGITS, logits);
        graph
    }

    /// The node that makes the class logits. Its name is that of its tensors, and its tensors are what another number of
    /// classes changes.
    pub fn class_layer(&self) -> String {
        let graph = self.graph();
        let (_, id) = graph.outputs().iter().find(|(name, _)| name == CLASS_LOGITS).expect(KNOWN);
        graph.node(*id).name.clone()
    }

    /// What other weights may be taken over for: the frame encoder, or all but the layer of the classes where there is none.
    pub fn trunk(&self) -> Graph {
        self.encoder().unwrap_or_else(|| {
            let graph = self.prediction();
            let last = graph.node(graph.outputs()[0].1);
            let before: Vec<&str> = last.inputs.iter().map(|&id: &NodeId| graph.node(id).name.as_str()).collect();
            let frames = &graph.node(graph.frames_input()).name;
            graph.cut(&[frames], &before).expect(KNOWN)
        })
    }

    /// The config of the Expression Snippet Transformer, for what only it has.
    pub fn est(&self) -> Option<&EstConfig> {
        match self {
            Network::Est(config) => Some(config),
            _ => None,
        }
    }
}

const KNOWN: &str = "the network has the inputs and outputs that `Architecture` asks for";

impl Graph {
    /// The input that frames feed.
    ///
    /// # Panics
    /// When the graph has none, or several: it is no whole network.
    pub fn frames_input(&self) -> NodeId {
        let mut fed = self.inputs().filter(|(_, node)| matches!(node.op, Op::Input(Feed::Frames { .. })));
        let (id, _) = fed.next().expect("a network reads frames");
        assert!(fed.next().is_none(), "two inputs are fed by frames");
        id
    }

    /// n snippets of J frames, as the input that frames feed has them.
    ///
    /// # Panics
    /// As [`Graph::frames_input`].
    pub fn layout(&self) -> [usize; 2] {
        match self.node(self.frames_input()).op {
            Op::Input(Feed::Frames { snippets, frames }) => [snippets, frames],
            _ => unreachable!("found by its feed"),
        }
    }
}

fn tagged<T: Serialize, S: Serializer>(tag: &str, config: &T, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Tagged<'a, T> {
        architecture: &'a str,
        #[serde(flatten)]
        config: &'a T,
    }
    if tag == EST {
        return config.serialize(serializer);
    }
    Tagged { architecture: tag, config }.serialize(serializer)
}

/// Takes the tag out of a config: the name of the network and what is left.
fn untagged(mut value: Value) -> Result<(String, Value), String> {
    match value.as_object_mut().and_then(|fields| fields.remove(TAG)) {
        None => Ok((EST.to_string(), value)),
        Some(Value::String(tag)) => Ok((tag, value)),
        Some(other) => Err(format!("`{TAG}` is {other}, not a name in quotes")),
    }
}

const EST: &str = "est";

macro_rules! networks {
    ($($(#[$doc:meta])* $variant:ident($config:ty) = $tag:literal,)+) => {
        /// A network with its config. In files the config's fields with `"architecture": "TAG"` beside them; EST's have no
        /// tag.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Network {
            $($(#[$doc])* $variant($config),)+
        }

        impl Network {
            /// The tags of all networks, as files and configs name them.
            pub const TAGS: &[&'static str] = &[$($tag),+];

            /// As in files.
            pub fn tag(&self) -> &'static str {
                match self {
                    $(Network::$variant(_) => $tag,)+
                }
            }
        }

        $(impl From<$config> for Network {
            fn from(config: $config) -> Self {
                Network::$variant(config)
            }
        })+

        impl std::ops::Deref for Network {
            type Target = dyn Architecture;

            fn deref(&self) -> &Self::Target {
                match self {
                    $(Network::$variant(config) => config,)+
                }
            }
        }

        impl std::ops::DerefMut for Network {
            fn deref_mut(&mut self) -> &mut Self::Target {
                match self {
                    $(Network::$variant(config) => config,)+
                }
            }
        }

        impl Serialize for Network {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Network::$variant(config) => tagged($tag, config, serializer),)+
                }
            }
        }

        impl<'de> Deserialize<'de> for Network {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let (tag, config) = untagged(Value::deserialize(deserializer)?).map_err(D::Error::custom)?;
                match tag.as_str() {
                    $($tag => serde_json::from_value(config).map(Network::$variant).map_err(D::Error::custom),)+
                    other => Err(D::Error::custom(format!(
                        "no network is called `{other}`; there are {}",
                        Network::TAGS.join(", ")
                    ))),
                }
            }
        }
    };
}

networks! {
    /// The Expression Snippet Transformer.
    Est(EstConfig) = "est",
    Tiny3d(Tiny3d) = "tiny3d",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_without_a_tag_is_est() {
        let network = Network::Est(EstConfig::PAPER);
        let text = serde_json::to_string(&network).unwrap();
        assert_eq!(text, serde_json::to_string(&EstConfig::PAPER).unwrap());
        assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
        let tagged = text.replacen('{', "{\"architecture\":\"est\",", 1);
        assert_eq!(serde_json::from_str::<Network>(&tagged).unwrap(), network);
        for (wrong, problem) in [
            (text.replacen('{', "{\"architecture\":\"eft\",", 1), "no network is called `eft`; there are est, tiny3d"),
            (text.replacen('{', "{\"architecture\":7,", 1), "`architecture` is 7"),
            (text.replacen('{', "{\"depth\":7,", 1), "unknown field `depth`"),
            ("[]".to_string(), "invalid"),
        ] {
            let error = serde_json::from_str::<Network>(&wrong).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn a_network_is_told_by_its_graph() {
        let network = Network::Est(EstConfig::PAPER);
        assert_eq!((network.layout(), network.clip_frames(), network.feature_width()), ([7, 5], 35, Some(512)));
        assert_eq!(network.class_layer(), "classifier.5.0");
        let names = |graph: &Graph| -> Vec<String> { graph.inputs().map(|(_, node)| node.name.clone()).collect() };
        assert_eq!(names(&network.prediction()), ["frames", "order"]);
        assert_eq!(names(&network.training_behind_encoder(&[]).unwrap().unwrap()), ["features", "order"]);
        let count = |graph: Graph| graph.parameter_count("");
        assert_eq!(count(network.trunk()), count(network.encoder().unwrap()));
        assert_eq!(count(network.frame_classifier(&[]).unwrap().unwrap()), count(network.trunk()) + 512 * 7 + 7);
        assert!(count(network.training(&["emotion"]).unwrap()) > count(network.prediction()));
    }
}
