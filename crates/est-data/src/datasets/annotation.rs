//! Lists and tables, with the line of each row.

use std::fmt;
use std::path::{Path, PathBuf};

use est::TextTable;
use est_nets::StandIn;

use crate::error::DataError;

/// Where something is said: a file or folder and, in a list, its line from 1.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub path: PathBuf,
    pub line: Option<u64>,
}

impl Place {
    pub fn problem(&self, problem: impl fmt::Display) -> DataError {
        let line = self.line.map_or(String::new(), |line| format!("line {line} "));
        DataError::set(&self.path, format!("{line}{problem}"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}", self.path.display()),
            None => self.path.display().fmt(f),
        }
    }
}

/// # Errors
/// When version control has left a pointer in the place of `path`.
pub(super) fn check_stand_in(path: &Path) -> Result<(), DataError> {
    match StandIn::at(path) {
        Some(what) => Err(DataError::set(path, format!("is not the file itself but {what}; {}", what.remedy()))),
        None => Ok(()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    check_stand_in(path)?;
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(DataError::set(path, "is missing; the set cannot be listed without it, unpack it there"))
        }
        read => read.map_err(DataError::read(path)),
    }
}

/// A text file as UTF-8, without a byte order mark.
pub(super) fn read_text(path: &Path) -> Result<String, DataError> {
    let text = String::from_utf8(read(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        DataError::set(path, format!("is not UTF-8 text (from byte {at} on); save it as UTF-8"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text))
}

/// The lines `<name> <label>`; the name may hold blanks.
pub(super) fn pairs(path: &Path) -> Result<Vec<(Place, String, String)>, DataError> {
    let text = read_text(path)?;
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, number)| {
            let place = Place { path: path.to_owned(), line: Some(number) };
            match line.trim().rsplit_once(char::is_whitespace) {
                Some((name, label)) => Ok((place, name.trim_end().to_string(), label.to_string())),
                None => Err(place.problem(format!("is `{}`, expected `<clip> <label>`; correct it", line.trim()))),
            }
        })
        .collect()
}

/// A table: names of the columns, and the fields of each row.
pub(super) struct Table {
    pub path: PathBuf,
    pub columns: Vec<String>,
    pub rows: Vec<(Place, Vec<String>)>,
}

impl Table {
    pub fn csv(path: &Path) -> Result<Self, DataError> {
        let table = TextTable::parse(&read(path)?);
        let TextTable { columns, rows } = table.map_err(|wrong| DataError::set(path, wrong.to_string()))?;
        let at = |line| Place { path: path.to_owned(), line: Some(line) };
        let rows = rows.into_iter().map(|(line, fields)| (at(line), fields)).collect();
        Ok(Table { path: path.to_owned(), columns, rows })
    }

    /// Where column `name` is.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))
    }

    pub fn required(&self, name: &str) -> Result<usize, DataError> {
        self.column(name).ok_or_else(|| {
            let columns = self.columns.join(", ");
            DataError::set(
                &self.path,
                format!("has no column `{name}` (its first line is `{columns}`); add or rename it"),
            )
        })
    }
}
