//! Which nodes are computed together: a layer, the batch norm behind it, a residual sum and an activation.

use std::collections::BTreeMap;

use est_nets::{Activation, Graph, Node, NodeId, Op};

/// Nodes that become one step: a layer and what follows it and nothing else reads.
pub struct Chain {
    pub head: NodeId,
    pub norm: Option<NodeId>,
    pub residual: Option<NodeId>,
    pub slope: Option<f32>,
}

/// Reads a result on the caller's behalf.
pub const CALLER: NodeId = NodeId::MAX;

/// Who reads each node; nobody where no output needs it.
pub fn users(graph: &Graph) -> Vec<Vec<NodeId>> {
    let mut users = vec![vec![]; graph.nodes().len()];
    for &(_, id) in graph.outputs() {
        users[id].push(CALLER);
    }
    for (id, node) in graph.nodes().iter().enumerate().rev() {
        if !users[id].is_empty() {
            for &input in &node.inputs {
                users[input].push(id);
            }
        }
    }
    users
}

/// Chains by their last node, and which nodes lie inside one.
pub fn chains(graph: &Graph, users: &[Vec<NodeId>]) -> (BTreeMap<NodeId, Chain>, Vec<bool>) {
    let mut chains = BTreeMap::new();
    let mut taken = vec![false; users.len()];
    let mut absorbed = vec![false; users.len()];
    for (head, node) in graph.nodes().iter().enumerate() {
        let lone_norm = matches!(node.op, Op::BatchNorm { .. });
        let is_layer = matches!(
            node.op,
            Op::Conv2d { .. }
                | Op::Conv3d { .. }
                | Op::AveragePool2d { .. }
                | Op::AveragePool3d { .. }
                | Op::Linear { .. }
                | Op::Attention { .. }
        );
        if users[head].is_empty() || taken[head] || !(is_layer || lone_norm) {
            continue;
        }
        let mut chain = Chain { head, norm: lone_norm.then_some(head), residual: None, slope: None };
        let mut end = head;
        while let [user] = users[end][..] {
            if user == CALLER || taken[user] || !chain.extend(graph, end, user) {
                break;
            }
            absorbed[end] = true;
            taken[user] = true;
            end = user;
        }
        chains.insert(end, chain);
    }
    (chains, absorbed)
}

impl Chain {
    /// Takes in `user`, the only reader of `end`, if a layer can do its work as well.
    fn extend(&mut self, graph: &Graph, end: NodeId, user: NodeId) -> bool {
        let Node { op, inputs, shape, .. } = graph.node(user);
        let untouched = self.residual.is_none() && self.slope.is_none();
        match op {
            Op::Dropout { .. } | Op::StopGradient => true,
            // Not of the rows of a matrix: they are no channels of the layer.
            Op::BatchNorm { .. } if untouched && self.norm.is_none() && shape.item.len() != 2 => {
                self.norm = Some(user);
                true
            }
            Op::Add if untouched => {
                let other = inputs[usize::from(inputs[0] == end)];
                let fits = graph.node(other).shape == graph.node(end).shape;
                if fits {
                    self.residual = Some(other);
                }
                fits
            }
            Op::Activation(activation) if self.slope.is_none() => {
                self.slope = slope(*activation);
                self.slope.is_some()
            }
            _ => false,
        }
    }
}

/// The factor of negative numbers, for those activations that have one.
pub fn slope(activation: Activation) -> Option<f32> {
    match activation {
        Activation::Relu => Some(0.0),
        Activation::LeakyRelu(slope) => Some(slope),
        _ => None,
    }
}
