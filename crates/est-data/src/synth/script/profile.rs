//! What kind of clips to make: how strong the expressions are and how much else goes on.

use serde::{Deserialize, Serialize};

use crate::synth::prototypes::PROTOTYPES;

/// What the clips of a set are like. Each knob is at least 0: 0 is off, 1 usual, above 1 more than usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Seven classes, with `neutral`; otherwise six.
    pub neutral: bool,
    /// How often a clip's intensity falls in each of FACS's letters A to E ([`LETTERS`]); weights, at least one above 0.
    pub letters: [f32; 5],
    /// Fewest and most frames of a clip, at 25 a second; at least 60.
    pub frames: [usize; 2],
    /// Chance in [0, 1] that a clip of 110 frames or more has two bursts of expression.
    pub two_bursts: f32,
    /// Chance in [0, 1] that a clip starts or ends within the apex.
    pub cut_at_apex: f32,
    /// How far left and right differ; at 1 one side is up to a fifth weaker.
    pub asymmetry: f32,
    /// Trembling of a held expression; at 1 up to 3% of the intensity of each unit.
    pub tremor: f32,
    /// Units of other expressions that come with the clip's own; at 1 up to three with up to 0.4 of the intensity.
    #[serde(skip_serializing_if = "is_off")]
    pub strays: f32,
    /// The face at rest is not neutral but resembles, the same in all clips of a subject, an expression; at 1 with an
    /// intensity of 0.05 to 0.15.
    pub resting: f32,
    /// Head pose: at 1 an offset with a standard deviation of 8, 5 and 4 degrees (yaw, pitch, roll), drift, and nods.
    pub pose: f32,
    /// Blinks: at 1 each subject has a rate of 2 to 20 a minute.
    pub blinks: f32,
    /// Gaze: at 1 fixations with a standard deviation of 6 degrees, saccades between.
    pub gaze: f32,
    /// Movements of speech, in half of the clips.
    pub speech: f32,
    /// Light: at 1 up to 50 degrees from the front and a quarter stronger or weaker, with drift and sometimes a step.
    pub light: f32,
    /// Face off the centre of the crop, and crops that jitter: at 1 an offset with a standard deviation of 0.03 sides.
    pub framing: f32,
    /// Exposure, contrast and white balance of the camera: at 1 up to 20% each, drifting.
    pub exposure: f32,
    /// Defocus and motion blur: at 1 up to 1.5 pixels (standard deviation, of a picture of 224), more in bursts of motion.
    pub blur: f32,
    /// Sensor noise: at 1 a standard deviation of up to 6 of 255 in mid grey.
    pub noise: f32,
    /// Things before the face: at 1 in a quarter of the clips, for part of the time.
    pub occlusion: f32,
    /// Lost resolution: at 1 the picture had up to 2 times fewer pixels a side.
    pub resolution: f32,
    /// JPEG compression: at 1 with a quality of 40 to 90.
    pub compression: f32,
}

/// The intensities that FACS's letters A (trace) to E (maximum) stand for here, as shares of the maximum.
pub const LETTERS: [[f32; 2]; 5] = [[0.05, 0.2], [0.2, 0.4], [0.4, 0.65], [0.65, 0.85], [0.85, 1.0]];

/// So that sets made before there was the knob stay the same sets.
fn is_off(knob: &f32) -> bool {
    *knob == 0.0
}

impl Default for Profile {
    /// Six classes, mostly subtle, everything as usual.
    fn default() -> Self {
        Profile {
            neutral: false,
            letters: [0.2, 0.3, 0.25, 0.15, 0.1],
            frames: [70, 160],
            two_bursts: 0.25,
            cut_at_apex: 0.2,
            asymmetry: 1.0,
            tremor: 1.0,
            strays: 0.0,
            resting: 1.0,
            pose: 1.0,
            blinks: 1.0,
            gaze: 1.0,
            speech: 1.0,
            light: 1.0,
            framing: 1.0,
            exposure: 1.0,
            blur: 1.0,
            noise: 1.0,
            occlusion: 1.0,
            resolution: 1.0,
            compression: 1.0,
        }
    }
}

