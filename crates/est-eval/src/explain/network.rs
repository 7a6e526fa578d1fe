//! The part of the network behind the frame encoder, with its inner values.

use est::{CrossAttention, Model, over_heads};
use est_engine::Session;
use est_nets::{Clips, Graph, Values};

use super::cosine::cosines;
use crate::error::EvalError;

/// What a network looks at in one clip of n snippets of J frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Weights over the n snippets of each head of each layer that attends to them (EST's decoder), `[layer][head][snippet]`; each head's sum to 1.
    pub attention: Vec<Vec<Vec<f64>>>,
    /// Cosine of each frame to its snippet's maximum, `[snippet][frame]` in (0, 1]; None where the network has no such
    /// level.
    pub cosines: Option<Vec<Vec<f64>>>,
    /// T, d numbers.
    pub emotion: Vec<f32>,
    /// Before the softmax, in the order of the model's classes.
    pub logits: Vec<f32>,
}

impl Explanation {
    /// The last layer's weights over the snippets, the mean of its heads; they sum to 1.
    pub fn over_snippets(&self) -> Vec<f64> {
        over_heads(self.attention.last().map_or(&[], Vec::as_slice))
    }

    /// Share of each frame in its snippet, `[snippet][frame]`: the cosines over their sum.
    pub fn frame_weights(&self) -> Option<Vec<Vec<f64>>> {
        let share = |cosines: &Vec<f64>| {
            let sum: f64 = cosines.iter().sum();
            cosines.iter().map(|cosine| cosine / sum).collect()
        };
        Some(self.cosines.as_ref()?.iter().map(share).collect())
    }
}

/// Runs a network from frame features on, and keeps what is inside.
pub struct Explainer {
    session: Session,
    graph: Graph,
    cross: Vec<CrossAttention>,
    snippets: usize,
    cosines: bool,
}

impl Explainer {
    /// Copies the tensors that it needs, so the model can go on to a recogniser.
    ///
    /// # Errors
    /// When the tensors do not fit the network, or it has no frame encoder with attention over the snippets behind it.
    pub fn new(model: &Model, options: &est_engine::Options) -> Result<Explainer, EvalError> {
        let config = &model.config;
        let none = || {
            let problem = format!("{} does not attend to snippets: there is no attention to explain", model.id());
            EvalError::Different(problem)
        };
        let layers = config.attention();
        let mut outputs = vec!["class_logits", "emotion", layers.first().ok_or_else(none)?.memory];
        let cosines = config.frame_cosines();
        outputs.extend(cosines.into_iter().flatten());
        outputs.extend(layers.iter().map(|layer| layer.query.as_str()));
        let graph = config.behind_encoder(&outputs).ok_or_else(none)?;
        let session = Session::new(&graph, &model.tensors, options)?;
        let cross = layers.iter().map(|layer| CrossAttention::of_layer(&model.tensors, layer));
        let cross = cross.collect::<Result<_, _>>().map_err(EvalError::Different)?;
        let [snippets, _] = config.layout();
        Ok(Explainer { session, graph, cross, snippets, cosines: cosines.is_some() })
    }

