//! `frames.idx`: for each frame of the set, in the order of the manifest, where its JPEG lies and when it is shown.
//! Little-endian: eight bytes of magic, a u64 count, then 24 bytes a frame.

use std::io::{self, Write};
use std::path::Path;

use est_nets::whole_file;
use mmap_guard::FileData;

use crate::error::DataError;

const MAGIC: &[u8; 8] = b"ESTIDX01";
const HEADER: usize = 16;
const RECORD: usize = 24;

/// A frame's JPEG: `length` bytes from `offset` of shard `shard`, shown at `pts_s` seconds of its clip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FramePlace {
    pub offset: u64,
    pub length: u32,
    pub shard: u32,
    pub pts_s: f64,
}

impl FramePlace {
    fn bytes(&self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.length.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.shard.to_le_bytes());
        bytes[16..].copy_from_slice(&self.pts_s.to_le_bytes());
        bytes
    }

    fn of(bytes: &[u8]) -> Self {
        let eight = |at: usize| bytes[at..at + 8].try_into().expect("eight bytes");
        let four = |at: usize| bytes[at..at + 4].try_into().expect("four bytes");
        FramePlace {
            offset: u64::from_le_bytes(eight(0)),
            length: u32::from_le_bytes(four(8)),
            shard: u32::from_le_bytes(four(12)),
            pts_s: f64::from_le_bytes(eight(16)),
        }
    }
}

/// Writes the index, whole or not at all.
pub(super) fn write(path: &Path, frames: &[FramePlace]) -> io::Result<()> {
    let mut file = io::BufWriter::new(whole_file::begin(path)?);
    file.write_all(MAGIC)?;
    file.write_all(&(frames.len() as u64).to_le_bytes())?;
    for frame in frames {
        file.write_all(&frame.bytes())?;
    }
    whole_file::place(file.into_inner().map_err(io::IntoInnerError::into_error)?, path)
}

/// The index in memory-mapped form.
#[derive(Debug)]
pub(super) struct Index(FileData);

impl Index {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let data = mmap_guard::map_file(path).map_err(DataError::read(path))?;
        let count = data.get(8..HEADER).map(|count| u64::from_le_bytes(count.try_into().expect("eight bytes")));
        let whole = count.and_then(|count| count.checked_mul(RECORD as u64)?.checked_add(HEADER as u64));
        if !data.starts_with(MAGIC) || whole != Some(data.len() as u64) {
            return Err(DataError::set(
                path,
                "not a whole index of frames; prepare the set again into an empty folder",
            ));
        }
        Ok(Index(data))
    }

    pub(super) fn len(&self) -> u64 {
        ((self.0.len() - HEADER) / RECORD) as u64
    }

    /// Frame `number` of the set.
    pub(super) fn get(&self, number: u64) -> Option<FramePlace> {
        let at = HEADER + usize::try_from(number).ok()?.checked_mul(RECORD)?;
        self.0.get(at..at.checked_add(RECORD)?).map(FramePlace::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames.idx");
        let frame =
            |k: u64| FramePlace { offset: (512 + k) << 33, length: 7 + k as u32, shard: 3, pts_s: k as f64 / 25.0 };
        write(&path, &(0..5).map(frame).collect::<Vec<_>>()).unwrap();
        let index = Index::open(&path).unwrap();
        assert_eq!(index.len(), 5);
        assert_eq!(index.get(4), Some(frame(4)));
        assert_eq!((index.get(5), index.get(u64::MAX)), (None, None));

        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(Index::open(&path).unwrap_err().to_string().contains("not a whole index"));
    }
}
