//! How far the frame encoder's features are from f64: the errors that docs/add-a-kernel.md and docs/performance.md state.

mod oracle;

use std::collections::BTreeMap;

use est_engine::{Options, Precision, Session};
use est_goldens::{fill, frame_pixels};
use est_nets::{Backbone, Graph, Tensor};
use oracle::{evaluate, from_engine, wide};

/// Root of the mean squared error, as a share of the root of the mean square.
fn relative_rms(result: &[f32], expected: &[f64]) -> f64 {
    let error = result.iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum::<f64>();
    (error / expected.iter().map(|x| x * x).sum::<f64>()).sqrt()
}

fn weights(graph: &Graph) -> BTreeMap<String, Tensor> {
    fill(graph.parameters().into_iter().map(|spec| (spec.name, spec.shape)), 1)
}

/// 512 features of a real picture's size: 5e-6 in f32, and 1.6e-2 where factors are bf16.
#[test]
fn features_of_resnet_18_at_224() {
    let graph = Backbone::ResNet18.graph(224);
    let weights = weights(&graph);
    let picture: Vec<f32> = frame_pixels(0, 224, 224).into_iter().map(|value| f32::from(value) / 255.0).collect();
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
