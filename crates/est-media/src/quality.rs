//! How usable the crop of a face is.

use fast_image_resize::FilterType;

use crate::pose::Fitted;
use crate::resample::{Window, resample};
use crate::{Face, HeadPose, Image, Landmarks, Rect, covered};

/// A face of lower quality is marked as such: its expression is guesswork.
pub const LOW_QUALITY: f32 = 0.3;

/// What the quality is made of, each in [0, 1], 1 for good.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// The box's shorter side in pixels.
    pub size: f32,
    /// Fine detail, but not so fine that it is noise: the variance of the Laplacian as a share of the variance of the face.
    pub sharpness: f32,
    /// How far the face is turned to the camera, from the symmetry of the landmarks.
    pub frontality: f32,
    /// Whether the five points are those of a face at all: misplaced ones are of a face that lies, or of none.
    pub shape: f32,
    /// Whether eyes and mouth show: 0 where a mask, a hand, dark glasses or a hat covers them.
    pub open: f32,
    /// Contrast that is neither crushed nor burnt out. Deliberately not the brightness: skin may be of any.
    pub exposure: f32,
    /// Share of the box inside the picture.
    pub inside: f32,
    /// The detector's score.
    pub score: f32,
}

impl Quality {
    /// `face.quality` is not read.
    pub fn of(image: &Image, face: &Face) -> Self {
        let all = Rect { x: 0.0, y: 0.0, w: image.width as f32, h: image.height as f32 };
        let rect = face.rect;
        let (left, top) = (rect.x.max(0.0), rect.y.max(0.0));
        let (right, bottom) = ((rect.x + rect.w).min(all.w), (rect.y + rect.h).min(all.h));
        let (mut sharpness, mut exposure) = (0.0, 0.0);
        if right - left >= 1.0 && bottom - top >= 1.0 {
            let [x, y, w, h] = [left, top, right - left, bottom - top].map(f64::from);
            let window = Window { x, y, w, h };
            let luma = luma(&resample(image, window, SIDE, SIDE, FilterType::Bilinear));
            sharpness = self::sharpness(&luma);
            exposure = self::exposure(&luma);
        }
        Quality {
            size: ramp(rect.w.min(rect.h), SIZE),
            sharpness,
            frontality: frontality(&face.landmarks),
            shape: shape(&face.landmarks),
            open: covered::open(image, &face.landmarks),
            exposure,
            inside: (rect.shared(&all) / rect.area()).min(1.0),
            score: face.score,
        }
    }

    /// The worst of them: a crop is as usable as what is wrong with it.
    pub fn overall(&self) -> f32 {
        let Quality { size, sharpness, frontality, shape, open, exposure, inside, score } = *self;
        [size, sharpness, frontality, shape, open, exposure, inside, score].into_iter().fold(1.0, f32::min).max(0.0)
    }
}

/// How upright a face is, for a model whose crops nobody turns: not part of [`Quality`], which is of the picture alone.
pub fn uprightness(landmarks: &Landmarks) -> f32 {
    HeadPose::of(landmarks).map_or(0.0, |pose| ramp(pose.roll.abs(), ROLL))
}

/// [`Quality::overall`] of a face in its picture.
pub fn quality(image: &Image, face: &Face) -> f32 {
    Quality::of(image, face).overall()
}

/// Side of the small picture that sharpness and exposure are judged on, in pixels.
const SIDE: usize = 64;

// Where 0 lies and where 1. Figures are of eight real faces in videos of 240 to 540 lines.

