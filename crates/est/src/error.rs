//! What can go wrong between a video and its rows.

use std::path::PathBuf;

/// Each message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EstError {
    #[error(transparent)]
    Media(#[from] est_media::MediaError),
    #[error(transparent)]
    Weights(#[from] est_nets::weights::WeightsError),
    #[error("the network cannot run: {0}")]
    Engine(#[from] est_engine::EngineError),
    /// The network has no answer; `place` says for what, the `nth` of those that were given at once.
    #[error(
        "{place}: the network has no answer: layer `{layer}` gives values that are no finite numbers. The weights are \
         damaged or too large for f32; use others"
    )]
    NotFinite { layer: String, place: String, nth: usize },
    #[error("{id}: {problem}; use a weights file written by `est weights import`")]
    Model { id: String, problem: String },
    #[error(
        "{path}: picture {frame} is {width} x {height}, but face crops of {size} x {size} are taken as they are; have \
         faces found and cropped instead"
    )]
    CropSize { path: PathBuf, frame: u64, width: usize, height: usize, size: usize },
    #[error("frame {frame} is at {pts_s} s{}; give frames in order of time", before(*.before_s))]
    FrameTime { frame: u64, pts_s: f64, before_s: Option<f64> },
    #[error("{path}: {problem}")]
    Detector { path: PathBuf, problem: String },
    /// A file that est needs beside itself and that is in none of the places where it is looked for.
    #[error("{what} ({file}): not installed; run `make setup` in the repository, or name the file")]
    NotInstalled { what: &'static str, file: &'static str },
    #[error("{path}: cannot be written ({error}); make room, or write elsewhere")]
    Output { path: PathBuf, error: std::io::Error },
    #[error(
        "the program ffmpeg {0}; annotated video needs it: install FFmpeg with libx264 (Debian and Ubuntu: apt install \
         ffmpeg; macOS: brew install ffmpeg), or do without"
    )]
    Encoder(String),
    #[error("{pattern}: {problem}")]
    Source { pattern: String, problem: String },
}

fn before(before_s: Option<f64>) -> String {
    before_s.map_or(String::new(), |before_s| format!(", not after the frame before ({before_s} s)"))
}
