//! Reads a prepared set: any frame of any clip, at once and from any thread.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use est_media::Image;
use est_nets::hash;
use mmap_guard::FileData;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::index::{FramePlace, Index};
use super::row::{ClipRow, StatusCounts};
use super::{INDEX, MANIFEST, RECORD, SHARDS, SPLITS, shard_name};
use crate::error::DataError;
use crate::protocol::Split;

/// `set.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetRecord {
    pub est_version: String,
    /// As on the command line of the program that made it.
    pub name: String,
    pub classes: Vec<String>,
    /// Every setting that the set's bytes depend on.
    pub settings: Value,
    pub clips: usize,
    pub shard_clips: usize,
    /// Of what was known about the clips before they were read.
    pub plan_sha256: String,
    /// The splits by name, each with its hash.
    pub splits: BTreeMap<String, String>,
    pub counts: StatusCounts,
    pub manifest_sha256: String,
    pub index_sha256: String,
}

impl SetRecord {
    /// Tells one prepared set from another, and from itself with a clip or a split exchanged: the record names the hash of
    /// the manifest, which names those of all clips, and the hashes of the splits.
    pub fn hash(&self) -> String {
        hash::of(&serde_json::to_vec(self).expect("a record is plain data"))
    }

    /// Whether both would make the same set.
    pub(super) fn same_plan(&self, other: &SetRecord) -> bool {
        let plan = |record: &SetRecord| SetRecord {
            counts: StatusCounts::new(),
            manifest_sha256: String::new(),
            index_sha256: String::new(),
            ..record.clone()
        };
        plan(self) == plan(other)
    }
}

/// A prepared set that is open. Its shards are mapped into memory, so frames are read as they are asked for.
#[derive(Debug)]
pub struct PreparedSet {
    folder: PathBuf,
    record: SetRecord,
    clips: Vec<ClipRow>,
    index: Index,
    shards: Vec<FileData>,
}

