//! What can go wrong in an evaluation.

use std::path::PathBuf;

/// Each message names the file, clip or class and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    #[error(transparent)]
    Data(#[from] est_data::DataError),
    #[error(transparent)]
    Est(#[from] est::EstError),
    #[error("the network cannot run: {0}")]
    Engine(#[from] est_engine::EngineError),
    /// The classes of the set and of the model are not the same.
    #[error("{set}: {problem}")]
    Classes { set: String, problem: String },
    /// Nothing to score, or a class without a clip.
    #[error("{set}: {problem}")]
    Empty { set: String, problem: String },
    /// Predictions that cannot be put together or compared.
    #[error("{0}")]
    Different(String),
    /// A file of the user, or one that est wrote and someone changed.
    #[error("{path}: {problem}")]
    File { path: PathBuf, problem: String },
    #[error("{path}: cannot be read ({error})")]
    Read { path: PathBuf, error: std::io::Error },
    #[error("{path}: cannot be written ({error}); choose another --out or make room")]
    Write { path: PathBuf, error: std::io::Error },
    #[error("calibration: {0}")]
    Calibration(String),
}

impl EvalError {
    pub(crate) fn file(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        EvalError::File { path: path.into(), problem: problem.into() }
    }

    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| EvalError::Read { path, error }
    }
}
