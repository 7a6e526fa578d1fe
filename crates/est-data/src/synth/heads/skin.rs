//! Skin, lips, brows, beard and hairline, painted once a subject on the rig's chart; and the lines that action units
//! fold into it, which are painted once for all.

use super::grain::{bump, cloud, grain, line, step};
use super::look::{Colour, Look};

pub(super) const WIDTH: usize = 768;
pub(super) const HEIGHT: usize = 512;

/// What a texel is: its colour in linear light; how much it shines.
pub(super) type Texel = [f32; 4];

/// Where hair grows: above 0 decimetres inside the hairline, below outside.
pub(super) fn hair([x, y, z]: [f32; 3], look: &Look) -> f32 {
    const EDGE: [(f32, f32); 9] = [
        (-1.0, 6.45),
        (0.0, 6.6),
        (0.3, 6.78),
        (0.52, 7.1),
        (0.64, 7.45),
        (0.8, 7.66),
        (1.0, 7.80),
        (1.15, 7.88),
        (1.4, 7.93),
    ];
    if x.abs() > 0.735 && y < 7.45 && (-0.05..0.75).contains(&z) {
        return -1.0;
    }
    let ragged = 0.03 * cloud([x, y, z], 5.0, look.seed) + 0.012 * grain([x * 40.0, y * 8.0, z * 40.0], look.seed ^ 3);
    y - line(&EDGE, z) - look.hairline * step(0.6, 1.1, z) + ragged
}

/// How far a canonical place of the lips lies inside their border, in decimetres; negative outside.
fn lips([x, y, z]: [f32; 3]) -> f32 {
    let t = (x.abs() / 0.262).min(1.0);
    if z < 1.36 || x.abs() > 0.265 {
        return -1.0;
    }
    let top = 6.612 + 0.082 * (1.0 - t.powf(1.7)) + 0.016 * bump(x.abs() - 0.075, 0.05) - 0.004;
    let bottom = 6.600 - 0.098 * (1.0 - t * t).powf(0.7);
    (top - y).min(y - bottom)
}

/// How densely brow hair grows, in [0, 1].
fn brow([x, y, z]: [f32; 3], look: &Look) -> f32 {
    let x = x.abs();
    if z < 0.8 || !(0.08..0.62).contains(&x) {
        return 0.0;
    }
    let middle = line(&[(0.08, 7.462), (0.14, 7.470), (0.25, 7.488), (0.38, 7.500), (0.45, 7.492), (0.61, 7.425)], x);
    let half = look.brow * line(&[(0.08, 0.022), (0.13, 0.036), (0.25, 0.036), (0.40, 0.028), (0.60, 0.008)], x);
    let strands = grain([x * 70.0 - y * 45.0, y * 18.0, 0.0], look.seed ^ 11);
    let ends = step(0.08, 0.13, x) * (1.0 - step(0.54, 0.61, x));
    let off = (y - middle).abs() / half;
    (ends * (1.0 - step(0.55, 1.15, off + 0.12 * strands)) * (0.85 + 0.25 * strands)).clamp(0.0, 1.0)
}

/// Where a beard grows.
fn beard([x, y, z]: [f32; 3]) -> f32 {
    let jaw = line(&[(0.0, 6.80), (0.2, 6.80), (0.3, 6.70), (0.5, 6.66), (0.75, 7.05)], x.abs());
    step(0.0, 0.1, jaw - y) * step(5.95, 6.2, y) * step(0.25, 0.45, z)
}

fn mix(a: Colour, b: Colour, share: f32) -> Colour {
    std::array::from_fn(|k| a[k] + (b[k] - a[k]) * share)
}

