//! Changes of the pictures that keep the label. All are off in `paper`; each is the same for every frame of a clip, so
//! that no movement is added.

use est_media::Image;
use est_nets::Noise;
use serde::{Deserialize, Serialize};

/// How clips are changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Probability of a mirrored clip.
    pub flip: f64,
    /// Brightness, contrast and saturation are each multiplied by a factor drawn from 1 - jitter to 1 + jitter.
    pub jitter: f64,
    /// Probability that a rectangle of 2 to 20 % of the picture is painted grey.
    pub erase: f64,
    /// Probability of a clip without colours.
    pub grey: f64,
    /// How far the face is moved: at 0.1 up to 10 % larger or smaller, 5 % of a side off its place, turned by 6 degrees.
    pub shift: f64,
    /// Probability that the picture ends within the crop, by up to a fifth of a side at each of its sides: beyond it its
    /// edge goes on, as in the crops of faces that somebody cut out before.
    pub border: f64,
}

impl Augment {
    /// SPEC section 1: "no other augmentation in `paper`".
    pub const PAPER: Augment = Augment { flip: 0.0, jitter: 0.0, erase: 0.0, grey: 0.0, shift: 0.0, border: 0.0 };

    /// The change of `clip` in `epoch`.
    pub fn draw(&self, seed: u64, epoch: u32, clip: usize) -> Change {
        let noise = Noise::new(seed, &format!("change in epoch {epoch} of clip {clip}"));
        let factor = |i: u64| noise.uniform(i, 1.0 - self.jitter, 1.0 + self.jitter);
        let erased = noise.unit(4) < self.erase;
        let rectangle = || {
            let (area, ratio) = (0.02 + 0.18 * noise.unit(5), (0.5 * (2.0 * noise.unit(6) - 1.0)).exp2());
            let (w, h) = ((area * ratio).sqrt().min(1.0), (area / ratio).sqrt().min(1.0));
            [noise.unit(7) * (1.0 - w), noise.unit(8) * (1.0 - h), w, h]
        };
        let grey = noise.unit(9) < self.grey;
        let factors = || [factor(1), factor(2), if grey { 0.0 } else { factor(3) }];
        // Squared: mostly little is missing.
        let missing = |i: u64| 0.2 * noise.unit(i).powi(2);
        let moved = |i: u64| noise.uniform(i, -self.shift, self.shift);
        Change {
            flip: noise.unit(0) < self.flip,
            factors: (self.jitter > 0.0 || grey).then(factors),
            placed: (self.shift > 0.0).then(|| [1.0 + moved(10), 0.5 * moved(11), 0.5 * moved(12), moved(13)]),
            erase: erased.then(rectangle),
            ends: (noise.unit(14) < self.border).then(|| [15, 16, 17, 18].map(missing)),
        }
    }

    pub(crate) fn is_off(&self) -> bool {
        *self == Augment::PAPER
    }

    pub(crate) fn problem(&self) -> Option<String> {
        let fields = [
            ("flip", self.flip),
            ("jitter", self.jitter),
            ("erase", self.erase),
            ("grey", self.grey),
            ("shift", self.shift),
            ("border", self.border),
        ];
        let wrong = fields.into_iter().find(|(_, value)| !(0.0..=1.0).contains(value))?;
        Some(format!("augment.{} is {}, not between 0 and 1", wrong.0, wrong.1))
    }
}

impl Default for Augment {
    fn default() -> Self {
        Augment::PAPER
    }
}

/// One clip's change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    pub flip: bool,
    /// Of brightness, contrast and saturation.
    pub factors: Option<[f32; 3]>,
    /// Zoom about the middle, then displacement right and down in sides, then the turn in radians.
    pub placed: Option<[f32; 4]>,
    /// x, y, width and height as shares of the sides.
    pub erase: Option<[f64; 4]>,
    /// How much is missing at the left, the right, the top and the bottom, in sides.
    pub ends: Option<[f64; 4]>,
}

