//! One result: a face in a decoded frame, or a frame without one.

use std::sync::Arc;

use est_media::{Face, TrackId};

use crate::emotion::Emotion;

/// What a row can be used for. The first that applies, from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// No face was found in the frame, or the row's track is in a gap: no box, no probabilities.
    NoFace,
    /// The face is too small, blurred, dark, turned away or cut off to trust: its quality is below the threshold.
    LowQuality,
    /// The track is shorter than a window and was stretched: the probabilities rest on less video than the model
    /// was made for.
    Padded,
    Ok,
}

impl Status {
    /// From the most useful on.
    pub const ALL: [Status; 4] = [Status::Ok, Status::Padded, Status::LowQuality, Status::NoFace];

    pub fn name(self) -> &'static str {
        match self {
            Status::NoFace => "no_face",
            Status::LowQuality => "low_quality",
            Status::Padded => "padded",
            Status::Ok => "ok",
        }
    }
}

/// The model's answer for one window of one track. Times in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    pub emotion: Emotion,
    pub start_s: f64,
    pub end_s: f64,
    pub stretched: bool,
    /// What the decoder takes from each snippet; they sum to 1. Empty unless asked for, and of a network without
    /// attention.
    pub attention: Vec<f32>,
}

impl Scored {
    fn distance(&self, pts_s: f64) -> f64 {
        (self.centre_s() - pts_s).abs()
    }

    /// Whether this window's centre is nearer to `pts_s` than that of `other`.
    pub(crate) fn nearer(&self, other: &Scored, pts_s: f64) -> bool {
        self.distance(pts_s) < other.distance(pts_s)
    }

    pub(crate) fn centre_s(&self) -> f64 {
        (self.start_s + self.end_s) / 2.0
    }
}

/// What a label is called whose probability is too small to name a class.
pub const UNCERTAIN: &str = "uncertain";

/// A face in a frame with its window's answer. A row of a track takes the window whose centre is nearest in time.
#[derive(Debug, Clone, PartialEq)]
pub struct FaceRow {
    pub face: Face,
    pub scored: Arc<Scored>,
    /// The window's probabilities as smoothing and baseline correction leave them, where either was asked for.
    pub processed: Option<Arc<Emotion>>,
    /// The largest probability is below the threshold of abstention.
    pub uncertain: bool,
}

impl FaceRow {
    pub fn new(face: Face, scored: Arc<Scored>) -> Self {
        FaceRow { face, scored, processed: None, uncertain: false }
    }

    /// What the label is taken from: the processed probabilities where there are any, else the model's own.
    pub fn emotion(&self) -> &Emotion {
        self.processed.as_deref().unwrap_or(&self.scored.emotion)
    }

    /// Place of the label among the classes; None for one that is uncertain.
    pub fn label(&self) -> Option<usize> {
        (!self.uncertain).then(|| self.emotion().label())
    }
}

/// One row of the output.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub frame: u64,
    pub pts_s: f64,
    /// Name of the picture that the frame is.
    pub file: Option<Arc<str>>,
    /// None only where the frame has no face and no track is in a gap.
    pub track: Option<TrackId>,
    pub status: Status,
    pub face: Option<FaceRow>,
}
