//! The kinds of results and where they go.

use std::path::{Path, PathBuf};

use super::bids;
use super::visual::find_encoder;
use crate::error::EstError;

/// A kind of results of one video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    Csv,
    Parquet,
    Json,
    Jsonl,
    Eaf,
    Vtt,
    Bids,
    Mp4,
    Html,
}

impl Format {
    pub const ALL: [Format; 9] = [
        Format::Csv,
        Format::Parquet,
        Format::Json,
        Format::Jsonl,
        Format::Eaf,
        Format::Vtt,
        Format::Bids,
        Format::Mp4,
        Format::Html,
    ];

    /// How users name it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Parquet => "parquet",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Eaf => "eaf",
            Format::Vtt => "vtt",
            Format::Bids => "bids",
            Format::Mp4 => "mp4",
            Format::Html => "html",
        }
    }

    /// What it is, in a few words for users.
    pub fn about(self) -> &'static str {
        match self {
            Format::Csv => "one line per decoded frame and face",
            Format::Parquet => "the same rows with types, for pandas, R, DuckDB",
            Format::Json => "rows, tracks and settings in one object",
            Format::Jsonl => "the same rows, an object a line; with --out - on standard output as they come",
            Format::Eaf => "ELAN annotations: a tier per face, a label per stretch of time",
            Format::Vtt => "WebVTT subtitles: a cue per stretch of a face's label",
            Format::Bids => "BIDS events table with its description",
            Format::Mp4 => "the video with boxes and expressions drawn in; needs the program ffmpeg",
            Format::Html => "a page with curves of each face, in one file",
        }
    }

    /// Whether it is a table of rows: what `--every` makes coarser.
    pub fn is_table(self) -> bool {
        matches!(self, Format::Csv | Format::Parquet | Format::Json | Format::Jsonl)
    }

    /// Whether what it needs beside est is there.
    ///
    /// # Errors
    /// When not: says how to get it.
    pub fn check(self) -> Result<(), EstError> {
        if self == Format::Mp4 { find_encoder() } else { Ok(()) }
    }

    /// The files of the video `name` in `folder`, the main one first.
    pub fn paths(self, folder: &Path, name: &str) -> Vec<PathBuf> {
        let endings: &[&str] = match self {
            Format::Csv => &[".csv"],
            Format::Parquet => &[".parquet"],
            Format::Json => &[".json"],
            Format::Jsonl => &[".jsonl"],
            Format::Eaf => &[".eaf"],
            Format::Vtt => &[".vtt"],
            Format::Bids => &["_events.tsv", "_events.json"],
            // Not the name of the video itself, which may lie in this folder.
            Format::Mp4 => &[".annotated.mp4"],
            Format::Html => &[".html"],
        };
        let name = if self == Format::Bids { bids::stem(name) } else { name };
        endings.iter().map(|ending| folder.join(format!("{name}{ending}"))).collect()
    }
}
