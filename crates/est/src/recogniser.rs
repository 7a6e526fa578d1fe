//! The path from frames with faces to rows, step by step. Each step is a public method; [`Recogniser::recognise`]
//! walks them all.

use std::collections::{BTreeMap, VecDeque};

use est_engine::Session;
use est_media::{Image, TrackId};
use est_nets::Preprocessing;

use crate::assemble::Assembler;
use crate::clip::{CropId, Layout, Timeline, Window};
use crate::emotion::Emotion;
use crate::error::EstError;
use crate::faces::FaceSource;
use crate::model::Model;
use crate::row::{Row, Scored};
use crate::snippets::test_places;

/// How a trained model is applied; none of it changes what the network sees of one window.
#[derive(Debug, Clone)]
pub struct RecogniserOptions {
    /// From the start of a window to the start of the next, in slots of `1 / rate` seconds. Every crop is encoded once
    /// however small the hop: at 5 the part that is computed per window is 1.4 % of all arithmetic.
    pub hop: usize,
    /// Faces of a quality below this get the status `low_quality`.
    pub low_quality: f32,
    pub engine: est_engine::Options,
}

impl Default for RecogniserOptions {
    fn default() -> Self {
        RecogniserOptions { hop: 5, low_quality: est_media::LOW_QUALITY, engine: est_engine::Options::default() }
    }
}

/// Frames that go through the encoder together: enough to keep every core busy, few enough to bound the buffers.
const ENCODER_BATCH: usize = 35;

/// A model made ready to run.
pub struct Recogniser {
    model: Model,
    encoder: Session,
    head: Session,
    /// The n J places of a window that the network reads.
    places: Vec<usize>,
    options: RecogniserOptions,
    encoded: u64,
}

/// How far a video is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    pub frames: u64,
    pub pts_s: f64,
}

impl Recogniser {
    /// # Errors
    /// When the model's sampling does not fit its window, or its tensors do not fit its network.
    pub fn new(mut model: Model, options: RecogniserOptions) -> Result<Self, EstError> {
        let places = test_places(model.preprocessing.sampling, &model.config)
            .map_err(|problem| EstError::Model { id: model.id(), problem })?;
        let graph = model.config.graph();
        let part = |inputs: &[&str], output| graph.cut(inputs, &[output]).expect("EST has these nodes");
        // The sessions keep the tensors in the kernels' own order; a second copy would be 137 MB of the preset `paper`.
        let tensors = std::mem::take(&mut model.tensors);
        let encoder = Session::new(&part(&["frames"], "features"), &tensors, &options.engine)?;
        let head = Session::new(&part(&["features", "order"], "class_logits"), &tensors, &options.engine)?;
        Ok(Recogniser { model, encoder, head, places, options, encoded: 0 })
    }

    /// The model without its tensors, which are in the engine.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Crops encoded since this recogniser was made.
    pub fn encoded(&self) -> u64 {
        self.encoded
    }

    /// Crops, `size` x `size`, to frame features: d numbers each (512 for ResNet-18).
    pub fn features(&mut self, crops: &[&Image]) -> Result<Vec<Vec<f32>>, EstError> {
        let (size, width) = (self.model.preprocessing.size, self.model.config.backbone.width());
        let mut features = Vec::with_capacity(crops.len());
        for batch in crops.chunks(ENCODER_BATCH) {
            let mut pixels = Vec::with_capacity(batch.len() * size * size * 3);
            for crop in batch {
                assert_eq!((crop.width, crop.height), (size, size), "crops have the model's size");
                self.normalise(crop, &mut pixels);
            }
            let out = self.encoder.run(batch.len(), &[&pixels])?;
            features.extend(out[0].chunks_exact(width).map(<[f32]>::to_vec));
            self.encoded += batch.len() as u64;
        }
        Ok(features)
    }

    fn normalise(&self, crop: &Image, pixels: &mut Vec<f32>) {
        let Preprocessing { mean, std, .. } = &self.model.preprocessing;
        for pixel in crop.data.chunks_exact(3) {
            pixels.extend((0..3).map(|c| (f32::from(pixel[c]) / 255.0 - mean[c]) / std[c]));
        }
    }

    /// Features of the n J frames of one clip, snippet by snippet, to its emotion.
    pub fn emotion(&mut self, clip: &[&[f32]]) -> Result<Emotion, EstError> {
        assert_eq!(clip.len(), self.places.len(), "a clip has n J frames");
        let order: Vec<f32> = (0..self.model.config.snippets).map(|i| i as f32).collect();
        let logits = self.head.run(1, &[&clip.concat(), &order])?;
        Ok(Emotion::from_logits(&logits[0], self.model.temperature))
    }

