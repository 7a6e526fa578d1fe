//! One page for people: each face over time, how its time is shared, what it was made with. A single file without any
//! outbound request.

mod chart;
mod page;
mod series;
mod thumbnails;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use est_media::TrackId;

use super::output::OutputFile;
use super::record::RunRecord;
use super::reports::Report;
use super::stretches::Stretches;
use super::summary::Summary;
use super::visual::Replay;
use crate::error::EstError;
use crate::row::Row;
use chart::Span;
use page::Page;
use series::FaceSeries;
use thumbnails::Thumbnails;

pub struct HtmlReport {
    file: OutputFile,
    record: RunRecord,
    faces: BTreeMap<TrackId, FaceSeries>,
    stretches: Stretches,
    thumbnails: Option<Thumbnails>,
    /// The frames' times so far: of the first, of the latest, and from the one before to it.
    times: Option<[f64; 3]>,
}

impl HtmlReport {
    /// `replay`: of what small pictures of the faces are shown; None for none.
    pub fn create(path: &Path, record: &RunRecord, replay: Option<Replay>) -> Result<Self, EstError> {
        let preprocessing = &record.model.preprocessing;
        Ok(HtmlReport {
            file: OutputFile::create(path)?,
            record: record.clone(),
            faces: BTreeMap::new(),
            stretches: Stretches::default(),
            thumbnails: replay.map(|replay| Thumbnails::new(replay, preprocessing)),
            times: None,
        })
    }
}

impl Report for HtmlReport {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        self.stretches.add(row);
        let times = self.times.get_or_insert([row.pts_s, row.pts_s, 0.0]);
        if row.pts_s > times[1] {
            *times = [times[0], row.pts_s, row.pts_s - times[1]];
        }
        if let Some(track) = row.track {
            let face = self.faces.entry(track).or_insert_with(|| FaceSeries::new(track, row.pts_s));
            face.add(row, times[2]);
        }
        self.thumbnails.as_mut().map_or(Ok(()), |thumbnails| thumbnails.add(row))
    }

    fn finish(self: Box<Self>, summary: &Summary) -> Result<Vec<PathBuf>, EstError> {
        let HtmlReport { mut file, record, faces, stretches, thumbnails, times } = *self;
        let [from_s, latest_s, frame_s] = times.unwrap_or_default();
        let faces: Vec<FaceSeries> = faces.into_values().collect();
        let page = Page {
            record: &record,
            summary,
            faces: &faces,
            stretches: &stretches.finish(),
            thumbnails: &thumbnails.map(Thumbnails::finish).transpose()?.unwrap_or_default(),
            span: Span { from_s, to_s: latest_s + frame_s },
        };
        file.with(|file| file.write_all(page.html().as_bytes()))?;
        Ok(vec![file.commit()?])
    }
}
