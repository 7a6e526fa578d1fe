//! A network as data: a list of nodes, each after the nodes that it reads.

use crate::feed::Feed;
use crate::op::Op;
use crate::parameters::{Init, ParameterSpec, Role};
use crate::shape::ShapeError;

/// Position of a node in its graph.
pub type NodeId = usize;

/// The shape of a tensor in a graph run on a batch of B: [B * repeat, item..]. EST's frames, for instance, are
/// 35 [3, 224, 224]: every clip of the batch brings 35 frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub repeat: usize,
    pub item: Vec<usize>,
}

impl Shape {
    /// Numbers in this tensor for one element of the batch.
    pub fn len(&self) -> usize {
        self.repeat * self.item.iter().product::<usize>()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One operation with its place. The `name` of a node that owns parameters is the prefix of their keys in a PyTorch
/// state dict; other names are ours. Names are unique in a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub name: String,
    pub op: Op,
    pub inputs: Vec<NodeId>,
    pub shape: Shape,
}

/// A network: nodes in an order in which they can be computed, and the outputs by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    outputs: Vec<(String, NodeId)>,
}

/// A name that a graph does not have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the network has no output or node named `{0}`")]
pub struct NoSuchNode(pub String);

impl Graph {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// Named results, in the order in which they were declared.
    pub fn outputs(&self) -> &[(String, NodeId)] {
        &self.outputs
    }

    /// The tensors that the caller gives, in the order in which they were declared.
    pub fn inputs(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().filter(|(_, node)| matches!(node.op, Op::Input(_)))
    }

    /// Adds a tensor that the caller gives: `repeat` items of shape `item` for each element of the batch.
    pub fn input(&mut self, name: &str, feed: Feed, repeat: usize, item: &[usize]) -> NodeId {
        let shape = Shape { repeat, item: item.to_vec() };
        self.add(name, Op::Input(feed), &[], shape)
    }

    /// Adds the input `frames`: for each clip `snippets` times `frames` pictures [3, size, size].
    pub fn frames(&mut self, [snippets, frames]: [usize; 2], size: usize) -> NodeId {
        self.input("frames", Feed::Frames { snippets, frames }, snippets * frames, &[3, size, size])
    }

    /// Adds a learned tensor, the same for every element of the batch; its key is `name.weight`.
    pub fn parameter(&mut self, name: &str, item: &[usize], init: Init) -> NodeId {
        let shape = Shape { repeat: 1, item: item.to_vec() };
        self.add(name, Op::Parameter { init }, &[], shape)
    }

    /// Adds an operation on earlier nodes.
    ///
    /// # Panics
    /// When the shapes do not fit or the name is taken: a network of ours is wrong.
    pub fn push(&mut self, name: &str, op: Op, inputs: &[NodeId]) -> NodeId {
        self.try_push(name, op, inputs).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Adds an operation on earlier nodes whose shapes come from a user.
    ///
    /// # Errors
    /// When the shapes do not fit: what the operation takes and what it got.
    ///
    /// # Panics
    /// When the name is taken.
    pub fn try_push(&mut self, name: &str, op: Op, inputs: &[NodeId]) -> Result<NodeId, ShapeError> {
        let shapes: Vec<&Shape> = inputs.iter().map(|&id| &self.nodes[id].shape).collect();
        let items: Vec<&[usize]> = shapes.iter().map(|shape| &shape.item[..]).collect();
        let refuse = |wants: String| {
            let got: Vec<String> = shapes.iter().map(|shape| format!("{} x {:?}", shape.repeat, shape.item)).collect();
            let got = if got.is_empty() { "nothing".to_string() } else { got.join(" and ") };
            ShapeError { node: name.to_string(), op: format!("{op:?}"), wants, got }
        };
        let item = op.shape(&items).map_err(refuse)?;
        let first = shapes[0];
        if shapes.iter().any(|shape| shape.repeat != first.repeat) {
            return Err(refuse("as many items of each input".to_string()));
        }
        let repeat = match op {
            Op::Group { by } | Op::StackFrames { frames: by } => {
                if by == 0 || !first.repeat.is_multiple_of(by) {
                    return Err(refuse(op.wants()));
                }
                first.repeat / by
            }
            Op::Ungroup => first.repeat * first.item[0],
            Op::UnstackFrames => first.repeat * first.item[1],
            _ => first.repeat,
        };
        Ok(self.add(name, op, inputs, Shape { repeat, item }))
    }

    fn add(&mut self, name: &str, op: Op, inputs: &[NodeId], shape: Shape) -> NodeId {
        assert!(self.nodes.iter().all(|node| node.name != name), "two nodes named {name}");
        self.nodes.push(Node { name: name.to_string(), op, inputs: inputs.to_vec(), shape });
        self.nodes.len() - 1
    }

    /// Declares a result.
    pub fn output(&mut self, name: &str, id: NodeId) {
        self.outputs.push((name.to_string(), id));
    }

    /// Every tensor that must be stored, in the order of the nodes.
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        self.nodes.iter().flat_map(|node| node.op.parameters(&node.name, &node.shape.item)).collect()
    }

    /// The number of learned parameters of the nodes whose name begins with `prefix` ("" for all).
    pub fn parameter_count(&self, prefix: &str) -> usize {
        self.parameters()
            .iter()
            .filter(|spec| spec.role == Role::Learned && spec.name.starts_with(prefix))
            .map(|spec| spec.shape.iter().product::<usize>())
            .sum()
    }

