//! Initial weights are what a published seed gives: with others, a training that is run again would be another training.

use est_nets::{Architecture, Backbone, EstConfig, Graph, SnippetFeatures, random_weights, retinaface};

/// A sum over all initial tensors in which the places of the numbers count.
fn digest(graph: &Graph) -> f64 {
    let tensors = random_weights(graph, 7);
    let numbers = tensors.values().flat_map(|tensor| tensor.data.iter().enumerate());
    numbers.map(|(i, &value)| f64::from(value) * (1 + i % 17) as f64).sum()
}

#[test]
fn initial_weights_stay() {
    let small = EstConfig { encoder_layers: 1, decoder_layers: 1, feed_forward: 64, ..EstConfig::PAPER };
    let gated = EstConfig { snippet_features: SnippetFeatures::SqueezeExcite, ..small.clone() };
    let cases = [
        (small.graph(), 187613.5793),
        (gated.graph(), 187590.6234),
        (Backbone::Separable16.graph(32), 35060.9385),
        (retinaface::graph(32, 32), 58012.5638),
    ];
    for (graph, expected) in cases {
        let found = digest(&graph);
        // The last bit of a logarithm or cosine may differ between two libraries.
        assert!((found - expected).abs() < 1e-3, "{found:.4} instead of {expected}");
    }
}
