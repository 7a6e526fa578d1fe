//! From a graph to the steps that compute it.

mod layers;
mod singles;

use std::collections::BTreeMap;
use std::fmt;

use est_kernels::Isa;
use est_nets::{Graph, NodeId, Op, Role, Shape, Tensor};
use layers::Layer;

use crate::buffers::{Place, Use, Value, assign};
use crate::chain::{chains, users};
use crate::error::EngineError;
use crate::front::Front;
use crate::join::join;
use crate::kernel::Kernel;
use crate::session::Precision;
use crate::threads::for_each_of;

/// One kernel call. Inputs and output are positions in [`Plan::values`].
pub struct Step {
    pub name: String,
    pub shape: Shape,
    pub kernel: Kernel,
    pub inputs: Vec<usize>,
    pub output: usize,
}

/// Everything that a run needs but the caller's inputs.
pub struct Plan {
    pub values: Vec<Value>,
    pub steps: Vec<Step>,
    /// The graph's inputs, by name: the values 0, 1, ..
    pub inputs: Vec<String>,
    pub outputs: Vec<usize>,
    /// Numbers in each buffer for one element of the batch.
    pub buffers: Vec<usize>,
    pub front: Front,
    /// Of the convolutions.
    pub images: Isa,
}

impl Plan {
    pub fn new(graph: &Graph, tensors: &BTreeMap<String, Tensor>, precision: Precision) -> Result<Plan, EngineError> {
        let isa = Isa::requested().map_err(|unknown| EngineError::UnknownIsa { name: unknown.0 })?;
        let exact = isa.min(Isa::Avx512);
        let images = if precision == Precision::Exact { exact } else { isa };
        let users = users(graph);
        let (mut chains, absorbed) = chains(graph, &users);
        let mut builder = Builder {
            graph,
            tensors,
            isa: exact,
            images,
            values: vec![],
            of_node: vec![usize::MAX; graph.nodes().len()],
            users: &users,
            turned: vec![None; graph.nodes().len()],
            steps: vec![],
            layers: vec![],
        };
        for (number, (id, node)) in graph.inputs().enumerate() {
            builder.of_node[id] = builder.value(node.shape.len());
            builder.values[builder.of_node[id]].place = Place::Input(number);
        }
        for (id, node) in graph.nodes().iter().enumerate() {
            if users[id].is_empty() || absorbed[id] || matches!(node.op, Op::Input(_)) {
                continue;
            }
            builder.of_node[id] = match chains.remove(&id) {
                Some(chain) => builder.chain(&chain, id)?,
                None => builder.single(id)?,
            };
        }
        let Builder { mut values, of_node, mut steps, layers, .. } = builder;
        let packed = for_each_of(layers, Layer::cost, Layer::pack);
        for (step, kernel) in packed {
            steps[step].kernel = kernel;
        }
        let outputs: Vec<usize> = graph.outputs().iter().map(|&(_, id)| of_node[id]).collect();
        let steps = join(steps, &outputs);
        let front = Front::new(&values, &steps, &outputs);
        // To the other steps the front is one step.
        let front_use = front.steps.checked_sub(1).map(|last| Use { inputs: &[], output: steps[last].output });
        let uses = steps[front.steps..].iter().map(|step| Use { inputs: &step.inputs, output: step.output });
        let buffers = assign(&mut values, &front_use.into_iter().chain(uses).collect::<Vec<_>>(), &outputs);
        Ok(Plan {
            inputs: graph.inputs().map(|(_, node)| node.name.clone()).collect(),
            values,
            outputs,
            buffers,
            steps,
            front,
            images,
        })
    }
}

struct Builder<'a> {
    graph: &'a Graph,
    tensors: &'a BTreeMap<String, Tensor>,
    /// For all layers but those of images.
    isa: Isa,
    /// For convolutions of images.
    images: Isa,
    values: Vec<Value>,
    of_node: Vec<usize>,
    users: &'a [Vec<NodeId>],
    /// [channels, pixels] of nodes that are vectors but lie as the image that they were flattened from: what reads them
    /// reads all of them, with weights that are turned instead.
    turned: Vec<Option<[usize; 2]>>,
    /// The steps of `layers` have a placeholder for a kernel.
    steps: Vec<Step>,
    layers: Vec<Layer<'a>>,
}

