//! Whether a hand, a mask, dark glasses or a hat covers the half of a face that an expression is read from.

use crate::align;
use crate::quality::{grey, luma, ramp, variance};
use crate::{Image, Landmarks};

/// Side of the small upright face that is judged, in pixels; it is the square of the five-point template.
const SIDE: usize = 64;

// Where 0 lies and where 1, each as a share of the grey levels between the face's 5th and 95th percentile. Figures are of 80
// portraits (3rd to 97th percentile) and of the same with something drawn over them.

/// Standard deviation around the mouth. Uncovered 0.08 to 0.21; under a mask, a hand or a flat grey 0.00 to 0.03.
const MOUTH: [f32; 2] = [0.02, 0.055];
/// The same around each eye, of the flatter one. Uncovered 0.08 to 0.22, behind dark glasses 0.02 to 0.16, under a hat 0.00
/// to 0.10.
const EYES: [f32; 2] = [0.02, 0.055];
/// How far the colour about the eyes is from that of the cheeks (see [`hue`]), in hundredths. Uncovered 0.2 to 2.4; a mask of
/// another colour on the cheeks, or dark glasses before the eyes 4 to 13. Skin of any colour has one colour: what counts is
/// the difference.
const COLOUR: [f32; 2] = [4.6, 2.7];
/// How much darker the cheeks are than the eyes' surroundings. Uncovered -0.44 to -0.17; under a black mask 0.15 to 0.53.
const DARKER: [f32; 2] = [0.3, 0.05];
/// How much darker the eyes' surroundings are than the cheeks. Uncovered 0.17 to 0.44; behind dark glasses 0.33 to 0.89.
const LIGHTER: [f32; 2] = [0.9, 0.6];

/// 1 for a face whose eyes and mouth show, 0 for one of which half is covered.
pub(crate) fn open(image: &Image, landmarks: &Landmarks) -> f32 {
    align::aligned(image, landmarks, 1.0, SIDE).map_or(0.0, |face| Patches::new(&face).open())
}

/// A rectangle of the template, in its 112 pixels: left, right, top, bottom.
type Part = [usize; 4];
const AT_MOUTH: Part = [36, 77, 84, 101];
const AT_EYES: [Part; 2] = [[27, 51, 44, 60], [62, 86, 44, 60]];
const CHEEKS: [Part; 2] = [[32, 44, 64, 74], [69, 81, 64, 74]];

struct Patches<'a> {
    face: &'a Image,
    luma: Vec<f32>,
    /// Grey levels between the 5th and the 95th percentile.
    spread: f32,
}

impl<'a> Patches<'a> {
    fn new(face: &'a Image) -> Self {
        let luma = luma(face);
        let mut sorted = luma.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        let spread = sorted[sorted.len() * 19 / 20] - sorted[sorted.len() / 20] + 1.0;
        Patches { face, luma, spread }
    }

    fn open(&self) -> f32 {
        let [mouth, left, right] = [AT_MOUTH, AT_EYES[0], AT_EYES[1]].map(|part| self.deviation(part));
        let [eyes, cheeks] = [AT_EYES, CHEEKS].map(|parts| self.colour(parts));
        let darker = (grey(eyes) - grey(cheeks)) / self.spread;
        let colour = hue(eyes).iter().zip(hue(cheeks)).map(|(a, b)| 100.0 * (a - b).abs()).fold(0.0, f32::max);
        [
            ramp(mouth, MOUTH),
            ramp(left.min(right), EYES),
            ramp(colour, COLOUR),
            ramp(darker, DARKER),
            ramp(-darker, LIGHTER),
        ]
        .into_iter()
        .fold(1.0, f32::min)
    }

    fn places(part: Part) -> impl Iterator<Item = usize> {
        let [left, right, top, bottom] = part.map(|at| (at * SIDE + 56) / 112);
        (top..bottom).flat_map(move |y| (left..right).map(move |x| y * SIDE + x))
    }

    /// Standard deviation of the grey levels, as a share of the face's.
    fn deviation(&self, part: Part) -> f32 {
        let values: Vec<f32> = Self::places(part).map(|at| self.luma[at]).collect();
        variance(&values).sqrt() / self.spread
    }

    /// Mean red, green and blue.
    fn colour(&self, parts: [Part; 2]) -> [f32; 3] {
        let (pixels, _) = self.face.data.as_chunks::<3>();
        let (mut sum, mut count) = ([0.0; 3], 0.0);
        for at in parts.into_iter().flat_map(Self::places) {
            count += 1.0;
            (0..3).for_each(|channel| sum[channel] += f32::from(pixels[at][channel]));
        }
        sum.map(|sum| sum / count)
    }
}

/// The share of each channel, whatever the brightness; the eight levels keep noise of near black from counting.
fn hue(colour: [f32; 3]) -> [f32; 3] {
    let sum: f32 = colour.iter().map(|level| level + 8.0).sum();
    colour.map(|level| (level + 8.0) / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: Landmarks = [[38.8, 52.2], [74.0, 52.0], [56.5, 72.2], [42.0, 92.9], [71.2, 92.7]];

    /// A drawn face: dark hair, eyes and mouth on skin, each with its colour; then what lies before it.
    fn face(skin: [f32; 3], before: impl Fn(usize, usize) -> Option<[f32; 3]>) -> Image {
        let pixel = |x: usize, y: usize| {
            let near =
                |[u, v]: [f32; 2], w: f32, h: f32| ((x as f32 - u) / w).powi(2) + ((y as f32 - v) / h).powi(2) < 1.0;
            let dark = POINTS[..2].iter().any(|&eye| near(eye, 8.0, 4.0)) || near([56.5, 93.0], 16.0, 4.0);
            let shade = if dark || y < 14 { 0.3 } else { 1.0 - 0.15 * (x as f32 / 112.0 - 0.5).abs() };
            let colour = before(x, y).unwrap_or(skin.map(|level| level * shade));
            colour.map(|level| level as u8)
        };
        Image::new(112, 112, (0..112 * 112).flat_map(|at| pixel(at % 112, at / 112)).collect())
    }

    const SKINS: [[f32; 3]; 3] = [[240.0, 205.0, 185.0], [170.0, 120.0, 95.0], [80.0, 52.0, 40.0]];

    #[test]
    fn open_faces_of_any_skin_are_open() {
        for skin in SKINS {
            assert_eq!(open(&face(skin, |_, _| None), &POINTS), 1.0, "{skin:?}");
        }
    }

    #[test]
    fn a_covered_half_is_seen() {
        let mask = |colour: [f32; 3]| move |_: usize, y: usize| (y > 62).then_some(colour);
        for skin in SKINS {
            for colour in [[150.0, 190.0, 215.0], [25.0; 3], [235.0; 3], [128.0; 3], skin] {
                assert!(open(&face(skin, mask(colour)), &POINTS) < crate::LOW_QUALITY, "{colour:?} on {skin:?}");
            }
            let hat = |_: usize, y: usize| (y < 61).then_some([90.0, 40.0, 40.0]);
            assert!(open(&face(skin, hat), &POINTS) < crate::LOW_QUALITY, "a hat over the eyes of {skin:?}");
        }
    }

    #[test]
    fn points_that_fix_nothing_show_nothing() {
        assert_eq!(open(&face(SKINS[0], |_, _| None), &[[f32::NAN; 2]; 5]), 0.0);
    }
}
