//! A face as the square picture that the frame encoder reads.

use est_nets::{Crop, Preprocessing};
use fast_image_resize::FilterType;

use crate::align;
use crate::resample::{Window, resample};
use crate::{Face, Image, Rect};

/// A window never gets more than this many times as wide as the picture's longer side: a box far beyond that is no
/// face, and the repeated edge around it would only cost memory.
pub(crate) const LARGEST_WINDOW: f64 = 4.0;

/// The square crop of `face`, `preprocessing.size` pixels wide: bicubic (Catmull-Rom), widened when it reduces so that
/// nothing aliases; where the square reaches over the picture's edge, the edge pixels are repeated.
///
/// [`Crop::Aligned`] falls back on the upright square when the landmarks say nothing (all in one place).
pub fn crop(image: &Image, face: &Face, preprocessing: &Preprocessing) -> Image {
    let size = preprocessing.size;
    match preprocessing.crop {
        Crop::Square { margin } => square(image, face.rect, margin, size),
        Crop::Aligned { scale } => align::aligned(image, &face.landmarks, scale, size)
            .unwrap_or_else(|| square(image, face.rect, 1.0 / scale, size)),
    }
}

/// A crop in another size, by the filter that crops are made with.
pub fn resize(image: &Image, width: usize, height: usize) -> Image {
    resample(image, Window::all(image), width, height, FilterType::CatmullRom)
}

/// A picture in another size, bilinear.
pub fn resize_bilinear(image: &Image, width: usize, height: usize) -> Image {
    resample(image, Window::all(image), width, height, FilterType::Bilinear)
}

/// The middle of a square crop, `share` of its side, as a crop of `size` pixels.
pub fn middle(image: &Image, share: f32, size: usize) -> Image {
    square(image, Rect { x: 0.0, y: 0.0, w: image.width as f32, h: image.height as f32 }, share, size)
}

/// The upright square around the box's centre whose side is `margin` times the box's longer side.
fn square(image: &Image, rect: Rect, margin: f32, size: usize) -> Image {
    let longest = LARGEST_WINDOW * image.width.max(image.height) as f64;
    let side = (f64::from(margin) * f64::from(rect.w.max(rect.h))).clamp(1.0, longest);
    let [x, y] = rect.centre().map(f64::from);
    let window = Window { x: x - side / 2.0, y: y - side / 2.0, w: side, h: side };
    resample(image, window, size, size, FilterType::CatmullRom)
}
