//! Small pictures of each face, where the user asks for them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use est_media::{Image, JpegColour, TrackId, crop};
use est_nets::{Crop, Preprocessing};

use super::super::visual::{Privacy, Replay, Shown, mark};
use crate::error::EstError;
use crate::row::Row;

/// Pixels of a side.
const SIDE: usize = 96;
/// The square about the face's box that is shown.
const MARGIN: f32 = 1.3;
/// Pictures of one face at most. From then on every second is dropped and new ones come half as often.
const MOST: usize = 8;

pub struct Thumbnails {
    replay: Replay,
    preprocessing: Preprocessing,
    faces: BTreeMap<TrackId, Strip>,
}

struct Strip {
    every_s: f64,
    latest_s: f64,
    pictures: Vec<Thumbnail>,
}

#[derive(Clone)]
pub struct Thumbnail {
    pub pts_s: f64,
    /// A `data:` URL.
    pub url: String,
}

impl Thumbnails {
    /// `preprocessing`: the model's, of which the crop's kind and size are other ones here.
    pub fn new(replay: Replay, preprocessing: &Preprocessing) -> Self {
        let crop = Crop::Square { margin: MARGIN };
        let preprocessing = Preprocessing { crop, size: SIDE, ..preprocessing.clone() };
        Thumbnails { replay, preprocessing, faces: BTreeMap::new() }
    }

    pub fn add(&mut self, row: &Row) -> Result<(), EstError> {
        self.replay.push(row);
        self.take_ready(false)
    }

    /// The video is over: the pictures of each face.
    pub fn finish(mut self) -> Result<BTreeMap<TrackId, Vec<Thumbnail>>, EstError> {
        self.take_ready(true)?;
        Ok(self.faces.into_iter().map(|(track, strip)| (track, strip.pictures)).collect())
    }

    fn take_ready(&mut self, over: bool) -> Result<(), EstError> {
        while let Some(Shown { pts_s, mut image, rows }) = self.replay.next(over)? {
            for row in &rows {
                let (Some(track), Some(face)) = (row.track, &row.face) else { continue };
                let fresh = || Strip { every_s: 0.5, latest_s: f64::NEG_INFINITY, pictures: vec![] };
                let strip = self.faces.entry(track).or_insert_with(fresh);
                if pts_s - strip.latest_s < strip.every_s {
                    continue;
                }
                if self.replay.privacy() == Privacy::LandmarksOnly {
                    mark(&mut image, &face.face);
                }
                let url = data_url(&crop(&image, &face.face, &self.preprocessing));
                strip.add(Thumbnail { pts_s, url });
            }
        }
        Ok(())
    }
}

impl Strip {
    fn add(&mut self, picture: Thumbnail) {
        self.latest_s = picture.pts_s;
        self.pictures.push(picture);
        if self.pictures.len() > MOST {
            self.pictures = self.pictures.iter().step_by(2).cloned().collect();
            self.every_s *= 2.0;
        }
    }
}

fn data_url(image: &Image) -> String {
    format!("data:image/jpeg;base64,{}", STANDARD.encode(image.to_jpeg(80, JpegColour::Half)))
}
