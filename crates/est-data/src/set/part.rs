//! One finished clip on its own: a line of JSON with its row and its frames' places, then its members of the shard.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use est_nets::{hash, whole_file};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use super::row::{ClipRow, ClipStatus};

/// Bytes of JPEGs that are held in memory before they go to a temporary file: half a minute of crops of 224 pixels.
const IN_MEMORY: usize = 16 << 20;

/// JPEGs of one clip in the order of time, as they are made.
#[derive(Debug)]
pub struct Frames {
    spool: SpooledTempFile,
    places: Vec<(u32, f64)>,
}

/// Where a maker gets its [`Frames`].
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(folder: &Path) -> Self {
        Scratch(folder.to_owned())
    }

    /// No frames yet. Long clips go to a temporary file.
    pub fn frames(&self) -> Frames {
        Frames { spool: tempfile::spooled_tempfile_in(IN_MEMORY, &self.0), places: vec![] }
    }

    /// The folder of temporary files.
    pub fn folder(&self) -> &Path {
        &self.0
    }
}

impl Frames {
    /// The next frame, shown at `pts_s` seconds.
    pub fn push(&mut self, pts_s: f64, jpeg: &[u8]) -> io::Result<()> {
        let length = u32::try_from(jpeg.len()).map_err(|_| io::Error::other("a picture of more than 4 GB"))?;
        self.places.push((length, pts_s));
        self.spool.write_all(jpeg)
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

/// A clip as it comes out of its video or its script.
pub struct MadeClip {
    pub status: ClipStatus,
    /// The crops; None where there are none.
    pub frames: Option<Frames>,
    pub decoded: u64,
    pub tracks: usize,
    pub note: Option<String>,
    /// Anything else that is known about the clip; becomes its JSON member.
    pub details: Value,
}

impl MadeClip {
    /// A clip without pictures.
    pub fn without(status: ClipStatus, note: Option<String>) -> Self {
        MadeClip { status, frames: None, decoded: 0, tracks: 0, note, details: Value::Null }
    }
}

/// What stands before the members.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PartHeader {
    pub row: ClipRow,
    /// Offset from the first member, length, and presentation time in seconds.
    pub frames: Vec<(u64, u32, f64)>,
    /// Bytes of all members.
    pub bytes: u64,
}

/// Writes a clip to `path`, whole or not at all. `row` has what its annotations say.
pub(super) fn write(path: &Path, mut row: ClipRow, made: MadeClip) -> io::Result<()> {
    row.status = made.status;
    row.decoded = made.decoded;
    row.tracks = made.tracks;
    row.note = match (row.note, made.note) {
        (Some(known), Some(new)) => Some(format!("{known}; {new}")),
        (known, new) => known.or(new),
    };
    let Some(frames) = made.frames.filter(|frames| !frames.is_empty()) else {
        return place(path, &PartHeader { row, frames: vec![], bytes: 0 }, &mut io::empty());
    };
    row.frames = frames.len() as u64;
    row.start_s = frames.places.first().map(|&(_, pts_s)| pts_s);
    row.end_s = frames.places.last().map(|&(_, pts_s)| pts_s);

    let folder = path.parent().expect("parts lie in a folder");
    let mut members =
        tar::Builder::new(Hashed { inner: tempfile::tempfile_in(folder)?, hash: Sha256::new(), bytes: 0 });
    let mut details = json!({
        "clip": row.clip, "label": row.label, "class": row.class, "subject": row.subject, "part": row.part,
        "source": row.source, "pts_s": frames.places.iter().map(|&(_, pts_s)| pts_s).collect::<Vec<f64>>(),
    });
    if let (Value::Object(details), Value::Object(more)) = (&mut details, made.details) {
        details.extend(more);
    }
    append(&mut members, &format!("{}.json", row.clip), details.to_string().as_bytes())?;
    if let Some(label) = row.label {
        append(&mut members, &format!("{}.cls", row.clip), label.to_string().as_bytes())?;
    }
    let Frames { mut spool, places } = frames;
    spool.seek(SeekFrom::Start(0))?;
    let mut found = vec![];
    let mut jpeg = vec![];
    for (k, &(length, pts_s)) in places.iter().enumerate() {
        jpeg.resize(length as usize, 0);
        spool.read_exact(&mut jpeg)?;
        append(&mut members, &format!("{}.{k:06}.jpg", row.clip), &jpeg)?;
        // The member's bytes are the last but for their padding to a whole block.
        found.push((members.get_ref().bytes - u64::from(length).next_multiple_of(512), length, pts_s));
    }
    // Not `into_inner`, which would write the end of an archive.
    let Hashed { inner: file, hash, bytes } = members.get_mut();
    row.sha256 = Some(hash::text(hash.clone()));
    file.seek(SeekFrom::Start(0))?;
    let header = PartHeader { row, frames: found, bytes: *bytes };
    place(path, &header, file)
}

fn place(path: &Path, header: &PartHeader, members: &mut dyn Read) -> io::Result<()> {
    let mut file = whole_file::begin(path)?;
    serde_json::to_writer(&mut file, header)?;
    file.write_all(b"\n")?;
    io::copy(members, &mut file)?;
    whole_file::place(file, path)
}

/// Opens a part: its header, and its members to read on.
pub(super) fn open(path: &Path) -> io::Result<(PartHeader, BufReader<File>)> {
    let mut file = BufReader::new(File::open(path)?);
    let mut line = String::new();
    file.read_line(&mut line)?;
    Ok((serde_json::from_str(&line)?, file))
}

/// A member of fixed owner, mode and time, so that equal clips give equal bytes.
fn append(members: &mut tar::Builder<Hashed>, name: &str, data: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(data.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    members.append_data(&mut header, name, data)
}

/// Counts and hashes what passes.
struct Hashed {
    inner: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(data)?;
        self.hash.update(&data[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
