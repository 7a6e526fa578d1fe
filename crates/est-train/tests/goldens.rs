//! Training against PyTorch in float64 (goldens/make.py train): ten steps of Adam from the same weights on one batch,
//! dropout off. The tolerances are four times what PyTorch's own float32 is off (make.py prints it): batch norm over a few
//! nearly equal samples makes rounding large, and Adam moves an element by a full step however small its gradient. What that
//! leaves open, Adam's formula and each operation, `autodiff.rs` holds closer.

use std::collections::BTreeMap;

use est_goldens::{SEED, assert_close, frame_pixels, load, weights};
use est_nets::{Architecture, EstConfig, Graph, Tensor, Values};
use est_train::Objective;
use est_train::autodiff::{AdamStep, Learner, LearnerOptions, Targets};

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

/// Compares the probes of every tensor that `golden` has under `kind` and `takes` takes; `tolerance` is a share of the
/// tensor's norm. A bias before a batch norm has no gradient but rounding's, some 1e-7 here.
fn compare(
    kind: &str,
    tensors: &BTreeMap<String, Tensor>,
    golden: &BTreeMap<String, Tensor>,
    takes: impl Fn(&str) -> bool,
    tolerance: f32,
) {
    let mut count = 0;
    for (key, expected) in golden {
        let Some(name) = key.strip_prefix(kind).filter(|name| takes(name)) else { continue };
        let found = tensors.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_close(key, &probes(found), &expected.data, tolerance * expected.data[0] + 1e-6);
        count += 1;
    }
    // Norms of a ResNet-18 and of the SSOP head: 22.
    assert!(count >= 44, "{kind}: {count} tensors");
}

#[test]
fn ten_steps_are_pytorchs() {
    let golden = load("train.safetensors");
    let graph = graph();
    let weights = weights(&graph, SEED);
    let mut learner = Learner::new(&graph, &weights, &LearnerOptions::default()).unwrap();
    let pixels: Vec<u8> = (0..24).flat_map(|frame| frame_pixels(7 * frame, SIDE, SIDE)).collect();
    let inputs = [Values::Pixels((&pixels).into()), Values::Indices(ORDER[..].into())];
    let targets = Targets { classes: vec![0, 3, 5, 6], orders: vec![0, 1, 2, 3], ..Targets::default() };

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
            compare("gradient.", &learner.gradients().unwrap(), &golden, |_| true, 5e-3);
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
    let golden_losses = &golden["losses"].data;
    assert_close("first loss", &losses[..1], &golden_losses[..1], 2e-5);
    assert_close("losses", &losses, golden_losses, 2e-2);
    let after = learner.tensors().unwrap();
    let is_statistic = |name: &str| name.contains("running");
    compare("after.", &after, &golden, is_statistic, 3e-2);
    compare("after.", &after, &golden, |name| !is_statistic(name), 4e-3);
}