    fn find(&self, name: &str) -> Result<NodeId, NoSuchNode> {
        let output = self.outputs.iter().find(|(output, _)| output == name).map(|(_, id)| *id);
        output
            .or_else(|| self.nodes.iter().position(|node| node.name == name))
            .ok_or_else(|| NoSuchNode(name.to_string()))
    }

    /// The part of this network between `inputs` and `outputs` (names of outputs or nodes): `inputs` become the inputs,
    /// under the given names and in the given order, before any others that are still needed; every other node that no
    /// output needs is gone, and a common factor of all repeats is divided out, so that EST's frame encoder alone takes
    /// one frame an element of the batch. An input that no output needs stays: who runs the part gives what was named,
    /// whatever the network makes of it.
    pub fn cut(&self, inputs: &[&str], outputs: &[&str]) -> Result<Graph, NoSuchNode> {
        let starts = inputs.iter().map(|name| Ok((self.find(name)?, *name))).collect::<Result<Vec<_>, _>>()?;
        let ends = outputs.iter().map(|name| Ok((self.find(name)?, *name))).collect::<Result<Vec<_>, _>>()?;
        let mut needed = vec![false; self.nodes.len()];
        for &(id, _) in &ends {
            needed[id] = true;
        }
        for id in (0..self.nodes.len()).rev() {
            if needed[id] && !starts.iter().any(|&(start, _)| start == id) {
                for &input in &self.nodes[id].inputs {
                    needed[input] = true;
                }
            }
        }
        let mut cut = Graph::new();
        let mut place = vec![usize::MAX; self.nodes.len()];
        starts.iter().for_each(|&(id, _)| needed[id] = true);
        let first = starts.iter().map(|&(id, _)| id);
        let rest = (0..self.nodes.len()).filter(|id| !starts.iter().any(|(start, _)| start == id));
        for id in first.chain(rest).filter(|&id| needed[id]) {
            let node = &self.nodes[id];
            place[id] = cut.nodes.len();
            let mut node = node.clone();
            if let Some((_, name)) = starts.iter().find(|&&(start, _)| start == id) {
                if !matches!(node.op, Op::Input(_)) {
                    node.op = Op::Input(Feed::Values);
                }
                (node.name, node.inputs) = (name.to_string(), vec![]);
            }
            for input in &mut node.inputs {
                *input = place[*input];
            }
            cut.nodes.push(node);
        }
        let tensors = || cut.nodes.iter().filter(|node| !matches!(node.op, Op::Parameter { .. }));
        let common = tensors().fold(0, |common, node| gcd(common, node.shape.repeat));
        let shared = cut.nodes.iter().any(|node| matches!(node.op, Op::Parameter { .. }));
        if common > 1 && !shared {
            for node in &mut cut.nodes {
                node.shape.repeat /= common;
            }
        }
        for (id, name) in ends {
            cut.output(name, place[id]);
        }
        Ok(cut)
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Activation;

    fn linear(inputs: usize, outputs: usize) -> Op {
        Op::linear(inputs, outputs)
    }

    fn two_heads() -> Graph {
        let mut graph = Graph::new();
        let frames = graph.input("frames", Feed::Values, 6, &[4]);
        let features = graph.push("encode", linear(4, 8), &[frames]);
        let snippets = graph.push("snippets", Op::Group { by: 3 }, &[features]);
        let pooled = graph.push("pool", Op::MeanOverRows, &[snippets]);
        let first = graph.push("first", linear(8, 2), &[pooled]);
        let relu = graph.push("relu", Op::Activation(Activation::Relu), &[pooled]);
        let second = graph.push("second", linear(8, 5), &[relu]);
        graph.output("features", features);
        graph.output("first_logits", first);
        graph.output("second_logits", second);
        graph
    }

    #[test]
    fn a_cut_keeps_what_its_outputs_need() {
        let whole = two_heads();
        let head = whole.cut(&["frames"], &["first_logits"]).unwrap();
        assert_eq!(head.nodes().len(), 5);
        assert_eq!(head.parameter_count(""), 4 * 8 + 8 + 8 * 2 + 2);
        // 6 frames make 2 pooled rows: the factor 2 is common to all and goes.
        assert_eq!(head.node(0).shape.repeat, 3);
        assert_eq!(head.node(4).shape.repeat, 1);
    }

    #[test]
    fn a_cut_can_begin_in_the_middle() {
        let tail = two_heads().cut(&["features"], &["second_logits"]).unwrap();
        let inputs: Vec<_> = tail.inputs().map(|(_, node)| (node.name.as_str(), node.shape.clone())).collect();
        let item = vec![8];
        assert_eq!(inputs, [("features", Shape { repeat: 3, item })]);
        let both = two_heads().cut(&["relu", "first"], &["second_logits", "first_logits"]).unwrap();
        assert_eq!(both.inputs().map(|(_, node)| node.name.as_str()).collect::<Vec<_>>(), ["relu", "first"]);
        assert!(tail.parameters().iter().all(|spec| spec.name.starts_with("second")));
        let unread = two_heads().cut(&["features", "relu"], &["first_logits"]).unwrap();
        assert_eq!(unread.inputs().map(|(_, node)| node.name.as_str()).collect::<Vec<_>>(), ["features", "relu"]);
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert_eq!(two_heads().cut(&["frames"], &["third"]), Err(NoSuchNode("third".into())));
    }

    #[test]
    #[should_panic(expected = "two nodes named relu")]
    fn names_are_unique() {
        let mut graph = two_heads();
        graph.push("relu", Op::Flatten, &[0]);
    }
}
