//! Whole networks against the oracle, and what must hold of every run.

mod oracle;

use std::collections::BTreeMap;

use est_engine::{EngineError, Options, Precision, Session};
use est_goldens::inputs;
use est_nets::{
    Activation, Architecture, Backbone, EstConfig, Feed, Graph, Init, Op, SnippetFeatures, Tensor, WeightInit,
    retinaface,
};
use oracle::{evaluate, from_engine, to_engine, wide};

fn weights(graph: &Graph) -> BTreeMap<String, Tensor> {
    est_goldens::weights(graph, 3)
}

fn session(graph: &Graph, threads: usize) -> Session {
    Session::new(graph, &weights(graph), &Options { threads, ..Options::EXACT }).unwrap()
}

fn run(session: &mut Session, batch: usize, inputs: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let inputs: Vec<&[f32]> = inputs.iter().map(|input| &input[..]).collect();
    session.run(batch, &inputs).unwrap()
}

/// The engine against the oracle. f32 rounds each number to 2^-24; layers pass such errors on and add as many again.
/// The networks here are up to 60 layers deep and random errors add in squares, so results as large as `size` are off
/// by a few times 2^-24 * 8 * size; ten times that lets no wrong weight or neighbour through.
fn check(graph: &Graph, batch: usize) {
    let inputs = inputs(graph, batch);
    let planes: Vec<Vec<f64>> =
        graph.inputs().zip(&inputs).map(|((_, node), x)| wide(&from_engine(&node.shape, x))).collect();
    let expected = evaluate(graph, &weights(graph), batch, &planes);
    let results = run(&mut session(graph, 2), batch, &inputs);
    for (((name, id), expected), result) in graph.outputs().iter().zip(expected).zip(results) {
        let expected = to_engine(&graph.node(*id).shape, &expected);
        assert_eq!(expected.len(), result.len(), "{name}");
        let size = expected.iter().fold(0.0f64, |size, x| size.max(x.abs()));
        assert!(size > 1e-3, "{name} is nothing: {size}");
        for (i, (&result, expected)) in result.iter().zip(&expected).enumerate() {
            let error = (f64::from(result) - expected).abs();
            assert!(error <= 80.0 * size * 2f64.powi(-24), "{name}[{i}]: {result} for {expected} of {size}");
        }
    }
}

/// EST on small pictures, with every kind of op.
fn tiny(snippet_features: SnippetFeatures) -> Graph {
    let config = EstConfig { snippets: 3, frames: 2, snippet_features, size: 32, ..EstConfig::PAPER };
    config.graph()
}

#[test]
fn resnet_18_at_64() {
    check(&Backbone::ResNet18.graph(64), 2);
}

#[test]
fn separable_16_at_64() {
    check(&Backbone::Separable16.graph(64), 2);
}

#[test]
fn resnet_50_at_32() {
    check(&Backbone::ResNet50.graph(32), 1);
}

#[test]
fn the_face_detector_at_96_x_64() {
    check(&retinaface::graph(64, 96), 2);
}

#[test]
fn est_with_each_kind_of_snippet() {
    check(&tiny(SnippetFeatures::Hierarchical), 2);
    for kind in [SnippetFeatures::Mean, SnippetFeatures::SelfAttention, SnippetFeatures::SqueezeExcite] {
        let tail = tiny(kind).cut(&["features", "order"], &["snippets", "class_logits", "order_logits"]);
        check(&tail.unwrap(), 3);
    }
}

