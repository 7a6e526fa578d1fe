//! The expression of a clip: which action units, how strong, and their course from onset to offset.

use est_nets::Noise;

use super::curve::{minimum_jerk, stream, subject_stream, wander};
use super::profile::{LETTERS, Profile};
use crate::synth::facs::{Au, Intensities};
use crate::synth::prototypes::PROTOTYPES;

/// Where in its course an expression is, as FACS codes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Neutral,
    Onset,
    Apex,
    Offset,
}

impl Phase {
    pub fn name(self) -> &'static str {
        match self {
            Phase::Neutral => "neutral",
            Phase::Onset => "onset",
            Phase::Apex => "apex",
            Phase::Offset => "offset",
        }
    }
}

/// A rise, a hold and a fall; in frames, possibly partly outside the clip.
#[derive(Debug, Clone, Copy)]
struct Burst {
    start: f32,
    onset: f32,
    apex: f32,
    offset: f32,
    /// Share of the clip's intensity; 1 for the strongest burst.
    strength: f32,
}

impl Burst {
    fn envelope(&self, t: f32) -> f32 {
        let fall = self.start + self.onset + self.apex;
        self.strength * minimum_jerk((t - self.start) / self.onset).min(1.0 - minimum_jerk((t - fall) / self.offset))
    }

    /// `lag` is the slowest unit's: the apex begins when that one is there, and ends when the fastest leaves.
    fn phase(&self, t: f32, lag: f32) -> Phase {
        let (apex, fall) = (self.start + self.onset + lag, self.start + self.onset + self.apex);
        match t {
            t if t <= self.start || t >= fall + self.offset + lag => Phase::Neutral,
            t if t < apex => Phase::Onset,
            t if t <= fall => Phase::Apex,
            _ => Phase::Offset,
        }
    }
}

/// One action unit's part: its intensity on each side at the apex, and how many frames it is late.
#[derive(Debug, Clone, Copy)]
struct Part {
    au: Au,
    sides: [f32; 2],
    lag: f32,
}

/// The latest that a unit starts after the first, in frames (120 ms).
const LAG: f32 = 3.0;
/// The shortest onset, in frames (240 ms); from it follows how fast an expression changes: 1.875 / 6 a frame.
const SHORTEST_ONSET: f32 = 6.0;

#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub intensity: f32,
    parts: Vec<Part>,
    bursts: Vec<Burst>,
    tremor: f32,
    trembling: Noise,
}

impl Expression {
    pub fn new(profile: &Profile, label: &str, frames: usize, seed: u64, subject: usize, clip: usize) -> Self {
        let noise = stream("expression", seed, subject, clip);
        let asymmetry = stream("asymmetry", seed, subject, clip);
        let intensity = intensity(profile, noise);
        let variants = PROTOTYPES.iter().find(|(name, _)| *name == label).expect("a class of PROTOTYPES").1;
        let variant = variants[(noise.unit(2) * variants.len() as f64) as usize];
        let first = (noise.unit(3) * variant.len() as f64) as usize;
        // The clip's weaker side is the same for all units: faces are lopsided as a whole.
        let weaker = usize::from(asymmetry.unit(0) < 0.5);
        let lopsided = profile.asymmetry * asymmetry.uniform(1, 0.0, 0.2);
        let parts = variant.iter().enumerate().map(|(k, &(au, share))| {
            let k64 = k as u64;
            let at_apex = (intensity * share * noise.uniform(100 + k64, 0.85, 1.15)).min(1.0);
            let mut sides = [at_apex; 2];
            sides[weaker] *= (1.0 - lopsided * asymmetry.uniform(2 + k64, 0.6, 1.0)).max(0.0);
            Part { au, sides, lag: if k == first { 0.0 } else { noise.uniform(200 + k64, 0.0, f64::from(LAG)) } }
        });
        let parts = parts.chain(strays(profile.strays * intensity, variant, stream("strays", seed, subject, clip)));
        Expression {
            intensity: if variant.is_empty() { 0.0 } else { intensity },
            parts: parts.collect(),
            bursts: bursts(profile, frames, stream("bursts", seed, subject, clip)),
            tremor: profile.tremor,
            trembling: stream("tremor", seed, subject, clip),
        }
    }

    pub fn at(&self, t: f32) -> Intensities {
        let mut shown = Intensities::default();
        for part in &self.parts {
            let envelope = self.bursts.iter().map(|burst| burst.envelope(t - part.lag)).fold(0.0, f32::max);
            let trembling = 0.5 + 0.5 * wander(self.trembling, part.au as u64, t, 3.0);
            let share = envelope * (1.0 - (0.03 * self.tremor).min(0.5) * trembling);
            shown.set(part.au, part.sides.map(|side| side * share));
        }
        shown
    }

