//! A face as the square picture that the frame encoder reads.

use est_nets::{Crop, Preprocessing};
use fast_image_resize::FilterType;

use crate::align::{self, Similarity};
use crate::resample::{Window, resample};
use crate::{Face, HeadPose, Image, Rect};

/// A window never gets more than this many times as wide as the picture's longer side: a box far beyond that is no
/// face, and the repeated edge around it would only cost memory.
pub(crate) const LARGEST_WINDOW: f64 = 4.0;

/// The square crop of `face`, `preprocessing.size` pixels wide: bicubic (Catmull-Rom), widened when it reduces so that
/// nothing aliases; where the square reaches over the picture's edge, the edge pixels are repeated.
///
/// With [`Preprocessing::upright_beyond`] the square of a face that is tilted by more is turned with it, see [`turn`]; up to
/// there the crop is the same, byte for byte, as without.
///
/// [`Crop::Aligned`] falls back on the upright square when the landmarks say nothing (all in one place).
pub fn crop(image: &Image, face: &Face, preprocessing: &Preprocessing) -> Image {
    let size = preprocessing.size;
    match preprocessing.crop {
        Crop::Square { margin } => {
            let turned = preprocessing.upright_beyond.and_then(|beyond| turned(image, face, margin, beyond, size));
            turned.unwrap_or_else(|| square(image, face.rect, margin, size))
        }
        Crop::Aligned { scale } => align::aligned(image, &face.landmarks, scale, size)
            .unwrap_or_else(|| square(image, face.rect, 1.0 / scale, size)),
    }
}

/// The square of a face whose roll is beyond `beyond` degrees, turned with it; None for others.
fn turned(image: &Image, face: &Face, margin: f32, beyond: f32, size: usize) -> Option<Image> {
    let roll = HeadPose::of(&face.landmarks)?.roll;
    let turn = turn(roll, beyond);
    if turn == 0.0 {
        return None;
    }
    let (upright, tilted) = (tilted_length(face.rect), face.rect.w.max(face.rect.h));
    let side = f64::from(margin * (tilted + turn / roll * (upright - tilted)));
    let longest = LARGEST_WINDOW * image.width.max(image.height) as f64;
    let fit = Similarity::upright(face.rect.centre().map(f64::from), side.clamp(1.0, longest), turn.into(), size);
    align::transformed(image, &fit, size)
}

/// By how much a crop is turned for a face of this `roll`: not at all up to `beyond` degrees, wholly from twice as many on,
/// and evenly more in between. A face that moves about one angle would otherwise be read now upright and now tilted.
fn turn(roll: f32, beyond: f32) -> f32 {
    (2.0 * (roll.abs() - beyond)).clamp(0.0, roll.abs()).copysign(roll)
}

/// How many times as high as wide the box of an upright face is: the median of 102 people (1.26 to 1.45).
const HEIGHT: f32 = 1.33;

/// The height that the box of a tilted face would have if it were upright. A face fills its box like an ellipse does, and
/// however that is turned, the squares of its box's sides have the same sum.
fn tilted_length(Rect { w, h, .. }: Rect) -> f32 {
    ((w * w + h * h) / (1.0 + 1.0 / (HEIGHT * HEIGHT))).sqrt()
}

/// The box of the ellipse in a `w` x `h` box about `centre` that is turned by `degrees`.
pub(crate) fn box_of_tilted([x, y]: [f32; 2], w: f32, h: f32, degrees: f32) -> Rect {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (w, h) = ((w * cos).hypot(h * sin), (w * sin).hypot(h * cos));
    Rect { x: x - w / 2.0, y: y - h / 2.0, w, h }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_turn_without_a_jump() {
        assert_eq!([0.0, 19.9, -20.0].map(|roll| turn(roll, 20.0)), [0.0; 3]);
        assert_eq!([30.0, -30.0, 40.0, 90.0, -180.0].map(|roll| turn(roll, 20.0)), [20.0, -20.0, 40.0, 90.0, -180.0]);
        let steps = (-1800..1800).map(|k| turn(k as f32 / 10.0 + 0.1, 20.0) - turn(k as f32 / 10.0, 20.0));
        // Twice the step of the roll, and rounding.
        assert!(steps.into_iter().all(|step| (-1e-4..0.2001).contains(&step)));
    }

    #[test]
    fn a_tilted_box_tells_how_high_the_upright_one_is() {
        for degrees in [0.0, 30.0, 45.0, 90.0, 180.0, -120.0] {
            let rect = box_of_tilted([50.0, 60.0], 60.0, 60.0 * HEIGHT, degrees);
            assert!((tilted_length(rect) - 60.0 * HEIGHT).abs() < 1e-3, "{degrees}");
            assert!((rect.centre()[0] - 50.0).abs() < 1e-3 && (rect.centre()[1] - 60.0).abs() < 1e-3);
        }
        let lying = box_of_tilted([0.0; 2], 60.0, 80.0, 90.0);
        assert!((lying.w - 80.0).abs() < 1e-3 && (lying.h - 60.0).abs() < 1e-3);
    }
}
