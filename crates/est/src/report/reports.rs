//! All results of one video, side by side.

use std::io::Write;
use std::path::{Path, PathBuf};

use est_media::DecodeOptions;
use serde::Serialize;

use super::bids::BidsReport;
use super::columns::{Cell, Column};
use super::csv::CsvReport;
use super::eaf::EafReport;
use super::format::Format;
use super::html::HtmlReport;
use super::json::JsonReport;
use super::jsonl::JsonlReport;
use super::media_link::MediaLink;
use super::parquet::ParquetReport;
use super::record::RunRecord;
use super::summary::Summary;
use super::table::Table;
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

/// Takes the lines of a table as they become final, and puts its file in place at the end.
pub(super) trait Lines {
    fn line(&mut self, cells: Vec<Cell>) -> Result<(), EstError>;

    fn finish(self: Box<Self>, summary: &Summary) -> Result<Vec<PathBuf>, EstError>;
}

/// A table and where its lines go.
struct Tabular {
    table: Table,
    lines: Box<dyn Lines>,
}

impl Report for Tabular {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        self.table.add(row).into_iter().try_for_each(|line| self.lines.line(line))
    }

    fn finish(mut self: Box<Self>, summary: &Summary) -> Result<Vec<PathBuf>, EstError> {
        self.table.end().into_iter().try_for_each(|line| self.lines.line(line))?;
        self.lines.finish(summary)
    }
}

/// A video whose results are to be written.
pub struct Job<'a> {
    /// Where the results are written, and where they lie once all are complete.
    pub folder: &'a Path,
    pub home: &'a Path,
    /// What they and the video are called; with folders where it is in some.
    pub name: &'a str,
    pub source: &'a Source,
    /// Whether tables name the picture of each row; of sources that are pictures.
    pub files: bool,
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

    /// No file: a JSON object for each line of the table of `name`, as soon as it is final.
    pub fn stream(to: Box<dyn Write>, name: &str, files: bool, record: &RunRecord) -> Self {
        let table = Table::new(name, files, record);
        let lines = Box::new(JsonlReport::stream(to, table.columns()));
        let signal = Signal::new(record.signal.clone(), &record.model.classes);
        Reports { signal, reports: vec![Box::new(Tabular { table, lines })] }
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
    let Job { folder, home, name, source, files, decoding, record } = *job;
    let pictures = record.pictures;
    let replay = || Replay::open(source, decoding, pictures.privacy);
    let paths = format.paths(folder, name);
    let path = &*paths[0];
    let tabular = |lines: &dyn Fn(Vec<Column>) -> Result<Box<dyn Lines>, EstError>| {
        let table = Table::new(name, files, record);
        let lines = lines(table.columns())?;
        Ok::<_, EstError>(Box::new(Tabular { table, lines }))
    };
    Ok(match format {
        Format::Csv => tabular(&|columns| Ok(Box::new(CsvReport::create(path, columns)?)))?,
        Format::Parquet => tabular(&|columns| Ok(Box::new(ParquetReport::create(path, columns)?)))?,
        Format::Json => tabular(&|columns| Ok(Box::new(JsonReport::create(path, columns, record)?)))?,
        Format::Jsonl => tabular(&|columns| Ok(Box::new(JsonlReport::create(path, columns)?)))?,
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