/// What our networks do not happen to contain: layers read twice, lone norms and activations, sums of all sorts, an
/// image as output, an input as output.
#[test]
fn odd_graphs() {
    let mut graph = Graph::new();
    let g = &mut graph;
    let conv = |inputs, outputs, groups, bias| Op::Conv2d {
        inputs,
        outputs,
        kernel: [3; 2],
        stride: [1; 2],
        padding: [1; 2],
        groups,
        bias,
        init: WeightInit::Default,
    };
    let norm = |channels| Op::BatchNorm { channels, eps: 1e-5 };
    let relu = Op::Activation(Activation::Relu);
    let x = g.input("x", Feed::Values, 2, &[6, 5, 7]);
    let a = g.push("a", conv(6, 12, 3, true), &[x]);
    let twice = g.push("twice", Op::Add, &[a, a]);
    let normed = g.push("normed", norm(12), &[twice]);
    let b = g.push("b", conv(12, 12, 12, true), &[normed]);
    let b_relu = g.push("b_relu", relu.clone(), &[b]);
    // A norm behind an activation, a sum behind that, and an activation behind the sum of two layers.
    let b_norm = g.push("b_norm", norm(12), &[b_relu]);
    let c = g.push("c", conv(12, 12, 1, false), &[a]);
    let sum = g.push("sum", Op::Add, &[c, b_norm]);
    let leak = g.push("leak", Op::Activation(Activation::LeakyRelu(0.2)), &[sum]);
    let again = g.push("again", Op::Activation(Activation::LeakyRelu(0.5)), &[leak]);
    // Two activations in a row, and a sum behind an activation.
    let d = g.push("d", conv(12, 12, 1, true), &[again]);
    let d_leak = g.push("d_leak", Op::Activation(Activation::LeakyRelu(0.2)), &[d]);
    let d_again = g.push("d_again", Op::Activation(Activation::LeakyRelu(0.5)), &[d_leak]);
    let e = g.push("e", conv(12, 12, 1, true), &[d_again]);
    let e_relu = g.push("e_relu", relu, &[e]);
    let e_sum = g.push("e_sum", Op::Add, &[e_relu, again]);
    let sigmoid = g.push("sigmoid", Op::Activation(Activation::Sigmoid), &[sum]);
    let joined = g.push("joined", Op::Concat, &[e_sum, x, sigmoid]);
    let pooled = g.push("pooled", Op::GlobalAveragePool, &[joined]);
    let vector = g.push("vector", Op::linear(30, 8), &[pooled]);
    let vector_norm = g.push("vector_norm", norm(8), &[vector]);
    let rows = g.push("rows", Op::Group { by: 2 }, &[vector_norm]);
    let learned = g.parameter("learned", &[1, 8], Init::Normal(1.0));
    let shifted = g.push("shifted", Op::Add, &[rows, learned]);
    let projected = g.push("projected", Op::linear(8, 8), &[shifted]);
    let dropped = g.push("dropped", Op::Dropout { probability: 0.5 }, &[projected]);
    let change = g.push("change", Op::Add, &[shifted, dropped]);
    let back = g.push("back", Op::Ungroup, &[change]);
    g.push("dead", conv(30, 1, 1, true), &[joined]);
    for (name, id) in [("x_out", x), ("sum_out", sum), ("again_out", again), ("rows_out", change), ("back_out", back)] {
        g.output(name, id);
    }
    check(&graph, 1);
    check(&graph, 3);
}

/// The plan of ResNet-18: convolutions, the first with its pool, the last pool, nothing else.
#[test]
fn norms_sums_and_activations_cost_no_step() {
    let plan = session(&Backbone::ResNet18.graph(224), 1).plan();
    let steps = |word: &str| plan.lines().filter(|line| line.contains(word)).count();
    assert_eq!(steps(" -> "), 21, "{plan}");
    assert_eq!(steps("relu, max pool 3x3/2"), 1, "{plan}");
    assert_eq!(steps(" f32"), 20, "{plan}");
    assert_eq!(steps("relu"), 17, "{plan}"); // all but the three shortcuts
    assert_eq!(steps(" + "), 8, "{plan}"); // a residual for every block
    assert_eq!(steps("winograd"), 17, "{plan}"); // all but the three shortcuts
    assert!(plan.contains("3 buffers") && plan.contains("image by image"), "{plan}");
    // Of the detector: sums in the upsampling, activations behind joined layers in those.
    let plan = session(&retinaface::graph(64, 64), 1).plan();
    let steps = |word: &str| plan.lines().filter(|line| line.contains(word)).count();
    assert_eq!([steps(" -> "), steps("upsample and add")], [65, 2], "{plan}"); // two sums and three activations less
}

