//! All results of one video, side by side.

use std::path::{Path, PathBuf};

use est_media::DecodeOptions;
use serde::Serialize;

use super::bids::BidsReport;
use super::columns::Columns;
use super::csv::CsvReport;
use super::eaf::EafReport;
use super::format::Format;
use super::html::HtmlReport;
use super::json::JsonReport;
use super::media_link::MediaLink;
use super::parquet::ParquetReport;
use super::record::RunRecord;
use super::summary::Summary;
use super::visual::{Mp4Report, Privacy, Replay};
use super::vtt::VttReport;
use crate::error::EstError;
use crate::row::Row;
use crate::signal::Signal;
use crate::source::Source;

/// Takes rows as they become final and puts its files in place at the end.
pub(super) trait Report {
    fn row(&mut self, row: &Row) -> Result<(), EstError>;

    fn finish(self: Box<Self>, summary: &Summary) -> Result<Vec<PathBuf>, EstError>;
}

/// A video whose results are to be written.
pub struct Job<'a> {
    /// Where the results are written, and where they lie once all are complete.
    pub folder: &'a Path,
    pub home: &'a Path,
    /// What they and the video are called; with folders where it is in some.
    pub name: &'a str,
    pub source: &'a Source,
    /// How it is decoded once more, for pictures.
    pub decoding: &'a DecodeOptions,
    pub record: &'a RunRecord,
}

/// What is shown of the people in a video. No picture is written unless it is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pictures {
    pub privacy: Privacy,
    /// Small pictures of each face in the HTML report.
    pub thumbnails: bool,
}

/// The files of one video that take rows.
pub struct Reports {
    signal: Signal,
    reports: Vec<Box<dyn Report>>,
}

impl Reports {
    pub fn create(formats: &[Format], job: &Job) -> Result<Self, EstError> {
        let signal = Signal::new(job.record.signal.clone(), &job.record.model.classes);
        let reports = formats.iter().map(|&format| create(format, job)).collect::<Result<_, _>>()?;
        Ok(Reports { signal, reports })
    }

    pub fn row(&mut self, row: Row) -> Result<(), EstError> {
        self.row_and(row, &mut |_| Ok(()))
    }

    /// Shows each row to `also` too, as it is reported and as soon as it is.
    pub fn row_and(&mut self, row: Row, also: &mut dyn FnMut(&Row) -> Result<(), EstError>) -> Result<(), EstError> {
        self.signal.push(row);
        self.write_ready(also)
    }

    fn write_ready(&mut self, also: &mut dyn FnMut(&Row) -> Result<(), EstError>) -> Result<(), EstError> {
        while let Some(row) = self.signal.next() {
            also(&row)?;
            self.reports.iter_mut().try_for_each(|report| report.row(&row))?;
        }
        Ok(())
    }

    /// Puts the complete files in their places. What the reports have to say about the video is added to its summary.
    pub fn finish(mut self, summary: &mut Summary) -> Result<Vec<PathBuf>, EstError> {
        self.signal.end();
        self.write_ready(&mut |_| Ok(()))?;
        summary.warnings.extend(self.signal.warning());
        let mut written = vec![];
        for report in self.reports {
            written.extend(report.finish(summary)?);
        }
        Ok(written)
    }
}

fn create(format: Format, job: &Job) -> Result<Box<dyn Report>, EstError> {
    let Job { folder, home, name, source, decoding, record } = *job;
    let pictures = record.pictures;
    let replay = || Replay::open(source, decoding, pictures.privacy);
    let paths = format.paths(folder, name);
    let path = &*paths[0];
    let columns = || Columns::new(name, record);
    Ok(match format {
        Format::Csv => Box::new(CsvReport::create(path, columns())?),
        Format::Parquet => Box::new(ParquetReport::create(path, columns())?),
        Format::Json => Box::new(JsonReport::create(path, columns(), record)?),
        Format::Eaf => Box::new(EafReport::create(path, MediaLink::of(source, home, name), record)?),
        Format::Vtt => Box::new(VttReport::create(path, record)?),
        Format::Bids => Box::new(BidsReport::create([path, &paths[1]], record)?),
        Format::Mp4 => Box::new(Mp4Report::create(path, source, record, replay()?)),
        Format::Html => {
            let replay = pictures.thumbnails.then(replay).transpose()?;
            Box::new(HtmlReport::create(path, record, replay)?)
        }
    })
}