impl Change {
    pub fn apply(&self, image: &mut Image) {
        let (width, height) = (image.width, image.height);
        if let Some(placed) = self.placed {
            *image = place(image, placed);
        }
        if let Some(factors) = self.factors {
            jitter(&mut image.data, factors);
        }
        if self.flip {
            for row in image.data.chunks_exact_mut(3 * width) {
                for x in 0..width / 2 {
                    (0..3).for_each(|c| row.swap(3 * x + c, 3 * (width - 1 - x) + c));
                }
            }
        }
        if let Some(ends) = self.ends {
            end(image, ends);
        }
        if let Some(rectangle) = self.erase {
            let [x, w] = [0, 2].map(|i| (rectangle[i] * width as f64) as usize);
            let [y, h] = [1, 3].map(|i| (rectangle[i] * height as f64) as usize);
            for row in image.data.chunks_exact_mut(3 * width).skip(y).take(h) {
                row[3 * x..3 * (x + w)].fill(128);
            }
        }
    }
}

/// The picture moved; beyond its edge its edge. Bilinear.
fn place(image: &Image, [zoom, right, down, turn]: [f32; 4]) -> Image {
    let (width, height) = (image.width, image.height);
    let (sin, cos) = turn.sin_cos();
    let middle = [0.5 * (width - 1) as f32, 0.5 * (height - 1) as f32];
    let [right, down] = [right * width as f32, down * height as f32];
    let mut data = Vec::with_capacity(image.data.len());
    for y in 0..height {
        for x in 0..width {
            let (a, b) = ((x as f32 - middle[0] - right) / zoom, (y as f32 - middle[1] - down) / zoom);
            let x = (cos * a + sin * b + middle[0]).clamp(0.0, (width - 1) as f32);
            let y = (cos * b - sin * a + middle[1]).clamp(0.0, (height - 1) as f32);
            let (left, top) = (x as usize, y as usize);
            let (next, below) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
            let (share, low) = (x - left as f32, y - top as f32);
            for c in 0..3 {
                let at = |x: usize, y: usize| f32::from(image.data[3 * (y * width + x) + c]);
                let row = |y: usize| at(left, y) + share * (at(next, y) - at(left, y));
                data.push((row(top) + low * (row(below) - row(top)) + 0.5) as u8);
            }
        }
    }
    Image::new(width, height, data)
}

/// The picture without its margins, its edges going on in their place.
fn end(image: &mut Image, [left, right, top, bottom]: [f64; 4]) {
    let within = |size: usize, before: f64, after: f64| {
        let pixels = |share: f64| (share * size as f64).round() as usize;
        [pixels(before).min(size - 1), (size - 1).saturating_sub(pixels(after)).max(pixels(before).min(size - 1))]
    };
    let [[left, right], [top, bottom]] = [within(image.width, left, right), within(image.height, top, bottom)];
    let before = image.data.clone();
    for (at, pixel) in image.data.chunks_exact_mut(3).enumerate() {
        let (x, y) = ((at % image.width).clamp(left, right), (at / image.width).clamp(top, bottom));
        pixel.copy_from_slice(&before[3 * (y * image.width + x)..][..3]);
    }
}

