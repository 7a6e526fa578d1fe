//! One line a row, RFC 4180.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::columns::{Cell, Columns};
use super::output::OutputFile;
use super::reports::Report;
use super::summary::Summary;
use crate::error::EstError;
use crate::row::Row;

pub struct CsvReport {
    columns: Columns,
    file: OutputFile,
}

impl CsvReport {
    pub fn create(path: &Path, columns: Columns) -> Result<Self, EstError> {
        let mut report = CsvReport { file: OutputFile::create(path)?, columns };
        let names = report.columns.names();
        report.line(names)?;
        Ok(report)
    }

    fn line(&mut self, fields: impl IntoIterator<Item = String>) -> Result<(), EstError> {
        self.file.with(|file| write_line(file, fields))
    }
}

impl Report for CsvReport {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        let cells = self.columns.cells(row);
        self.line(cells.iter().map(Cell::to_text))
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
