//! All results of one video, side by side.

use std::path::{Path, PathBuf};

use super::columns::Columns;
use super::csv::CsvReport;
use super::json::JsonReport;
use super::record::RunRecord;
use super::summary::Summary;
use crate::error::EstError;
use crate::model::Model;
use crate::row::Row;

/// A file of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    Csv,
    Json,
}

impl Format {
    pub const ALL: [Format; 2] = [Format::Csv, Format::Json];

    /// How users name it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
        }
    }

    /// What it is, in a few words for users.
    pub fn about(self) -> &'static str {
        match self {
            Format::Csv => "one line per decoded frame and face",
            Format::Json => "rows, tracks and settings in one object",
        }
    }

    /// Where the results of the video `name` go in `folder`.
    pub fn path(self, folder: &Path, name: &str) -> PathBuf {
        folder.join(format!("{name}.{}", self.name()))
    }
}

/// Takes rows as they become final and puts its file in place at the end.
trait Report {
    fn row(&mut self, row: &Row) -> Result<(), EstError>;

    fn finish(self: Box<Self>, summary: &Summary) -> Result<PathBuf, EstError>;
}

impl Report for CsvReport {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        CsvReport::row(self, row)
    }

    fn finish(self: Box<Self>, _: &Summary) -> Result<PathBuf, EstError> {
        CsvReport::finish(*self)
    }
}

impl Report for JsonReport {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        JsonReport::row(self, row)
    }

    fn finish(self: Box<Self>, summary: &Summary) -> Result<PathBuf, EstError> {
        JsonReport::finish(*self, summary)
    }
}

/// The files of one video that take rows.
pub struct Reports(Vec<Box<dyn Report>>);

impl Reports {
    pub fn create(
        formats: &[Format],
        folder: &Path,
        name: &str,
        record: &RunRecord,
        model: &Model,
    ) -> Result<Self, EstError> {
        let columns = Columns::new(name, model);
        let create = |format: &Format| -> Result<Box<dyn Report>, EstError> {
            let path = format.path(folder, name);
            Ok(match format {
                Format::Csv => Box::new(CsvReport::create(&path, columns.clone())?),
                Format::Json => Box::new(JsonReport::create(&path, columns.clone(), record)?),
            })
        };
        formats.iter().map(create).collect::<Result<_, _>>().map(Reports)
    }

    pub fn row(&mut self, row: &Row) -> Result<(), EstError> {
        self.0.iter_mut().try_for_each(|report| report.row(row))
    }

    /// Puts the complete files in their places.
    pub fn finish(self, summary: &Summary) -> Result<Vec<PathBuf>, EstError> {
        self.0.into_iter().map(|report| report.finish(summary)).collect()
    }
}
