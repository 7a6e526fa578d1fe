//! The objective's further terms against their formulas in f64, and their gradients against differences of the loss.

use std::collections::BTreeMap;

use est_nets::{Feed, Graph, Init, Op, Tensor, Values};
use est_train::autodiff::{Learner, LearnerOptions, Losses, Targets};
use est_train::{Objective, Term};

const ROWS: usize = 6;
const CLASSES: [i64; ROWS] = [0, 1, 0, 2, 1, 0];

/// Four numbers a clip -> an embedding of three -> three classes, as a network with these outputs is cut.
fn graph() -> Graph {
    let mut g = Graph::new();
    let x = g.input("frames", Feed::Values, 1, &[4]);
    let embedding = g.push("embed", Op::linear(4, 3), &[x]);
    let logits = g.push("head", Op::linear(3, 3), &[embedding]);
    let centres = g.parameter("objective.centre.embedding", &[3, 3], Init::Zeros);
    g.output("class_logits", logits);
    g.output("embedding", embedding);
    g.output("objective.centre.embedding", centres);
    g
}

fn inputs() -> Vec<f32> {
    (0..4 * ROWS).map(|i| ((i * i * 7 + 3 * i) % 23) as f32 / 11.0 - 1.0).collect()
}

fn losses(tensors: &BTreeMap<String, Tensor>, objective: &Objective) -> (Losses, BTreeMap<String, Tensor>) {
    let mut learner = Learner::new(&graph(), tensors, &LearnerOptions::default()).unwrap();
    let targets = Targets { classes: CLASSES.to_vec(), ..Targets::default() };
    let x = inputs();
    let losses = learner.accumulate(ROWS, &[Values::Numbers((&x).into())], &targets, objective, 1.0, 0).unwrap();
    (losses, learner.gradients().unwrap())
}

fn embeddings(tensors: &BTreeMap<String, Tensor>) -> Vec<Vec<f64>> {
    let (weight, bias) = (&tensors["embed.weight"].data, &tensors["embed.bias"].data);
    let row = |x: &[f32]| {
        let one = |k: usize| (0..4).map(|i| f64::from(weight[4 * k + i]) * f64::from(x[i])).sum::<f64>();
        (0..3).map(|k| one(k) + f64::from(bias[k])).collect()
    };
    inputs().chunks(4).map(row).collect()
}

fn l1(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn compactness(rows: &[Vec<f64>]) -> f64 {
    let each = (0..ROWS).map(|i| {
        let (same, other): (Vec<usize>, Vec<usize>) = (0..ROWS).partition(|&j| CLASSES[i] == CLASSES[j]);
        let within = same.iter().map(|&j| l1(&rows[i], &rows[j])).sum::<f64>() / same.len() as f64;
        let between = other.iter().map(|&j| 1.0 / (l1(&rows[i], &rows[j]) + 1e-6)).sum::<f64>();
        within * between / (other.len() as f64 + 1.0 + 1e-6)
    });
    each.sum::<f64>() / (ROWS * ROWS) as f64
}

fn centre(rows: &[Vec<f64>], centres: &[f32]) -> f64 {
    let far = |(row, class): (&Vec<f64>, &i64)| {
        let own = &centres[3 * *class as usize..][..3];
        row.iter().zip(own).map(|(x, &c)| (x - f64::from(c)).powi(2)).sum::<f64>()
    };
    rows.iter().zip(&CLASSES).map(far).sum::<f64>() / (2 * ROWS) as f64
}

fn contrastive(rows: &[Vec<f64>], temperature: f64) -> f64 {
    let unit: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|x| x / dot(row, row).sqrt()).collect()).collect();
    let each = |i: usize| {
        let likeness = |j: usize| dot(&unit[i], &unit[j]) / temperature;
        let all: f64 = (0..ROWS).filter(|&j| j != i).map(|j| likeness(j).exp()).sum();
        let partners: Vec<usize> = (0..ROWS).filter(|&j| j != i && CLASSES[i] == CLASSES[j]).collect();
        let sum: f64 = partners.iter().map(|&j| all.ln() - likeness(j)).sum();
        (!partners.is_empty()).then(|| sum / partners.len() as f64)
    };
    let paired: Vec<f64> = (0..ROWS).filter_map(each).collect();
    paired.iter().sum::<f64>() / paired.len() as f64
}

#[test]
fn terms_are_their_formulas_and_so_are_their_gradients() {
    let tensors = est_goldens::weights(&graph(), 5);
    let rows = embeddings(&tensors);
    let output = "embedding".to_string();
    let terms = [
        (Term::Compactness { output: output.clone(), weight: 2.0 }, compactness(&rows)),
        (
            Term::Centre { output: output.clone(), weight: 0.5 },
            centre(&rows, &tensors["objective.centre.embedding.weight"].data),
        ),
        (Term::Contrastive { output: output.clone(), weight: 0.3, temperature: 0.5 }, contrastive(&rows, 0.5)),
    ];
    let plain = losses(&tensors, &Objective::PAPER).0;
    for (term, expected) in terms {
        let objective = Objective { terms: vec![term.clone()], ..Objective::PAPER };
        let (found, gradients) = losses(&tensors, &objective);
        let (name, weight) = match &term {
            Term::Compactness { weight, .. } => ("compactness.embedding", weight),
            Term::Centre { weight, .. } => ("centre.embedding", weight),
            Term::Contrastive { weight, .. } => ("contrastive.embedding", weight),
            Term::CrossEntropy { .. } => unreachable!(),
        };
        // f32 sums of a few dozen numbers of size 1.
        assert!((found.terms[name] - expected).abs() < 1e-5 * expected.max(1.0), "{name}: {found:?}, not {expected}");
        assert!((found.total - plain.total - weight * expected).abs() < 1e-5, "{name}: {found:?}");
        let mut compared = 0;
        for tensor in ["embed.weight", "objective.centre.embedding.weight"] {
            let Some(gradient) = gradients.get(tensor) else { continue };
            for (place, &gradient) in gradient.data.iter().enumerate() {
                let at = |change: f32| {
                    let mut moved = tensors.clone();
                    moved.get_mut(tensor).unwrap().data[place] += change;
                    losses(&moved, &objective).0.total
                };
                // Central differences in f32: 5e-7 of rounding over 4e-3, and the third derivative.
                let slope = (at(2e-3) - at(-2e-3)) / 4e-3;
                let close = (slope - f64::from(gradient)).abs() < 1e-3 + 5e-3 * slope.abs();
                assert!(close, "{name}: gradient of {tensor}[{place}] is {gradient}, the slope {slope}");
                compared += 1;
            }
        }
        assert_eq!(compared, if name.starts_with("centre") { 21 } else { 12 }, "{name}");
    }
}

#[test]
fn a_second_head_counts_like_the_first() {
    let tensors = est_goldens::weights(&graph(), 5);
    let term = Term::CrossEntropy { output: "class_logits".to_string(), weight: 1.0 };
    let plain = losses(&tensors, &Objective::PAPER).0;
    let twice = losses(&tensors, &Objective { terms: vec![term], ..Objective::PAPER }).0;
    assert!((twice.total - 2.0 * plain.total).abs() < 1e-6, "{twice:?} {plain:?}");
}
