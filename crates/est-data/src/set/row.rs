//! A row of the manifest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::listing::ClipEntry;

/// What became of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipStatus {
    Ok,
    /// Decoded, and no face was found in it.
    NoFace,
    /// Listed, and its file or folder is not there.
    Missing,
    /// There, and not to be decoded: `note` says why.
    Unreadable,
    /// Its label is none of the set's classes; not decoded.
    Unlabelled,
}

impl ClipStatus {
    pub const ALL: [ClipStatus; 5] =
        [ClipStatus::Ok, ClipStatus::NoFace, ClipStatus::Missing, ClipStatus::Unreadable, ClipStatus::Unlabelled];

    /// As in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            ClipStatus::Ok => "ok",
            ClipStatus::NoFace => "no_face",
            ClipStatus::Missing => "missing",
            ClipStatus::Unreadable => "unreadable",
            ClipStatus::Unlabelled => "unlabelled",
        }
    }
}

/// How many clips have each status.
pub type StatusCounts = BTreeMap<ClipStatus, usize>;

/// One clip as the manifest tells it. The columns are named after the fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipRow {
    pub clip: String,
    /// Index into the set's classes, and that class's name.
    pub label: Option<usize>,
    pub class: Option<String>,
    pub subject: Option<String>,
    pub part: Option<String>,
    pub status: ClipStatus,
    /// Crops of the kept face, one for each frame that it is in.
    pub frames: u64,
    /// Presentation times of the first and the last of them, in seconds.
    pub start_s: Option<f64>,
    pub end_s: Option<f64>,
    /// Frames decoded, and faces (tracks) found in them; the largest over time is the one that was kept.
    pub decoded: u64,
    pub tracks: usize,
    /// Number of the shard, and of the clip's first frame in the index; the others follow it.
    pub shard: Option<usize>,
    pub first_frame: Option<u64>,
    /// Of the clip's bytes in its shard.
    pub sha256: Option<String>,
    /// Where the clip came from, relative to the set's folder.
    pub source: String,
    pub note: Option<String>,
}

impl ClipRow {
    /// The row of a clip of which only the annotations are known; `source` as in the manifest.
    pub fn new(entry: &ClipEntry, classes: &[String], source: String) -> Self {
        ClipRow {
            clip: entry.id.clone(),
            label: entry.label,
            class: entry.label.map(|label| classes[label].clone()),
            subject: entry.subject.clone(),
            part: entry.part.clone(),
            status: ClipStatus::Unlabelled,
            frames: 0,
            start_s: None,
            end_s: None,
            decoded: 0,
            tracks: 0,
            shard: None,
            first_frame: None,
            sha256: None,
            source,
            note: entry.note.clone(),
        }
    }
}
