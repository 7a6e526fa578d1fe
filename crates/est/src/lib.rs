//! Apparent facial expressions over time, from video.
//!
//! ```no_run
//! fn main() -> Result<(), est::EstError> {
//!     let pipeline = est::Pipeline::builder().build()?;
//!     let mut rows = pipeline.rows("interview.mp4")?;
//!     for row in rows.by_ref() {
//!         println!("{:?}", row?);
//!     }
//!     println!("{} faces", rows.summary().tracks.len());
//!     Ok(())
//! }
//! ```
//!
//! [`Pipeline::rows`] takes a caller's own frames too ([`OwnFrames`]), [`Pipeline::stream`] takes them one at a time, and
//! [`Pipeline::report`] writes files. The way of the data, each step a module or a crate below:
//! `decode -> detect -> track -> align -> clip (105 -> 75) -> snippets (7 x 5) -> encoder -> aasfe -> transformer ->
//! emotion -> report`. Each step can be had by itself: [`FrameSource`] gives frames, a [`FaceStep`] finds, follows and cuts
//! out their faces, a [`Scorer`] lays windows over them and asks a [`Recogniser`], whose networks take crops to features and
//! the features of a clip to its [`Emotion`].
#![forbid(unsafe_code)]

mod ahead;
mod assemble;
pub mod assets;
mod attention;
mod clip;
mod decoding;
mod emotion;
mod error;
mod faces;
pub mod foreign;
mod frames;
mod model;
mod parquet_table;
mod pipeline;
mod reader;
mod recogniser;
pub mod report;
mod row;
mod rows;
pub mod run;
mod scorer;
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
pub use est_engine::{Options as EngineOptions, Precision};
pub use est_media::{DecodeOptions, DetectorOptions, Frame, Image, RetinaFace, TrackOptions};
pub use est_nets::Preprocessing;
pub use faces::{CroppedFrame, FaceFinder, FaceSource, FaceStep, Faces, GivenCrops};
pub use frames::{FrameSource, IntoFrames, OwnFrames};
pub use model::{CLASSES, ImportOptions, Model, usual_classes};
pub use parquet_table::{ParquetTable, is_parquet, read_parquet};
pub use pipeline::{
    FaceDetector, Pipeline, PipelineBuilder, ReportOptions, Reported, StartingPipeline, Weights, record_path,
};
pub use reader::{OpenVideo, Reader};
pub use recogniser::{Recogniser, RecogniserOptions};
pub use row::{FaceRow, Row, Scored, Status, UNCERTAIN};
pub use rows::{Progress, RowStream, Rows, recognise};
pub use scorer::Scorer;
pub use signal::{Baseline, SignalOptions};
pub use snippets::{test_places, train_places};
pub use source::{Input, Source, is_video, read_list, tell_apart};
pub use text_table::{TableProblem, TextTable};
pub use timings::{Stage, Timings};