fn jitter(pixels: &mut [u8], [brightness, contrast, saturation]: [f32; 3]) {
    let grey = |pixel: &[u8]| 0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2]);
    let mean = pixels.chunks_exact(3).map(|pixel| f64::from(grey(pixel))).sum::<f64>() / (pixels.len() / 3) as f64;
    let mean = mean as f32 * brightness;
    for pixel in pixels.chunks_exact_mut(3) {
        let grey = grey(pixel);
        for value in pixel {
            let coloured = grey + (f32::from(*value) - grey) * saturation;
            *value = (mean + (coloured * brightness - mean) * contrast).round().clamp(0.0, 255.0) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Image {
        Image::new(8, 6, (0..8 * 6 * 3).map(|i| (i * 37 % 256) as u8).collect())
    }

    #[test]
    fn nothing_changes_in_paper() {
        let change = Augment::PAPER.draw(1, 2, 3);
        assert_eq!(change, Change::default());
        let mut image = picture();
        change.apply(&mut image);
        assert_eq!(image, picture());
    }

    #[test]
    fn twice_mirrored_is_the_same() {
        let flip = Change { flip: true, ..Change::default() };
        let mut image = picture();
        flip.apply(&mut image);
        assert_eq!(image.data[..3], picture().data[21..24]);
        flip.apply(&mut image);
        assert_eq!(image, picture());
    }

    #[test]
    fn jitter_and_erasing_do_what_they_say() {
        let mut image = picture();
        Change { factors: Some([0.5, 1.0, 1.0]), ..Change::default() }.apply(&mut image);
        // Rounding to a level.
        assert!(image.data.iter().zip(&picture().data).all(|(&now, &before)| now.abs_diff(before / 2) <= 1));
        Change { factors: Some([1.0, 0.0, 1.0]), ..Change::default() }.apply(&mut image);
        assert!(image.data.iter().all(|&value| value.abs_diff(image.data[0]) <= 1), "no contrast is one grey");
        Change { erase: Some([0.25, 0.5, 0.5, 0.5]), ..Change::default() }.apply(&mut image);
        let grey = image.data.chunks(3).filter(|pixel| *pixel == [128; 3]).count();
        assert_eq!(grey, 4 * 3);
    }

    #[test]
    fn a_moved_picture_lies_where_it_was_moved() {
        let dot = |at: [usize; 2]| {
            let mut data = vec![0; 3 * 21 * 21];
            data[3 * (at[1] * 21 + at[0])..][..3].fill(255);
            Image::new(21, 21, data)
        };
        let brightest = |image: &Image| {
            let at = (0..21 * 21).max_by_key(|&at| image.data[3 * at]).unwrap();
            [at % 21, at / 21]
        };
        let moved = |from, placed| {
            let mut image = dot(from);
            Change { placed: Some(placed), ..Change::default() }.apply(&mut image);
            brightest(&image)
        };
        assert_eq!(moved([10, 10], [1.0, 2.0 / 21.0, -3.0 / 21.0, 0.0]), [12, 7]);
        assert_eq!(moved([14, 10], [1.5, 0.0, 0.0, 0.0]), [16, 10]);
        // A quarter turn, clockwise as the viewer sees it.
        assert_eq!(moved([14, 10], [1.0, 0.0, 0.0, std::f32::consts::FRAC_PI_2]), [10, 14]);
    }

    #[test]
    fn beyond_the_end_of_a_picture_its_edge_goes_on() {
        let mut image = picture();
        Change { ends: Some([0.25, 0.125, 0.0, 0.5]), ..Change::default() }.apply(&mut image);
        let at = |image: &Image, x: usize, y: usize| image.data[3 * (8 * y + x)];
        for (x, y) in (0..8).flat_map(|x| (0..6).map(move |y| (x, y))) {
            assert_eq!(at(&image, x, y), at(&picture(), x.clamp(2, 6), y.min(2)), "{x}, {y}");
        }
    }

    #[test]
    fn grey_takes_the_colours() {
        let change = Augment { grey: 1.0, ..Augment::PAPER }.draw(1, 0, 0);
        let mut image = picture();
        change.apply(&mut image);
        assert!(image.data.chunks(3).all(|pixel| pixel[0].abs_diff(pixel[1]) <= 1 && pixel[1].abs_diff(pixel[2]) <= 1));
    }

    #[test]
    fn chances_are_those_asked_for() {
        let augment = Augment { flip: 0.5, jitter: 0.2, erase: 0.25, ..Augment::PAPER };
        let changes: Vec<Change> = (0..2000).map(|clip| augment.draw(1, 0, clip)).collect();
        let count = |of: &dyn Fn(&Change) -> bool| changes.iter().filter(|change| of(change)).count();
        // Binomial: 1000 +- 22, 500 +- 19; five deviations.
        assert!((890..1110).contains(&count(&|change| change.flip)));
        assert!((405..595).contains(&count(&|change| change.erase.is_some())));
        let inside = |[x, y, w, h]: [f64; 4]| x >= 0.0 && y >= 0.0 && x + w <= 1.0 + 1e-9 && y + h <= 1.0 + 1e-9;
        assert!(changes.iter().filter_map(|change| change.erase).all(inside));
        let factors = changes.iter().flat_map(|change| change.factors.unwrap());
        assert!(factors.into_iter().all(|factor| (0.8..1.2001).contains(&factor)));
    }
}