#[test]
fn threads_do_not_change_a_bit() {
    for graph in [tiny(SnippetFeatures::Hierarchical), retinaface::graph(64, 96), Backbone::ResNet18.graph(96)] {
        let inputs = inputs(&graph, 3);
        let one = run(&mut session(&graph, 1), 3, &inputs);
        for threads in [2, 3, 7] {
            assert!(run(&mut session(&graph, threads), 3, &inputs) == one, "{threads} threads");
        }
    }
}

/// A batch gives what its elements give alone, to the bit, whatever ran before.
#[test]
fn the_batch_does_not_change_a_bit() {
    for graph in [tiny(SnippetFeatures::Hierarchical), retinaface::graph(64, 96), Backbone::ResNet18.graph(64)] {
        let mut session = session(&graph, 2);
        let whole = inputs(&graph, 5);
        let part = |tensor: &[f32], range: std::ops::Range<usize>| {
            let len = tensor.len() / 5;
            tensor[range.start * len..range.end * len].to_vec()
        };
        let expected = run(&mut session, 5, &whole);
        for range in [0..1, 1..2, 4..5, 1..3, 0..5] {
            let some: Vec<Vec<f32>> = whole.iter().map(|input| part(input, range.clone())).collect();
            let results = run(&mut session, range.len(), &some);
            for ((name, _), (result, expected)) in graph.outputs().iter().zip(results.iter().zip(&expected)) {
                assert!(*result == part(expected, range.clone()), "{name} of {range:?}");
            }
        }
        let nothing = run(&mut session, 0, &vec![vec![]; whole.len()]);
        assert!(nothing.iter().all(|output| output.is_empty()));
    }
}

#[test]
fn sessions_run_side_by_side() {
    let graph = retinaface::graph(32, 32);
    let inputs = inputs(&graph, 2);
    let expected = run(&mut session(&graph, 2), 2, &inputs);
    std::thread::scope(|scope| {
        let work = || run(&mut session(&graph, 2), 2, &inputs);
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == expected));
    });
}

#[test]
fn wrong_weights_are_named() {
    let graph = Backbone::ResNet18.graph(32);
    let new = |tensors: &BTreeMap<String, Tensor>| Session::new(&graph, tensors, &Options::default()).err();
    let mut tensors = weights(&graph);
    tensors.insert("fc.weight".into(), Tensor::new(vec![1], vec![0.0]));
    assert!(new(&tensors).is_none(), "surplus tensors do not matter");
    tensors.retain(|key, _| !key.ends_with("num_batches_tracked"));
    assert!(new(&tensors).is_none(), "nor do step counters");

    let mean = tensors.remove("layer2.0.bn1.running_mean").unwrap();
    assert!(matches!(new(&tensors), Some(EngineError::Missing { key }) if key == "layer2.0.bn1.running_mean"));
    let shape = vec![64, 2];
    tensors.insert("layer2.0.bn1.running_mean".into(), Tensor::new(shape, mean.data));
    let error = new(&tensors).unwrap().to_string();
    assert!(error.contains("layer2.0.bn1.running_mean") && error.contains("[64, 2]"), "{error}");
}

/// A weight so large that sums overflow: the layer is named, and the first element that has it.
#[test]
fn results_that_are_no_numbers_name_their_layer() {
    let graph = tiny(SnippetFeatures::Hierarchical);
    let inputs = inputs(&graph, 2);
    let fails = |tensors: &BTreeMap<String, Tensor>, inputs: &[Vec<f32>]| {
        let mut session = Session::new(&graph, tensors, &Options { threads: 2, ..Options::EXACT }).unwrap();
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        match session.run(2, &inputs).unwrap_err() {
            EngineError::NotFinite { node, element } => (node, element),
            error => panic!("{error}"),
        }
    };
    for (key, layer) in [("layer2.0.conv2.weight", "layer2.0.conv2"), ("classifier.2.weight", "classifier.2")] {
        let mut tensors = weights(&graph);
        tensors.get_mut(key).unwrap().data.fill(f32::MAX);
        assert_eq!(fails(&tensors, &inputs), (layer.to_string(), 0));
    }
    let mut tensors = weights(&graph);
    tensors.get_mut("layer1.0.bn2.running_var").unwrap().data[3] = -0.25;
    let error = Session::new(&graph, &tensors, &Options::default()).err().unwrap().to_string();
    assert!(error.contains("layer1.0.bn2.running_var") && error.contains("-0.25"), "{error}");
}

