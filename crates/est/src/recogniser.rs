//! The networks, made ready to run: crops to features, features of a clip to its emotion.

use est_engine::{EngineError, Precision, Session};
use est_media::Image;
use est_nets::{Clips, Graph, Preprocessing, SnippetAttention, Values};

use crate::attention::{CrossAttention, over_heads};
use crate::clip::Layout;
use crate::emotion::Emotion;
use crate::error::EstError;
use crate::model::Model;
use crate::snippets::test_places;
use crate::timings::{Stage, Timings};

/// How a trained model is applied; none of it changes what the network sees of one window.
#[derive(Debug, Clone)]
pub struct RecogniserOptions {
    /// From the start of a window to the start of the next, in slots of `1 / rate` seconds. Every crop is encoded once
    /// however small the hop: at 5 the part that is computed per window is 1.4 % of all arithmetic.
    pub hop: usize,
    /// Faces of a quality below this get the status `low_quality`.
    pub low_quality: f32,
    /// Whether rows say what the decoder takes from each snippet: some 2 ms a window, where the network has attention.
    pub attention: bool,
    /// Nothing waits for a full batch of the encoder: rows come as early as their windows allow, at the cost of smaller
    /// batches. The numbers are the same.
    pub prompt: bool,
    /// The precision is that of the frame encoder; all else is exact.
    pub engine: est_engine::Options,
}

impl Default for RecogniserOptions {
    fn default() -> Self {
        RecogniserOptions {
            hop: 5,
            low_quality: est_media::LOW_QUALITY,
            attention: false,
            prompt: false,
            engine: est_engine::Options::default(),
        }
    }
}

/// Frames that go through the encoder together: enough to keep every core busy, few enough to bound the buffers.
pub(crate) const ENCODER_BATCH: usize = 35;
/// Clips that are scored together: the weights behind the encoder, 92 MB, are read once for all of them.
const SCORE_BATCH: usize = 8;

/// A model made ready to run. A clone shares the weights and works beside the others without a lock: one for each video
/// that is read at the same time.
#[derive(Clone)]
pub struct Recogniser {
    model: Model,
    /// None for a network that reads the frames of a clip together: then a crop's features are its normalised pixels, and
    /// the head is the whole network.
    encoder: Option<Session>,
    head: Session,
    /// What the head runs.
    head_graph: Graph,
    /// Numbers in the features of a crop.
    width: usize,
    /// Of the last layer that attends to the snippets, if it is asked for.
    attention: Option<CrossAttention>,
    /// The n J places of a window that the network reads.
    places: Vec<usize>,
    options: RecogniserOptions,
    encoded: u64,
    /// The encoder's input, kept for the next batch.
    pixels: Vec<f32>,
    /// What the encoder takes a byte of each channel for.
    levels: Vec<[f32; 3]>,
    timings: Timings,
}

/// What the network says of one clip.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub emotion: Emotion,
    /// Over the snippets; empty unless asked for.
    pub attention: Vec<f32>,
}

