//! Results of other programs in our columns, so that one analysis reads them all.

mod openface;
mod pyfeat;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use est_nets::StandIn;

use crate::error::EstError;
use crate::report::{Cell, Columns, OutputFile, write_line};
use crate::row::Status;
use crate::text_table::TextTable;

/// Our cells of one line, by column.
type Cells = BTreeMap<String, Cell>;

/// A program whose tables are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// OpenFace 2 (FeatureExtraction, FaceLandmarkVidMulti): frames from 1, seconds, action units, no expressions. OpenFace
    /// 3: frames from 0, boxes, the number of an expression, no times.
    OpenFace,
    /// py-feat (`Fex.to_csv`): frames from 0, boxes, expressions in one of two vocabularies, no times.
    PyFeat,
}

/// What an import wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub path: PathBuf,
    pub rows: u64,
    /// Rows with a face.
    pub faces: u64,
}

/// How the tables of one of a program's versions are to be read.
trait Layout {
    /// Whether a column of the program becomes one of ours.
    fn understands(&self, column: &str) -> bool;

    /// Whether frames have no times.
    fn needs_fps(&self) -> bool;

    /// The classes whose probabilities it has, in our words.
    fn classes(&self) -> Vec<String>;

    /// Our cells of one of its lines, by name. `fps` is given where it is needed.
    fn cells(&self, line: &Line, fps: Option<f64>) -> Result<Cells, String>;
}

impl Peer {
    pub const ALL: [Peer; 2] = [Peer::OpenFace, Peer::PyFeat];

    pub fn name(self) -> &'static str {
        match self {
            Peer::OpenFace => "openface",
            Peer::PyFeat => "pyfeat",
        }
    }

    /// By the columns of a table.
    fn layout(self, header: &[String]) -> Result<Box<dyn Layout>, String> {
        match self {
            Peer::OpenFace => openface::layout(header),
            Peer::PyFeat => pyfeat::layout(header),
        }
    }

    /// Writes the table `from` of this program to `to` in our columns ([`Columns::names`]), and behind them its own
    /// further ones with the program's name before theirs, as they are. What the program does not have stays empty.
    /// `fps` gives frames without times theirs.
    ///
    /// # Errors
    /// With file, line and column when the table is not this program's, a value no number, `fps` missing, or `to` the table itself.
    pub fn import(self, from: &Path, to: &Path, video_id: &str, fps: Option<f64>) -> Result<Imported, EstError> {
        let problem = |problem: String| EstError::Source { pattern: from.display().to_string(), problem };
        if let Some(what) = StandIn::at(from) {
            return Err(problem(format!("not the table itself but {what}; {}", what.remedy())));
        }
        let place = |path: &Path| path.canonicalize().ok();
        if place(from).is_some_and(|from| place(to) == Some(from)) {
            return Err(problem("is also where the rows would be written; name another file for them".to_string()));
        }
        let bytes = std::fs::read(from).map_err(|error| problem(format!("cannot be read ({error})")))?;
        let TextTable { columns: header, rows } =
            TextTable::parse(&bytes).map_err(|wrong| problem(wrong.to_string()))?;
        let layout = self.layout(&header).map_err(problem)?;
        if layout.needs_fps() && fps.is_none() {
            let named = self.name();
            return Err(problem(format!("{named} writes no times here; give the video's frames a second with --fps")));
        }
        let columns = Columns::foreign(video_id, layout.classes(), self.name());
        let others: Vec<usize> = (0..header.len()).filter(|&k| !layout.understands(&header[k])).collect();
        let mut file = OutputFile::create(to)?;
        let titles = others.iter().map(|&k| format!("{}_{}", self.name(), header[k]));
        file.with(|file| write_line(file, columns.names().into_iter().chain(titles)))?;
        let mut imported = Imported { path: to.to_owned(), rows: 0, faces: 0 };
        for (line, record) in &rows {
            let given =
                Line { fields: header.iter().map(String::as_str).zip(record.iter().map(String::as_str)).collect() };
            let cells = layout.cells(&given, fps).map_err(|what| problem(format!("line {line}: {what}")))?;
            imported.rows += 1;
            imported.faces += u64::from(cells.contains_key("det_score"));
            let ours = columns.order(cells).into_iter().map(|cell| cell.to_text());
            file.with(|file| write_line(file, ours.chain(others.iter().map(|&k| record[k].clone()))))?;
        }
        file.commit()?;
        Ok(imported)
    }
}

/// # Errors
/// When a column that every table of `program` has is not there: with those that are.
fn require(header: &[String], required: &[&str], program: &str) -> Result<(), String> {
    const SHOWN: usize = 12;
    let Some(missing) = required.iter().find(|name| !header.iter().any(|column| column == *name)) else {
        return Ok(());
    };
    let mut seen = header[..header.len().min(SHOWN)].join(", ");
    if header.len() > SHOWN {
        seen += ", ..";
    }
    Err(format!("no column `{missing}`: not a table of {program} (its columns are {seen})"))
}

fn faceless(frame: u64, pts_s: f64) -> Cells {
    let status = Cell::Text(Status::NoFace.name().to_string());
    [("frame", Cell::Integer(frame)), ("pts_s", Cell::Float(pts_s, 6)), ("status", status)]
        .map(|(name, cell)| (name.to_string(), cell))
        .into()
}

/// What a line with a face has at least.
fn found(cells: &mut Cells, score: f64, sides: [f64; 4]) {
    cells.insert("status".to_string(), Cell::Text(Status::Ok.name().to_string()));
    cells.insert("det_score".to_string(), Cell::Float(score, 4));
    let sides = ["x", "y", "w", "h"].into_iter().zip(sides).filter(|(_, side)| side.is_finite());
    cells.extend(sides.map(|(name, side)| (name.to_string(), Cell::Float(side, 2))));
}

/// A line of a foreign table, by its columns' names.
struct Line<'a> {
    fields: BTreeMap<&'a str, &'a str>,
}

impl Line<'_> {
    fn text(&self, column: &str) -> Result<&str, String> {
        self.fields.get(column).copied().ok_or_else(|| format!("no column `{column}`"))
    }

    fn number(&self, column: &str) -> Result<f64, String> {
        let text = self.text(column)?;
        let value: Option<f64> = text.parse().ok().filter(|value: &f64| value.is_finite());
        value.ok_or_else(|| format!("`{column}` is `{text}`, not a number"))
    }

    /// A whole number; programs that hold their tables in floats write 3.0.
    fn count(&self, column: &str) -> Result<u64, String> {
        let value = self.number(column)?;
        let whole = value.fract() == 0.0 && (0.0..=9e15).contains(&value);
        if whole { Ok(value as u64) } else { Err(format!("`{column}` is {value}, not a whole number from 0")) }
    }

    fn is_missing(&self, column: &str) -> bool {
        self.fields.get(column).is_none_or(|text| text.is_empty() || text.eq_ignore_ascii_case("nan"))
    }
}
