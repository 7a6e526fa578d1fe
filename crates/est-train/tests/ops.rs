//! Each operation on libtorch, on the engine and in PyTorch's float64 (goldens/ops.py): the same numbers, and the same gradient
//! of every tensor.

use std::collections::BTreeMap;

use est_engine::{Options, Session};
use est_nets::{Activation, Feed, Graph, NodeId, Op, Recurrent, Role, Tensor, Values, WeightInit};
use est_train::Objective;
use est_train::autodiff::{Learner, LearnerOptions, Targets};

const BATCH: usize = 3;
const CLASSES: usize = 3;

/// A network of `repeat` items of shape `item` a clip and what `build` makes of them, with a head that reads all of it.
fn network(repeat: usize, item: &[usize], build: impl Fn(&mut Graph, NodeId) -> NodeId) -> Graph {
    let mut g = Graph::new();
    let x = g.input("x", Feed::Values, repeat, item);
    let y = build(&mut g, x);
    let flat = match g.node(y).shape.item.len() {
        // Whole images are taken apart by the linear layer behind them.
        1 => y,
        _ => g.push("flat", Op::Flatten, &[y]),
    };
    let inputs = g.node(flat).shape.item[0];
    let logits = g.push("head", Op::linear(inputs, CLASSES), &[flat]);
    g.output("y", y);
    g.output("class_logits", logits);
    g
}

fn recurrent(inputs: usize, layers: usize, bidirectional: bool) -> Recurrent {
    Recurrent { inputs, hidden: 5, layers, bidirectional }
}

fn conv3d(groups: usize, kernel: [usize; 3], stride: [usize; 3], padding: [usize; 3]) -> Op {
    Op::Conv3d { inputs: 4, outputs: 6, kernel, stride, padding, groups, bias: true, init: WeightInit::Default }
}

