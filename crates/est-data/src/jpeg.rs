//! Crops as JPEG.

use est_media::Image;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// A picture as JPEG of `quality` 1 to 100, without chroma subsampling.
///
/// # Panics
/// When a side is 0 or over 65,535 pixels.
pub(crate) fn encode(image: &Image, quality: u8) -> Vec<u8> {
    let side = |side: usize| u16::try_from(side).expect("a JPEG has sides of at most 65,535 pixels");
    let mut bytes = Vec::with_capacity(image.data.len() / 4);
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    encoder
        .encode(&image.data, side(image.width), side(image.height), ColorType::Rgb)
        .expect("writing to memory does not fail");
    bytes
}
