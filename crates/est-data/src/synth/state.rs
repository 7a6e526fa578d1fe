//! The seam between what a face does and how it is drawn.

use est_media::{Image, Landmarks};

use super::facs::Intensities;
use crate::error::DataError;

/// Where the head points, in degrees. Yaw turns to the subject's left (the picture's right), pitch up, roll clockwise as
/// the viewer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pose {
    pub yaw: f32,
    pub pitch: f32,
    pub roll: f32,
}

/// Where the face lies in the picture. At rest (no shift, zoom 1) it lies as est's own crops have it; the constants are
/// the mean over 26 neutral portraits cut with the square crop of margin 1.2, and each portrait is within 0.03 of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    /// Displacement to the right and down, in sides of the picture.
    pub shift: [f32; 2],
    /// Above 1 the face is larger.
    pub zoom: f32,
}

impl Framing {
    /// Height of the point between the pupils, and of the mouth's corners, in sides of the picture from its top.
    pub const EYES_Y: f32 = 0.421;
    pub const MOUTH_Y: f32 = 0.719;
}

impl Default for Framing {
    fn default() -> Self {
        Framing { shift: [0.0; 2], zoom: 1.0 }
    }
}

/// The light on the face. A source that has its own (a photograph) changes it by as much as this differs from the default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Light {
    /// Where the key light comes from: degrees to the picture's right, and up.
    pub azimuth: f32,
    pub elevation: f32,
    /// Brightness of the key light and of the light from everywhere; 1 and 1 by default.
    pub key: f32,
    pub fill: f32,
    /// Below 0 bluish, above 0 reddish, in [-1, 1].
    pub warmth: f32,
}

impl Default for Light {
    fn default() -> Self {
        Light { azimuth: 0.0, elevation: 30.0, key: 1.0, fill: 1.0, warmth: 0.0 }
    }
}

/// Everything that a frame shows of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaceState {
    /// All that the face does at this moment: expression, blink and speech together.
    pub aus: Intensities,
    /// Where the eyes look relative to the head, in degrees: to the subject's left, and up.
    pub gaze: [f32; 2],
    pub pose: Pose,
    pub framing: Framing,
    pub light: Light,
}

/// A frame with the places of both pupils, the nose tip and the mouth's corners in it, as est's detector would give them
/// (pixels from the top left corner; the viewer's left first).
#[derive(Debug, Clone)]
pub struct Drawn {
    pub image: Image,
    pub landmarks: Landmarks,
}

/// Someone who can be drawn.
pub trait Subject: Send + Sync {
    /// Letters, digits, `_` and `-`; unlike any other subject's of the same source.
    fn id(&self) -> &str;

    /// The subject as a square picture of `size` pixels. A function of its arguments alone.
    fn draw(&self, state: &FaceState, size: usize) -> Drawn;
}

/// Where subjects come from.
pub trait Source: Send + Sync {
    /// `heads` or `portraits`.
    fn name(&self) -> &'static str;

    /// How many there are; None when any number can be made.
    fn subjects(&self) -> Option<usize>;

    /// Whether one person's face may be part of several subjects, so that no folds are person-independent.
    fn mixes_faces(&self) -> bool {
        false
    }

    /// Subject `index` under `seed`.
    fn subject(&self, index: usize, seed: u64) -> Result<Box<dyn Subject>, DataError>;
}
