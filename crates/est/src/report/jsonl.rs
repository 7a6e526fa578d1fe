//! One JSON object a line, with the columns as its keys: as a file, or as they come for another program to follow.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::columns::{Cell, Column};
use super::output::OutputFile;
use super::reports::Lines;
use super::summary::Summary;
use crate::error::EstError;

/// What errors call the place of rows that go into no file.
pub const STANDARD_OUTPUT: &str = "standard output";

/// One line as an object.
pub fn object(names: &[String], cells: &[Cell]) -> Value {
    Value::Object(names.iter().cloned().zip(cells.iter().map(Cell::to_json)).collect::<Map<_, _>>())
}

pub struct JsonlReport {
    names: Vec<String>,
    to: To,
}

enum To {
    File(OutputFile),
    Stream(Box<dyn Write>),
}

impl JsonlReport {
    pub fn create(path: &Path, columns: Vec<Column>) -> Result<Self, EstError> {
        Ok(Self::with(columns, To::File(OutputFile::create(path)?)))
    }

    /// Each line is flushed.
    pub fn stream(to: Box<dyn Write>, columns: Vec<Column>) -> Self {
        Self::with(columns, To::Stream(to))
    }

    fn with(columns: Vec<Column>, to: To) -> Self {
        JsonlReport { names: columns.into_iter().map(|column| column.name).collect(), to }
    }
}

impl Lines for JsonlReport {
    fn line(&mut self, cells: Vec<Cell>) -> Result<(), EstError> {
        let line = object(&self.names, &cells);
        match &mut self.to {
            To::File(file) => file.with(|file| writeln!(file, "{line}")),
            // In one piece: who reads may look at any moment.
            To::Stream(to) => to
                .write_all(format!("{line}\n").as_bytes())
                .and_then(|()| to.flush())
                .map_err(|error| EstError::Output { path: PathBuf::from(STANDARD_OUTPUT), error }),
        }
    }

    fn finish(self: Box<Self>, _: &Summary) -> Result<Vec<PathBuf>, EstError> {
        match self.to {
            To::File(file) => Ok(vec![file.commit()?]),
            To::Stream(_) => Ok(vec![]),
        }
    }
}
