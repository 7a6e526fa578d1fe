//! The engine against PyTorch in float64 (goldens/README.md). The issue asks for 1e-4; the tolerances here are five
//! times what PyTorch's own float32 is off, so they allow another order of additions and little else.

use std::collections::BTreeMap;

use est_engine::{Options, Session};
use est_goldens::{SEED, assert_close, frame_pixels, load};
use est_nets::{Architecture, Backbone, EstConfig, Graph, SnippetFeatures, Tensor, retinaface};

const SHUFFLED: [f32; 7] = [0.0, 4.0, 3.0, 2.0, 6.0, 1.0, 5.0];
const TAIL: [&str; 5] = ["snippets", "memory", "emotion", "class_logits", "order_logits"];

fn weights(graph: &Graph) -> BTreeMap<String, Tensor> {
    est_goldens::weights(graph, SEED)
}

fn session(graph: &Graph) -> Session {
    Session::new(graph, &weights(graph), &Options::EXACT).unwrap()
}

/// RGB in [0, 1], channels-last as the engine reads them.
fn pictures(frames: impl IntoIterator<Item = usize>, side: usize) -> Vec<f32> {
    let pixels = frames.into_iter().flat_map(|frame| frame_pixels(frame, side, side));
    pixels.map(|value| f32::from(value) / 255.0).collect()
}

/// Test sampling's frames in the snippets' order.
fn clip(order: &[f32]) -> Vec<f32> {
    let frames = order.iter().flat_map(|&snippet| [0, 3, 6, 9, 12].map(|offset| 15 + 10 * snippet as usize + offset));
    pictures(frames, 224)
}

fn identity(snippets: usize) -> Vec<f32> {
    (0..snippets).map(|snippet| snippet as f32).collect()
}

/// From frame features [n J, d] and `order` [n] to the outputs in [`TAIL`].
fn tail(config: &EstConfig) -> Session {
    session(&config.graph().cut(&["features", "order"], &TAIL).unwrap())
}

#[test]
fn est_from_pictures() {
    let golden = load("est.safetensors");
    let graph = EstConfig::PAPER.graph();
    let mut session = session(&graph);
    let names: Vec<&str> = graph.outputs().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[0], "features");
    assert_eq!(names[1..], TAIL);

    let whole = session.run(1, &[&clip(&identity(7)), &identity(7)]).unwrap();
    assert_close("features", &whole[0], &golden["features"].data, 2e-5);
    for (name, result) in TAIL.iter().zip(&whole[1..]) {
        assert_close(name, result, &golden[&format!("paper.{name}")].data, 2e-5);
    }

    // The shuffle law: snippets and their position rows in another order leave emotion and class alone.
    let shuffled = session.run(1, &[&clip(&SHUFFLED), &SHUFFLED]).unwrap();
    for (name, result) in TAIL.iter().zip(&shuffled[1..]) {
        assert_close(name, result, &golden[&format!("paper_shuffled.{name}")].data, 2e-5);
    }
    // Sums over seven snippets in another order, through six layers: f32 noise of numbers near 1.
    assert_close("emotion", &shuffled[3], &whole[3], 1e-5);
    assert_close("class logits", &shuffled[4], &whole[4], 1e-5);
    let moved = shuffled[5].iter().zip(&whole[5]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(moved > 1e-4, "the order head sees no order: {moved}");
}

#[test]
fn every_variant_from_features() {
    let variants = [
        ("paper", EstConfig::PAPER, identity(7)),
        ("paper_shuffled", EstConfig::PAPER, SHUFFLED.to_vec()),
        ("six_classes", EstConfig::PAPER_6, identity(7)),
        ("none", ablation(SnippetFeatures::Mean), identity(7)),
        ("self_attention", ablation(SnippetFeatures::SelfAttention), identity(7)),
        ("squeeze_excite", ablation(SnippetFeatures::SqueezeExcite), identity(7)),
        ("n5_j3", EstConfig { snippets: 5, frames: 3, ..EstConfig::PAPER }, identity(5)),
    ];
    let golden = ["heads", "est"].map(|name| load(&format!("{name}.safetensors")));
    for (variant, config, order) in variants {
        let mut session = tail(&config);
        for golden in &golden {
            // Row k of the shuffled snippets comes from the frames of snippet order[k].
            let snippet = config.frames * 512;
            let rows = |&place: &f32| &golden["features"].data[place as usize * snippet..][..snippet];
            let features: Vec<f32> = order.iter().flat_map(rows).copied().collect();
            let results = session.run(1, &[&features, &order]).unwrap();
            for (name, result) in TAIL.iter().zip(&results) {
                let key = format!("{variant}.{name}");
                if let Some(golden) = golden.get(&key) {
                    assert_close(&key, result, &golden.data, 2e-5);
                }
            }
        }
    }
}

fn ablation(snippet_features: SnippetFeatures) -> EstConfig {
    EstConfig { snippet_features, ..EstConfig::PAPER }
}

#[test]
fn backbones() {
    let golden = load("backbones.safetensors");
    for (backbone, name, side, tolerance) in [
        (Backbone::ResNet18, "resnet18", 224, 5e-6),
        (Backbone::ResNet18, "resnet18", 112, 5e-6),
        (Backbone::ResNet34, "resnet34", 224, 5e-5),         // features of 7
        (Backbone::ResNet50, "resnet50", 224, 3.5e-5),       // features of 4
        (Backbone::Separable16, "separable16", 112, 1.5e-5), // features of 3.3, at most 14
    ] {
        let result = session(&backbone.graph(side)).run(2, &[&pictures([0, 7], side)]).unwrap();
        let key = format!("{name}.{side}.features");
        assert_close(&key, &result[0], &golden[&key].data, tolerance);
    }
}

#[test]
fn the_face_detector() {
    let golden = load("retinaface.safetensors");
    let heads = ["BboxHead", "ClassHead", "LandmarkHead"];
    let graph = retinaface::graph(64, 96).cut(&["picture"], &heads).unwrap();
    let rgb = frame_pixels(0, 96, 64);
    let picture: Vec<f32> = rgb
        .chunks_exact(3)
        .flat_map(|pixel| [0, 1, 2].map(|c| f32::from(pixel[2 - c]) - retinaface::MEAN_BGR[c]))
        .collect();
    let results = session(&graph).run(1, &[&picture]).unwrap();
    for (key, result) in ["loc", "conf", "landmarks"].iter().zip(&results) {
        assert_close(key, result, &golden[&format!("noise.{key}")].data, 2e-5);
    }
}
