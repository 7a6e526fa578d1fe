//! Things before the face: a hand, a microphone, strands of hair, a dark bar across the eyes.

use est_media::Image;
use est_nets::Noise;

use crate::synth::script::{plateau, wander};

/// A thick line with round ends. Places and radius in sides of the picture, from its top left corner.
#[derive(Debug, Clone, Copy)]
struct Stroke {
    ends: [[f32; 2]; 2],
    radius: f32,
    colour: [f32; 3],
}

/// A thing of strokes that comes in from outside, stays a while, moving a little, and goes.
#[derive(Debug, Clone)]
pub(super) struct Occlusion {
    strokes: Vec<Stroke>,
    /// Where it comes from, in sides of the picture.
    from: [f32; 2],
    /// First and last frame.
    span: [f32; 2],
    /// How far it moves while it stays, in sides of the picture.
    sway: f32,
    noise: Noise,
}

impl Occlusion {
    /// In a quarter of the clips at knob 1, in proportion above and below, at most in nine of ten.
    pub fn new(knob: f32, noise: Noise) -> Option<Self> {
        if noise.unit(0) as f32 >= (0.25 * knob).min(0.9) {
            return None;
        }
        let kind = noise.unit(1);
        let start = noise.uniform(2, -20.0, 90.0);
        let span = [start, start + noise.uniform(3, 30.0, 100.0)];
        let side = if noise.unit(4) < 0.5 { -1.0 } else { 1.0 };
        let (strokes, from, sway) = match kind {
            kind if kind < 0.4 => (hand(noise, side), [0.7 * side, 0.5], 0.04),
            kind if kind < 0.7 => (microphone(noise, side), [0.3 * side, 0.6], 0.03),
            kind if kind < 0.93 => (hair(noise, side), [0.15 * side, -0.7], 0.02),
            _ => (bar(noise), [0.0, -0.8], 0.01),
        };
        Some(Occlusion { strokes, from, span, sway, noise })
    }

    pub fn apply(&self, t: f32, image: &mut Image) {
        let away = 1.0 - plateau(t, self.span, 12.0, 12.0);
        if away >= 1.0 {
            return;
        }
        let sway = |k: u64| self.sway * wander(self.noise, k, t, 25.0);
        let moved = [away * self.from[0] + sway(0), away * self.from[1] + sway(1)];
        for stroke in &self.strokes {
            stroke.draw(moved, image);
        }
    }
}

impl Stroke {
    fn draw(&self, moved: [f32; 2], image: &mut Image) {
        let side = image.width.min(image.height) as f32;
        let [a, b] = self.ends.map(|end| [(end[0] + moved[0]) * side, (end[1] + moved[1]) * side]);
        let radius = self.radius * side;
        let reach = |axis: usize, size: usize| {
            let low = (a[axis].min(b[axis]) - radius - 1.0).clamp(0.0, size as f32) as usize;
            let high = (a[axis].max(b[axis]) + radius + 2.0).clamp(0.0, size as f32) as usize;
            low..high
        };
        let along = [b[0] - a[0], b[1] - a[1]];
        let squared = (along[0] * along[0] + along[1] * along[1]).max(1e-6);
        for y in reach(1, image.height) {
            for x in reach(0, image.width) {
                let p = [x as f32 + 0.5 - a[0], y as f32 + 0.5 - a[1]];
                let nearest = ((p[0] * along[0] + p[1] * along[1]) / squared).clamp(0.0, 1.0);
                let distance = (p[0] - nearest * along[0]).hypot(p[1] - nearest * along[1]);
                // An edge of two pixels; darker towards the rim, as round things are.
                let cover = ((radius + 1.0 - distance) / 2.0).clamp(0.0, 1.0);
                if cover > 0.0 {
                    let shade = 1.0 - 0.35 * (distance / radius).min(1.0).powi(2);
                    let at = (y * image.width + x) * 3;
                    for (pixel, colour) in image.data[at..at + 3].iter_mut().zip(self.colour) {
                        *pixel = (f32::from(*pixel) * (1.0 - cover) + cover * shade * colour + 0.5) as u8;
                    }
                }
            }
        }
    }
}

/// A palm beside the mouth or cheek, and four fingers.
fn hand(noise: Noise, side: f32) -> Vec<Stroke> {
    let tone = noise.uniform(20, 0.35, 1.0);
    let colour = [225.0, 175.0, 145.0].map(|channel| channel * tone);
    let palm = [0.5 + side * noise.uniform(21, 0.2, 0.35), noise.uniform(22, 0.7, 0.85)];
    let wrist = [palm[0] + 0.2 * side, palm[1] + 0.3];
    let mut strokes = vec![Stroke { ends: [wrist, palm], radius: 0.09, colour }];
    for finger in 0..4 {
        let angle = -side * (0.15 + 0.28 * finger as f32) + side * noise.uniform(23, -0.3, 0.3);
        let length = noise.uniform(24 + finger, 0.17, 0.24);
        let tip = [palm[0] + length * angle.sin(), palm[1] - length * angle.cos()];
        strokes.push(Stroke { ends: [palm, tip], radius: 0.025, colour });
    }
    strokes
}

/// A handle from below with its head at the chin.
fn microphone(noise: Noise, side: f32) -> Vec<Stroke> {
    let head = [0.5 + side * noise.uniform(20, 0.0, 0.15), noise.uniform(21, 0.78, 0.88)];
    let foot = [head[0] + side * noise.uniform(22, 0.05, 0.25), 1.2];
    let grey = noise.uniform(23, 25.0, 90.0);
    let stroke = |ends, radius, grey| Stroke { ends, radius, colour: [grey; 3] };
    vec![stroke([head, foot], 0.03, 0.7 * grey), stroke([head, head], 0.065, grey)]
}

/// Thin strands over forehead and one eye.
fn hair(noise: Noise, side: f32) -> Vec<Stroke> {
    let tone = noise.uniform(20, 0.1, 0.8);
    let strand = |k: u64| {
        let x = 0.5 + side * noise.uniform(30 + 4 * k, 0.02, 0.3);
        let end = [x + side * noise.uniform(31 + 4 * k, -0.02, 0.12), noise.uniform(32 + 4 * k, 0.35, 0.6)];
        let shade = tone * noise.uniform(33 + 4 * k, 0.7, 1.0);
        Stroke { ends: [[x, -0.05], end], radius: 0.007, colour: [200.0, 160.0, 110.0].map(|channel| channel * shade) }
    };
    (0..8).map(strand).collect()
}

/// Dark glasses, as a bar at the height of the eyes.
fn bar(noise: Noise) -> Vec<Stroke> {
    let y = noise.uniform(20, 0.40, 0.44);
    vec![Stroke { ends: [[0.24, y], [0.76, y]], radius: 0.075, colour: [25.0; 3] }]
}
