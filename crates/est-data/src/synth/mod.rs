//! Labelled expression video whose truth is known: which class a clip shows, and for every frame the action-unit
//! intensities, the pose and the phase. `script` says what happens, a [`Source`] draws it, `nuisance` spoils the pictures.

pub mod facs;
pub mod mesh;
pub mod prototypes;
mod state;

pub use state::{Drawn, FaceState, Framing, Light, Pose, Source, Subject};
