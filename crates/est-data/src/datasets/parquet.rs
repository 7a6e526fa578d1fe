//! Parquet tables of clips.

use std::path::Path;

use super::annotation::{Place, Table};
use crate::error::DataError;

/// The table's columns, those of `wanted` first; only these are read and have fields. The first row is line 1.
pub(super) fn table(path: &Path, wanted: &[&str]) -> Result<Table, DataError> {
    super::annotation::check_stand_in(path)?;
    let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(name));
    let read = est::read_parquet(path, is_wanted).map_err(|problem| DataError::set(path, problem))?;
    let place = |number| Place { path: path.to_owned(), line: Some(number) };
    let rows = (1..).map(place).zip(read.rows).collect();
    Ok(Table { path: path.to_owned(), columns: read.columns, rows })
}
