//! The other opinion: evaluates a graph node by node in f64 on est-kernels' naive oracle, in PyTorch's layouts, without
//! folding, fusing or sharing anything.

use std::collections::BTreeMap;

use est_kernels::conv::ConvShape;
use est_kernels::rowwise::AttentionShape;
use est_kernels::{Window, reference};
use est_nets::{Activation, Graph, Op, Role, Shape, Tensor};

/// Every output of `graph` for `batch` elements; images [c, h, w].
pub fn evaluate(graph: &Graph, tensors: &BTreeMap<String, Tensor>, batch: usize, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut inputs = inputs.iter();
    let mut values: Vec<Vec<f64>> = vec![];
    for node in graph.nodes() {
        let x = |i: usize| &values[node.inputs[i]][..];
        let item = |i: usize| &graph.node(node.inputs[i]).shape.item[..];
        let specs = node.op.parameters(&node.name, &node.shape.item).into_iter();
        let stored = specs.filter(|spec| spec.role != Role::Counter);
        let t: Vec<Vec<f64>> = stored.map(|spec| wide(&tensors[&spec.name].data)).collect();
        let value = match node.op {
            Op::Input(_) => inputs.next().expect("an input for every input").clone(),
            Op::Parameter { .. } => t[0].repeat(batch),
            Op::Conv2d { inputs, outputs, groups, .. } => {
                let shape = ConvShape::new(window(&node.op, item(0)), [inputs, outputs], groups);
                let none = vec![0.0; outputs];
                reference::conv2d(&shape, x(0), &t[0], t.get(1).unwrap_or(&none))
            }
            Op::BatchNorm { eps, .. } => {
                let pixels = item(0)[1..].iter().product();
                reference::batch_norm(x(0), [0, 1, 2, 3].map(|i| &t[i][..]), f64::from(eps), pixels)
            }
            Op::Activation(activation) => {
                let f = |x: f64| match activation {
                    Activation::Relu => x.max(0.0),
                    Activation::LeakyRelu(slope) => x.max(0.0) + f64::from(slope) * x.min(0.0),
                    Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
                    other => panic!("{other:?}: est-train's tests/ops.rs holds it against libtorch"),
                };
                x(0).iter().map(|&x| f(x)).collect()
            }
            Op::MaxPool2d { .. } => reference::max_pool(&window(&node.op, item(0)), x(0)),
            Op::GlobalAveragePool => mean(x(0), 1, item(0)[1] * item(0)[2]).collect(),
            Op::UpsampleLike => reference::upsample_nearest(x(0), [item(0)[1], item(0)[2]], [item(1)[1], item(1)[2]]),
            Op::Add if item(0) == item(1) => x(0).iter().zip(x(1)).map(|(a, b)| a + b).collect(),
            Op::Add => rows_with(x(0), x(1), item(0), |a, b| a + b),
            Op::Gate => rows_with(x(0), x(1), item(0), |a, b| a * b),
            Op::Concat => {
                let len = |i: usize| item(i).iter().product::<usize>();
                let items = 0..x(0).len() / len(0);
                let part = |(k, i): (usize, usize)| x(i)[k * len(i)..(k + 1) * len(i)].to_vec();
                items.flat_map(|k| (0..node.inputs.len()).map(move |i| (k, i))).flat_map(part).collect()
            }
            Op::Linear { .. } => reference::linear(x(0), &t[0], &t[1]),
            Op::LayerNorm { eps, .. } => reference::layer_norm(x(0), &t[0], &t[1], f64::from(eps)),
            Op::Attention { width, heads, .. } => {
                let rows = |i: usize| i * width..(i + 1) * width;
                let project = |i: usize| {
                    let weights = &t[0][rows(i).start * width..rows(i).end * width];
                    reference::linear(x(i), weights, &t[1][rows(i)])
                };
                let (queries, keys) = (item(0)[0], item(1)[0]);
                let shape = AttentionShape { queries, keys, width, heads };
                let attended = reference::attention(&shape, &project(0), &project(1), &project(2));
                reference::linear(&attended, &t[2], &t[3])
            }
            Op::Softmax => reference::softmax(x(0), *item(0).last().unwrap()),
            Op::MaxOverRows => reference::fold_rows(x(0), item(0)[0], item(0)[1], f64::NEG_INFINITY, f64::max),
            Op::MeanOverRows => mean(x(0), item(0)[1], item(0)[0]).collect(),
            Op::CosinePool => reference::cosine_pool(x(0), x(1), item(0)[0], item(0)[1]),
            Op::Embedding { width, .. } => {
                let row = |&index: &f64| t[0][index as usize * width..][..width].to_vec();
                x(0).iter().flat_map(row).collect()
            }
            // [a * last, cells] -> [cells, a, last]
            Op::CellsToRows { .. } => reference::transpose(x(0), item(0)[0], item(0)[1] * item(0)[2]),
            Op::Dropout { .. } | Op::StopGradient | Op::Group { .. } | Op::Ungroup | Op::Flatten => x(0).to_vec(),
            ref other => panic!("{other:?}: est-train's tests/ops.rs holds it against libtorch"),
        };
        assert_eq!(value.len(), node.shape.len() * batch, "{}", node.name);
        values.push(value);
    }
    graph.outputs().iter().map(|&(_, id)| values[id].clone()).collect()
}

fn window(op: &Op, item: &[usize]) -> Window {
    match *op {
        Op::Conv2d { kernel, stride, padding, .. } | Op::MaxPool2d { kernel, stride, padding } => {
            Window::oblong([item[1], item[2]], kernel, stride, padding)
        }
        _ => panic!("{op:?} has no window"),
    }
}

/// Groups [rows, width] -> [width].
fn mean(x: &[f64], width: usize, rows: usize) -> impl Iterator<Item = f64> {
    reference::fold_rows(x, rows, width, 0.0, |a, b| a + b).into_iter().map(move |sum| sum / rows as f64)
}

fn rows_with(x: &[f64], y: &[f64], item: &[usize], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let (rows, width) = (item[0], item[1]);
    let of = |(i, &x): (usize, &f64)| f(x, y[i / (rows * width) * width + i % width]);
    x.iter().enumerate().map(of).collect()
}

pub fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// A tensor of the graph in the engine's layout, or back: images change places of channels and pixels.
pub fn to_engine<T: Copy>(shape: &Shape, x: &[T]) -> Vec<T> {
    match shape.item[..] {
        [channels, height, width] => reference::transpose(x, channels, height * width),
        _ => x.to_vec(),
    }
}

pub fn from_engine<T: Copy>(shape: &Shape, x: &[T]) -> Vec<T> {
    match shape.item[..] {
        [channels, height, width] => reference::transpose(x, height * width, channels),
        _ => x.to_vec(),
    }
}