#[test]
fn pruned_heads_need_no_weights() {
    let graph = tiny(SnippetFeatures::Hierarchical);
    let graph = graph.cut(&["frames", "order"], &["class_logits"]).unwrap();
    let mut tensors = weights(&graph);
    tensors.retain(|key, _| !key.starts_with("per_branch"));
    assert!(!Session::new(&graph, &tensors, &Options::default()).unwrap().plan().contains("per_branch"));
}

#[test]
fn wrong_inputs_are_named() {
    let graph = tiny(SnippetFeatures::Mean);
    let mut session = session(&graph, 1);
    let inputs = inputs(&graph, 1);
    let mut fails = |batch, inputs: &[&[f32]]| session.run(batch, inputs).unwrap_err().to_string();
    let error = fails(1, &[&inputs[0]]);
    assert!(error.contains("2 inputs (frames, order), but 1"), "{error}");
    let error = fails(2, &[&inputs[0], &inputs[1]]);
    assert!(error.contains("`frames` holds 18432 numbers; a batch of 2 needs 36864"), "{error}");
    for order in [[0.0, 1.0, 3.0], [0.0, -1.0, 1.0], [0.5, 1.0, 2.0], [0.0, f32::NAN, 2.0]] {
        let error = fails(1, &[&inputs[0], &order]);
        assert!(error.contains("`pos_enc.pos_enc`") && error.contains("from 0 to 2"), "{error}");
    }
    // A failed run leaves the session usable.
    assert_eq!(run(&mut session, 1, &inputs).len(), graph.outputs().len());
}

#[test]
fn what_the_layout_cannot_do_is_refused() {
    let mut graph = Graph::new();
    let x = graph.input("x", Feed::Values, 1, &[3, 4, 5]);
    let y = graph.push("y", Op::linear(5, 2), &[x]);
    graph.output("y", y);
    let error = Session::new(&graph, &weights(&graph), &Options::default()).err().unwrap().to_string();
    assert!(error.contains("`y`") && error.contains("last dimension of an image"), "{error}");
}

/// Root of the mean squared error, as a share of the root of the mean square.
fn relative_rms(result: &[f32], expected: &[f64]) -> f64 {
    let error = result.iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum::<f64>();
    (error / expected.iter().map(|x| x * x).sum::<f64>()).sqrt()
}

/// 512 features of a real picture's size: 5e-6 in f32, and 1.6e-2 where factors are bf16.
#[test]
fn features_of_resnet_18_at_224() {
    let graph = Backbone::ResNet18.graph(224);
    let weights = weights(&graph);
    let picture: Vec<f32> =
        est_goldens::frame_pixels(0, 224, 224).into_iter().map(|value| f32::from(value) / 255.0).collect();
    let (_, node) = graph.inputs().next().expect("a picture");
    let expected = evaluate(&graph, &weights, 1, &[wide(&from_engine(&node.shape, &picture))]);
    for (precision, limit) in [(Precision::Exact, 5e-6), (Precision::Default, 1.6e-2)] {
        let mut session = Session::new(&graph, &weights, &Options { threads: 2, precision }).unwrap();
        let result = session.run(1, &[&picture]).unwrap();
        let error = relative_rms(&result[0], &expected[0]);
        println!("{}: {error:.2e}", session.precision());
        assert!(error <= limit, "{}: {error:.2e}", session.precision());
    }
}