impl PreparedSet {
    /// Opens the set in `folder`.
    ///
    /// # Errors
    /// When a file is missing, is not the one that the record names, or tells of frames that are not there. The shards' bytes are not read: `verify` does.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(RECORD);
        let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => DataError::set(
                folder,
                "no prepared set (set.json is missing); `est prepare` or `est synth` makes one, and goes on with one \
                 that was begun",
            ),
            _ => DataError::read(&path)(error),
        })?;
        let record: SetRecord = serde_json::from_slice(&bytes)
            .map_err(|error| DataError::set(&path, format!("not the record of a prepared set ({error})")))?;
        for (name, sum) in [(MANIFEST, &record.manifest_sha256), (INDEX, &record.index_sha256)] {
            let path = folder.join(name);
            if hash::of_file(&path).map_err(DataError::read(&path))? != *sum {
                return Err(DataError::set(&path, "is not the file that set.json was written with; prepare it again"));
            }
        }
        let clips = read_manifest(&folder.join(MANIFEST))?;
        let index = Index::open(&folder.join(INDEX))?;
        for clip in clips.iter().filter(|clip| clip.shard.is_some()) {
            let end = clip.first_frame.and_then(|first| first.checked_add(clip.frames));
            if clip.frames == 0 || end.is_none_or(|end| end > index.len()) {
                let problem =
                    format!("clip {} has frames that {INDEX} does not have; prepare the set again", clip.clip);
                return Err(DataError::set(folder.join(MANIFEST), problem));
            }
        }
        let shards = (0..record.clips.div_ceil(record.shard_clips.max(1)))
            .map(|shard| {
                let path = folder.join(SHARDS).join(shard_name(shard));
                mmap_guard::map_file(&path).map_err(DataError::read(&path))
            })
            .collect::<Result<_, _>>()?;
        Ok(PreparedSet { folder: folder.to_owned(), record, clips, index, shards })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn record(&self) -> &SetRecord {
        &self.record
    }

    /// Every clip, those without frames too.
    pub fn clips(&self) -> &[ClipRow] {
        &self.clips
    }

    /// Frames of all clips.
    pub fn frames(&self) -> u64 {
        self.index.len()
    }

    /// The splits that the set was prepared with.
    ///
    /// # Errors
    /// When one is missing, or is not the one that the record names.
    pub fn splits(&self) -> Result<Vec<Split>, DataError> {
        let read = |(name, sum): (&String, &String)| {
            let path = self.folder.join(SPLITS).join(format!("{name}.csv"));
            let split = Split::read(&path)?;
            match split.hash() == *sum {
                true => Ok(split),
                false => Err(DataError::set(path, "is not the split that set.json names; prepare the set again")),
            }
        };
        self.record.splits.iter().map(read).collect()
    }

    /// The split called `name` (see [`Kind::name`](crate::protocol::Kind::name)); without a name, the only one.
    ///
    /// # Errors
    /// As [`PreparedSet::splits`], and when there is no such split, or several and no name.
    pub fn split(&self, name: Option<&str>) -> Result<Split, DataError> {
        let mut splits = self.splits()?;
        let names: Vec<String> = splits.iter().map(|split| split.kind.name()).collect();
        let place = match name {
            Some(name) => names.iter().position(|other| other == name),
            None => (splits.len() == 1).then_some(0),
        };
        place.map(|place| splits.swap_remove(place)).ok_or_else(|| {
            let which =
                name.map_or("which split is meant must be said".to_string(), |name| format!("no split `{name}`"));
            let there = if names.is_empty() { "has none".to_string() } else { format!("has {}", names.join(", ")) };
            DataError::set(&self.folder, format!("{which}; the set {there}"))
        })
    }

    /// Presentation times of a clip's frames, in seconds.
    pub fn times(&self, clip: &ClipRow) -> Vec<f64> {
        let first = clip.first_frame.unwrap_or(0);
        (first..first + clip.frames).filter_map(|frame| self.index.get(frame)).map(|frame| frame.pts_s).collect()
    }

    /// The JPEG of frame `k` of a clip.
    ///
    /// # Errors
    /// When the clip has no such frame, or the shard is shorter than the index says.
    pub fn jpeg(&self, clip: &ClipRow, k: u64) -> Result<&[u8], DataError> {
        let number = clip.first_frame.filter(|_| k < clip.frames).map(|first| first + k);
        let bytes = number.and_then(|number| self.index.get(number)).and_then(|place| {
            let FramePlace { offset, length, shard, .. } = place;
            let offset = usize::try_from(offset).ok()?;
            self.shards.get(shard as usize)?.get(offset..offset.checked_add(length as usize)?)
        });
        bytes.ok_or_else(|| self.damaged(clip, &format!("frame {k} of clip {} is not there", clip.clip)))
    }

    /// Frame `k` of a clip as a picture.
    ///
    /// # Errors
    /// As [`PreparedSet::jpeg`], and when the JPEG is damaged.
    pub fn image(&self, clip: &ClipRow, k: u64) -> Result<Image, DataError> {
        decode(self.jpeg(clip, k)?)
            .map_err(|problem| self.damaged(clip, &format!("frame {k} of clip {}: {problem}", clip.clip)))
    }

    /// The clip's JSON member: what is known about it beyond the manifest.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn details(&self, clip: &ClipRow) -> Result<Value, DataError> {
        let damaged = |problem: &str| self.damaged(clip, &format!("clip {}: {problem}", clip.clip));
        let bytes = self.members(clip).ok_or_else(|| damaged("not in its shard"))?;
        let mut archive = tar::Archive::new(bytes);
        let mut entries = archive.entries().map_err(|error| damaged(&error.to_string()))?;
        let first = entries.next().and_then(Result::ok).ok_or_else(|| damaged("no members"))?;
        serde_json::from_reader(first).map_err(|error| damaged(&error.to_string()))
    }

    /// Reads every byte of a clip in its shard and compares their hash with the manifest's.
    ///
    /// # Errors
    /// When they differ.
    pub fn verify(&self, clip: &ClipRow) -> Result<(), DataError> {
        if clip.shard.is_none() || self.members(clip).map(hash::of) == clip.sha256 {
            return Ok(());
        }
        Err(self.damaged(clip, &format!("clip {} is not what the manifest was written with", clip.clip)))
    }

    /// A clip's members, from its first header to the padding of its last frame.
    fn members(&self, clip: &ClipRow) -> Option<&[u8]> {
        let shard = self.shards.get(clip.shard?)?;
        let first = clip.first_frame?;
        let end = self.index.get(first + clip.frames - 1)?;
        // The clip before ends where this one begins.
        let before = first.checked_sub(1).and_then(|frame| self.index.get(frame));
        let start = before.filter(|place| place.shard == end.shard).map_or(0, end_of);
        shard.get(usize::try_from(start).ok()?..usize::try_from(end_of(end)).ok()?)
    }

    fn damaged(&self, clip: &ClipRow, problem: &str) -> DataError {
        let shard = clip.shard.map_or(PathBuf::from(MANIFEST), |shard| Path::new(SHARDS).join(shard_name(shard)));
        DataError::set(self.folder.join(shard), format!("{problem}; prepare the set again into an empty folder"))
    }
}

/// Where a frame's padding ends in its shard.
fn end_of(place: FramePlace) -> u64 {
    place.offset.saturating_add(u64::from(place.length).next_multiple_of(512))
}

fn decode(jpeg: &[u8]) -> Result<Image, String> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let data = decoder.decode().map_err(|error| error.to_string())?;
    let (width, height) = decoder.dimensions().ok_or("no size")?;
    if data.len() != width * height * 3 {
        return Err("not an RGB picture".to_string());
    }
    Ok(Image::new(width, height, data))
}

fn read_manifest(path: &Path) -> Result<Vec<ClipRow>, DataError> {
    let wrong = |error: csv::Error| DataError::set(path, format!("not a manifest ({error}); prepare the set again"));
    csv::Reader::from_path(path).map_err(wrong)?.deserialize().map(|row| row.map_err(wrong)).collect()
}
