//! Folds and wrinkles that expressions press into the skin, which the mesh is too coarse for.

use super::fit::Fit;
use crate::synth::facs::{Au, Intensities};

/// One fold in the mesh's frontal plane (decimetres) on the subject's left; the right one is its mirror image.
struct Fold {
    line: &'static [[f32; 2]],
    /// Half its width, in decimetres.
    width: f32,
    /// How dark it is at full strength, as a share of the skin's brightness.
    depth: f32,
    /// The action units that press it, each with its share.
    by: &'static [(Au, f32)],
}

const FOREHEAD: &[(Au, f32)] = &[(Au::InnerBrowRaiser, 0.5), (Au::OuterBrowRaiser, 0.5)];
const INNER_FOREHEAD: &[(Au, f32)] = &[(Au::InnerBrowRaiser, 0.9)];
const GLABELLA: &[(Au, f32)] = &[(Au::BrowLowerer, 1.0)];
const NOSE_ROOT: &[(Au, f32)] = &[(Au::NoseWrinkler, 1.0)];
const NASOLABIAL: &[(Au, f32)] =
    &[(Au::LipCornerPuller, 0.9), (Au::NoseWrinkler, 0.7), (Au::UpperLipRaiser, 0.6), (Au::Dimpler, 0.3)];
const CROWS_FEET: &[(Au, f32)] = &[(Au::CheekRaiser, 1.0)];
const UNDER_EYE: &[(Au, f32)] = &[(Au::CheekRaiser, 0.8), (Au::LidTightener, 0.7), (Au::NoseWrinkler, 0.4)];
const CHIN: &[(Au, f32)] = &[(Au::ChinRaiser, 1.0)];
const CORNER: &[(Au, f32)] =
    &[(Au::LipCornerPuller, 0.5), (Au::Dimpler, 1.0), (Au::LipStretcher, 0.5), (Au::LipTightener, 0.3)];
const MARIONETTE: &[(Au, f32)] = &[(Au::LipCornerDepressor, 1.0)];

const FOLDS: [Fold; 18] = [
    Fold { line: &[[0.0, 7.595], [0.12, 7.605], [0.26, 7.615], [0.38, 7.59]], width: 0.012, depth: 0.16, by: FOREHEAD },
    Fold { line: &[[0.0, 7.66], [0.12, 7.672], [0.26, 7.675], [0.36, 7.65]], width: 0.012, depth: 0.16, by: FOREHEAD },
    Fold { line: &[[0.0, 7.725], [0.12, 7.735], [0.25, 7.735]], width: 0.012, depth: 0.12, by: FOREHEAD },
    Fold { line: &[[0.0, 7.575], [0.08, 7.575], [0.17, 7.555]], width: 0.012, depth: 0.14, by: INNER_FOREHEAD },
    Fold { line: &[[0.0, 7.63], [0.08, 7.635], [0.16, 7.62]], width: 0.012, depth: 0.12, by: INNER_FOREHEAD },
    Fold { line: &[[0.048, 7.35], [0.052, 7.41], [0.062, 7.48]], width: 0.011, depth: 0.26, by: GLABELLA },
    Fold { line: &[[0.085, 7.375], [0.10, 7.43]], width: 0.014, depth: 0.14, by: GLABELLA },
    Fold { line: &[[0.0, 7.325], [0.05, 7.33]], width: 0.011, depth: 0.20, by: NOSE_ROOT },
    Fold { line: &[[0.03, 7.21], [0.075, 7.235], [0.11, 7.27]], width: 0.010, depth: 0.20, by: NOSE_ROOT },
    Fold { line: &[[0.04, 7.165], [0.085, 7.19], [0.125, 7.23]], width: 0.010, depth: 0.18, by: NOSE_ROOT },
    Fold {
        line: &[[0.168, 6.945], [0.205, 6.88], [0.255, 6.80], [0.305, 6.71], [0.325, 6.63]],
        width: 0.022,
        depth: 0.24,
        by: NASOLABIAL,
    },
    Fold { line: &[[0.47, 7.31], [0.52, 7.345], [0.57, 7.365]], width: 0.009, depth: 0.16, by: CROWS_FEET },
    Fold { line: &[[0.475, 7.28], [0.53, 7.285], [0.58, 7.285]], width: 0.009, depth: 0.16, by: CROWS_FEET },
    Fold { line: &[[0.465, 7.25], [0.52, 7.23], [0.565, 7.205]], width: 0.009, depth: 0.16, by: CROWS_FEET },
    Fold {
        line: &[[0.19, 7.215], [0.27, 7.17], [0.36, 7.165], [0.43, 7.20]],
        width: 0.014,
        depth: 0.15,
        by: UNDER_EYE,
    },
    Fold { line: &[[0.0, 6.45], [0.07, 6.44], [0.13, 6.40], [0.15, 6.35]], width: 0.020, depth: 0.20, by: CHIN },
    Fold { line: &[[0.272, 6.66], [0.288, 6.615], [0.28, 6.57]], width: 0.014, depth: 0.20, by: CORNER },
    Fold { line: &[[0.262, 6.605], [0.285, 6.565], [0.30, 6.50]], width: 0.014, depth: 0.24, by: MARIONETTE },
];

