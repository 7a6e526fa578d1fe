//! What happens to a video before a network sees it. Stored with the weights, so that training and prediction
//! cannot differ (SPEC section 1).

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a face becomes the square picture that the frame encoder reads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Crop {
    /// The upright square around the detected box's centre whose side is `margin` times the box's longer side.
    Square { margin: f32 },
    /// The similarity transform that best maps the five landmarks (eyes, nose tip, mouth corners) onto a frontal
    /// template; `scale` 1 is the usual 112-pixel recognition template stretched to the crop, smaller shows more
    /// around the face.
    Aligned { scale: f32 },
}

impl fmt::Display for Crop {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Crop::Square { margin } => write!(f, "square box x {margin}"),
            Crop::Aligned { scale } => write!(f, "aligned by five points, template x {scale}"),
        }
    }
}

/// How snippets are cut from a window of frames (SPEC section 1). Sub-video i of n is the `span` frames from
/// `start + step * i`; a snippet is J of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Frames in a window: 105.
    pub window: usize,
    /// Frames in a sub-video: 15.
    pub span: usize,
    /// Frames from the start of a sub-video to the start of the next: 10.
    pub step: usize,
}

impl Sampling {
    pub const PAPER: Sampling = Sampling { window: 105, span: 15, step: 10 };
}

/// Video to network input. `size` is the side of the square crop in pixels; `rate` the frames per second of
/// presentation time at which frames enter a window; `mean` and `std` are per RGB channel on the [0, 1] scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    pub crop: Crop,
    pub size: usize,
    pub rate: f64,
    pub sampling: Sampling,
    pub mean: [f32; 3],
    pub std: [f32; 3],
    /// From how many degrees of roll on a square crop is turned upright, by the five points of the face; None: never. An
    /// aligned crop always is upright. Files of before there was this choice have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upright_beyond: Option<f32>,
}

impl Preprocessing {
    /// The `paper` preset: a square crop, RGB in [0, 1] without mean and deviation (SPEC section 1). The margin and
    /// the rate are ours: the paper names neither; 25 per second is the rate of its largest sets.
    pub const PAPER: Preprocessing = Preprocessing {
        crop: Crop::Square { margin: 1.2 },
        size: 224,
        rate: 25.0,
        sampling: Sampling::PAPER,
        mean: [0.0; 3],
        std: [1.0; 3],
        upright_beyond: None,
    };

    /// What cannot be done as configured, in words: for values that come from a file.
    pub fn problem(&self) -> Option<String> {
        // What a channel's bytes become; a deviation of next to nothing makes it infinite.
        let is_sound = |(&mean, &std): (&f32, &f32)| {
            std > 0.0 && std.is_finite() && [0.0, 1.0].iter().all(|level: &f32| ((level - mean) / std).is_finite())
        };
        let Sampling { window, span, step } = self.sampling;
        let factor = match self.crop {
            Crop::Square { margin } => margin,
            Crop::Aligned { scale } => scale,
        };
        if !(0.1..=10.0).contains(&factor) {
            return Some(format!("the crop's factor is {factor}, not between 0.1 and 10"));
        }
        if !(self.rate > 0.0 && self.rate <= 1000.0) {
            return Some(format!("the rate is {} frames per second", self.rate));
        }
        if [window, span, step].iter().any(|&frames| frames == 0 || frames > 10_000) {
            return Some(format!("a window of {window} frames, sub-videos of {span}, {step} apart"));
        }
        if !self.mean.iter().zip(&self.std).all(is_sound) {
            return Some(format!("mean {:?}, deviation {:?}", self.mean, self.std));
        }
        if self.upright_beyond.is_some_and(|degrees| !(1.0..=90.0).contains(&degrees)) {
            return Some("crops are turned upright beyond an angle that is not between 1 and 90 degrees".to_string());
        }
        None
    }
}
