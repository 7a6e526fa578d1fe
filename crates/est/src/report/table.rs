//! Rows as lines of cells: what every table is filled from.

use super::columns::{Cell, Column, Columns};
use super::every::Every;
use super::record::RunRecord;
use crate::row::Row;

/// The table of one video: a line for each row, or for each face and stretch of time where the record says so.
pub struct Table {
    columns: Columns,
    every: Option<Every>,
}

impl Table {
    /// `files`: with a column of the pictures' names.
    pub fn new(video_id: &str, files: bool, record: &RunRecord) -> Self {
        let columns = Columns::new(video_id, record).with_files(files);
        let every = record.every_s.map(|every_s| Every::new(every_s, &columns, record));
        Table { columns, every }
    }

    pub fn columns(&self) -> Vec<Column> {
        self.every.as_ref().map_or_else(|| self.columns.all(), Every::columns)
    }

    pub fn names(&self) -> Vec<String> {
        self.columns().into_iter().map(|column| column.name).collect()
    }

    /// The lines that are final with this row, the next of the video.
    pub fn add(&mut self, row: &Row) -> Vec<Vec<Cell>> {
        let cells = self.columns.cells(row);
        match &mut self.every {
            None => vec![cells],
            Some(every) => every.add(row, cells),
        }
    }

    /// The lines that wait for more, when there is no more.
    pub fn end(&mut self) -> Vec<Vec<Cell>> {
        self.every.as_mut().map_or(vec![], Every::end)
    }
}
