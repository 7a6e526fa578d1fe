//! Labelled expression video whose truth is known: which class a clip shows, and for every frame the action-unit
//! intensities, the pose and the phase. `script` says what happens, a [`Source`] draws it, `nuisance` spoils the pictures.

pub mod facs;
mod generate;
mod heads;
pub mod mesh;
pub mod nuisance;
mod portraits;
pub mod prototypes;
pub mod script;
mod sheet;
mod state;
mod strength;
mod video;

pub use generate::{ScriptMaker, SynthOptions, plan};
pub use heads::Heads;
pub use portraits::Portraits;
pub use sheet::write_contact_sheet;
pub use state::{Drawn, FaceState, Framing, Light, Pose, Source, Subject};