impl<'a> Builder<'a> {
    /// A new value; its place is given later.
    fn value(&mut self, len: usize) -> usize {
        let place = Place::Input(usize::MAX);
        self.values.push(Value { len, place });
        self.values.len() - 1
    }

    fn step(&mut self, name: String, kernel: Kernel, inputs: Vec<usize>, shape: &Shape) -> usize {
        let output = self.value(shape.len());
        let shape = shape.clone();
        self.steps.push(Step { name, shape, kernel, inputs, output });
        output
    }

    /// The tensors of a node in the order of [`Op::parameters`], without step counters.
    fn tensors(&self, id: NodeId) -> Result<Vec<&'a Tensor>, EngineError> {
        let node = self.graph.node(id);
        let specs = node.op.parameters(&node.name, &node.shape.item).into_iter();
        let tensor = |spec: est_nets::ParameterSpec| match self.tensors.get(&spec.name) {
            None => Err(EngineError::Missing { key: spec.name }),
            Some(tensor) if tensor.shape != spec.shape => {
                Err(EngineError::Shape { key: spec.name, expected: spec.shape, found: tensor.shape.clone() })
            }
            Some(tensor) => Ok(tensor),
        };
        specs.filter(|spec| spec.role != Role::Counter).map(tensor).collect()
    }

    fn unsupported(&self, id: NodeId, reason: &str) -> EngineError {
        EngineError::Unsupported { node: self.graph.node(id).name.clone(), reason: reason.to_string() }
    }

    fn inputs(&self, id: NodeId) -> Vec<usize> {
        let inputs = self.graph.node(id).inputs.iter();
        inputs.map(|&input| self.of_node[input]).collect()
    }

    /// The last dimension of a node that is no image: of an image, functions of the last dimension would run along the
    /// width, which does not lie innermost here.
    fn last(&self, id: NodeId) -> Result<usize, EngineError> {
        match self.graph.node(id).shape.item[..] {
            [width] | [_, width] => Ok(width),
            _ => Err(self.unsupported(id, "it works on the last dimension of an image")),
        }
    }
}

/// One line a step: its layer, kernel, result and the places that it reads and writes.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            // A core's own buffers in the front, shared ones from its last step on.
            let place = |&value: &usize, is_own: bool| match (is_own, self.values[value].place) {
                (true, _) if matches!(self.front.values[value].place, Place::Buffer(_)) => {
                    let Place::Buffer(number) = self.front.values[value].place else { unreachable!("just matched") };
                    format!("@{number}")
                }
                (_, Place::Buffer(number)) => format!("#{number}"),
                (_, Place::Input(number)) => self.inputs[number].clone(),
            };
            let inputs = step.inputs.iter().map(|value| place(value, index < self.front.steps));
            let inputs = inputs.collect::<Vec<_>>().join(" + ");
            let result = format!("{} x {:?}", step.shape.repeat, step.shape.item);
            let output = place(&step.output, index + 1 < self.front.steps);
            let (name, kernel) = (&step.name, step.kernel.to_string());
            writeln!(f, "{index:3}  {name:44} {kernel:32} {result:20} {inputs} -> {output}")?;
        }
        let (buffers, numbers) = (self.buffers.len(), self.buffers.iter().sum::<usize>());
        let megabytes = numbers as f64 * 4e-6;
        if self.front.steps > 0 {
            let own = self.front.buffers.iter().sum::<usize>() as f64 * 4e-6;
            writeln!(f, "steps 0 to {} image by image, each in {own:.1} MB of one core (@)", self.front.steps - 1)?;
        }
        write!(f, "{buffers} buffers, {megabytes:.1} MB for each element of the batch")
    }
}
