//! What was made of which video, a line each.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use est_nets::hash;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::report::{Format, RunRecord};

/// One result, or one failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub video_id: String,
    /// The absolute path of what was read.
    pub source: String,
    /// Size and time of change of the source's files.
    pub stamp: Option<String>,
    /// None where the source is no plain file, or changed while it was read.
    pub content_sha256: Option<String>,
    /// Of all that changes rows or files but the video: [`config_sha256`].
    pub config_sha256: String,
    /// When it was finished.
    pub at: String,
    /// When retention ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_until: Option<String>,
    /// Why there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// From the folder of results, with `/` between the parts.
    pub files: Vec<String>,
    #[serde(default)]
    pub classes: Vec<String>,
    /// The video's [`Summary`](crate::report::Summary).
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub summary: Value,
    /// What a list said about the video.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub columns: Map<String, Value>,
}

/// Everything but the video that rows and files follow from.
pub(super) fn config(record: &RunRecord, formats: &[Format]) -> Value {
    let formats: Vec<&str> = formats.iter().map(|format| format.name()).collect();
    serde_json::json!({ "run": record, "formats": formats })
}

/// Its hash.
pub fn config_sha256(record: &RunRecord, formats: &[Format]) -> String {
    hash::of(config(record, formats).to_string().as_bytes())
}

/// A file of JSON lines that several processes add to. A line that a killed process or a full disk left unfinished is
/// passed over.
pub struct Lines {
    path: PathBuf,
    read_to: u64,
}

impl Lines {
    pub fn new(path: PathBuf) -> Self {
        Lines { path, read_to: 0 }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lines that were added since the last call.
    pub fn news<T: for<'a> Deserialize<'a>>(&mut self) -> io::Result<Vec<T>> {
        let mut bytes = vec![];
        match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(error),
            Ok(mut file) => {
                file.seek(SeekFrom::Start(self.read_to))?;
                file.read_to_end(&mut bytes)?;
            }
        }
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        self.read_to += whole as u64;
        let lines = bytes[..whole].split(|&byte| byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// Adds a line, whole or not at all.
    pub fn add(&self, line: &impl Serialize) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&self.path)?;
        lock(&file)?;
        let end = file.seek(SeekFrom::End(0))?;
        let mut bytes = vec![];
        if end > 0 {
            file.seek(SeekFrom::Start(end - 1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                bytes.push(b'\n');
            }
        }
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        if written.is_err() {
            let _ = file.set_len(end);
        }
        written
    }
}

/// Keeps others out of a file until it is closed. File systems that know no locks leave it at that.
fn lock(file: &File) -> io::Result<()> {
    match file.lock() {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(()),
    }
}

/// The last line of each video.
pub fn latest(entries: Vec<Entry>, into: &mut BTreeMap<String, Entry>) {
    into.extend(entries.into_iter().map(|entry| (entry.video_id.clone(), entry)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_lines_are_passed_over_and_news_come_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut lines = Lines::new(path.clone());
        assert!(lines.news::<u32>().unwrap().is_empty());
        lines.add(&1).unwrap();
        lines.add(&2).unwrap();
        assert_eq!(lines.news::<u32>().unwrap(), [1, 2]);
        // What a process leaves that is killed while it writes.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"half").unwrap();
        assert!(lines.news::<u32>().unwrap().is_empty());
        lines.add(&3).unwrap();
        assert_eq!(lines.news::<u32>().unwrap(), [3]);
        assert_eq!(Lines::new(path).news::<u32>().unwrap(), [1, 2, 3]);
    }
}
