//! What recording does: fewer pixels, and compression.

use est_media::{Image, JpegColour};
use fast_image_resize::images::{Image as Pixels, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

/// The picture with `factor` times fewer pixels a side, and back at its size.
pub(super) fn coarsen(image: &mut Image, factor: f32) {
    let fewer = |side: usize| ((side as f32 / factor) as usize).max(1);
    let small = resized(&image.data, [image.width, image.height], [fewer(image.width), fewer(image.height)]);
    image.data = resized(&small, [fewer(image.width), fewer(image.height)], [image.width, image.height]);
}

fn resized(data: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    let source = ImageRef::new(from[0] as u32, from[1] as u32, data, PixelType::U8x3).expect("data of this size");
    let mut target = Pixels::new(to[0] as u32, to[1] as u32, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&source, &mut target, &options).expect("both are U8x3");
    target.into_vec()
}

/// Encoded as JPEG of `quality` (1 to 100), with colour at half resolution as video has it, and decoded.
pub(super) fn compress(image: &mut Image, quality: u8) {
    let jpeg = image.to_jpeg(quality, JpegColour::Half);
    image.data = JpegDecoder::new(ZCursor::new(&jpeg)).decode().expect("a JPEG just encoded");
}
