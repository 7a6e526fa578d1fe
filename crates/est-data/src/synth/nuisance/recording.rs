//! What recording does: fewer pixels, and compression.

use est_media::{Image, JpegColour, resize_bilinear};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

/// The picture with `factor` times fewer pixels a side, and back at its size.
pub(super) fn coarsen(image: &mut Image, factor: f32) {
    let fewer = |side: usize| ((side as f32 / factor) as usize).max(1);
    let small = resize_bilinear(image, fewer(image.width), fewer(image.height));
    *image = resize_bilinear(&small, image.width, image.height);
}

/// Encoded as JPEG of `quality` (1 to 100), with colour at half resolution as video has it, and decoded.
pub(super) fn compress(image: &mut Image, quality: u8) {
    let jpeg = image.to_jpeg(quality, JpegColour::Half);
    image.data = JpegDecoder::new(ZCursor::new(&jpeg)).decode().expect("a JPEG just encoded");
}
