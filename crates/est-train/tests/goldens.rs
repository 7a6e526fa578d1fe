//! Training against PyTorch (goldens/make.py train): ten steps of Adam from the same weights on one batch, dropout off.

use std::collections::BTreeMap;

use est_goldens::{SEED, assert_close, fill, frame_pixels, load};
use est_nets::{EstConfig, Graph, Tensor};
use est_train::Objective;
use est_train::autodiff::{AdamStep, Input, Learner, LearnerOptions, Targets};

const SIDE: usize = 64;
const ORDER: [i64; 12] = [0, 2, 1, 2, 1, 0, 1, 2, 0, 2, 0, 1];

fn graph() -> Graph {
    let config = EstConfig {
        snippets: 3,
        frames: 2,
        orders: 5,
        dropout: 0.0,
        class_dropout: 0.0,
        size: SIDE,
        ..EstConfig::PAPER
    };
    config.graph()
}

/// Norm, and the elements at 0, 1/3, 2/3 and the end.
fn probes(tensor: &Tensor) -> [f32; 5] {
    let data = &tensor.data;
    let norm = data.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt() as f32;
    [norm, data[0], data[data.len() / 3], data[2 * data.len() / 3], data[data.len() - 1]]
}

fn compare(kind: &str, tensors: &BTreeMap<String, Tensor>, golden: &BTreeMap<String, Tensor>, tolerance: f32) {
    let mut count = 0;
    for (key, expected) in golden {
        let Some(name) = key.strip_prefix(kind) else { continue };
        let found = tensors.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_close(key, &probes(found), &expected.data, tolerance * expected.data[0]);
        count += 1;
    }
    assert!(count > 100, "{kind}: {count} tensors");
}

#[test]
fn ten_steps_are_pytorchs() {
    let golden = load("train.safetensors");
    let graph = graph();
    let weights = fill(graph.parameters().into_iter().map(|spec| (spec.name, spec.shape)), SEED);
    let mut learner = Learner::new(&graph, &weights, &LearnerOptions::default()).unwrap();
    let pixels: Vec<u8> = (0..24).flat_map(|frame| frame_pixels(7 * frame, SIDE, SIDE)).collect();
    let inputs = [Input::Pixels(&pixels), Input::Indices(&ORDER)];
    let targets = Targets { classes: vec![0, 3, 5, 6], orders: vec![0, 1, 2, 3] };

    let weighted = Objective {
        order_weight: 0.0,
        label_smoothing: 0.1,
        class_weights: vec![0.5, 1.0, 2.0, 1.0, 1.5, 0.25, 3.0],
        ..Objective::PAPER
    };
    let mut other = Learner::new(&graph, &weights, &LearnerOptions::default()).unwrap();
    let losses = other.accumulate(4, &inputs, &targets, &weighted, 1.0, 0).unwrap();
    assert_close("weighted class loss", &[losses.total as f32], &golden["weighted_class_loss"].data, 1e-5);

    let mut losses = vec![];
    for step in 1..=10 {
        losses.push(learner.accumulate(4, &inputs, &targets, &Objective::PAPER, 1.0, step).unwrap().total as f32);
        if step == 1 {
            compare("gradient.", &learner.gradients().unwrap(), &golden, 1e-4);
        }
        let adam = AdamStep {
            step,
            rate: 1e-4,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 1e-4,
            rate_factors: vec![],
            average: 0.0,
        };
        learner.update(&adam).unwrap();
    }
    assert_close("losses", &losses, &golden["losses"].data, 1e-4);
    compare("after.", &learner.tensors().unwrap(), &golden, 1e-4);
}
