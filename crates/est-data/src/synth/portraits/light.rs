//! How the light on the skin differs from the photograph's.

use super::patch::{Point, dot, unit};
use crate::synth::state::{Light, Pose};

/// The share of the light that comes from everywhere in a studio photograph.
const FILL: f32 = 0.6;
/// How much redder the warmest light is, and how much less blue.
const WARMTH: f32 = 0.12;
/// Skin scatters light: no fold grows darker or brighter than this.
const RANGE: [f32; 2] = [0.6, 1.35];

/// The light of a frame relative to the photograph's, which counts as the default one.
pub struct Shading {
    /// Where the key light comes from as the turned head sees it, and as the photographed one does.
    key: Point,
    rest: Point,
    light: Light,
}

impl Shading {
    pub fn new(light: &Light, pose: &Pose) -> Self {
        Shading { key: turned_back(direction(light), pose), rest: direction(&Light::default()), light: *light }
    }

    /// What the colours of the wall and of all that is far from the face are multiplied by.
    pub fn far(&self) -> [f32; 3] {
        let brightness = FILL * self.light.fill + (1.0 - FILL) * self.light.key;
        self.warm(brightness.clamp(RANGE[0], RANGE[1]))
    }

    /// What the colours of a surface are multiplied by whose normal is `normal` now and was `rest` in the photograph.
    pub fn ratio(&self, normal: Point, rest: Point) -> [f32; 3] {
        // Half-way round the back: soft boxes are large.
        let lambert = |normal: Point, key: Point| ((dot(normal, key) + 0.3) / 1.3).max(0.0);
        let now = FILL * self.light.fill + (1.0 - FILL) * self.light.key * lambert(normal, self.key) * 1.2;
        let before = FILL + (1.0 - FILL) * lambert(rest, self.rest) * 1.2;
        self.warm((now / before).clamp(RANGE[0], RANGE[1]))
    }

    fn warm(&self, ratio: f32) -> [f32; 3] {
        [ratio * (1.0 + WARMTH * self.light.warmth), ratio, ratio * (1.0 - WARMTH * self.light.warmth)]
    }
}

fn direction(light: &Light) -> Point {
    let ((sin_a, cos_a), (sin_e, cos_e)) =
        (light.azimuth.to_radians().sin_cos(), light.elevation.to_radians().sin_cos());
    unit([sin_a * cos_e, sin_e, cos_a * cos_e])
}

/// A direction in front of the turned head, in the head's own axes.
fn turned_back([x, y, z]: Point, pose: &Pose) -> Point {
    let ((sin_y, cos_y), (sin_p, cos_p), (sin_r, cos_r)) =
        (pose.yaw.to_radians().sin_cos(), pose.pitch.to_radians().sin_cos(), pose.roll.to_radians().sin_cos());
    let (x, y) = (x * cos_r - y * sin_r, x * sin_r + y * cos_r);
    let (y, z) = (y * cos_p - z * sin_p, y * sin_p + z * cos_p);
    [x * cos_y - z * sin_y, y, x * sin_y + z * cos_y]
}
