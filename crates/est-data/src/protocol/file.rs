//! A split on the disk: a table `clip,part`, and beside it, with the ending `json`, its name, kind and hash.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use est_nets::{hash, whole_file};
use serde::{Deserialize, Serialize};

use super::{Kind, Split};
use crate::error::DataError;

#[derive(Serialize, Deserialize)]
struct About {
    name: String,
    #[serde(flatten)]
    kind: Kind,
    clips: usize,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Row {
    clip: String,
    part: String,
}

impl Split {
    /// SHA-256 in hexadecimal digits over the lines `name`, `kind` and, sorted, `clip,part`.
    pub fn hash(&self) -> String {
        let mut text = format!("{}\n{}\n", self.name, self.kind);
        for (clip, part) in &self.assignment {
            writeln!(text, "{clip},{part}").expect("a String takes all");
        }
        hash::of(text.as_bytes())
    }

    /// Writes `path`, a CSV table, and the JSON file beside it.
    pub fn write(&self, path: &Path) -> Result<(), DataError> {
        let mut table = csv::Writer::from_writer(vec![]);
        for (clip, part) in &self.assignment {
            let row = Row { clip: clip.clone(), part: part.clone() };
            table.serialize(row).expect("two texts are a row");
        }
        let table = table.into_inner().expect("a Vec takes all");
        let (name, clips) = (self.name.clone(), self.assignment.len());
        let about = About { name, kind: self.kind.clone(), clips, sha256: self.hash() };
        let about = serde_json::to_string_pretty(&about).expect("texts and numbers are JSON") + "\n";
        put(path, &table).map_err(DataError::write(path))?;
        let beside = path.with_extension("json");
        put(&beside, about.as_bytes()).map_err(DataError::write(&beside))
    }

    /// Reads what [`Split::write`] wrote.
    ///
    /// # Errors
    /// When one of the two files is missing or cannot be read, or the table is not the one that was written.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let beside = path.with_extension("json");
        let about = std::fs::read(&beside).map_err(DataError::read(&beside))?;
        let about: About = serde_json::from_slice(&about)
            .map_err(|error| DataError::set(&beside, format!("does not tell of a split ({error}); write it anew")))?;
        let table = std::fs::read(path).map_err(DataError::read(path))?;
        let mut split = Split { name: about.name, kind: about.kind, assignment: Default::default() };
        for row in csv::Reader::from_reader(table.as_slice()).into_deserialize() {
            let row: Row = row.map_err(|error| {
                DataError::set(path, format!("is no table of `clip,part` ({error}); write it anew"))
            })?;
            if let Some(part) = split.assignment.insert(row.clip.clone(), row.part) {
                let problem = format!("has clip {} twice, first in {part}; write it anew", row.clip);
                return Err(DataError::set(path, problem));
            }
        }
        if split.hash() != about.sha256 {
            let problem =
                format!("is not the split of {}, or was changed; restore both or write them anew", beside.display());
            return Err(DataError::set(path, problem));
        }
        Ok(split)
    }
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = whole_file::begin(path)?;
    file.write_all(bytes)?;
    whole_file::place(file, path)
}
