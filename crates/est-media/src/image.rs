//! Pictures as the path passes them on.

use std::sync::Arc;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// An 8-bit RGB picture, rows from the top, three bytes a pixel, no padding: `data.len() == width * height * 3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub width: usize,
    pub height: usize,
    pub data: Vec<u8>,
}

impl Image {
    /// # Panics
    /// When `data` is not `width * height * 3` bytes.
    pub fn new(width: usize, height: usize, data: Vec<u8>) -> Self {
        assert_eq!(data.len(), width * height * 3, "an RGB picture of {width} x {height}");
        Image { width, height, data }
    }

    /// As JPEG of `quality` 1 to 100.
    ///
    /// # Panics
    /// When a side is 0 or over 65,535 pixels.
    pub fn to_jpeg(&self, quality: u8, colour: JpegColour) -> Vec<u8> {
        let side = |side: usize| u16::try_from(side).expect("a JPEG has sides of at most 65,535 pixels");
        let mut bytes = Vec::with_capacity(self.data.len() / 4);
        let mut encoder = Encoder::new(&mut bytes, quality);
        encoder.set_sampling_factor(match colour {
            JpegColour::Full => SamplingFactor::R_4_4_4,
            JpegColour::Half => SamplingFactor::R_4_2_0,
        });
        let encoded = encoder.encode(&self.data, side(self.width), side(self.height), ColorType::Rgb);
        encoded.expect("writing to memory does not fail");
        bytes
    }
}

/// The resolution of colour in a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JpegColour {
    /// That of the picture (4:4:4).
    Full,
    /// Half of it each way (4:2:0), as video has it.
    Half,
}

/// A decoded frame. `index` counts decoded frames from 0; of a list of images it is the place in the list, so that one
/// that cannot be read leaves a gap. `pts_s` is the presentation time in seconds from the container's start, strictly
/// increasing within a video.
#[derive(Debug, Clone)]
pub struct Frame {
    pub index: u64,
    pub pts_s: f64,
    pub image: Image,
    /// Of a list of images.
    pub picture: Option<Picture>,
}

/// The file that a frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its name; with folders where the pictures of a list lie in several.
    pub file: Arc<str>,
    /// Numbers that are missing between the name of the picture before and its own.
    pub missing: u64,
}
