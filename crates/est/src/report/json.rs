//! Everything in one JSON object: `run` (what it was made with), `rows` (one line each), `video` (counts, tracks,
//! warnings).

use std::path::{Path, PathBuf};

use super::columns::Columns;
use super::output::OutputFile;
use super::record::RunRecord;
use super::reports::Report;
use super::summary::Summary;
use crate::error::EstError;
use crate::row::Row;

pub struct JsonReport {
    columns: Columns,
    names: Vec<String>,
    file: OutputFile,
    rows: u64,
}

impl JsonReport {
    pub fn create(path: &Path, columns: Columns, run: &RunRecord) -> Result<Self, EstError> {
        let mut file = OutputFile::create(path)?;
        let run = serde_json::to_string(run).expect("records are plain data");
        file.with(|file| write!(file, "{{\"run\": {run},\n\"rows\": ["))?;
        Ok(JsonReport { names: columns.names(), columns, file, rows: 0 })
    }
}

impl Report for JsonReport {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        let cells = self.columns.cells(row).into_iter().map(|cell| cell.to_json());
        let object: serde_json::Map<_, _> = self.names.iter().cloned().zip(cells).collect();
        let object = serde_json::Value::Object(object);
        let separator = if self.rows == 0 { "\n" } else { ",\n" };
        self.rows += 1;
        self.file.with(|file| write!(file, "{separator}{object}"))
    }

    fn finish(mut self: Box<Self>, summary: &Summary) -> Result<Vec<PathBuf>, EstError> {
        let summary = serde_json::to_string(summary).expect("summaries are plain data");
        self.file.with(|file| writeln!(file, "\n],\n\"video\": {summary}}}"))?;
        Ok(vec![self.file.commit()?])
    }
}
