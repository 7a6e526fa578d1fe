//! A set's crops as a model with a crop of its own reads them.

use est_media::{Image, middle};
use est_nets::{Crop, Preprocessing};

use super::reader::PreparedSet;
use crate::error::DataError;

/// What is done to each picture of a set before a model reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recrop {
    /// Part of the side that is kept, around the middle; 1: all of it.
    pub share: f64,
    /// Side that the model reads, in pixels.
    pub size: usize,
}

impl Recrop {
    /// Nothing is done to pictures that fit.
    pub fn apply(&self, image: Image) -> Image {
        match self.share == 1.0 && (image.width, image.height) == (self.size, self.size) {
            true => image,
            false => middle(&image, self.share, self.size),
        }
    }
}

impl PreparedSet {
    /// How its faces were cropped; None where its pictures were crops of faces before it was made, however wide.
    pub fn crop(&self) -> Option<Crop> {
        let settings = &self.record().settings;
        match settings.get("crop") {
            // A set that was generated has the default crop and does not say so.
            None => Some(Preprocessing::PAPER.crop),
            Some(_) if settings.get("detector").is_some_and(|detector| detector.is_null()) => None,
            Some(crop) => serde_json::from_value(crop.clone()).ok(),
        }
    }

    /// What makes its crops those of `crop` and `size` pixels: of wider squares the middle is cut out.
    ///
    /// # Errors
    /// When they are of another kind, or show less than the model reads.
    pub fn recrop(&self, crop: Crop, size: usize) -> Result<Recrop, DataError> {
        let share = match (self.crop(), crop) {
            (None, _) => 1.0,
            (Some(own), wanted) if own == wanted => 1.0,
            (Some(Crop::Square { margin: own }), Crop::Square { margin }) if own > margin => {
                f64::from(margin) / f64::from(own)
            }
            (Some(own), wanted) => {
                let problem = format!(
                    "has faces cropped as {own}, the weights read {wanted}; prepare it again (est prepare --crop, --crop-margin)"
                );
                return Err(DataError::set(self.folder(), problem));
            }
        };
        Ok(Recrop { share, size })
    }
}
