//! A window of a picture, resampled.

use std::iter::repeat_n;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::Image;

/// A rectangle of the picture's plane in pixels, with fractions; it may reach over the picture's edge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Window {
    pub fn all(image: &Image) -> Self {
        Window { x: 0.0, y: 0.0, w: image.width as f64, h: image.height as f64 }
    }
}

/// Half the width of the widest filter used here (Catmull-Rom), in pixels of the coarser of the two pictures.
const SUPPORT: f64 = 2.0;

/// What `window` shows, as a picture of `width` x `height`. The filter grows with the reduction, so nothing aliases.
/// The picture's edge pixels are repeated where the window reaches outside.
///
/// # Panics
/// When the window or the result is empty, or the window not finite.
pub(crate) fn resample(image: &Image, window: Window, width: usize, height: usize, filter: FilterType) -> Image {
    let Window { x, y, w, h } = window;
    assert!(x.is_finite() && y.is_finite() && w > 0.0 && h > 0.0, "{window:?}");
    assert!(width > 0 && height > 0 && image.width > 0 && image.height > 0);
    let inside = x >= 0.0 && y >= 0.0 && x + w <= image.width as f64 && y + h <= image.height as f64;
    if inside {
        return resize(image, window, width, height, filter);
    }
    let reach = |side: f64, pixels: usize| (SUPPORT * (side / pixels as f64).max(1.0)).ceil() + 1.0;
    let (reach_x, reach_y) = (reach(w, width), reach(h, height));
    let (left, top) = (x.floor() - reach_x, y.floor() - reach_y);
    let wide = ((x + w).ceil() + reach_x - left) as usize;
    let high = ((y + h).ceil() + reach_y - top) as usize;
    let around = repeat_edges(image, left as i64, top as i64, wide, high);
    let window = Window { x: x - left, y: y - top, w, h };
    resize(&around, window, width, height, filter)
}

/// The pixel type is named: the crate's call for any type compiles its filters for all eighteen into this crate, which took
/// two thirds of its building time.
fn resize(image: &Image, window: Window, width: usize, height: usize, filter: FilterType) -> Image {
    let source = TypedImageRef::<U8x3>::from_buffer(image.width as u32, image.height as u32, &image.data)
        .expect("an Image holds three bytes a pixel");
    let mut data = vec![0; width * height * 3];
    let mut result = TypedImage::<U8x3>::from_buffer(width as u32, height as u32, &mut data)
        .expect("three bytes a pixel were just laid out");
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(window.x, window.y, window.w, window.h);
    Resizer::new().resize_typed(&source, &mut result, &options).expect("the window lies inside");
    Image::new(width, height, data)
}

/// The rectangle from (`left`, `top`), each pixel outside the picture taken from the nearest inside.
fn repeat_edges(image: &Image, left: i64, top: i64, width: usize, height: usize) -> Image {
    let row = |y: usize| (top + y as i64).clamp(0, image.height as i64 - 1) as usize;
    // Columns up to `first` lie left of the picture, those from `end` on right of it.
    let within = |x: i64| x.clamp(0, width as i64) as usize;
    let (first, end) = (within(-left), within(image.width as i64 - left));
    let mut data = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        let (pixels, _) = image.data[row(y) * image.width * 3..][..image.width * 3].as_chunks::<3>();
        data.extend(repeat_n(pixels[0], first).flatten());
        if first < end {
            let start = (left + first as i64) as usize;
            data.extend_from_slice(pixels[start..start + end - first].as_flattened());
        }
        data.extend(repeat_n(pixels[image.width - 1], width - end).flatten());
    }
    Image::new(width, height, data)
}
