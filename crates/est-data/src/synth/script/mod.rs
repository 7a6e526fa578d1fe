//! What happens in a clip: an expression with onset, apex and offset, and everything else that a face and its
//! surroundings do meanwhile, drawn at random but independent of the class. A clip follows from profile, seed, subject
//! and clip alone; each knob of the [`Profile`] has its own random numbers, so turning one leaves the rest as it was.

mod curve;
mod expression;
mod movement;
mod profile;
mod setting;
#[cfg(test)]
mod tests;

pub(super) use curve::{plateau, stream, wander};
pub use expression::Phase;
pub use profile::{LETTERS, Profile};

use est_nets::Noise;

use super::facs::{Au, Intensities};
use super::{FaceState, Pose};
use curve::subject_stream;
use expression::Expression;
use movement::{Blinks, Gaze, Head, Speech};
use setting::{Crop, Lighting};

/// Frames a second of all clips.
pub const FPS: f32 = 25.0;

/// What is known of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    pub phase: Phase,
    /// The expression that the clip's class names, alone.
    pub expression: Intensities,
    /// The subject's face at rest; the same in all clips of the subject.
    pub resting: Intensities,
    /// All that is drawn: expression, resting face, speech and blinks.
    pub rendered: Intensities,
    pub pose: Pose,
}

/// One clip before it is drawn.
#[derive(Debug, Clone)]
pub struct ClipScript {
    /// Name of the class; one of [`Profile::classes`].
    pub label: &'static str,
    /// Frames a second.
    pub fps: f32,
    frames: usize,
    resting: Intensities,
    expression: Expression,
    head: Head,
    blinks: Blinks,
    gaze: Gaze,
    speech: Speech,
    light: Lighting,
    crop: Crop,
    /// For [`Self::stills`].
    picks: Noise,
}

impl ClipScript {
    /// The classes of a subject's clips follow each other in an order of the subject's own, over and over: 12 clips of
    /// 6 classes are two each.
    ///
    /// # Panics
    /// When the profile's weights are all 0 or its lengths are below 60 or in the wrong order.
    pub fn new(profile: &Profile, seed: u64, subject: usize, clip: usize) -> Self {
        let [fewest, most] = profile.frames;
        assert!(60 <= fewest && fewest <= most, "a profile's lengths: {fewest} to {most}, want 60 or more, in order");
        let label = order(profile, seed, subject)[clip % profile.classes().len()];
        let length = stream("length", seed, subject, clip).unit(0);
        let frames = fewest + (length * (most - fewest + 1) as f64) as usize;
        ClipScript {
            label,
            fps: FPS,
            frames,
            resting: expression::resting(profile, seed, subject),
            expression: Expression::new(profile, label, frames, seed, subject, clip),
            head: Head::new(profile, frames, seed, subject, clip),
            blinks: Blinks::new(profile, frames, seed, subject, clip),
            gaze: Gaze::new(profile, frames, seed, subject, clip),
            speech: Speech::new(profile, frames, seed, subject, clip),
            light: Lighting::new(profile, frames, seed, subject, clip),
            crop: Crop::new(profile, seed, subject, clip),
            picks: stream("stills", seed, subject, clip),
        }
    }

    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The expression's scale at its strongest, within the profile's [`LETTERS`]; 0 for `neutral`.
    pub fn intensity(&self) -> f32 {
        self.expression.intensity
    }

    /// Everything that frame `frame` shows.
    pub fn state(&self, frame: usize) -> FaceState {
        let t = self.time(frame);
        FaceState {
            aus: self.rendered(t),
            gaze: self.gaze.at(t),
            pose: self.head.at(t),
            framing: self.crop.at(t),
            light: self.light.at(t),
        }
    }

    pub fn truth(&self, frame: usize) -> Truth {
        let t = self.time(frame);
        Truth {
            phase: self.expression.phase(t),
            expression: self.expression.at(t),
            resting: self.resting,
            rendered: self.rendered(t),
            pose: self.head.at(t),
        }
    }

    /// The frame of the strongest expression, with open eyes and without speech as far as there is such a frame at the
    /// strongest apex; of a neutral clip, such a frame near the middle.
    pub fn apex_frame(&self) -> usize {
        let shown = self.shown();
        let most = shown.iter().copied().fold(0.0, f32::max);
        // Trembling aside, all frames of an apex are as strong as each other: tremor at its usual takes at most 3%.
        let held = if most > 0.0 { Phase::Apex } else { Phase::Neutral };
        let at_apex = |frame: usize| self.expression.phase(frame as f32) == held;
        let strongest = (0..self.frames).filter(|&frame| at_apex(frame) && shown[frame] >= 0.95 * most);
        let disturbed = |frame: usize| {
            let t = frame as f32;
            self.blinks.at(t) + 0.5 * self.speech.at(t).total()
        };
        let cost = |frame: usize| {
            let aside = (frame as f32 / self.frames as f32 - 0.5).abs();
            let weaker = if most > 0.0 { (most - shown[frame]) / most } else { 0.01 * aside };
            4.0 * disturbed(frame) + weaker
        };
        strongest.min_by(|&a, &b| cost(a).total_cmp(&cost(b))).expect("every clip holds its apex for a frame or more")
    }

    /// Up to four frames, in order: the apex, another of its apex, one on the way there or back, one at rest.
    pub fn stills(&self) -> Vec<usize> {
        let shown = self.shown();
        let apex = self.apex_frame();
        let any = |k: u64, fits: &dyn Fn(f32) -> bool| {
            let fitting: Vec<usize> = (0..self.frames).filter(|&frame| frame != apex && fits(shown[frame])).collect();
            fitting.get((self.picks.unit(k) * fitting.len() as f64) as usize).copied()
        };
        let most = shown[apex];
        let others = match most > 0.0 {
            true => vec![
                any(0, &|part| part >= 0.9 * most),
                any(1, &|part| part > 0.1 * most && part < 0.9 * most),
                any(2, &|part| part == 0.0),
            ],
            false => vec![any(0, &|_| true)],
        };
        let mut frames: Vec<usize> = others.into_iter().flatten().chain([apex]).collect();
        frames.sort_unstable();
        frames
    }

    /// Of each frame how much of the clip's expression there is.
    fn shown(&self) -> Vec<f32> {
        (0..self.frames).map(|frame| self.expression.at(frame as f32).total()).collect()
    }

    fn time(&self, frame: usize) -> f32 {
        assert!(frame < self.frames, "frame {frame} of {}", self.frames);
        frame as f32
    }

    fn rendered(&self, t: f32) -> Intensities {
        let (expression, speech) = (self.expression.at(t), self.speech.at(t));
        let mut all = Intensities::default();
        for au in Au::ALL {
            let parts = [expression.get(au), self.resting.get(au), speech.get(au)];
            all.set(au, [0, 1].map(|side| parts.iter().map(|part| part[side]).sum()));
        }
        let closed = self.blinks.at(t);
        all.set(Au::EyesClosed, all.get(Au::EyesClosed).map(|side| side.max(closed)));
        all
    }
}

/// The subject's order of the classes (Fisher and Yates's shuffle).
fn order(profile: &Profile, seed: u64, subject: usize) -> Vec<&'static str> {
    let noise = subject_stream("order", seed, subject);
    let mut classes = profile.classes();
    for last in (1..classes.len()).rev() {
        classes.swap(last, (noise.unit(last as u64) * (last + 1) as f64) as usize);
    }
    classes
}
