//! Apparent facial expressions over time, from video.
//!
//! The way of the data, each step a module or a crate below:
//! `decode -> detect -> track -> align -> clip (105 -> 75) -> snippets (7 x 5) -> encoder -> aasfe -> transformer ->
//! emotion -> report`. [`Recogniser`] has the steps as methods.
#![forbid(unsafe_code)]

mod assemble;
mod clip;
mod decoding;
mod emotion;
mod error;
mod faces;
mod model;
mod recogniser;
pub mod report;
mod row;
mod snippets;
mod source;

pub use clip::{CropId, Layout, Timeline, Window, stretch};
pub use decoding::Decoding;
pub use emotion::Emotion;
pub use error::EstError;
pub use faces::{CroppedFrame, FaceSource, GivenCrops, TrackedFaces};
pub use model::{CLASSES, ImportOptions, Model, usual_classes};
pub use recogniser::{Progress, Recogniser, RecogniserOptions};
pub use row::{FaceRow, Row, Scored, Status};
pub use snippets::test_places;
pub use source::{Source, unique_names};
