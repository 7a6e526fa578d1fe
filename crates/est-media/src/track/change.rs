//! Whether the picture of one place changes at one frame: the tile of another person in a video call, an inset that cuts.
//!
//! What moves is in the next frame again, elsewhere; what is lit otherwise is there, brighter. After a cut it is gone.

use crate::{Image, Rect};

/// Points along a side of the place.
const SIDE: usize = 32;
/// Points along a side of a block.
const BLOCK: usize = 8;
/// Points that a block may have moved by between two frames, each way: an eighth of the place.
const REACH: usize = 4;
const WIDE: usize = SIDE + 2 * REACH;
/// Samples per point and side.
const SAMPLES: usize = 3;
/// The place's side as a multiple of the box's longer one: the face with hair, shoulders and some wall.
const AROUND: f32 = 1.5;
/// Contrast below which noise would count as structure (levels of 255).
const NOISE: f32 = 4.0;

/// Least share of a place that is new after a cut (see [`new_share`]). Portraits of 40 people before one wall, all at the
/// same place, are at least 0.112 from each other, 99 % of the pairs 0.141, half of them 0.26. Neighbouring frames of
/// real video reach 0.03 where people sit and talk, 0.15 where they move a lot, 0.31 at one frame whose look is another
/// too; what stands out from them is the rule below ...
const NEW: f32 = 0.12;
/// ... where there is no other pair of frames to tell motion by ...
const NEW_ALONE: f32 = 0.2;
/// ... and how many times that of the other pairs of neighbouring frames it is at least.
const ABOVE_MOTION: f32 = 2.0;

/// The first of `images` after the cut of the place about `rect`, if there is one cut and no motion like it beside.
pub(super) fn cut_of_part(images: &[&Image], rect: &Rect) -> Option<usize> {
    let places: Vec<Vec<f32>> = images.iter().map(|image| grey(image, rect)).collect();
    let mut shares: Vec<f32> = places.windows(2).map(|pair| new_share(&pair[0], &pair[1], 0)).collect();
    // The search only finds less to be new.
    for (share, pair) in shares.iter_mut().zip(places.windows(2)).filter(|(share, _)| **share > NEW / ABOVE_MOTION) {
        *share = new_share(&pair[0], &pair[1], REACH);
    }
    let most = (0..shares.len()).max_by(|&a, &b| shares[a].total_cmp(&shares[b]))?;
    let others = (0..shares.len()).filter(|&other| other != most).map(|other| shares[other]).reduce(f32::max);
    let least = others.map_or(NEW_ALONE, |others| NEW.max(ABOVE_MOTION * others));
    (shares[most] > least).then_some(most + 1)
}

/// Whether the place about `rect` differs between two frames as after a cut.
pub(super) fn differs(images: [&Image; 2], rect: &Rect) -> bool {
    let [before, now] = images.map(|image| grey(image, rect));
    new_share(&before, &now, REACH) > NEW
}

/// Grey levels of the place about `rect` and what is next to it, `WIDE` squared.
fn grey(image: &Image, rect: &Rect) -> Vec<f32> {
    let step = AROUND * rect.w.max(rect.h) / SIDE as f32;
    // The picture's edge goes on outside.
    let samples = |centre: f32, side: usize| -> Vec<usize> {
        let at = |sample: usize| centre + step * ((sample as f32 + 0.5) / SAMPLES as f32 - WIDE as f32 / 2.0);
        (0..WIDE * SAMPLES).map(|sample| (at(sample).max(0.0) as usize).min(side - 1)).collect()
    };
    let [x, y] = rect.centre();
    let (columns, rows) = (samples(x, image.width), samples(y, image.height));
    let mut points = Vec::with_capacity(WIDE * WIDE);
    for rows in rows.chunks_exact(SAMPLES) {
        for columns in columns.chunks_exact(SAMPLES) {
            let mut sum = 0;
            for row in rows {
                for column in columns {
                    let pixel = &image.data[(row * image.width + column) * 3..][..3];
                    sum += u32::from(pixel[0]) + 2 * u32::from(pixel[1]) + u32::from(pixel[2]);
                }
            }
            points.push(sum as f32 / (4 * SAMPLES * SAMPLES) as f32);
        }
    }
    points
}

/// Share of the structure (variance within blocks) of one place that no block of the other explains which lies within
/// `reach` points, whatever its brightness and contrast: 0 to 1, the greater of both directions. The lesser of the whole place's
/// and that of its middle, which the face fills: what slides into the picture, and the next tile, are new about a face that stays.
fn new_share(before: &[f32], now: &[f32], reach: usize) -> f32 {
    let [forth, back] = [one_way(before, now, reach), one_way(now, before, reach)];
    (0..2).map(|part| forth[part].max(back[part])).fold(1.0, f32::min)
}

/// Of the whole place and of its middle.
fn one_way(from: &[f32], to: &[f32], reach: usize) -> [f32; 2] {
    let count = (BLOCK * BLOCK) as f32;
    let (mut new, mut all) = ([0.0; 2], [NOISE * NOISE * count; 2]);
    let blocks = || (0..SIDE).step_by(BLOCK);
    for (top, left) in blocks().flat_map(|top| blocks().map(move |left| (top + REACH, left + REACH))) {
        let mut block = [[0.0f32; BLOCK]; BLOCK];
        for (y, row) in block.iter_mut().enumerate() {
            row.copy_from_slice(&to[(top + y) * WIDE + left..][..BLOCK]);
        }
        let mean = block.as_flattened().iter().sum::<f32>() / count;
        block.as_flattened_mut().iter_mut().for_each(|value| *value -= mean);
        let own: f32 = block.as_flattened().iter().map(|value| value * value).sum();
        let mut least = own;
        for y in top - reach..=top + reach {
            for x in left - reach..=left + reach {
                least = least.min(own - explained(&block, from, x, y));
            }
        }
        let is_middle = [top, left].iter().all(|at| (REACH + BLOCK..REACH + SIDE - BLOCK).contains(at));
        for part in 0..=usize::from(is_middle) {
            new[part] += (least - NOISE * NOISE * count / 4.0).max(0.0);
            all[part] += own;
        }
    }
    [0, 1].map(|part| new[part] / all[part])
}

/// How much of the squares of `block` the block at (`x`, `y`) of `from` explains, turned up or down but not reversed.
fn explained(block: &[[f32; BLOCK]; BLOCK], from: &[f32], x: usize, y: usize) -> f32 {
    let (mut sum, mut squares, mut products) = ([0.0f32; BLOCK], [0.0f32; BLOCK], [0.0f32; BLOCK]);
    for (row, values) in block.iter().enumerate() {
        let line = &from[(y + row) * WIDE + x..][..BLOCK];
        for (k, (&level, value)) in line.iter().zip(values).enumerate() {
            sum[k] += level;
            squares[k] += level * level;
            products[k] += level * value;
        }
    }
    let [sum, squares, products] = [sum, squares, products].map(|parts| parts.iter().sum::<f32>());
    let own = (squares - sum * sum / (BLOCK * BLOCK) as f32).max(0.0);
    let gain = products.max(0.0) / (own + NOISE * NOISE);
    2.0 * gain * products - gain * gain * own
}
