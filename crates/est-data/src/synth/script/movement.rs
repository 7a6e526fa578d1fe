//! Movements that say nothing of the class: the head, the lids, the eyes, and speech.

use est_nets::Noise;

use super::FPS;
use super::curve::{plateau, stream, subject_stream, wander};
use super::profile::Profile;
use crate::synth::Pose;
use crate::synth::facs::{Au, Intensities};

/// An offset, a slow drift, and in a quarter of the clips a few nods.
#[derive(Debug, Clone)]
pub(super) struct Head {
    knob: f32,
    noise: Noise,
    nods: Option<([f32; 2], f32, f32)>,
}

impl Head {
    pub fn new(profile: &Profile, frames: usize, seed: u64, subject: usize, clip: usize) -> Self {
        let noise = stream("pose", seed, subject, clip);
        let nods = (noise.unit(10) < 0.25).then(|| {
            let start = noise.uniform(11, 0.0, frames as f64 - 30.0);
            let (length, hertz) = (noise.uniform(12, 20.0, 40.0), noise.uniform(13, 1.0, 2.0));
            ([start, start + length], hertz, noise.uniform(14, 2.0, 5.0))
        });
        Head { knob: profile.pose, noise, nods }
    }

    pub fn at(&self, t: f32) -> Pose {
        let angle = |axis: u64, spread: f32, drift: f32| {
            let slow = wander(self.noise, 2 * axis, t, 45.0);
            let quick = wander(self.noise, 2 * axis + 1, t, 14.0);
            spread * self.noise.normal(axis).clamp(-2.5, 2.5) + drift * slow + 0.25 * drift * quick
        };
        let nod = self.nods.map_or(0.0, |(span, hertz, degrees)| {
            let turns = hertz * (t - span[0]) / FPS;
            -degrees * plateau(t, span, 8.0, 8.0) * (std::f32::consts::TAU * turns).sin()
        });
        // Beyond 40 degrees no crop is frontal enough for any knob.
        let scaled = |degrees: f32| (self.knob * degrees).clamp(-40.0, 40.0);
        Pose {
            yaw: scaled(angle(0, 8.0, 6.0)),
            pitch: scaled(angle(1, 5.0, 4.0) + nod),
            roll: scaled(angle(2, 4.0, 3.0)),
        }
    }
}

/// Closures of the lids; see [`Profile::blinks`].
#[derive(Debug, Clone)]
pub(super) struct Blinks(Vec<[f32; 2]>);

impl Blinks {
    /// 150 to 300 ms each, one in ten slow (400 to 600 ms); the times between are exponential.
    pub fn new(profile: &Profile, frames: usize, seed: u64, subject: usize, clip: usize) -> Self {
        let rate = profile.blinks * subject_stream("blinks", seed, subject).uniform(0, 2.0, 20.0);
        let noise = stream("blinks", seed, subject, clip);
        let mut blinks = vec![];
        if rate > 0.0 {
            let mean = 60.0 * FPS / rate;
            let mut t = -15.0;
            for k in 0.. {
                t += -mean * (1.0 - noise.unit(3 * k) as f32).ln();
                if t >= frames as f32 {
                    break;
                }
                let slow = noise.unit(3 * k + 1) < 0.1;
                let (low, high) = if slow { (0.4, 0.6) } else { (0.15, 0.3) };
                let end = t + FPS * noise.uniform(3 * k + 2, low, high);
                blinks.push([t, end]);
                t = end + 2.0;
            }
        }
        Blinks(blinks)
    }

    /// How far the lids are closed; they close in a third of the blink and open in the rest.
    pub fn at(&self, t: f32) -> f32 {
        let closed =
            self.0.iter().map(|&[start, end]| plateau(t, [start, end], 0.3 * (end - start), 0.6 * (end - start)));
        closed.fold(0.0, f32::max)
    }
}

/// Fixations of 0.3 to 2 s with saccades between, which take about a frame. Degrees to the subject's left, and up.
#[derive(Debug, Clone)]
pub(super) struct Gaze(Vec<(f32, [f32; 2])>);

impl Gaze {
    pub fn new(profile: &Profile, frames: usize, seed: u64, subject: usize, clip: usize) -> Self {
        let noise = stream("gaze", seed, subject, clip);
        let mut fixations = vec![];
        let mut t = 0.0;
        for k in 0.. {
            let toward = |axis: u64, spread: f32| {
                let degrees = profile.gaze * spread * noise.normal(10 * k + axis);
                degrees.clamp(-25.0, 25.0)
            };
            fixations.push((t, [toward(0, 6.0), toward(1, 4.0)]));
            t += FPS * noise.uniform(10 * k + 9, 0.3, 2.0);
            if t >= frames as f32 {
                break;
            }
        }
        Gaze(fixations)
    }

    pub fn at(&self, t: f32) -> [f32; 2] {
        self.0.iter().rev().find(|(start, _)| *start <= t).map_or([0.0; 2], |(_, toward)| *toward)
    }
}

/// Utterances of 0.5 to 2.5 s, each of syllables at its own 3 to 6 a second, in half of the clips.
#[derive(Debug, Clone)]
pub(super) struct Speech {
    knob: f32,
    noise: Noise,
    utterances: Vec<([f32; 2], f32)>,
}

impl Speech {
    pub fn new(profile: &Profile, frames: usize, seed: u64, subject: usize, clip: usize) -> Self {
        let noise = stream("speech", seed, subject, clip);
        let mut utterances = vec![];
        let mut t = FPS * noise.uniform(1, 0.0, 2.0);
        while profile.speech > 0.0 && noise.unit(0) < 0.5 && t < frames as f32 {
            let k = 10 + 3 * utterances.len() as u64;
            let end = t + FPS * noise.uniform(k, 0.5, 2.5);
            utterances.push(([t, end], noise.uniform(k + 1, 3.0, 6.0)));
            t = end + FPS * noise.uniform(k + 2, 0.3, 1.5);
        }
        Speech { knob: profile.speech, noise, utterances }
    }

    /// Each syllable opens and closes the mouth once and shapes it one way.
    pub fn at(&self, t: f32) -> Intensities {
        let mut mouth = Intensities::default();
        for (utterance, &([start, end], rate)) in self.utterances.iter().enumerate() {
            if t <= start || t >= end {
                continue;
            }
            let turn = rate * (t - start) / FPS;
            let open = (std::f32::consts::PI * turn.fract()).sin().powi(2) * plateau(t, [start, end], 4.0, 4.0);
            let key = 1000 * (1 + utterance as u64) + 10 * turn as u64;
            let shown = |k: u64, low: f64, high: f64| [self.knob * open * self.noise.uniform(key + k, low, high); 2];
            mouth.set(Au::JawDrop, shown(0, 0.08, 0.3));
            mouth.set(Au::LipsPart, shown(1, 0.15, 0.4));
            let shape = [Au::LipFunneler, Au::LipPuckerer, Au::LipStretcher][(self.noise.unit(key + 2) * 3.0) as usize];
            mouth.set(shape, shown(3, 0.0, 0.3));
        }
        mouth
    }
}