fn conv2d(groups: usize, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Op {
    Op::Conv2d { inputs: 4, outputs: 6, kernel, stride, padding, groups, bias: true, init: WeightInit::Default }
}

fn one(op: Op) -> impl Fn(&mut Graph, NodeId) -> NodeId {
    move |g, x| g.push("op", op.clone(), &[x])
}

/// Stacks of five frames, on which `op` works.
fn on_frames(op: Op) -> Graph {
    network(5, &[4, 7, 6], move |g, x| {
        let stack = g.push("stack", Op::StackFrames { frames: 5 }, &[x]);
        g.push("op", op.clone(), &[stack])
    })
}

fn networks() -> Vec<(&'static str, Graph)> {
    let image = |op| network(1, &[4, 9, 8], one(op));
    let rows = |op| network(1, &[6, 4], one(op));
    let transposed = |kernel, stride, padding, output_padding| Op::ConvTranspose2d {
        inputs: 4,
        outputs: 3,
        kernel,
        stride,
        padding,
        output_padding,
        bias: true,
        init: WeightInit::Default,
    };
    let mut all = vec![
        ("conv2d, an oblong kernel", image(conv2d(1, [3, 1], [2, 1], [1, 0]))),
        ("conv2d, groups", image(conv2d(2, [1, 5], [1, 2], [0, 2]))),
        ("conv3d", on_frames(conv3d(1, [3, 3, 3], [1, 1, 1], [1, 1, 1]))),
        ("conv3d, strides", on_frames(conv3d(1, [3, 3, 3], [2, 2, 1], [1, 1, 0]))),
        ("conv3d, along the frames alone", on_frames(conv3d(1, [3, 1, 1], [1, 1, 1], [1, 0, 0]))),
        ("conv3d, within frames alone", on_frames(conv3d(1, [1, 3, 3], [1, 2, 2], [0, 1, 1]))),
        ("conv3d, groups", on_frames(conv3d(2, [2, 3, 1], [1, 1, 1], [0, 1, 0]))),
        ("max pool", image(Op::MaxPool2d { kernel: [3, 2], stride: [2, 1], padding: [1, 0] })),
        ("max pool of frames", on_frames(Op::MaxPool3d { kernel: [2, 3, 2], stride: [2, 2, 1], padding: [0, 1, 0] })),
        ("max pool of frames, padded", on_frames(Op::MaxPool3d { kernel: [3; 3], stride: [2; 3], padding: [1; 3] })),
        ("average pool", image(Op::AveragePool2d { kernel: [3, 2], stride: [2, 1], padding: [1, 0] })),
        (
            "average pool of frames",
            on_frames(Op::AveragePool3d { kernel: [2; 3], stride: [1, 2, 2], padding: [0, 1, 1] }),
        ),
        ("mean of an image", image(Op::GlobalAveragePool)),
        ("mean of frames", on_frames(Op::GlobalAveragePool)),
        ("norm of frames", on_frames(Op::BatchNorm { channels: 4, eps: 1e-5 })),
        ("transposed", image(transposed([4, 3], [2, 1], [1, 1], [0, 0]))),
        ("transposed, output padding", image(transposed([3, 3], [2, 2], [1, 1], [1, 1]))),
        ("lstm", rows(Op::Lstm(recurrent(4, 1, false)))),
        ("lstm, two layers, both ways", rows(Op::Lstm(recurrent(4, 2, true)))),
        ("gru", rows(Op::Gru(recurrent(4, 1, false)))),
        ("gru, two layers, both ways", rows(Op::Gru(recurrent(4, 2, true)))),
        ("flattened image", network(1, &[4, 5, 3], |_, x| x)),
    ];
    let functions = [
        ("elu", Activation::Elu(0.7)),
        ("tanh", Activation::Tanh),
        ("silu", Activation::Silu),
        ("gelu", Activation::Gelu),
        ("sigmoid", Activation::Sigmoid),
    ];
    all.extend(functions.map(|(name, function)| (name, image(Op::Activation(function)))));
    all.push((
        "a layer of frames and a pool along them",
        network(5, &[4, 9, 9], |g, x| {
            let x = g.push("stack", Op::StackFrames { frames: 5 }, &[x]);
            let x = g.push("conv", conv3d(1, [1, 7, 7], [1, 2, 2], [0, 3, 3]), &[x]);
            g.push("pool", Op::MaxPool3d { kernel: [2, 1, 1], stride: [2, 1, 1], padding: [0, 0, 0] }, &[x])
        }),
    ));
    // A layer, its norm and its function in one go; frames stacked, taken apart and read as a sequence.
    all.push((
        "a 3-D block and a sequence",
        network(5, &[4, 7, 6], |g, x| {
            let x = g.push("stack", Op::StackFrames { frames: 5 }, &[x]);
            let x = g.push("conv", conv3d(1, [3, 3, 3], [1, 2, 2], [1, 1, 1]), &[x]);
            let x = g.push("norm", Op::BatchNorm { channels: 6, eps: 1e-5 }, &[x]);
            let x = g.push("relu", Op::Activation(Activation::Relu), &[x]);
            let x = g.push("apart", Op::UnstackFrames, &[x]);
            let x = g.push("mean", Op::GlobalAveragePool, &[x]);
            let x = g.push("sequence", Op::Group { by: 5 }, &[x]);
            g.push("lstm", Op::Lstm(recurrent(6, 1, true)), &[x])
        }),
    ));
    all
}

#[test]
fn the_engine_agrees_with_libtorch_and_every_tensor_has_a_gradient() {
    let (golden, mut compared) = (est_goldens::load("ops.safetensors"), 0);
    for (name, graph) in networks() {
        let tensors: BTreeMap<String, Tensor> = est_goldens::weights(&graph, 3);
        let mut learner = Learner::new(&graph, &tensors, &LearnerOptions::default()).unwrap();
        let inputs = est_goldens::inputs(&graph, BATCH);
        let given: Vec<Values> = inputs.iter().map(|input| Values::Numbers(input.into())).collect();
        let outputs = ["y", "class_logits"];
        let reference = learner.evaluate(BATCH, &given, &outputs).unwrap();
        let slices: Vec<&[f32]> = inputs.iter().map(|input| &input[..]).collect();
        let engine = Session::new(&graph, &tensors, &Options::EXACT).unwrap().run(BATCH, &slices).unwrap();
        // What the engine gives as frames lies frame by frame: only the logits are compared there.
        let frames = graph.node(graph.outputs()[0].1).shape.item.len() == 4;
        for (k, output) in outputs.iter().enumerate().skip(usize::from(frames)) {
            let size = reference[k].iter().fold(0.0f32, |size, x| size.max(x.abs()));
            assert!(size > 1e-3, "{name}: {output} is nothing");
            // Both are off the true value by some 80 units of rounding at most (est-engine's own tests say why).
            est_goldens::assert_close(
                &format!("{name}: {output}"),
                &engine[k],
                &reference[k],
                160.0 * size * 2f32.powi(-24),
            );
        }

        let targets = Targets { classes: vec![0, 1, 2], ..Targets::default() };
        let losses = learner.accumulate(BATCH, &given, &targets, &Objective::PAPER, 1.0, 1).unwrap();
        assert!(losses.total.is_finite() && losses.total > 0.0, "{name}: {losses:?}");
        let gradients = learner.gradients().unwrap();
        let golden = |what: &str| golden.get(&format!("{name}.{what}"));
        if let Some(expected) = golden("class_logits") {
            let size = expected.data.iter().fold(0.0f32, |size, x| size.max(x.abs()));
            // Five times what PyTorch's own float32 is off: 4.2e-7 of the largest.
            est_goldens::assert_close(name, &reference[1], &expected.data, 2.1e-6 * size);
            compared += 1;
        }
        for spec in graph.parameters().into_iter().filter(|spec| spec.role == Role::Learned) {
            let gradient = gradients.get(&spec.name).unwrap_or_else(|| panic!("{name}: {} has no gradient", spec.name));
            assert_eq!(gradient.shape, spec.shape, "{name}: {}", spec.name);
            let what = format!("gradient.{}", spec.name);
            match golden(&what) {
                // Five times PyTorch's 1.4e-6 of the norm; a bias before a batch norm has no gradient but
                // rounding's, some 1e-7.
                Some(expected) => {
                    let tolerance = 7e-6 * expected.data[0] + 1e-6;
                    est_goldens::assert_close(&format!("{name}: {what}"), &probes(gradient), &expected.data, tolerance);
                }
                None => assert!(gradient.data.iter().all(|x| x.is_finite()), "{name}: {what}"),
            }
        }
    }
    assert_eq!(compared, 28, "networks that PyTorch computed");
}

/// Norm, and the elements at 0, 1/3, 2/3 and the end.
fn probes(tensor: &Tensor) -> [f32; 5] {
    let data = &tensor.data;
    let norm = data.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt() as f32;
    [norm, data[0], data[data.len() / 3], data[2 * data.len() / 3], data[data.len() - 1]]
}