    /// Features of the n J frames of one clip, snippet by snippet.
    pub fn explain(&mut self, features: &[&[f32]]) -> Result<Explanation, EvalError> {
        let clips = Clips { count: 1, frames: Values::Numbers(features.concat().into()), order: None };
        let inputs = clips.feed(&self.graph).map_err(EvalError::Different)?;
        let inputs: Vec<_> = inputs.into_iter().map(Values::into_numbers).collect();
        let inputs: Vec<&[f32]> = inputs.iter().map(|input| &input[..]).collect();
        let mut found = self.session.run(1, &inputs)?.into_iter();
        let mut next = || found.next().expect("as many results as outputs");
        let (logits, emotion, memory) = (next(), next(), next());
        let cosines = self.cosines.then(|| {
            let (frames, general) = (next(), next());
            let part = |values: &[f32]| values.len() / self.snippets;
            let snippets = frames.chunks_exact(part(&frames)).zip(general.chunks_exact(part(&general)));
            snippets.map(|(frames, general)| cosines(frames, general)).collect()
        });
        let attention = self.cross.iter().map(|cross| cross.weights(&next(), &memory)).collect();
        Ok(Explanation { attention, cosines, emotion, logits })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use est_nets::{Architecture, ClipFeatures, EstConfig, Network, Noise, SnippetFeatures, Tensor, random_weights};

    use super::*;

    fn small() -> (EstConfig, BTreeMap<String, Tensor>) {
        let config = EstConfig { encoder_layers: 1, decoder_layers: 2, feed_forward: 64, size: 32, ..EstConfig::PAPER };
        let graph = config.graph().cut(&["features", "order"], &["class_logits"]).unwrap();
        let tensors = random_weights(&graph, 5);
        (config, tensors)
    }

    /// Results do not depend on threads.
    fn engine() -> est_engine::Options {
        est_engine::Options::default()
    }

    fn features() -> Vec<Vec<f32>> {
        let noise = Noise::new(9, "features");
        let row = |frame: u64| (0..512).map(|k| noise.normal(frame * 512 + k).abs()).collect();
        (0..35).map(row).collect()
    }

    /// Row-major [rows, columns] times a vector, plus a bias.
    fn affine(weight: &[f32], bias: &[f32], x: &[f64]) -> Vec<f64> {
        let row = |(row, &bias): (&[f32], &f32)| {
            row.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum::<f64>() + f64::from(bias)
        };
        weight.chunks_exact(x.len()).zip(bias).map(row).collect()
    }

    /// The weights are those that the network itself used: the values weighted by them, projected, are what its attention
    /// gave; and the frames weighted by the cosines are its snippets.
    #[test]
    fn weights_are_those_that_the_network_used() {
        let (config, tensors) = small();
        let model = Model { config: Network::Est(config.clone()), tensors: tensors.clone(), ..Model::random(1) };
        let features = features();
        let rows: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
        let explanation = Explainer::new(&model, &engine()).unwrap().explain(&rows).unwrap();

        let attended = "transformer.decoder.layers.1.multihead_attn";
        let outputs = ["memory", attended, "norm1", "snippets", "class_logits"];
        let graph = config.graph().cut(&["features", "order"], &outputs).unwrap();
        let order: Vec<f32> = (0..7).map(|k| k as f32).collect();
        let found = Session::new(&graph, &tensors, &engine()).unwrap().run(1, &[&rows.concat(), &order]).unwrap();
        let [memory, attention, frames, snippets, logits] = &found[..] else { panic!("five results") };
        assert_eq!(logits, &explanation.logits);

        let tensor = |name: &str| &tensors[&format!("{attended}.{name}")].data[..];
        let value = |snippet: &[f32]| {
            let snippet: Vec<f64> = snippet.iter().copied().map(f64::from).collect();
            affine(&tensor("in_proj_weight")[2 * 512 * 512..], &tensor("in_proj_bias")[2 * 512..], &snippet)
        };
        let values: Vec<Vec<f64>> = memory.chunks_exact(512).map(value).collect();
        let weights = &explanation.attention[1];
        let mixed: Vec<f64> = (0..512)
            .map(|k| values.iter().zip(&weights[k / 128]).map(|(value, weight)| value[k] * weight).sum())
            .collect();
        let expected = affine(tensor("out_proj.weight"), tensor("out_proj.bias"), &mixed);
        let largest = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for (found, expected) in attention.iter().zip(&expected) {
            // f32 sums of 512 terms against f64.
            assert!((f64::from(*found) - expected).abs() < 1e-5 * largest, "{found} {expected}");
        }
        for head in weights {
            assert!((head.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        assert!((explanation.over_snippets().iter().sum::<f64>() - 1.0).abs() < 1e-12);

        let shares = explanation.frame_weights().unwrap();
        for (snippet, shares) in shares.iter().enumerate() {
            for k in 0..512 {
                let frame = |j: usize| f64::from(frames[(snippet * 5 + j) * 512 + k]);
                let expected: f64 = shares.iter().enumerate().map(|(j, share)| share * frame(j)).sum();
                assert!((f64::from(snippets[snippet * 512 + k]) - expected).abs() < 1e-5, "{snippet} {k}");
            }
        }
    }

    #[test]
    fn a_network_without_attention_is_refused() {
        let (config, tensors) = small();
        let config = Network::Est(EstConfig { clip_features: ClipFeatures::Mean, orders: 0, ..config });
        let error = Explainer::new(&Model { config, tensors, ..Model::random(1) }, &engine()).err().unwrap();
        assert!(error.to_string().contains("no attention to explain"), "{error}");
    }

    #[test]
    fn a_network_without_the_second_level_has_no_cosines() {
        let (config, _) = small();
        let config = EstConfig { snippet_features: SnippetFeatures::Mean, orders: 0, ..config };
        let graph = config.graph().cut(&["features", "order"], &["class_logits"]).unwrap();
        let config = Network::Est(config);
        let model = Model { tensors: random_weights(&graph, 5), config, ..Model::random(1) };
        let features = features();
        let rows: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
        let explanation = Explainer::new(&model, &engine()).unwrap().explain(&rows).unwrap();
        assert_eq!((explanation.cosines, explanation.attention.len()), (None, 2));
    }
}
