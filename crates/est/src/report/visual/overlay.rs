//! What is drawn over a frame: each face's box and number, its most probable expressions and how they went lately.

use std::collections::{BTreeMap, VecDeque};

use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use est_media::{Face, Image, Landmarks, Rect, TrackId};

use super::canvas::{Canvas, Place, rgb};
use crate::emotion::largest;
use crate::report::palette::{UNCERTAIN_COLOUR, colours};
use crate::row::{FaceRow, Row, UNCERTAIN};

/// The small curves reach this far back.
const PAST_S: f64 = 4.0;
/// Expressions that are named.
const NAMED: usize = 3;
/// Frames of this height are drawn on in single pixels, larger ones in larger steps.
const HEIGHT: usize = 480;

/// In steps of the canvas.
const PADDING: i32 = 4;
const BAR: i32 = 48;
const CURVES: i32 = 30;

pub struct Overlay {
    classes: Vec<String>,
    colours: Vec<Rgb888>,
    past: BTreeMap<TrackId, VecDeque<(f64, Vec<f32>)>>,
}

impl Overlay {
    pub fn new(classes: &[String]) -> Self {
        let colours = colours(classes).into_iter().map(|colour| rgb(colour.on_dark)).collect();
        Overlay { classes: classes.to_vec(), colours, past: BTreeMap::new() }
    }

    /// Draws what `rows` say about a frame onto it.
    pub fn draw(&mut self, image: &mut Image, pts_s: f64, rows: &[Row]) {
        let mut canvas = canvas(image);
        self.past.retain(|_, past| past.back().is_some_and(|(at, _)| pts_s - at <= PAST_S));
        for row in rows {
            let (Some(track), Some(face)) = (row.track, &row.face) else { continue };
            let past = self.past.entry(track).or_default();
            past.push_back((pts_s, face.emotion().probabilities.clone()));
            while past.front().is_some_and(|(at, _)| pts_s - at > PAST_S) {
                past.pop_front();
            }
            self.face(&mut canvas, track, face, pts_s);
        }
    }

    fn face(&self, canvas: &mut Canvas, track: TrackId, face: &FaceRow, pts_s: f64) {
        let colour = face.label().map_or(rgb(UNCERTAIN_COLOUR.on_light), |label| self.colours[label]);
        let [left, top, right, _] = frame(canvas, face.face.rect, colour);
        points(canvas, &face.face.landmarks);
        let letters = self.classes.iter().map(|class| class.chars().count()).max().unwrap_or(0).max(UNCERTAIN.len());
        let (text_width, line) = Canvas::text_size(letters);
        let width = text_width + BAR + 3 * PADDING;
        let height = line * (NAMED as i32 + 1) + CURVES + 4 * PADDING;
        let (across, down) = canvas.size();
        // Beside the face, right or left, where there is room; else in the corner of its box.
        let x = if right + 2 + width <= across { right + 2 } else { (left - 2 - width).max(0) };
        let y = top.min(down - height).max(0);
        canvas.shade((x, y), (width, height));
        let (x, mut y) = (x + PADDING, y + PADDING);
        let named = face.label().map_or(UNCERTAIN, |label| &self.classes[label]);
        canvas.text((x, y), colour, &format!("{track} {named}"));
        y += line + PADDING;
        for (class, p) in most_probable(&face.emotion().probabilities) {
            canvas.text((x, y), Rgb888::WHITE, &self.classes[class]);
            let bar = (x + text_width + PADDING, y + 3);
            canvas.fill(bar, (BAR, line - 6), rgb(UNCERTAIN_COLOUR.on_dark));
            canvas.fill(bar, ((BAR as f32 * p).round() as i32, line - 6), self.colours[class]);
            y += line;
        }
        self.curves(canvas, track, pts_s, (x, y + PADDING), width - 2 * PADDING);
    }

    fn curves(&self, canvas: &mut Canvas, track: TrackId, pts_s: f64, (x, y): Place, width: i32) {
        canvas.line((x, y + CURVES), (x + width - 1, y + CURVES), rgb(UNCERTAIN_COLOUR.on_dark));
        let past = &self.past[&track];
        for (class, &colour) in self.colours.iter().enumerate() {
            let place = |(at, probabilities): &(f64, Vec<f32>)| {
                let back = ((pts_s - at) / PAST_S * f64::from(width - 1)).round() as i32;
                (x + width - 1 - back, y + ((1.0 - probabilities[class]) * (CURVES - 1) as f32).round() as i32)
            };
            for (from, to) in past.iter().zip(past.iter().skip(1)) {
                canvas.line(place(from), place(to), colour);
            }
        }
    }
}

/// A face's box and points alone: all there is of it where no pixel may be shown.
pub fn mark(image: &mut Image, face: &Face) {
    let mut canvas = canvas(image);
    frame(&mut canvas, face.rect, Rgb888::WHITE);
    points(&mut canvas, &face.landmarks);
}

fn canvas(image: &mut Image) -> Canvas<'_> {
    let scale = (image.height.min(image.width) + HEIGHT / 2) / HEIGHT;
    Canvas::new(image, scale)
}

/// Draws a box; gives its left, top, right and bottom in steps.
fn frame(canvas: &mut Canvas, rect: Rect, colour: Rgb888) -> [i32; 4] {
    let edges = [rect.x, rect.y, rect.x + rect.w, rect.y + rect.h].map(|pixels| canvas.step(pixels));
    let [left, top, right, bottom] = edges;
    canvas.frame((left, top), (right - left, bottom - top), 2, colour);
    edges
}

fn points(canvas: &mut Canvas, landmarks: &Landmarks) {
    // Crops that were given have none.
    for [x, y] in landmarks.iter().filter(|point| point.iter().all(|value| value.is_finite())) {
        canvas.fill((canvas.step(*x) - 1, canvas.step(*y) - 1), (3, 3), Rgb888::WHITE);
    }
}

/// The largest first.
fn most_probable(probabilities: &[f32]) -> Vec<(usize, f32)> {
    let mut left = probabilities.to_vec();
    let take = |_| {
        let class = largest(&left);
        (class, std::mem::replace(&mut left[class], -1.0))
    };
    (0..NAMED.min(probabilities.len())).map(take).collect()
}
