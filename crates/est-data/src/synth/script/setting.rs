//! What surrounds the face: the light, and where the crop has it.

use est_nets::Noise;

use super::curve::{minimum_jerk, stream, wander};
use super::profile::Profile;
use crate::synth::{Framing, Light};

/// A clip's own light, drifting; in one clip of ten it is switched to another within two frames.
#[derive(Debug, Clone)]
pub(super) struct Lighting {
    knob: f32,
    noise: Noise,
    switch: Option<f32>,
}

impl Lighting {
    pub fn new(profile: &Profile, frames: usize, seed: u64, subject: usize, clip: usize) -> Self {
        let noise = stream("light", seed, subject, clip);
        let switch = (noise.unit(0) < 0.1).then(|| noise.uniform(1, 0.2, 0.8) * frames as f32);
        Lighting { knob: profile.light, noise, switch }
    }

    pub fn at(&self, t: f32) -> Light {
        let switched = self.switch.map_or(0.0, |at| minimum_jerk((t - at) / 2.0));
        let value = |k: u64, spread: f32, drift: f32| {
            let [before, after] = [self.noise.uniform(10 + k, -1.0, 1.0), self.noise.uniform(20 + k, -1.0, 1.0)];
            // A switch goes half of the way to another light.
            let level = before + 0.5 * switched * (after - before);
            self.knob * (spread * level + drift * wander(self.noise, k, t, 60.0))
        };
        let usual = Light::default();
        Light {
            azimuth: (usual.azimuth + value(0, 50.0, 6.0)).clamp(-80.0, 80.0),
            elevation: (usual.elevation + value(1, 20.0, 4.0)).clamp(-10.0, 75.0),
            key: (usual.key + value(2, 0.25, 0.06)).clamp(0.3, 2.0),
            fill: (usual.fill + value(3, 0.25, 0.06)).clamp(0.3, 2.0),
            warmth: (usual.warmth + value(4, 0.4, 0.05)).clamp(-1.0, 1.0),
        }
    }
}

/// Where a tracker's crop has the face: off the centre, slowly drifting, and trembling a little from frame to frame.
#[derive(Debug, Clone)]
pub(super) struct Crop {
    knob: f32,
    noise: Noise,
}

impl Crop {
    pub fn new(profile: &Profile, seed: u64, subject: usize, clip: usize) -> Self {
        Crop { knob: profile.framing, noise: stream("framing", seed, subject, clip) }
    }

    pub fn at(&self, t: f32) -> Framing {
        let value = |k: u64, spread: f32, drift: f32, jitter: f32| {
            let offset = spread * self.noise.normal(k).clamp(-2.5, 2.5);
            let slow = drift * wander(self.noise, 2 * k, t, 30.0);
            let quick = jitter * wander(self.noise, 2 * k + 1, t, 1.5);
            self.knob * (offset + slow + quick)
        };
        Framing {
            shift: [value(0, 0.03, 0.015, 0.004), value(1, 0.03, 0.015, 0.004)].map(|side| side.clamp(-0.25, 0.25)),
            zoom: (1.0 + value(2, 0.05, 0.02, 0.006)).clamp(0.6, 1.5),
        }
    }
}