impl Profile {
    pub const NAMES: [&'static str; 4] = ["default", "subtle", "strong", "clean"];

    /// One of [`Self::NAMES`].
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Profile::default()),
            "subtle" => Some(Profile::subtle()),
            "strong" => Some(Profile::strong()),
            "clean" => Some(Profile::clean()),
            _ => None,
        }
    }

    /// Clips in which one frame tells less than the course of time. Expressions have the intensities A to C, and each
    /// subject's face at rest resembles an expression of about that strength (a resting frown, a resting smile, raised
    /// brows), the same in all of the subject's clips whatever their class. So a frame with a slight frown may be of
    /// an angry clip or of any other clip of someone who looks so at rest: what tells them apart is what *changes*,
    /// and that needs frames from before and within the apex. Speech adds mouths of other classes for a fraction of a
    /// second; averaged over a clip they vanish, in one frame they do not. A recogniser that classifies frame by frame
    /// is bound to do worse here than one that compares frames; nothing else of the clip tells the class.
    fn subtle() -> Self {
        Profile {
            letters: [0.3, 0.4, 0.3, 0.0, 0.0],
            cut_at_apex: 0.1,
            resting: 2.0,
            pose: 1.3,
            speech: 1.3,
            blur: 1.3,
            noise: 1.5,
            compression: 1.2,
            ..Profile::default()
        }
    }

    /// Strong expressions (D and E) and little else: for a look at the classes.
    fn strong() -> Self {
        Profile {
            letters: [0.0, 0.0, 0.0, 0.5, 0.5],
            resting: 0.0,
            pose: 0.3,
            blinks: 0.5,
            gaze: 0.3,
            speech: 0.0,
            light: 0.3,
            framing: 0.3,
            exposure: 0.2,
            blur: 0.2,
            noise: 0.3,
            occlusion: 0.0,
            resolution: 0.0,
            compression: 0.2,
            ..Profile::default()
        }
    }

    /// The expressions of the default and nothing else.
    fn clean() -> Self {
        Profile {
            resting: 0.0,
            pose: 0.0,
            blinks: 0.0,
            gaze: 0.0,
            speech: 0.0,
            light: 0.0,
            framing: 0.0,
            exposure: 0.0,
            blur: 0.0,
            noise: 0.0,
            occlusion: 0.0,
            resolution: 0.0,
            compression: 0.0,
            ..Profile::default()
        }
    }

    /// Names of the classes, in the recogniser's usual order.
    pub fn classes(&self) -> Vec<&'static str> {
        PROTOTYPES.iter().map(|&(name, _)| name).filter(|&name| self.neutral || name != "neutral").collect()
    }

    /// What cannot be done as configured, in words: for values that a user gives.
    pub fn problem(&self) -> Option<String> {
        let knobs = [
            self.asymmetry,
            self.tremor,
            self.strays,
            self.resting,
            self.pose,
            self.blinks,
            self.gaze,
            self.speech,
            self.light,
            self.framing,
            self.exposure,
            self.blur,
            self.noise,
            self.occlusion,
            self.resolution,
            self.compression,
        ];
        let [fewest, most] = self.frames;
        if !(60 <= fewest && fewest <= most && most <= 10_000) {
            return Some(format!("frames {fewest} to {most}: want 60 to 10,000, in order"));
        }
        if self.letters.iter().any(|&weight| !(0.0..=1e6).contains(&weight)) || self.letters.iter().sum::<f32>() <= 0.0
        {
            return Some(format!("letters {:?}: want five weights, one at least above 0", self.letters));
        }
        if [self.two_bursts, self.cut_at_apex].iter().any(|chance| !(0.0..=1.0).contains(chance)) {
            return Some("two_bursts and cut_at_apex are chances, from 0 to 1".to_string());
        }
        knobs.iter().find(|knob| !(0.0..=10.0).contains(*knob)).map(|knob| format!("a knob of {knob}: want 0 to 10"))
    }
}
