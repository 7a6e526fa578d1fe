//! The crops of one track on their way to features.

use std::collections::VecDeque;

use est_media::Image;

use crate::clip::{CropId, Layout, Timeline, Window};

#[derive(Debug)]
enum Held {
    /// No window has asked for it yet.
    Picture(Image),
    /// A window waits for its features.
    Wanted(Image),
    Features(Vec<f32>),
}

/// The crops of a track that a window can need, each with its picture until it is encoded and its features from then on.
#[derive(Debug)]
pub struct Track {
    timeline: Timeline,
    held: VecDeque<Held>,
    /// When the crops of `held` were.
    times: VecDeque<f64>,
    /// The crop at the front of `held`.
    first: CropId,
}

impl Track {
    pub fn new(layout: Layout) -> Self {
        Track { timeline: Timeline::new(layout), held: VecDeque::new(), times: VecDeque::new(), first: 0 }
    }

    /// Takes the next crop and gives the windows that are complete now.
    pub fn push(&mut self, crop: Image, pts_s: f64) -> Vec<Window> {
        let id = self.first + self.held.len() as u64;
        self.held.push_back(Held::Picture(crop));
        self.times.push_back(pts_s);
        self.timeline.push(id, pts_s)
    }

    /// The track is over: its last windows.
    pub fn finish(&mut self) -> Vec<Window> {
        self.timeline.finish()
    }

    /// Marks `crop` as wanted. True the first time, unless it is encoded already.
    pub fn want(&mut self, crop: CropId) -> bool {
        let held = self.held_mut(crop);
        let Held::Picture(picture) = held else { return false };
        let picture = std::mem::replace(picture, Image::new(0, 0, vec![]));
        *held = Held::Wanted(picture);
        true
    }

    /// # Panics
    /// When the crop is not wanted.
    pub fn picture(&self, crop: CropId) -> &Image {
        match self.held(crop) {
            Held::Wanted(picture) => picture,
            _ => panic!("crop {crop} is not waiting for the encoder"),
        }
    }

    /// The presentation time of a crop in seconds.
    pub fn time_of(&self, crop: CropId) -> f64 {
        self.times[(crop - self.first) as usize]
    }

    /// `features` take the place of the crop's picture.
    pub fn encoded(&mut self, crop: CropId, features: Vec<f32>) {
        *self.held_mut(crop) = Held::Features(features);
    }

    /// None until the crop is encoded.
    pub fn features(&self, crop: CropId) -> Option<&[f32]> {
        match self.held(crop) {
            Held::Features(features) => Some(features),
            _ => None,
        }
    }

    /// Lets go of the crops that neither a window from `oldest` on nor a later one can need.
    pub fn forget(&mut self, oldest: Option<CropId>) {
        let later = self.timeline.oldest_crop().unwrap_or(self.first + self.held.len() as u64);
        let keep = oldest.map_or(later, |oldest| oldest.min(later));
        while self.first < keep {
            self.held.pop_front();
            self.times.pop_front();
            self.first += 1;
        }
    }

    fn held(&self, crop: CropId) -> &Held {
        &self.held[(crop - self.first) as usize]
    }

    fn held_mut(&mut self, crop: CropId) -> &mut Held {
        &mut self.held[(crop - self.first) as usize]
    }
}
