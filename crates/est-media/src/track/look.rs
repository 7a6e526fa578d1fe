//! How a face and what is around it look, in few numbers that hold for two neighbouring frames. They do not tell who it is:
//! half a second and a turn of the head later the same face is further from itself than many are from each other.

use crate::align::Similarity;
use crate::{Image, Landmarks};

/// Cells along a side.
const SIDE: usize = 24;
/// Samples per cell and side.
const POINTS: usize = 2;
/// Share of the side that the face fills, as in [`est_nets::Crop::Aligned`]: the rest is hair, shoulders and wall.
const SCALE: f32 = 0.5;
/// Contrast below which noise would count as structure (levels of 255).
const NOISE: f32 = 4.0;

/// From here on two looks are another's (see [`Look::apart`]). Portraits of 102 people before one wall are at least 0.039
/// apart, 99 % of the pairs 0.073. Neighbouring frames of people who sit and talk are mostly below 0.02; fast motion passes
/// this (0.1, on damaged video 0.8), so it is asked only where the picture of the place cuts.
pub(super) const OTHER: f32 = 0.045;

/// Mean colours of the cells of a square in which the face's points lie at fixed places: a face that moves, turns in the
/// plane or gets larger looks the same.
#[derive(Debug, Clone)]
pub struct Look {
    cells: Vec<[f32; 3]>,
}

impl Look {
    /// None where the points fix no such square.
    pub fn of(image: &Image, landmarks: &Landmarks) -> Option<Look> {
        let back = Similarity::onto_template(landmarks, SCALE, SIDE * POINTS)?.inverse();
        let mut cells = vec![[0.0f32; 3]; SIDE * SIDE];
        for y in 0..SIDE * POINTS {
            for x in 0..SIDE * POINTS {
                // The picture's edge goes on outside.
                let [px, py] = back.apply([x as f64 + 0.5, y as f64 + 0.5]);
                let (px, py) =
                    ((px.max(0.0) as usize).min(image.width - 1), (py.max(0.0) as usize).min(image.height - 1));
                let pixel = &image.data[(py * image.width + px) * 3..][..3];
                let cell = &mut cells[y / POINTS * SIDE + x / POINTS];
                (0..3).for_each(|c| cell[c] += f32::from(pixel[c]) / (POINTS * POINTS) as f32);
            }
        }
        Some(Look { cells })
    }

    /// One minus the correlation of the cells: 0 alike up to brightness and contrast, 1 unrelated, 2 opposite; the least of
    /// nine for a cell more or less, since the points tremble.
    pub fn apart(&self, other: &Look) -> f32 {
        let here = self.apart_at(other, 0, 0);
        if here <= OTHER {
            return here;
        }
        (0..9).map(|shift| self.apart_at(other, shift % 3 - 1, shift / 3 - 1)).fold(here, f32::min)
    }

    /// The same for cells of `other` that lie (`dx`, `dy`) further, each -1 to 1.
    fn apart_at(&self, other: &Look, dx: isize, dy: isize) -> f32 {
        const COUNT: f32 = ((SIDE - 2) * (SIDE - 2)) as f32;
        let rows =
            || (1..SIDE - 1).map(|y| (y * SIDE + 1, y.wrapping_add_signed(dy) * SIDE + 1usize.wrapping_add_signed(dx)));
        let pairs = || rows().flat_map(|(a, b)| self.cells[a..a + SIDE - 2].iter().zip(&other.cells[b..b + SIDE - 2]));
        let mut means = [[0.0f32; 3]; 2];
        for (a, b) in pairs() {
            (0..3).for_each(|c| (means[0][c], means[1][c]) = (means[0][c] + a[c] / COUNT, means[1][c] + b[c] / COUNT));
        }
        let (mut own, mut others, mut both) = (0.0f32, 0.0f32, 0.0f32);
        for (a, b) in pairs() {
            for c in 0..3 {
                let (a, b) = (a[c] - means[0][c], b[c] - means[1][c]);
                (own, others, both) = (own + a * a, others + b * b, both + a * b);
            }
        }
        let noise = NOISE * NOISE * COUNT * 3.0;
        1.0 - (both + noise) / ((own * others).sqrt() + noise)
    }
}
