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
        "{path}: picture {frame} is {width} x {height}, but --crops takes face crops of {size} x {size} as they are; \
         leave out --crops to have faces found and cropped"
    )]
    CropSize { path: PathBuf, frame: u64, width: usize, height: usize, size: usize },
    #[error("{path}: cannot be written ({error}); choose another --out or make room")]
    Output { path: PathBuf, error: std::io::Error },
    #[error(
        "the program ffmpeg {0}; annotated video needs it: install FFmpeg with libx264 (Debian and Ubuntu: apt install \
         ffmpeg; macOS: brew install ffmpeg), or leave mp4 out of --format"
    )]
    Encoder(String),
    #[error("{pattern}: {problem}")]
    Source { pattern: String, problem: String },
}