fn texel(place: [f32; 3], look: &Look) -> Texel {
    let [x, y, z] = place;
    let side = x.abs();
    let seed = look.seed;
    let near = |cx: f32, cy: f32, size: f32| bump(((side - cx).powi(2) + (y - cy).powi(2)).sqrt(), size);
    let mut colour = look.skin;
    let blotches = cloud(place, 4.0, seed ^ 1);
    let pores = grain(place.map(|v| v * 45.0), seed ^ 2) * 0.6 + grain(place.map(|v| v * 22.0), seed ^ 4) * 0.4;
    colour = colour.map(|v| v * (1.0 + 0.07 * blotches + 0.05 * pores));
    let front = step(0.6, 1.1, z);
    let red =
        front * look.redness * (near(0.44, 6.93, 0.22) + 0.8 * near(0.0, 6.95, 0.12) + 0.4 * near(0.0, 6.33, 0.15));
    colour = [colour[0] * (1.0 + 0.04 * red), colour[1] * (1.0 - 0.20 * red), colour[2] * (1.0 - 0.18 * red)];
    let tired = front * (near(0.27, 7.19, 0.09) * 0.20 + near(0.30, 7.385, 0.08) * (0.12 + 0.35 * look.make_up));
    colour = mix(colour, [colour[0] * 0.55, colour[1] * 0.42, colour[2] * 0.45], tired);
    if look.freckles > 0.0 {
        let spot =
            step(0.45, 0.7, grain(place.map(|v| v * 26.0), seed ^ 5)) * (near(0.35, 7.0, 0.35) + near(0.0, 7.05, 0.2));
        colour = mix(colour, [colour[0] * 0.6, colour[1] * 0.45, colour[2] * 0.4], 0.6 * look.freckles * spot.min(1.0));
    }
    let mut shine =
        look.shine * (0.5 + 0.5 * (near(0.0, 7.0, 0.2) + near(0.0, 7.65, 0.35)).min(1.0)) * (1.0 + 0.3 * pores);
    let lip = step(-0.008, 0.014, lips(place));
    let furrows = grain([x * 60.0, y * 10.0, 0.0], seed ^ 6);
    let edge = 0.82 + 0.18 * step(0.0, 0.05, lips(place));
    colour = mix(colour, look.lips.map(|v| v * (1.0 + 0.10 * furrows) * edge), lip * 0.9);
    shine += lip * (0.5 + 0.8 * look.make_up) * (1.0 + 0.4 * furrows);
    if look.stubble > 0.0 {
        let hairs = 0.55 + 0.45 * grain([x * 60.0, y * 35.0, z * 60.0], seed ^ 7);
        let share = look.stubble * 0.75 * beard(place) * hairs * (1.0 - lip);
        colour = mix(colour, look.hair.map(|v| v * 0.6 + 0.01), share);
        shine *= 1.0 - 0.6 * share;
    }
    let brow = brow(place, look);
    colour = mix(colour, look.brows, brow * 0.92);
    shine *= 1.0 - 0.8 * brow;
    if look.volume > 0.0 {
        let inside = hair(place, look);
        let cover = step(-0.02, 0.10, inside);
        let around = x.atan2(z - 0.2);
        let strand =
            grain([around * 34.0, y * 3.0, z], seed ^ 8) * 0.6 + grain([around * 80.0, y * 5.0, 0.0], seed ^ 9) * 0.4;
        let root = 0.65 + 0.35 * step(0.0, 0.25, inside);
        colour = mix(colour, look.hair.map(|v| v * root * (1.0 + 0.55 * strand)), cover);
        shine += cover * (0.25 + 0.9 * strand.max(0.0) - shine);
    }
    if y < 5.98 {
        colour = mix(colour, look.cloth, step(5.98, 5.9, y));
    }
    [colour[0], colour[1], colour[2], shine.max(0.0)]
}

/// The chart of a subject's skin.
pub(super) fn painted(places: &[[f32; 3]], look: &Look) -> Vec<Texel> {
    let blank = [look.skin[0], look.skin[1], look.skin[2], 0.2];
    places.iter().map(|place| if place[0].is_nan() { blank } else { texel(*place, look) }).collect()
}

/// Lines that expressions fold, one layer each.
pub(super) const LAYERS: usize = 6;
pub(super) const FOREHEAD: usize = 0;
pub(super) const GLABELLA: usize = 1;
pub(super) const NOSE: usize = 2;
pub(super) const NASOLABIAL: usize = 3;
pub(super) const CROWS_FEET: usize = 4;
pub(super) const CHIN: usize = 5;

/// Light and dark of each layer's folds: below 0 a furrow, above 0 a ridge.
pub(super) type Folds = [f32; LAYERS];

/// A furrow with ridges beside it.
fn furrow(off: f32, width: f32) -> f32 {
    -bump(off, width) + 0.45 * (bump(off - 2.0 * width, width) + bump(off + 2.0 * width, width))
}

fn folds(place: [f32; 3]) -> Folds {
    let [x, y, z] = place;
    let side = x.abs();
    if z < 0.5 {
        return [0.0; LAYERS];
    }
    let wave = 0.012 * grain([x * 6.0, y * 2.0, 0.0], 77) - 0.025 * (side / 0.4).powi(2);
    let lines = [7.60, 7.68, 7.755, 7.82].map(|at| furrow(y - at - wave - 0.03 * bump(side - 0.2, 0.2), 0.010));
    let forehead = lines.iter().sum::<f32>() * (1.0 - step(0.30, 0.52, side));
    let tilt = side - 0.062 - 0.10 * (y - 7.42).max(0.0);
    let glabella = furrow(tilt, 0.011) * step(7.32, 7.38, y) * (1.0 - step(7.50, 7.58, y));
    let bridge = [7.22, 7.275, 7.33].map(|at| furrow(y - at + 0.25 * side * side, 0.010)).iter().sum::<f32>()
        * (1.0 - step(0.06, 0.13, side));
    let beside =
        furrow(side - 0.13 - 0.35 * (7.25 - y).abs(), 0.012) * step(7.05, 7.12, y) * (1.0 - step(7.2, 7.26, y));
    // From the wing of the nose round the corner of the mouth.
    let along = line(&[(6.45, 0.37), (6.6, 0.37), (6.75, 0.315), (6.86, 0.245), (6.95, 0.195)], y);
    let nasolabial = 0.75 * furrow(side - along, 0.022) * step(6.45, 6.62, y) * (1.0 - step(6.90, 6.98, y));
    let (dx, dy) = (side - 0.47, y - 7.28);
    let angle = dy.atan2(dx);
    let rays = [-0.45, -0.05, 0.35].map(|at| bump(angle - at, 0.09)).iter().sum::<f32>();
    let reach = dx.hypot(dy);
    let crows_feet = (-rays + 0.45) * step(0.02, 0.05, reach) * (1.0 - step(0.10, 0.17, reach)) * step(0.0, 0.03, dx);
    let dimples = grain([x * 22.0, y * 22.0, 0.0], 99) * (1.0 - step(0.12, 0.24, side.hypot(y - 6.33)));
    [forehead, glabella, bridge + 0.7 * beside, nasolabial, crows_feet, dimples]
}

pub(super) fn folded(places: &[[f32; 3]]) -> Vec<Folds> {
    places.iter().map(|place| if place[0].is_nan() { [0.0; LAYERS] } else { folds(*place) }).collect()
}
