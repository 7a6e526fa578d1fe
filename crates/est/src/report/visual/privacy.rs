//! How much of a face pictures show.

use std::collections::BTreeMap;

use est_media::{Image, Rect, TrackId};
use serde::Serialize;

/// What pictures show of the people in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    #[default]
    Shown,
    /// Faces are reduced to a few flat squares.
    Blurred,
    /// No pixel of the video: boxes and points on black.
    LandmarksOnly,
}

/// Squares that a face is reduced to, along each side: fewer than any study has recognised a face from.
const SQUARES: usize = 4;
/// The box that is hidden beside the face's own, which ends at brow and chin.
const MARGIN: f32 = 1.5;
/// A face is hidden for this long before it is first found, after it was last found, and while it is not found in between:
/// it turned away or was not seen, which does not mean that it cannot be recognised.
pub const HOLD_S: f64 = 1.0;

/// Where faces are hidden in one frame: where each was found there, or else where it was found last and will be next.
pub fn hidden(now: &BTreeMap<TrackId, Rect>, before: &[(TrackId, Rect)], after: &[(TrackId, Rect)]) -> Vec<Rect> {
    let elsewhere = before.iter().chain(after).filter(|(track, _)| !now.contains_key(track));
    let mut rects: Vec<Rect> = now.values().copied().collect();
    for &(track, rect) in elsewhere {
        rects.push(rect);
        // On the way from one to the other.
        if let Some((_, next)) = after.iter().find(|&&(other, next)| other == track && next != rect) {
            let mid = |a: f32, b: f32| (a + b) / 2.0;
            let [x, y, w, h] = [mid(rect.x, next.x), mid(rect.y, next.y), rect.w.max(next.w), rect.h.max(next.h)];
            rects.push(Rect { x, y, w, h });
        }
    }
    rects
}

/// Replaces what lies in `rect` and about it by flat squares, each the mean of what was there.
pub fn pixelate(image: &mut Image, rect: Rect) {
    let [centre_x, centre_y] = rect.centre();
    let side = |centre: f32, length: f32, end: usize| {
        let half = length * MARGIN / 2.0;
        let edge = |at: f32| (at.max(0.0) as usize).min(end);
        (edge((centre - half).floor()), edge((centre + half).ceil()))
    };
    let (left, right) = side(centre_x, rect.w, image.width);
    let (top, bottom) = side(centre_y, rect.h, image.height);
    let cut = |from: usize, to: usize, k: usize| from + (to - from) * k / SQUARES;
    for row in 0..SQUARES {
        for column in 0..SQUARES {
            let across = cut(left, right, column)..cut(left, right, column + 1);
            let down = cut(top, bottom, row)..cut(top, bottom, row + 1);
            flatten(image, across, down);
        }
    }
}

fn flatten(image: &mut Image, across: std::ops::Range<usize>, down: std::ops::Range<usize>) {
    let pixels = (across.len() * down.len()) as u64;
    if pixels == 0 {
        return;
    }
    let width = image.width;
    let part = |y: usize| 3 * (y * width + across.start)..3 * (y * width + across.end);
    let mut sums = [0u64; 3];
    for y in down.clone() {
        for pixel in image.data[part(y)].as_chunks::<3>().0 {
            for (sum, &value) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(value);
            }
        }
    }
    let mean = sums.map(|sum| (sum / pixels) as u8);
    for y in down {
        image.data[part(y)].as_chunks_mut::<3>().0.fill(mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_becomes_few_colours_and_the_rest_stays() {
        let pixel = |k: usize| [(k * 7) as u8, (k * 13) as u8, (k / 3) as u8];
        let before = Image::new(40, 30, (0..1200).flat_map(pixel).collect());
        let mut image = before.clone();
        pixelate(&mut image, Rect { x: 10.0, y: 10.0, w: 8.0, h: 8.0 });
        let mut colours = std::collections::BTreeSet::new();
        for y in 0..30 {
            for x in 0..40 {
                let at = 3 * (y * 40 + x);
                if (8..20).contains(&x) && (8..20).contains(&y) {
                    colours.insert(&image.data[at..at + 3]);
                } else {
                    assert_eq!(image.data[at..at + 3], before.data[at..at + 3], "{x} {y}");
                }
            }
        }
        assert!(colours.len() <= SQUARES * SQUARES, "{}", colours.len());
        // Over the edge, and beside the picture.
        pixelate(&mut image, Rect { x: -5.0, y: 25.0, w: 50.0, h: 50.0 });
        pixelate(&mut image, Rect { x: 500.0, y: -500.0, w: 8.0, h: 8.0 });
    }

    #[test]
    fn a_face_is_hidden_where_it_was_and_will_be() {
        let rect = |x| Rect { x, y: 0.0, w: 2.0, h: 2.0 };
        let now = BTreeMap::from([(1, rect(1.0))]);
        let rects = hidden(&now, &[(1, rect(0.0)), (2, rect(10.0))], &[(2, rect(20.0)), (3, rect(30.0))]);
        let left: Vec<f32> = rects.iter().map(|rect| rect.x).collect();
        assert_eq!(left, [1.0, 10.0, 15.0, 20.0, 30.0]);
    }
}
