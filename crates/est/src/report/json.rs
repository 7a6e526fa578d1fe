//! Everything in one JSON object: `run` (what it was made with), `rows` (one line each), `video` (counts, tracks,
//! warnings).

use std::path::{Path, PathBuf};

use super::columns::{Cell, Column};
use super::jsonl::object;
use super::output::OutputFile;
use super::record::RunRecord;
use super::reports::Lines;
use super::summary::Summary;
use crate::error::EstError;

pub struct JsonReport {
    names: Vec<String>,
    file: OutputFile,
    rows: u64,
}

impl JsonReport {
    pub fn create(path: &Path, columns: Vec<Column>, run: &RunRecord) -> Result<Self, EstError> {
        let mut file = OutputFile::create(path)?;
        let run = serde_json::to_string(run).expect("records are plain data");
        file.with(|file| write!(file, "{{\"run\": {run},\n\"rows\": ["))?;
        Ok(JsonReport { names: columns.into_iter().map(|column| column.name).collect(), file, rows: 0 })
    }
}

impl Lines for JsonReport {
    fn line(&mut self, cells: Vec<Cell>) -> Result<(), EstError> {
        let object = object(&self.names, &cells);
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
