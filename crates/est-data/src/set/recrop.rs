//! A set's crops as a model with a crop of its own reads them.

use est_media::{Image, middle};
use est_nets::{Crop, Preprocessing};
use serde_json::Value;

use super::reader::PreparedSet;
use crate::error::DataError;

/// What is done to each picture of a set before a model reads it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recrop {
    /// Part of the side that is kept, around the middle; 1: all of it.
    pub share: f32,
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
    /// How its faces were cropped. A set that was generated has the default crop and does not say so.
    pub fn crop(&self) -> Crop {
        let crop = self.record().settings.get("crop").and_then(|crop| serde_json::from_value(crop.clone()).ok());
        crop.unwrap_or(Preprocessing::PAPER.crop)
    }

    /// The roll from which on its crops were turned upright ([`Preprocessing::upright_beyond`]). Crops of tilted faces alone
    /// depend on it, so a set without is read by weights with it and the reverse.
    pub fn upright_beyond(&self) -> Option<f32> {
        self.record().settings.get("upright_beyond").and_then(Value::as_f64).map(|degrees| degrees as f32)
    }

    /// What makes its crops those of `crop` and `size` pixels: of wider squares the middle is cut out. Pictures that were
    /// crops of faces before the set was made are taken as they are, for how wide they are is not known.
    ///
    /// # Errors
    /// When they are of another kind, or show less than the model reads.
    pub fn recrop(&self, crop: Crop, size: usize) -> Result<Recrop, DataError> {
        let cropped_before = self.record().settings.get("detector").is_some_and(Value::is_null);
        let share = match (self.crop(), crop) {
            (own, wanted) if own == wanted || cropped_before => 1.0,
            (Crop::Square { margin: own }, Crop::Square { margin }) if own > margin => margin / own,
            (own, wanted) => {
                let problem = format!(
                    "has faces cropped as {own}, the weights read {wanted}; prepare it again (est prepare --crop, --crop-margin)"
                );
                return Err(DataError::set(self.folder(), problem));
            }
        };
        Ok(Recrop { share, size })
    }
}