    /// The phase of the burst that is under way; when one fades as the next begins, the next one's.
    pub fn phase(&self, t: f32) -> Phase {
        if self.parts.is_empty() {
            return Phase::Neutral;
        }
        let lag = self.parts.iter().map(|part| part.lag).fold(0.0, f32::max);
        let phases = self.bursts.iter().rev().map(|burst| burst.phase(t, lag));
        phases.into_iter().find(|&phase| phase != Phase::Neutral).unwrap_or(Phase::Neutral)
    }
}

/// What comes with the units of a class: none of them, and nothing that closes the eyes.
fn strays(scale: f32, variant: &[(Au, f32)], noise: Noise) -> impl Iterator<Item = Part> {
    let count = if scale > 0.0 && !variant.is_empty() { (noise.unit(0) * 4.0) as u64 } else { 0 };
    (0..count).filter_map(move |k| {
        let au = Au::ALL[(noise.unit(10 + k) * Au::ALL.len() as f64) as usize];
        let at_apex = (scale * noise.uniform(20 + k, 0.1, 0.4)).min(1.0);
        let fits = au != Au::EyesClosed && variant.iter().all(|&(own, _)| own != au);
        fits.then(|| Part { au, sides: [at_apex; 2], lag: noise.uniform(30 + k, 0.0, f64::from(LAG)) })
    })
}

/// The clip's intensity: a letter by the profile's weights, then uniform within it.
fn intensity(profile: &Profile, noise: Noise) -> f32 {
    let total: f32 = profile.letters.iter().sum();
    assert!(total > 0.0, "a profile needs a letter with a weight above 0");
    let mut left = noise.unit(0) as f32 * total;
    let last = profile.letters.iter().rposition(|&weight| weight > 0.0).expect("total is above 0");
    let letter = profile.letters.iter().position(|&weight| {
        left -= weight;
        left < 0.0
    });
    let [low, high] = LETTERS[letter.unwrap_or(last)];
    noise.uniform(1, f64::from(low), f64::from(high))
}

fn bursts(profile: &Profile, frames: usize, noise: Noise) -> Vec<Burst> {
    let frames_f = frames as f32;
    let one = |k: u64, from: f32, room: f32, strength: f32| {
        let mut onset = noise.uniform(10 * k + 10, f64::from(SHORTEST_ONSET), 16.0);
        let mut apex = noise.uniform(10 * k + 11, 10.0, 36.0);
        let mut offset = onset * noise.uniform(10 * k + 12, 1.3, 2.5);
        // Shortened to fit, but for the onset's least.
        let fit = ((room - LAG) / (onset + apex + offset)).min(1.0);
        onset = (onset * fit).max(SHORTEST_ONSET);
        offset = (offset * fit).max(1.2 * onset);
        apex = (apex * fit).max(LAG + 3.0);
        let spare = (room - LAG - onset - apex - offset).max(0.0);
        Burst { start: from + spare * noise.unit(10 * k + 13) as f32, onset, apex, offset, strength }
    };
    let chance = noise.unit(0) as f32;
    let cut = noise.unit(1) as f32;
    if frames >= 110 && chance < profile.two_bursts {
        let weaker = noise.uniform(2, 0.6, 0.95);
        let strengths = if noise.unit(3) < 0.5 { [1.0, weaker] } else { [weaker, 1.0] };
        // Disjoint halves with some rest before, between and after.
        let half = frames_f / 2.0;
        return (0..2).map(|k| one(k, half * k as f32 + 2.0, half - 4.0, strengths[k as usize])).collect();
    }
    let mut burst = one(0, 3.0, frames_f - 6.0, 1.0);
    if cut < profile.cut_at_apex {
        let within = burst.apex * noise.uniform(4, 0.4, 0.8);
        burst.start = if noise.unit(5) < 0.5 {
            -burst.onset - LAG - (burst.apex - LAG - within).max(0.0)
        } else {
            frames_f - within - burst.onset - LAG
        };
    }
    vec![burst]
}

/// What the subject's face looks like at rest; see [`Profile::resting`]. Independent of the clip, so of its class too.
pub(super) fn resting(profile: &Profile, seed: u64, subject: usize) -> Intensities {
    let noise = subject_stream("resting", seed, subject);
    let expressive: Vec<_> = PROTOTYPES.iter().filter(|(name, _)| *name != "neutral").collect();
    let (_, variants) = expressive[(noise.unit(0) * expressive.len() as f64) as usize];
    let strength = profile.resting * noise.uniform(1, 0.05, 0.15);
    let mut rest = Intensities::default();
    // The prototype's own first variant; a mouth held open or lids held down are no resting face.
    for (k, &(au, share)) in variants[0].iter().enumerate() {
        if !matches!(au, Au::JawDrop | Au::LipsPart | Au::EyesClosed) {
            let side = strength * share * noise.uniform(10 + k as u64, 0.7, 1.0);
            rest.set(au, [side; 2]);
        }
    }
    rest
}
