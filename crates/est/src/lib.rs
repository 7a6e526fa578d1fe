//! Apparent facial expressions over time, from video.
//!
//! The way of the data, each step a module or a crate below:
//! `decode -> detect -> track -> align -> clip (105 -> 75) -> snippets (7 x 5) -> encoder -> aasfe -> transformer ->
//! emotion -> report`. [`Reader`] walks those up to the crop, [`Recogniser`] has the others as methods, and
//! [`OpenVideo::read`] walks them all:
//!
//! ```no_run
//! use std::path::Path;
//!
//! use est::{EstError, Model, Reader, Recogniser, RecogniserOptions, Source};
//! use est_media::{DecodeOptions, DetectorOptions, RetinaFace, TrackOptions};
//! use est_nets::weights::load_tensors;
//!
//! fn main() -> Result<(), EstError> {
//!     let options = RecogniserOptions::default();
//!     let tensors = load_tensors(Path::new("retinaface_mobilenet0.25.pth"))?.tensors;
//!     let detector = RetinaFace::new(tensors, DetectorOptions::default(), &options.engine)?;
//!     let preprocessing = Model::preprocessing(Path::new("model.est"))?;
//!     let reader = Reader::new(preprocessing, Some(detector), TrackOptions::default(), DecodeOptions::default());
//!
//!     // Its faces are found while the model is read.
//!     let video = reader.open(&Source::File("interview.mp4".into()))?;
//!     let mut recogniser = Recogniser::new(Model::open(Path::new("model.est"))?, options)?;
//!     let mut print = |row| {
//!         println!("{row:?}");
//!         Ok(())
//!     };
//!     let summary = video.read(&mut recogniser, "interview", &mut print, &mut |_| ())?;
//!     println!("{} frames, {} faces", summary.frames_decoded, summary.tracks.len());
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]

mod ahead;
mod assemble;
mod attention;
mod clip;
mod decoding;
mod emotion;
mod error;
mod faces;
pub mod foreign;
mod model;
mod parquet_table;
mod reader;
mod reading;
mod recogniser;
pub mod report;
mod row;
pub mod run;
mod signal;
mod snippets;
mod source;
mod text_table;
mod timings;
mod track;

pub use attention::{CrossAttention, over_heads};
pub use clip::{CropId, Layout, Timeline, Window, centre_window, stretch};
pub use decoding::Decoding;
pub use emotion::{Emotion, largest};
pub use error::EstError;
pub use faces::{CroppedFrame, FaceSource, GivenCrops, TrackedFaces};
pub use model::{CLASSES, ImportOptions, Model, usual_classes};
pub use parquet_table::{ParquetTable, is_parquet, read_parquet};
pub use reader::{OpenVideo, Reader};
pub use recogniser::{Progress, Recogniser, RecogniserOptions};
pub use row::{FaceRow, Row, Scored, Status, UNCERTAIN};
pub use signal::{Baseline, SignalOptions};
pub use snippets::{test_places, train_places};
pub use source::{Input, Source, is_video, read_list, tell_apart};
pub use text_table::{TableProblem, TextTable};
pub use timings::{Stage, Timings};
