//! The colour of a point of the head under the light.

use super::grain::{grain, step};
use super::look::{Colour, Look};
use super::rig::Part;
use super::skin::{Folds, HEIGHT, LAYERS, Texel, WIDTH};
use super::visibility::{dot, normal};
use crate::synth::Light;

/// A point to be shaded, all in the camera's frame but `chart` (on the skin's chart) and `place` (at rest).
pub(super) struct Point {
    pub normal: [f32; 3],
    /// Share of the sky and of the key light that reaches it.
    pub open: f32,
    pub lit: f32,
    pub chart: [f32; 2],
    /// Canonical.
    pub place: [f32; 3],
}

/// The light of one frame.
pub(super) struct Lamp {
    /// To the key light.
    pub to: [f32; 3],
    halfway: [f32; 3],
    key: Colour,
    fill: Colour,
    pub backdrop: f32,
}

impl Lamp {
    pub fn new(light: &Light) -> Self {
        let (azimuth, elevation) = (light.azimuth.to_radians(), light.elevation.to_radians());
        let to = [azimuth.sin() * elevation.cos(), elevation.sin(), azimuth.cos() * elevation.cos()];
        let tint = [1.0 + 0.18 * light.warmth, 1.0, 1.0 - 0.25 * light.warmth];
        Lamp {
            to,
            halfway: normal([to[0], to[1], to[2] + 1.0]),
            key: tint.map(|v| 0.92 * light.key * v),
            fill: tint.map(|v| 0.42 * light.fill * v),
            backdrop: 0.4 * light.key + 0.6 * light.fill,
        }
    }

    /// Light that a matt surface sends back: the key light's edge is soft and red, as skin scatters it.
    fn matt(&self, point: &Point, wrap: Colour) -> Colour {
        let facing = dot(point.normal, self.to);
        let sky = (0.75 + 0.25 * point.normal[1]) * point.open;
        let lit = point.lit;
        std::array::from_fn(|k| {
            let soft = ((facing + wrap[k]) / (1.0 + wrap[k])).max(0.0);
            let shadow = lit + wrap[k] * 0.5 * lit * (1.0 - lit);
            self.key[k] * soft * soft.sqrt() * shadow + self.fill[k] * sky
        })
    }

    fn gloss(&self, normal: [f32; 3], power: i32) -> f32 {
        dot(normal, self.halfway).max(0.0).powi(power)
    }
}

/// What shading needs of a subject and of a frame.
pub(super) struct Shader<'a> {
    pub look: &'a Look,
    pub skin: &'a [Texel],
    pub layers: &'a [Folds],
    pub lamp: Lamp,
    /// Depth of the folds on the subject's left and right.
    pub folds: [Folds; 2],
    /// Rows take the camera's frame to the head's.
    pub to_head: [[f32; 3]; 3],
    /// Where the eyes look, in the head's frame.
    pub gaze: [f32; 3],
    /// How far the mouth is open, in [0, 1].
    pub open_mouth: f32,
}

