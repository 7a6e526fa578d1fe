//! The five-point alignment: rotation, size and place of a face taken out by a similarity transform.

use fast_image_resize::FilterType;

use crate::crop::LARGEST_WINDOW;
use crate::resample::{Window, resample};
use crate::{Image, Landmarks};

/// Where the five points of a frontal face lie in a square of side 112: the template of ArcFace (Deng et al. 2019),
/// whose numbers count pixels by their centres; half a pixel makes them positions from the corner.
const TEMPLATE: Landmarks =
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]];
const TEMPLATE_SIDE: f64 = 112.0;

/// (x, y) -> (a x - b y + tx, b x + a y + ty): rotation and one scale for both axes, never a reflection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Similarity {
    a: f64,
    b: f64,
    tx: f64,
    ty: f64,
}

impl Similarity {
    /// The least-squares fit of `from` onto `to` (Umeyama 1991, in two dimensions); none when `from` is one place.
    pub fn fit(from: &[[f64; 2]; 5], to: &[[f64; 2]; 5]) -> Option<Self> {
        let mean = |points: &[[f64; 2]; 5]| [0, 1].map(|axis| points.iter().map(|p| p[axis]).sum::<f64>() / 5.0);
        let (from_mean, to_mean) = (mean(from), mean(to));
        let (mut a, mut b, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let (x, y) = (p[0] - from_mean[0], p[1] - from_mean[1]);
            let (u, v) = (q[0] - to_mean[0], q[1] - to_mean[1]);
            a += x * u + y * v;
            b += x * v - y * u;
            spread += x * x + y * y;
        }
        let (a, b) = (a / spread, b / spread);
        let fit = Similarity {
            a,
            b,
            tx: to_mean[0] - a * from_mean[0] + b * from_mean[1],
            ty: to_mean[1] - b * from_mean[0] - a * from_mean[1],
        };
        (fit.scale() > 0.0 && fit.scale().is_finite()).then_some(fit)
    }

    /// From the picture into a square of `size` pixels, the face upright in it; `scale` as in [`est_nets::Crop::Aligned`].
    /// None when the landmarks fix no transform.
    pub fn onto_template(landmarks: &Landmarks, scale: f32, size: usize) -> Option<Self> {
        let side = size as f64;
        let place = |t: f32| side * (0.5 + f64::from(scale) * ((f64::from(t) + 0.5) / TEMPLATE_SIDE - 0.5));
        Self::fit(&landmarks.map(|p| p.map(f64::from)), &TEMPLATE.map(|p| p.map(place)))
    }

    /// [`Similarity::fit`] with the sum of the squared distances that it leaves.
    pub fn fit_with_error(from: &[[f64; 2]; 5], to: &[[f64; 2]; 5]) -> Option<(Self, f64)> {
        let fit = Self::fit(from, to)?;
        let square = |(from, to): (&[f64; 2], &[f64; 2])| {
            let [x, y] = fit.apply(*from);
            (x - to[0]).powi(2) + (y - to[1]).powi(2)
        };
        Some((fit, from.iter().zip(to).map(square).sum()))
    }

    /// From the picture into a square of `size` pixels: the square of `side` about `centre`, which is turned clockwise by
    /// `degrees` in the picture.
    pub fn upright(centre: [f64; 2], side: f64, degrees: f64, size: usize) -> Self {
        let scale = size as f64 / side;
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (a, b) = (scale * cos, -scale * sin);
        let middle = size as f64 / 2.0;
        Similarity { a, b, tx: middle - a * centre[0] + b * centre[1], ty: middle - b * centre[0] - a * centre[1] }
    }

    /// How far it turns clockwise, in (-180, 180].
    pub fn degrees(&self) -> f64 {
        self.b.atan2(self.a).to_degrees()
    }

