//! What can go wrong with a data set.

use std::path::PathBuf;

/// Each message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The set does not look as it should: a file is missing, a header is wrong, a label contradicts another.
    #[error("{path}: {problem}")]
    Set { path: PathBuf, problem: String },
    #[error("{path}: cannot be read ({error})")]
    Read { path: PathBuf, error: std::io::Error },
    #[error("{path}: cannot be written ({error}); choose another --out or make room")]
    Write { path: PathBuf, error: std::io::Error },
    #[error(transparent)]
    Est(#[from] est::EstError),
}

impl DataError {
    pub fn set(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        DataError::Set { path: path.into(), problem: problem.into() }
    }

    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| DataError::Read { path, error }
    }

    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |error| DataError::Write { path, error }
    }
}
