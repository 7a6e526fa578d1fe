//! From a graph to the steps that compute it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use est_kernels::conv::{Conv, ConvShape};
use est_kernels::rowwise::AttentionShape;
use est_kernels::{Isa, Window};
use est_nets::{Graph, NodeId, Op, Role, Shape, Tensor};

use crate::buffers::{Place, Use, Value, assign};
use crate::chain::{Chain, chains, slope, users};
use crate::error::EngineError;
use crate::fold::fold_batch_norm;
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
    /// The steps of `layers` have a placeholder for a kernel.
    steps: Vec<Step>,
    layers: Vec<Layer<'a>>,
}

/// A layer whose weights are not packed yet: that takes most of the time of planning and is divided among threads. They
/// are still the caller's; a layer with a norm copies them when its turn comes, so that copies are few at a time.
struct Layer<'a> {
    step: usize,
    isa: Isa,
    shape: ConvShape,
    weights: Cow<'a, [f32]>,
    bias: Cow<'a, [f32]>,
    /// The batch norm behind it, and its eps.
    norm: Option<([&'a Tensor; 4], f32)>,
    slope: Option<f32>,
}

impl Layer<'_> {
    fn cost(&self) -> usize {
        self.weights.len()
    }

    fn pack(&self) -> (usize, Kernel) {
        let conv = match self.norm {
            None => Conv::new(self.isa, self.shape, &self.weights, &self.bias),
            Some((norm, eps)) => {
                let (mut weights, mut bias) = (self.weights.to_vec(), self.bias.to_vec());
                fold_batch_norm(norm, eps, &mut weights, &mut bias);
                Conv::new(self.isa, self.shape, &weights, &bias)
            }
        };
        (self.step, Kernel::Layer(Box::new(conv), self.slope))
    }
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

    fn chain(&mut self, chain: &Chain, end: NodeId) -> Result<usize, EngineError> {
        let graph = self.graph;
        let node = graph.node(chain.head);
        let mut inputs = self.inputs(chain.head);
        let tensors = self.tensors(chain.head)?;
        let data = |tensor: usize| Cow::Borrowed(&tensors[tensor].data[..]);
        let all = |value, count| Cow::Owned(vec![value; count]);
        let (shape, weights, bias) = match node.op {
            Op::Conv2d { inputs, outputs, groups, bias, .. } => {
                let shape = ConvShape::new(self.window(chain.head), [inputs, outputs], groups);
                (shape, data(0), if bias { data(1) } else { all(0.0, outputs) })
            }
            Op::Linear { inputs, outputs } => {
                self.last(chain.head)?;
                (ConvShape::linear(inputs, outputs), data(0), data(1))
            }
            Op::Attention { width, heads, .. } => {
                inputs = vec![self.attention(chain.head, heads, &inputs)?];
                (ConvShape::linear(width, width), data(2), data(3))
            }
            Op::BatchNorm { .. } if node.shape.item.len() == 2 => {
                return Err(self.unsupported(chain.head, "it normalises the rows of a matrix"));
            }
            Op::BatchNorm { channels, .. } => {
                let shape = ConvShape::new(Window::ONE, [channels, channels], channels);
                (shape, all(1.0, channels), all(0.0, channels))
            }
            _ => unreachable!("chains begin with layers"),
        };
        let norm = match chain.norm.map(|norm| (norm, &graph.node(norm).op)) {
            Some((norm, &Op::BatchNorm { eps, .. })) => {
                let tensors: [&Tensor; 4] = self.tensors(norm)?.try_into().expect("four but for the counter");
                let least = tensors[3].data.iter().copied().fold(0.0, f32::min);
                if least < 0.0 {
                    let key = format!("{}.running_var", graph.node(norm).name);
                    return Err(EngineError::Variance { key, least });
                }
                Some((tensors, eps))
            }
            _ => None,
        };
        inputs.extend(chain.residual.map(|residual| self.of_node[residual]));
        let bf16 = matches!(node.op, Op::Conv2d { .. }) && shape.gains_from_bf16();
        let isa = if bf16 { self.images } else { self.isa };
        self.layers.push(Layer { step: self.steps.len(), isa, shape, weights, bias, norm, slope: chain.slope });
        Ok(self.step(node.name.clone(), Kernel::Sigmoid, inputs, &graph.node(end).shape))
    }

    /// The window of a convolution or pool over its input.
    fn window(&self, id: NodeId) -> Window {
        let node = self.graph.node(id);
        let item = &self.graph.node(node.inputs[0]).shape.item;
        let (Op::Conv2d { kernel, stride, padding, .. } | Op::MaxPool { kernel, stride, padding }) = node.op else {
            unreachable!("{node:?} has no window")
        };
        Window::new([item[1], item[2]], kernel, stride, padding)
    }

    /// The three input projections and what lies between them and the output projection.
    fn attention(&mut self, id: NodeId, heads: usize, inputs: &[usize]) -> Result<usize, EngineError> {
        let graph = self.graph;
        let node = graph.node(id);
        let width = self.last(id)?;
        let tensors = self.tensors(id)?;
        let mut projected = vec![];
        for (i, name) in ["query", "key", "value"].iter().enumerate() {
            self.layers.push(Layer {
                step: self.steps.len(),
                isa: self.isa,
                shape: ConvShape::linear(width, width),
                weights: Cow::Borrowed(&tensors[0].data[i * width * width..(i + 1) * width * width]),
                bias: Cow::Borrowed(&tensors[1].data[i * width..(i + 1) * width]),
                norm: None,
                slope: None,
            });
            let shape = &graph.node(node.inputs[i]).shape;
            projected.push(self.step(format!("{}.{name}", node.name), Kernel::Sigmoid, vec![inputs[i]], shape));
        }
        let [queries, keys] = [0, 1].map(|i| graph.node(node.inputs[i]).shape.item[0]);
        let kernel = Kernel::Attention(AttentionShape { queries, keys, width, heads });
        Ok(self.step(format!("{}.heads", node.name), kernel, projected, &node.shape))
    }

    /// A node that is no part of a chain.
    fn single(&mut self, id: NodeId) -> Result<usize, EngineError> {
        let node = self.graph.node(id);
        let item = |i: usize| &self.graph.node(node.inputs[i]).shape.item[..];
        let is_image = |item: &[usize]| item.len() > 2;
        let matrix = || [item(0)[0], item(0)[1]];
        let tensors = self.tensors(id)?;
        let data = |tensor: usize| tensors[tensor].data.clone();
        let kernel = match node.op {
            Op::Dropout { .. } | Op::StopGradient => return Ok(self.of_node[node.inputs[0]]),
            // Channels-last, a cell's numbers already are its rows.
            Op::CellsToRows { .. } => return Ok(self.of_node[node.inputs[0]]),
            Op::Group { .. } | Op::Ungroup | Op::Flatten => {
                if is_image(item(0)) || is_image(&node.shape.item) {
                    return Err(self.unsupported(id, "it takes images apart"));
                }
                return Ok(self.of_node[node.inputs[0]]);
            }
            Op::MaxPool { .. } => Kernel::MaxPool(self.window(id), item(0)[0]),
            Op::GlobalAveragePool => Kernel::MeanOverRows([item(0)[1] * item(0)[2], item(0)[0]]),
            Op::UpsampleLike => {
                let [from, to] = [0, 1].map(|i| [item(i)[1], item(i)[2]]);
                Kernel::Upsample(from, to, item(0)[0], false)
            }
            Op::Add if item(0) == item(1) => {
                let innermost = if is_image(item(0)) { 0 } else { item(0).len() - 1 };
                Kernel::Add([1, item(0)[innermost]])
            }
            Op::Add => Kernel::Add(matrix()),
            Op::Gate => Kernel::Gate(matrix()),
            Op::Concat => {
                let width = |item: &[usize]| if is_image(item) { item[0] } else { item.iter().product() };
                Kernel::Concat((0..node.inputs.len()).map(|i| width(item(i))).collect())
            }
            Op::LayerNorm { eps, .. } => {
                self.last(id)?;
                Kernel::LayerNorm(data(0), data(1), eps)
            }
            Op::Softmax => Kernel::Softmax(self.last(id)?),
            Op::Activation(activation) => slope(activation).map_or(Kernel::Sigmoid, Kernel::Leak),
            Op::MaxOverRows => Kernel::MaxOverRows(matrix()),
            Op::MeanOverRows => Kernel::MeanOverRows(matrix()),
            Op::CosinePool => Kernel::CosinePool(matrix()),
            Op::Embedding { width, .. } => Kernel::Embedding(node.name.clone(), data(0), width),
            Op::Parameter { .. } => Kernel::Repeat(data(0)),
            Op::Input(_) | Op::Conv2d { .. } | Op::Linear { .. } | Op::Attention { .. } | Op::BatchNorm { .. } => {
                unreachable!("inputs have values already, layers are chains")
            }
        };
        let inputs = self.inputs(id);
        Ok(self.step(node.name.clone(), kernel, inputs, &node.shape))
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
