//! What can end a training.

use std::path::PathBuf;

/// Each message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(transparent)]
    Data(#[from] est_data::DataError),
    #[error(transparent)]
    Est(#[from] est::EstError),
    #[error(transparent)]
    Weights(#[from] est_nets::weights::WeightsError),
    #[error("the network cannot run: {0}")]
    Engine(#[from] est_engine::EngineError),
    #[error("libtorch: {0}; if memory ran out, lower `batch` and raise `accumulate`")]
    Torch(#[from] tch::TchError),
    #[error("no CUDA device: this libtorch sees none; set device = \"cpu\", or LIBTORCH to a build with CUDA")]
    NoCuda,
    #[error("tensor `{key}` {problem}")]
    Tensor { key: String, problem: String },
    /// Something is wrong with a file or folder that was given.
    #[error("{path}: {problem}")]
    Input { path: PathBuf, problem: String },
    /// A row of a table that cannot be trained.
    #[error("row {row} of the table: {problem}")]
    Row { row: String, problem: String },
    /// Runs that cannot be put in a series.
    #[error("{0}")]
    Series(String),
    #[error("{path}: cannot be read ({error})")]
    Read { path: PathBuf, error: std::io::Error },
    #[error("{path}: cannot be written ({error}); {kept}")]
    Write { path: PathBuf, error: std::io::Error, kept: String },
    /// The numbers ran away.
    #[error("step {step} of epoch {epoch}: {what} is no number any more; {kept}. A lower `rate` or f32 may help")]
    NotFinite { epoch: u32, step: u64, what: String, kept: String },
}

impl TrainError {
    pub(crate) fn input(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        TrainError::Input { path: path.into(), problem: problem.into() }
    }

    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| TrainError::Read { path, error }
    }

    /// A file that could not be written, when nothing of the run is at stake.
    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| TrainError::Write { path, error, kept: "choose another --out or make room".to_string() }
    }
}
