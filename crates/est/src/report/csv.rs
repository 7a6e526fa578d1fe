//! One line a row, RFC 4180.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::columns::Columns;
use super::output::OutputFile;
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

    pub fn row(&mut self, row: &Row) -> Result<(), EstError> {
        let cells = self.columns.cells(row);
        self.line(cells.iter().map(super::Cell::to_text))
    }

    pub fn finish(self) -> Result<PathBuf, EstError> {
        self.file.commit()
    }

    fn line(&mut self, fields: impl IntoIterator<Item = String>) -> Result<(), EstError> {
        self.file.with(|file| write_line(file, fields))
    }
}

/// One line of CSV (RFC 4180), in one piece.
pub fn write_line(to: impl Write, fields: impl IntoIterator<Item = String>) -> std::io::Result<()> {
    let mut line = csv::Writer::from_writer(to);
    line.write_record(fields)?;
    line.flush()
}