/// Pixels. With [`LOW_QUALITY`] a box below 23 pixels is marked.
const SIZE: [f32; 2] = [12.0, 48.0];
/// Logarithm of the share (0.006 and 0.08), which falls with blur as a power. Sharp faces have 0.08 to 0.35; reduced to
/// 48, 24, 16, 12 pixels and enlarged again 0.09, 0.035, 0.014, 0.010; blurred by 1, 2, 3, 5 % of the face's size
/// 0.09, 0.03, 0.012, 0.004. With [`LOW_QUALITY`] the detail of 16 pixels is just enough.
const SHARPNESS: [f32; 2] = [-5.116, -2.526];
/// The same from above (2 and 0.6): what has more fine detail than a face is grain. Of 51 portraits 60 pixels wide, under noise of
/// 10, 20, 30, 45 levels, the median share is 0.36, 0.69, 1.1, 2.1 and 88, 80, 69, 59 % of the labels are right (without noise
/// 0.26 and 90 %). With [`LOW_QUALITY`] a share of 1.4 is too much.
const GRAIN: [f32; 2] = [0.693, -0.511];
/// Distance of the nose tip from the middle between the eyes, in half eye distances: 1 is below an eye. About 0.8 times
/// the tangent of the head's turn, so 0.2 at 15 degrees; with [`LOW_QUALITY`] turns beyond some 48 degrees are marked.
const TURN: [f32; 2] = [1.2, 0.2];
/// What the mean head leaves of the points ([`Fitted::error`]). Upright portraits have 0.01 to 0.11, faces upside down whose
/// points were taken for upright ones 0.18 to 0.38.
const MISFIT: [f32; 2] = [0.18, 0.13];
/// Degrees of roll, for crops that are not turned: smiles are right at 15, 8 of 10 at 30, and none at 45.
const ROLL: [f32; 2] = [42.0, 20.0];
/// Grey levels between the 5th and the 95th percentile.
const SPREAD: [f32; 2] = [10.0, 50.0];
/// Grey levels beyond which a pixel counts as crushed or burnt out.
const USABLE: std::ops::RangeInclusive<f32> = 4.0..=251.0;

pub(crate) fn ramp(value: f32, [zero, one]: [f32; 2]) -> f32 {
    ((value - zero) / (one - zero)).clamp(0.0, 1.0)
}

