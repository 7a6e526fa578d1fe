//! A video's results in a few numbers.

use std::collections::BTreeMap;

use est_media::{ColourInfo, DecodeReport, TrackId, VideoInfo};
use serde::Serialize;

use crate::row::Row;

/// Counts of one video. Every decoded frame is in `rows` at least once.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    pub video_id: String,
    pub source: String,
    pub codec: String,
    /// As it is shown: turned upright, with square pixels.
    pub width: usize,
    pub height: usize,
    pub stored_width: usize,
    pub stored_height: usize,
    /// Width of a stored pixel over its height.
    pub pixel_aspect: f64,
    /// Degrees by which the frames were turned upright.
    pub rotation: u16,
    /// Its tags, and whether it was tone-mapped.
    pub colour: ColourInfo,
    pub frames_decoded: u64,
    /// Which of how many video streams; 0 of pictures.
    pub stream: u32,
    pub streams: u32,
    /// The container's own time where `pts_s` is 0, and what is added to `pts_s` for the time that players show.
    pub start_s: f64,
    pub player_offset_s: f64,
    /// What the container says it holds, where it says so.
    pub frames_container: Option<u64>,
    pub packets_damaged: u64,
    /// Frames whose time was not after the one before: not read.
    pub frames_dropped: u64,
    pub warnings: Vec<String>,
    pub rows: u64,
    pub rows_by_status: BTreeMap<&'static str, u64>,
    pub tracks: Vec<TrackSummary>,
}

/// One face over the video. Means are over the rows that have a face.
#[derive(Debug, Clone, Serialize)]
pub struct TrackSummary {
    pub track_id: TrackId,
    pub first_s: f64,
    pub last_s: f64,
    pub faces: u64,
    pub mean_quality: f64,
    pub mean_probabilities: Vec<f64>,
}

impl Summary {
    pub fn new(video_id: &str, source: &str, info: &VideoInfo) -> Self {
        Summary {
            video_id: video_id.to_string(),
            source: source.to_string(),
            codec: info.codec.clone(),
            width: info.width,
            height: info.height,
            stored_width: info.stored_width,
            stored_height: info.stored_height,
            pixel_aspect: info.pixel_aspect,
            rotation: info.rotation,
            colour: info.colour.clone(),
            stream: info.stream,
            streams: info.streams,
            start_s: info.start_s,
            player_offset_s: info.player_offset_s(),
            frames_decoded: 0,
            frames_container: info.frames,
            packets_damaged: 0,
            frames_dropped: 0,
            warnings: vec![],
            rows: 0,
            rows_by_status: BTreeMap::new(),
            tracks: vec![],
        }
    }

    pub fn add(&mut self, row: &Row) {
        self.rows += 1;
        *self.rows_by_status.entry(row.status.name()).or_default() += 1;
        let (Some(track_id), Some(face)) = (row.track, &row.face) else {
            return;
        };
        let probabilities = &face.scored.emotion.probabilities;
        let place = self.tracks.binary_search_by_key(&track_id, |track| track.track_id).unwrap_or_else(|place| {
            let fresh = TrackSummary {
                track_id,
                first_s: row.pts_s,
                last_s: row.pts_s,
                faces: 0,
                mean_quality: 0.0,
                mean_probabilities: vec![0.0; probabilities.len()],
            };
            self.tracks.insert(place, fresh);
            place
        });
        let track = &mut self.tracks[place];
        track.faces += 1;
        track.last_s = row.pts_s;
        let share = 1.0 / track.faces as f64;
        track.mean_quality += share * (f64::from(face.face.quality) - track.mean_quality);
        for (mean, &p) in track.mean_probabilities.iter_mut().zip(probabilities) {
            *mean += share * (f64::from(p) - *mean);
        }
    }

    /// The video is over: what the decoder has to say about it.
    pub fn finish(&mut self, report: &DecodeReport) {
        self.frames_decoded = report.decoded;
        self.packets_damaged = report.damaged;
        self.frames_dropped = report.dropped;
        self.warnings.extend(report.warnings.iter().cloned());
        if self.tracks.is_empty() {
            self.warnings.push("no face was found in any frame".to_string());
        }
    }
}