impl Shader<'_> {
    pub fn colour(&self, part: Part, point: &Point) -> Colour {
        match part {
            Part::Skin => self.skin(point),
            Part::Eye => self.eye(point),
            Part::Teeth => self.inside(point, [0.74, 0.68, 0.56], 1.15, 0.35),
            Part::Tongue => self.inside(point, [0.42, 0.14, 0.13], 0.9, 0.15),
            Part::Mouth => self.inside(point, [0.22, 0.055, 0.05], 0.9, 0.0),
            Part::Curtain => self.curtain(point),
            Part::Lashes => [0.01; 3],
        }
    }

    fn skin(&self, point: &Point) -> Colour {
        let texel = sampled(self.skin, point.chart);
        let at = nearest(point.chart);
        let layers = &self.layers[at];
        let depth = &self.folds[usize::from(point.chart[0] < 0.5)];
        let mut fold = 0.0;
        for k in 0..LAYERS {
            fold += layers[k] * depth[k];
        }
        let crease = (1.0 + 0.42 * self.look.lines * fold).clamp(0.35, 1.3);
        let light = self.lamp.matt(point, [0.42, 0.26, 0.18]);
        let rim = (1.0 - point.normal[2].clamp(0.0, 1.0)).powi(3);
        let gloss = point.lit * (0.22 * self.lamp.gloss(point.normal, 12) + 0.30 * self.lamp.gloss(point.normal, 48));
        let gloss = texel[3] * (gloss + 0.05 * rim * point.open) * crease * 0.45;
        // A furrow lets red light through.
        let tint = [crease.powf(0.8), crease, crease];
        std::array::from_fn(|k| texel[k] * light[k] * tint[k] + gloss * self.lamp.key[k])
    }

    fn eye(&self, point: &Point) -> Colour {
        let to_head = |v: [f32; 3]| self.to_head.map(|row| dot(row, v));
        let direction = to_head(point.normal);
        let aside = dot(direction, self.gaze).clamp(-1.0, 1.0).acos();
        const IRIS: f32 = 0.375;
        let pupil = 0.155;
        let around = grain([direction[0] * 60.0, direction[1] * 60.0, direction[2] * 60.0], 5);
        let white = [0.66, 0.60, 0.56];
        let iris = self.look.iris;
        let ring = step(IRIS * 0.70, IRIS, aside);
        let iris = iris.map(|v| v * (1.0 + 0.35 * around) * (1.25 - 0.95 * ring));
        let outside = step(IRIS - 0.035, IRIS + 0.035, aside);
        let inside = 1.0 - step(pupil - 0.03, pupil + 0.03, aside);
        // Lids and lashes shade the ball from above; the corners are red and dark.
        let shade = 1.0 - 0.55 * step(0.0, 0.34, direction[1]);
        let corner = step(0.45, 0.85, direction[0].abs());
        let white =
            [white[0] * (1.0 - 0.30 * corner), white[1] * (1.0 - 0.48 * corner), white[2] * (1.0 - 0.48 * corner)];
        let flat = Point { normal: point.normal, open: 0.45 + 0.55 * point.open, lit: 0.4 + 0.6 * point.lit, ..*point };
        let light = self.lamp.matt(&flat, [0.3, 0.3, 0.3]);
        let halfway = to_head(self.lamp.halfway);
        // The cornea bulges: its normal turns faster than the ball's.
        let gaze = self.gaze;
        let cornea = normal([0, 1, 2].map(|k| gaze[k] + 1.7 * (direction[k] - gaze[k])));
        let glint = dot(cornea, halfway).max(0.0).powi(260) * (1.0 - step(0.45, 0.6, aside));
        std::array::from_fn(|k| {
            let ball = iris[k] * (1.0 - outside) + white[k] * outside;
            let ball = ball * (1.0 - inside) + 0.004 * inside;
            ball * light[k] * shade * 0.95 + 0.55 * glint * self.lamp.key[k]
        })
    }

    /// Teeth, tongue and the lining of the mouth: darker further in.
    fn inside(&self, point: &Point, colour: Colour, dark: f32, gloss: f32) -> Colour {
        let [x, _, z] = point.place;
        let depth = step(dark, 1.52, z) * (1.0 - 0.75 * step(0.12, 0.32, x.abs()));
        let reach = depth * (0.6 + 0.4 * self.open_mouth);
        let point = Point { open: reach, lit: 0.75 * reach, ..*point };
        let light = self.lamp.matt(&point, [0.5, 0.4, 0.4]);
        let shine = gloss * reach * self.lamp.gloss(point.normal, 30);
        std::array::from_fn(|k| colour[k] * light[k] + shine * 0.5 * self.lamp.key[k] + 0.002)
    }

    fn curtain(&self, point: &Point) -> Colour {
        let [x, y, z] = point.place;
        let around = x.atan2(z - 0.2);
        let strand = 0.6 * grain([around * 30.0, y * 2.0, z], self.look.seed ^ 8)
            + 0.4 * grain([around * 75.0, y * 3.0, 0.0], self.look.seed ^ 9);
        let light = self.lamp.matt(point, [0.4; 3]);
        let gloss = 0.10 * strand.max(0.0) * self.lamp.gloss(point.normal, 10);
        let root = 0.45 + 0.3 * (1.0 - point.normal[2].abs());
        std::array::from_fn(|k| {
            self.look.hair[k] * (root + 0.5 * strand).max(0.15) * light[k] + gloss * self.lamp.key[k]
        })
    }
}

fn nearest([u, v]: [f32; 2]) -> usize {
    let x = ((u * WIDTH as f32) as usize).min(WIDTH - 1);
    ((v * HEIGHT as f32) as usize).min(HEIGHT - 1) * WIDTH + x
}

/// Between the four nearest texels.
fn sampled(chart: &[Texel], [u, v]: [f32; 2]) -> Texel {
    let x = (u * WIDTH as f32 - 0.5).clamp(0.0, WIDTH as f32 - 1.001);
    let y = (v * HEIGHT as f32 - 0.5).clamp(0.0, HEIGHT as f32 - 1.001);
    let (left, top) = (x as usize, y as usize);
    let (tx, ty) = (x - left as f32, y - top as f32);
    let at = top * WIDTH + left;
    let (a, b, c, d) = (&chart[at], &chart[at + 1], &chart[at + WIDTH], &chart[at + WIDTH + 1]);
    std::array::from_fn(|k| {
        let above = a[k] + (b[k] - a[k]) * tx;
        let below = c[k] + (d[k] - c[k]) * tx;
        above + (below - above) * ty
    })
}
