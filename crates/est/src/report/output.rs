//! Files that appear whole or not at all.

use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::EstError;

/// A file that is written under a temporary name in its own folder and takes its place when it is complete.
pub struct OutputFile {
    path: PathBuf,
    writer: BufWriter<NamedTempFile>,
}

impl OutputFile {
    pub fn create(path: &Path) -> Result<Self, EstError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".est-").suffix(".part");
        if let Some(permissions) = permissions() {
            builder.permissions(permissions);
        }
        let file = builder.tempfile_in(folder).map_err(|error| EstError::Output { path: path.to_owned(), error })?;
        Ok(OutputFile { path: path.to_owned(), writer: BufWriter::new(file) })
    }

    /// Writes with `write` and names this file in its errors.
    pub fn with(&mut self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), EstError> {
        write(&mut self.writer).map_err(|error| EstError::Output { path: self.path.clone(), error })
    }

    /// Puts the complete file in its place, on the disk and not just in its cache.
    pub fn commit(self) -> Result<PathBuf, EstError> {
        let path = self.path;
        let placed = self.writer.into_inner().map_err(|error| error.into_error()).and_then(|file| {
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        });
        match placed {
            Ok(()) => Ok(path),
            Err(error) => Err(EstError::Output { path, error }),
        }
    }
}

/// What a new file has by the user's umask; temporary files are the owner's alone otherwise.
#[cfg(unix)]
fn permissions() -> Option<Permissions> {
    Some(std::os::unix::fs::PermissionsExt::from_mode(0o666))
}

#[cfg(not(unix))]
fn permissions() -> Option<Permissions> {
    None
}

/// Whether files can be made in `folder`: the error if not.
pub fn probe_folder(folder: &Path) -> std::io::Result<()> {
    NamedTempFile::new_in(folder).map(drop)
}