impl Recogniser {
    /// # Errors
    /// When the model's sampling does not fit its window, or its tensors do not fit its network.
    pub fn new(mut model: Model, options: RecogniserOptions) -> Result<Self, EstError> {
        model.check_settings().map_err(|problem| EstError::Model { id: model.id(), problem })?;
        let places = test_places(model.preprocessing.sampling, model.config.layout())
            .map_err(|problem| EstError::Model { id: model.id(), problem })?;
        let exact = est_engine::Options { precision: Precision::Exact, ..options.engine };
        // The sessions keep the tensors in the kernels' own order; a second copy would be 137 MB of the preset `paper`.
        let tensors = std::mem::take(&mut model.tensors);
        let config = &model.config;
        let layer = config.attention().pop().filter(|_| options.attention && config.encoder().is_some());
        let attention = layer.as_ref().map(|layer| CrossAttention::of_layer(&tensors, layer)).transpose();
        let attention = attention.map_err(|problem| EstError::Model { id: model.id(), problem })?;
        let outputs: Vec<&str> = match &layer {
            None => vec!["class_logits"],
            Some(SnippetAttention { query, memory, .. }) => vec!["class_logits", query, memory],
        };
        let (encoder, head_graph, head_options) = match (config.encoder(), config.behind_encoder(&outputs)) {
            (Some(encoder), Some(head)) => (Some(encoder), head, exact),
            _ => (None, config.prediction(), options.engine),
        };
        let width = config.feature_width().unwrap_or(3 * config.size() * config.size());
        let (encoder, head) = std::thread::scope(|scope| {
            let head = scope.spawn(|| Session::new(&head_graph, &tensors, &head_options));
            let encoder = encoder.map(|encoder| Session::new(&encoder, &tensors, &options.engine)).transpose();
            (encoder, head.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (encoder, head) = (encoder?, head?);
        let levels = levels(&model.preprocessing);
        let (pixels, timings) = (vec![], Timings::default());
        Ok(Recogniser {
            model,
            encoder,
            head,
            head_graph,
            width,
            attention,
            places,
            options,
            encoded: 0,
            pixels,
            levels,
            timings,
        })
    }

    /// The model without its tensors, which are in the engine.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What the frame encoder multiplies in: `f32` or `bf16`.
    pub fn encoder_arithmetic(&self) -> &'static str {
        self.encoder.as_ref().unwrap_or(&self.head).precision()
    }

    /// Crops encoded since this recogniser was made.
    pub fn encoded(&self) -> u64 {
        self.encoded
    }

    /// A clone that does not wait for full batches of the encoder.
    pub(crate) fn prompt(&self) -> Self {
        let mut recogniser = self.clone();
        recogniser.options.prompt = true;
        recogniser
    }

    pub(crate) fn timings(&self) -> &Timings {
        &self.timings
    }

    /// Counts the time of the stages from here on.
    pub(crate) fn set_timings(&mut self, timings: Timings) {
        self.timings = timings;
    }

    pub(crate) fn options(&self) -> &RecogniserOptions {
        &self.options
    }

    /// The places of a window that the network reads.
    pub(crate) fn places(&self) -> &[usize] {
        &self.places
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout {
            rate: self.model.preprocessing.rate,
            window: self.model.preprocessing.sampling.window,
            hop: self.options.hop,
        }
    }

    /// Crops, `size` x `size`, to frame features: d numbers each (512 for ResNet-18); of a network without a frame encoder
    /// the normalised pixels, [size, size, 3].
    pub fn features(&mut self, crops: &[&Image]) -> Result<Vec<Vec<f32>>, EstError> {
        let (size, width) = (self.model.preprocessing.size, self.width);
        let timings = self.timings.clone();
        let mut features = Vec::with_capacity(crops.len());
        for batch in crops.chunks(ENCODER_BATCH) {
            let out = timings.time(Stage::Encode, || {
                self.pixels.resize(batch.len() * size * size * 3, 0.0);
                for (crop, pixels) in batch.iter().zip(self.pixels.chunks_exact_mut(size * size * 3)) {
                    assert_eq!((crop.width, crop.height), (size, size), "crops have the model's size");
                    normalise(crop, &self.levels, pixels);
                }
                match &mut self.encoder {
                    Some(encoder) => encoder.run(batch.len(), &[&self.pixels]),
                    None => Ok(vec![self.pixels.clone()]),
                }
            });
            let out = out.map_err(|error| unanswered(error, "crop", features.len()))?;
            features.extend(out[0].chunks_exact(width).map(<[f32]>::to_vec));
            self.encoded += batch.len() as u64;
        }
        Ok(features)
    }

    /// Features of the n J frames of each clip, snippet by snippet, to its emotion.
    pub fn emotions(&mut self, clips: &[Vec<&[f32]>]) -> Result<Vec<Emotion>, EstError> {
        Ok(self.answers(clips)?.into_iter().map(|answer| answer.emotion).collect())
    }

    /// As [`Recogniser::emotions`], with the attention.
    pub(crate) fn answers(&mut self, clips: &[Vec<&[f32]>]) -> Result<Vec<Answer>, EstError> {
        assert!(clips.iter().all(|clip| clip.len() == self.places.len()), "a clip has n J frames");
        let timings = self.timings.clone();
        let mut answers = Vec::with_capacity(clips.len());
        for batch in clips.chunks(SCORE_BATCH) {
            let answered = timings.time(Stage::Score, || self.score(batch, answers.len()))?;
            answers.extend(answered);
        }
        Ok(answers)
    }

    /// `first`: the number of the batch's first clip, for messages.
    fn score(&mut self, batch: &[Vec<&[f32]>], first: usize) -> Result<Vec<Answer>, EstError> {
        let temperature = self.model.temperature;
        let features: Vec<f32> = batch.iter().flatten().copied().flatten().copied().collect();
        let clips = Clips { count: batch.len(), frames: Values::Numbers(features.into()), order: None };
        let inputs = clips.feed(&self.head_graph);
        let inputs = inputs.map_err(|problem| EstError::Model { id: self.model.id(), problem })?;
        let inputs: Vec<_> = inputs.into_iter().map(Values::into_numbers).collect();
        let found = self.head.run(batch.len(), &inputs.iter().map(|input| &input[..]).collect::<Vec<_>>());
        let found = found.map_err(|error| unanswered(error, "clip", first))?;
        let logits = found[0].chunks_exact(self.model.config.classes());
        let attention = |clip: usize| {
            let Some(attention) = &self.attention else { return vec![] };
            let part = |values: &[f32]| {
                let each = values.len() / batch.len();
                values[clip * each..][..each].to_vec()
            };
            let heads = attention.weights(&part(&found[1]), &part(&found[2]));
            over_heads(&heads).into_iter().map(|weight| weight as f32).collect()
        };
        let sound = "the engine gives finite numbers, and the temperature is checked";
        let emotions = logits.map(|logits| Emotion::from_logits(logits, temperature).expect(sound));
        Ok(emotions.enumerate().map(|(clip, emotion)| Answer { emotion, attention: attention(clip) }).collect())
    }
}

/// An error of the engine, where it is about one of several `what`s; `before` of them came before its batch.
fn unanswered(error: EngineError, what: &str, before: usize) -> EstError {
    match error {
        EngineError::NotFinite { node, element } => {
            let nth = before + element;
            EstError::NotFinite { layer: node, place: format!("{what} {nth}"), nth }
        }
        error => error.into(),
    }
}

/// Mean and deviation, for each byte that a channel can have: 768 divisions instead of three a pixel.
fn levels(preprocessing: &Preprocessing) -> Vec<[f32; 3]> {
    let Preprocessing { mean, std, .. } = preprocessing;
    let level = |byte: u8| std::array::from_fn(|c| (f32::from(byte) / 255.0 - mean[c]) / std[c]);
    (0..=255).map(level).collect()
}

fn normalise(crop: &Image, levels: &[[f32; 3]], pixels: &mut [f32]) {
    for (to, from) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(crop.data.as_chunks::<3>().0) {
        *to = std::array::from_fn(|c| levels[usize::from(from[c])][c]);
    }
}
