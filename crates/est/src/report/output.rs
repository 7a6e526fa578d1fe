//! Files that appear whole or not at all.

use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use est_nets::whole_file;
use tempfile::NamedTempFile;

use crate::error::EstError;

/// A file that is written under a temporary name in its own folder and takes its place when it is complete.
pub struct OutputFile {
    path: PathBuf,
    writer: BufWriter<NamedTempFile>,
}

impl OutputFile {
    pub fn create(path: &Path) -> Result<Self, EstError> {
        let file = whole_file::begin(path).map_err(|error| EstError::Output { path: path.to_owned(), error })?;
        Ok(OutputFile { path: path.to_owned(), writer: BufWriter::new(file) })
    }

    /// Writes with `write` and names this file in its errors.
    pub fn with(&mut self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), EstError> {
        write(&mut self.writer).map_err(|error| EstError::Output { path: self.path.clone(), error })
    }

    /// Changes the last `length` bytes of those that were written.
    pub fn rewrite_end(
        &mut self,
        length: usize,
        change: impl FnOnce(&mut [u8]) -> std::io::Result<()>,
    ) -> Result<(), EstError> {
        let rewrite = || {
            self.writer.flush()?;
            let file = self.writer.get_mut();
            let mut end = vec![0; length];
            let at = file.seek(SeekFrom::End(-(length as i64)))?;
            file.read_exact(&mut end)?;
            change(&mut end)?;
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&end)
        };
        rewrite().map_err(|error| EstError::Output { path: self.path.clone(), error })
    }

    /// Puts the complete file in its place, on the disk and not just in its cache.
    pub fn commit(self) -> Result<PathBuf, EstError> {
        let path = self.path;
        let file = self.writer.into_inner().map_err(|error| error.into_error());
        let placed = file.and_then(|file| whole_file::place(file, &path));
        match placed {
            Ok(()) => Ok(path),
            Err(error) => Err(EstError::Output { path, error }),
        }
    }
}

/// For writers that want to own their file. Their errors do not name it.
impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

/// Whether files can be made in `folder`: the error if not.
pub fn probe_folder(folder: &Path) -> std::io::Result<()> {
    NamedTempFile::new_in(folder).map(drop)
}