/// The folds of one portrait, in the photograph's pixels.
#[derive(Debug)]
pub struct Relief {
    folds: Vec<Mark>,
    width: usize,
    height: usize,
}

/// A fold's picture: how dark it is, over a part of the photograph.
#[derive(Debug)]
struct Mark {
    fold: usize,
    side: usize,
    left: usize,
    top: usize,
    width: usize,
    darkness: Vec<f32>,
}

/// How much darker each pixel of the photograph is.
pub struct Darkness {
    width: usize,
    values: Vec<f32>,
}

impl Darkness {
    /// What the pixel nearest to a place is multiplied by.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let column = (x + 0.5).clamp(0.0, (self.width - 1) as f32) as usize;
        let at = (y + 0.5).max(0.0) as usize * self.width + column;
        1.0 - self.values.get(at).copied().unwrap_or(0.0)
    }
}

impl Relief {
    pub fn new(fit: &Fit, width: usize, height: usize) -> Self {
        let mut folds = vec![];
        for (index, fold) in FOLDS.iter().enumerate() {
            for (side, sign) in [(0, 1.0), (1, -1.0)] {
                let line: Vec<[f32; 2]> = fold.line.iter().map(|[x, y]| fit.at(sign * x, *y)).collect();
                folds.push(Mark::new(&line, fold, index, side, fit.scale, [width, height]));
            }
        }
        Relief { folds, width, height }
    }

    pub fn pressed(&self, aus: &Intensities) -> Darkness {
        let mut values = vec![0.0; self.width * self.height];
        for mark in &self.folds {
            let strength: f32 = FOLDS[mark.fold].by.iter().map(|&(au, share)| share * aus.get(au)[mark.side]).sum();
            let strength = strength.min(1.0);
            if strength < 0.01 {
                continue;
            }
            for (row, darkness) in mark.darkness.chunks_exact(mark.width).enumerate() {
                let from = (mark.top + row) * self.width + mark.left;
                for (value, dark) in values[from..from + mark.width].iter_mut().zip(darkness) {
                    *value += strength * dark;
                }
            }
        }
        Darkness { width: self.width, values }
    }
}

impl Mark {
    fn new(line: &[[f32; 2]], fold: &Fold, index: usize, side: usize, scale: f32, size: [usize; 2]) -> Self {
        let width = (fold.width * scale).max(0.7);
        let reach = 4.0 * width;
        let range = |axis: usize| {
            let low = line.iter().map(|point| point[axis]).fold(f32::MAX, f32::min) - reach;
            let high = line.iter().map(|point| point[axis]).fold(f32::MIN, f32::max) + reach;
            let last = (size[axis] - 1) as f32;
            (low.clamp(0.0, last) as usize, high.clamp(0.0, last) as usize)
        };
        let ((left, right), (top, bottom)) = (range(0), range(1));
        let mut darkness = vec![];
        for y in top..=bottom {
            for x in left..=right {
                let (distance, along) = nearest(line, [x as f32, y as f32]);
                // Lines across the middle go on in their mirror image; other ends taper off.
                let start = if fold.line[0][0] == 0.0 { 1.0 } else { (along / 0.25).min(1.0) };
                let taper = start * ((1.0 - along) / 0.3).min(1.0);
                let valley = (-(distance / width).powi(2)).exp();
                let ridge = (-((distance - 2.2 * width) / (1.1 * width)).powi(2)).exp();
                // Half of each at the middle, where the two sides' marks meet.
                let half = if fold.line[0][0] == 0.0 && along < 1e-4 { 0.5 } else { 1.0 };
                darkness.push(half * taper * fold.depth * (valley - 0.35 * ridge));
            }
        }
        Mark { fold: index, side, left, top, width: right - left + 1, darkness }
    }
}

/// The distance of a place from a line, and how far along the line the nearest point is, from 0 to 1.
fn nearest(line: &[[f32; 2]], place: [f32; 2]) -> (f32, f32) {
    let segments = (line.len() - 1) as f32;
    let mut best = (f32::MAX, 0.0);
    for (k, ends) in line.windows(2).enumerate() {
        let along = [ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]];
        let from = [place[0] - ends[0][0], place[1] - ends[0][1]];
        let square = along[0] * along[0] + along[1] * along[1];
        let share = ((from[0] * along[0] + from[1] * along[1]) / square.max(1e-6)).clamp(0.0, 1.0);
        let distance = (from[0] - share * along[0]).hypot(from[1] - share * along[1]);
        if distance < best.0 {
            best = (distance, (k as f32 + share) / segments);
        }
    }
    best
}