    /// Everything: takes frames with their faces from `source` until it ends, gives each row to `sink` once it is
    /// final, in the order of frames and then tracks. Memory does not grow with the video.
    pub fn recognise(
        &mut self,
        source: &mut dyn FaceSource,
        sink: &mut dyn FnMut(Row) -> Result<(), EstError>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), EstError> {
        let mut assembler = Assembler::new(self.options.low_quality);
        let mut tracks: BTreeMap<TrackId, Track> = BTreeMap::new();
        let mut done = Progress::default();
        while let Some(frames) = source.next_frames()? {
            for frame in frames {
                for track in &frame.ended {
                    self.end(*track, &mut tracks, &mut assembler)?;
                }
                assembler.frame(frame.index, frame.pts_s, &frame.faces);
                for (face, crop) in frame.faces.iter().zip(frame.crops) {
                    let track = tracks.entry(face.track).or_insert_with(|| Track::new(self.layout()));
                    let windows = track.push(crop, frame.pts_s);
                    self.score(face.track, track, windows, &mut assembler)?;
                }
                done = Progress { frames: done.frames + 1, pts_s: frame.pts_s };
            }
            assembler.take().into_iter().try_for_each(&mut *sink)?;
            progress(done);
        }
        for track in assembler.active() {
            self.end(track, &mut tracks, &mut assembler)?;
        }
        assembler.take().into_iter().try_for_each(sink)
    }

    fn layout(&self) -> Layout {
        Layout {
            rate: self.model.preprocessing.rate,
            window: self.model.preprocessing.sampling.window,
            hop: self.options.hop,
        }
    }

    fn end(
        &mut self,
        id: TrackId,
        tracks: &mut BTreeMap<TrackId, Track>,
        assembler: &mut Assembler,
    ) -> Result<(), EstError> {
        if let Some(mut track) = tracks.remove(&id) {
            let windows = track.timeline.finish();
            self.score(id, &mut track, windows, assembler)?;
        }
        assembler.ended(id);
        Ok(())
    }

    fn score(
        &mut self,
        id: TrackId,
        track: &mut Track,
        windows: Vec<Window>,
        assembler: &mut Assembler,
    ) -> Result<(), EstError> {
        for window in windows {
            let crops: Vec<CropId> = self.places.iter().map(|&place| window.crops[place]).collect();
            self.encode(track, &crops)?;
            let clip: Vec<&[f32]> = crops.iter().map(|&crop| track.features(crop)).collect();
            let scored = Scored {
                emotion: self.emotion(&clip)?,
                start_s: window.start_s,
                end_s: window.end_s,
                stretched: window.stretched,
            };
            assembler.window(id, scored);
        }
        track.forget();
        Ok(())
    }

    /// Computes the features of those `crops` that have none yet.
    fn encode(&mut self, track: &mut Track, crops: &[CropId]) -> Result<(), EstError> {
        let mut wanted: Vec<CropId> = crops.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.retain(|&crop| matches!(track.held(crop), Held::Picture(_)));
        let pictures: Vec<Image> = wanted.iter().map(|&crop| track.take_picture(crop)).collect();
        let features = self.features(&pictures.iter().collect::<Vec<_>>())?;
        for (crop, features) in wanted.into_iter().zip(features) {
            *track.held_mut(crop) = Held::Features(features);
        }
        Ok(())
    }
}

#[derive(Debug)]
enum Held {
    Picture(Image),
    Features(Vec<f32>),
}

/// The crops of a track that a later window can need, each with its picture until it is encoded and its features from
/// then on.
#[derive(Debug)]
struct Track {
    timeline: Timeline,
    held: VecDeque<Held>,
    /// The crop at the front of `held`.
    first: CropId,
}

impl Track {
    fn new(layout: Layout) -> Self {
        Track { timeline: Timeline::new(layout), held: VecDeque::new(), first: 0 }
    }

    fn push(&mut self, crop: Image, pts_s: f64) -> Vec<Window> {
        let id = self.first + self.held.len() as u64;
        self.held.push_back(Held::Picture(crop));
        self.timeline.push(id, pts_s)
    }

    fn held(&self, crop: CropId) -> &Held {
        &self.held[(crop - self.first) as usize]
    }

    fn held_mut(&mut self, crop: CropId) -> &mut Held {
        &mut self.held[(crop - self.first) as usize]
    }

    fn take_picture(&mut self, crop: CropId) -> Image {
        match std::mem::replace(self.held_mut(crop), Held::Features(vec![])) {
            Held::Picture(picture) => picture,
            Held::Features(_) => panic!("crop {crop} is encoded already"),
        }
    }

    fn features(&self, crop: CropId) -> &[f32] {
        match self.held(crop) {
            Held::Features(features) => features,
            Held::Picture(_) => panic!("crop {crop} is not encoded yet"),
        }
    }

    fn forget(&mut self) {
        let oldest = self.timeline.oldest_crop().unwrap_or(self.first);
        while self.first < oldest {
            self.held.pop_front();
            self.first += 1;
        }
    }
}