    pub fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }

    pub fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [self.a * x - self.b * y + self.tx, self.b * x + self.a * y + self.ty]
    }

    pub fn inverse(&self) -> Self {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        Similarity { a, b, tx: b * self.ty - a * self.tx, ty: -b * self.tx - a * self.ty }
    }
}

/// The face turned upright into a square of `size` pixels; `scale` as in [`est_nets::Crop::Aligned`]. None when the
/// landmarks fix no transform, or one that would show far more than the picture.
pub(crate) fn aligned(image: &Image, landmarks: &Landmarks, scale: f32, size: usize) -> Option<Image> {
    transformed(image, &Similarity::onto_template(landmarks, scale, size)?, size)
}

/// The square of `size` pixels into which `fit` takes the picture. None when it would show far more than the picture.
pub(crate) fn transformed(image: &Image, fit: &Similarity, size: usize) -> Option<Image> {
    let side = size as f64;
    let back = fit.inverse();

    // The part of the picture under the crop, reduced first to the crop's scale, so that the turn itself does not
    // alias; an enlargement needs no such step.
    let reduction = fit.scale().min(1.0);
    let corners = [[0.0, 0.0], [side, 0.0], [0.0, side], [side, side]].map(|corner| back.apply(corner));
    let bounds = |axis: usize| {
        let low = corners.iter().map(|c| c[axis]).fold(f64::INFINITY, f64::min);
        let high = corners.iter().map(|c| c[axis]).fold(f64::NEG_INFINITY, f64::max);
        // Room for the sampler's neighbours. Whole pixels, so that a region of full size is copied as it is.
        let (low, high) = (low - 3.0 / reduction, high + 3.0 / reduction);
        (low.floor(), ((high - low.floor()) * reduction).ceil())
    };
    let ((x, width), (y, height)) = (bounds(0), bounds(1));
    let window = Window { x, y, w: width / reduction, h: height / reduction };
    if window.w.max(window.h) > LARGEST_WINDOW * image.width.max(image.height) as f64 {
        return None;
    }
    let region = resample(image, window, width as usize, height as usize, FilterType::CatmullRom);

    let mut data = Vec::with_capacity(size * size * 3);
    for row in 0..size {
        for column in 0..size {
            let [px, py] = back.apply([column as f64 + 0.5, row as f64 + 0.5]);
            data.extend(bicubic(&region, (px - x) * reduction - 0.5, (py - y) * reduction - 0.5));
        }
    }
    Some(Image::new(size, size, data))
}

/// The picture's value at (`x`, `y`), counted by pixel centres, by the Catmull-Rom cubic through 4 x 4 neighbours.
fn bicubic(image: &Image, x: f64, y: f64) -> [u8; 3] {
    let (wx, wy) = (catmull_rom(x - x.floor()), catmull_rom(y - y.floor()));
    let neighbour =
        |at: f64, k: usize, side: usize| (at.floor() as i64 + k as i64 - 1).clamp(0, side as i64 - 1) as usize;
    let mut sum = [0.0f32; 3];
    for (j, wy) in wy.iter().enumerate() {
        let row = neighbour(y, j, image.height) * image.width;
        for (i, wx) in wx.iter().enumerate() {
            let pixel = &image.data[(row + neighbour(x, i, image.width)) * 3..][..3];
            for (sum, &value) in sum.iter_mut().zip(pixel) {
                *sum += wy * wx * f32::from(value);
            }
        }
    }
    sum.map(|value| value.round().clamp(0.0, 255.0) as u8)
}

/// Weights of the neighbours at -1, 0, 1 and 2 for a place `t` in [0, 1) between 0 and 1.
fn catmull_rom(t: f64) -> [f32; 4] {
    let (t, t2, t3) = (t as f32, (t * t) as f32, (t * t * t) as f32);
    [-0.5 * t + t2 - 0.5 * t3, 1.0 - 2.5 * t2 + 1.5 * t3, 0.5 * t + 2.0 * t2 - 1.5 * t3, -0.5 * t2 + 0.5 * t3]
}
