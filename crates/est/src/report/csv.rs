//! One line a row, RFC 4180.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::columns::{Cell, Column};
use super::output::OutputFile;
use super::reports::Lines;
use super::summary::Summary;
use crate::error::EstError;

pub struct CsvReport {
    file: OutputFile,
}

impl CsvReport {
    pub fn create(path: &Path, columns: Vec<Column>) -> Result<Self, EstError> {
        let mut report = CsvReport { file: OutputFile::create(path)? };
        report.fields(columns.into_iter().map(|column| column.name))?;
        Ok(report)
    }

    fn fields(&mut self, fields: impl IntoIterator<Item = String>) -> Result<(), EstError> {
        self.file.with(|file| write_line(file, fields))
    }
}

impl Lines for CsvReport {
    fn line(&mut self, cells: Vec<Cell>) -> Result<(), EstError> {
        self.fields(cells.iter().map(Cell::to_text))
    }

    fn finish(self: Box<Self>, _: &Summary) -> Result<Vec<PathBuf>, EstError> {
        Ok(vec![self.file.commit()?])
    }
}

/// One line of CSV (RFC 4180), in one piece.
pub fn write_line(to: impl Write, fields: impl IntoIterator<Item = String>) -> std::io::Result<()> {
    let mut line = csv::Writer::from_writer(to);
    line.write_record(fields)?;
    line.flush()
}