/// Brightness by the weights of BT.601.
pub(crate) fn grey([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// The same of every pixel, 0 to 255.
pub(crate) fn luma(image: &Image) -> Vec<f32> {
    image.data.as_chunks().0.iter().map(|pixel| grey(pixel.map(f32::from))).collect()
}

pub(crate) fn variance(values: &[f32]) -> f32 {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / values.len() as f32
}

fn sharpness(luma: &[f32]) -> f32 {
    let at = |x: usize, y: usize| luma[y * SIDE + x];
    let inner = 1..SIDE - 1;
    let laplacian: Vec<f32> = inner
        .clone()
        .flat_map(|y| inner.clone().map(move |x| (x, y)))
        .map(|(x, y)| at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4.0 * at(x, y))
        .collect();
    let detail = (variance(&laplacian) / variance(luma).max(1.0)).ln();
    ramp(detail, SHARPNESS).min(ramp(detail, GRAIN))
}

fn exposure(luma: &[f32]) -> f32 {
    let mut values = luma.to_vec();
    let mut ranked = |place: usize| *values.select_nth_unstable_by(place, f32::total_cmp).1;
    let spread = ranked(luma.len() * 19 / 20) - ranked(luma.len() / 20);
    let lost = luma.iter().filter(|value| !USABLE.contains(value)).count();
    ramp(spread, SPREAD).min(1.0 - lost as f32 / luma.len() as f32)
}

fn frontality(landmarks: &Landmarks) -> f32 {
    let [left, right, nose, ..] = *landmarks;
    let axis = [right[0] - left[0], right[1] - left[1]];
    let length = axis[0] * axis[0] + axis[1] * axis[1];
    let along = ((nose[0] - left[0]) * axis[0] + (nose[1] - left[1]) * axis[1]) / length;
    let turn = (2.0 * along - 1.0).abs();
    // Eyes in one place say nothing.
    if turn.is_finite() { ramp(turn, TURN) } else { 0.0 }
}

fn shape(landmarks: &Landmarks) -> f32 {
    HeadPose::fit(landmarks).map_or(0.0, |Fitted { error, .. }| ramp(error, MISFIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frontal face of `side` pixels, 20 pixels from the picture's top left corner.
    fn face(side: f32) -> Face {
        let at = |x: f32, y: f32| [20.0 + x * side, 20.0 + y * side];
        Face {
            track: 1,
            rect: Rect { x: 20.0, y: 20.0, w: side, h: side },
            landmarks: [at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.35, 0.8), at(0.65, 0.8)],
            score: 0.99,
            quality: 0.0,
            interpolated: false,
        }
    }

    /// Waves `period` pixels long around `level`.
    fn waves(side: usize, period: f32, level: f32, height: f32) -> Image {
        let pixel = |k: usize| {
            let (x, y) = ((k % side) as f32, (k / side) as f32);
            let turn = std::f32::consts::TAU / period;
            [(level + height * (x * turn).sin() * (y * turn).cos()).round().clamp(0.0, 255.0) as u8; 3]
        };
        Image::new(side, side, (0..side * side).flat_map(pixel).collect())
    }

    #[test]
    fn a_good_face_is_good() {
        let quality = Quality::of(&waves(200, 24.0, 120.0, 100.0), &face(128.0));
        let one = Quality {
            size: 1.0,
            sharpness: 1.0,
            frontality: 1.0,
            shape: 1.0,
            open: 1.0,
            exposure: 1.0,
            inside: 1.0,
            score: 0.99,
        };
        assert_eq!(quality, one);
        assert_eq!(quality.overall(), 0.99);
    }

    #[test]
    fn blur_lowers_sharpness() {
        let sharpness = [24.0, 48.0, 64.0, 128.0].map(|period| {
            let quality = Quality::of(&waves(200, period, 120.0, 100.0), &face(128.0));
            quality.sharpness
        });
        assert!(sharpness.is_sorted_by(|a, b| a > b), "{sharpness:?}");
        assert_eq!((sharpness[0], sharpness[3]), (1.0, 0.0));
    }

    #[test]
    fn grain_is_not_sharp() {
        let sharpness = |period: f32| Quality::of(&waves(200, period, 120.0, 100.0), &face(64.0)).sharpness;
        assert_eq!(sharpness(12.0), 1.0);
        assert!(sharpness(4.0) < LOW_QUALITY && sharpness(3.0) == 0.0);
    }

    /// Skin may be dark or light: the same contrast at any brightness counts the same, until black or white swallow it.
    #[test]
    fn brightness_does_not_count() {
        let exposure = |level: f32, height: f32| Quality::of(&waves(200, 12.0, level, height), &face(128.0)).exposure;
        assert_eq!([50.0, 120.0, 205.0].map(|level| exposure(level, 40.0)), [1.0; 3]);
        assert!(exposure(120.0, 8.0) < LOW_QUALITY, "no contrast");
        assert!(exposure(-20.0, 40.0) < LOW_QUALITY, "crushed");
        assert!(exposure(275.0, 40.0) < LOW_QUALITY, "burnt out");
    }

    #[test]
    fn tilted_faces_are_low_where_nobody_turns_them() {
        let uprightness = [0.0f32, 15.0, 30.0, 45.0, 90.0, 180.0].map(|degrees| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            uprightness(&face(100.0).landmarks.map(|[x, y]| [cos * x - sin * y, sin * x + cos * y]))
        });
        assert_eq!(uprightness[..2], [1.0; 2]);
        assert!(
            uprightness[2] > LOW_QUALITY && uprightness[3..].iter().all(|&low| low < LOW_QUALITY),
            "{uprightness:?}"
        );
    }

    #[test]
    fn small_faces_and_faces_cut_off_are_low() {
        let image = waves(200, 24.0, 120.0, 100.0);
        assert!(Quality::of(&image, &face(20.0)).overall() < LOW_QUALITY);
        let mut beyond = face(100.0);
        beyond.rect.x = -75.0;
        assert_eq!(Quality::of(&image, &beyond).overall(), 0.25);
        beyond.rect.x = -200.0;
        assert_eq!(quality(&image, &beyond), 0.0);
    }

    #[test]
    fn turned_faces_are_low() {
        let image = waves(200, 12.0, 120.0, 100.0);
        let turned = |x: f32, degrees: f32| {
            let mut face = face(100.0);
            face.landmarks[2][0] = 20.0 + 100.0 * x;
            // Turned in the plane of the picture: that is not away from the camera.
            let (sin, cos) = degrees.to_radians().sin_cos();
            face.landmarks = face.landmarks.map(|[x, y]| [cos * x - sin * y, sin * x + cos * y]);
            Quality::of(&image, &face).frontality
        };
        for degrees in [0.0, 30.0, 180.0] {
            // Rounding of the turned points.
            assert!((turned(0.5, degrees) - 1.0).abs() < 1e-5);
            assert!((turned(0.64, degrees) - 0.5).abs() < 1e-5 && (turned(0.36, degrees) - 0.5).abs() < 1e-5);
            assert_eq!(turned(0.75, degrees), 0.0);
        }
        let mut nowhere = face(100.0);
        nowhere.landmarks = [[f32::NAN; 2]; 5];
        assert_eq!(quality(&image, &nowhere), 0.0);
        nowhere.landmarks = [[50.0; 2]; 5];
        assert_eq!(quality(&image, &nowhere), 0.0);
    }
}
