//! Scores of groups of clips or subjects, by attributes that the user supplies. Nothing is inferred about anyone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::intervals::{BootstrapOptions, ScoreIntervals, bootstrap};
use crate::metrics::{Confusion, Metrics};
use crate::outcome::{Faceless, Outcome};
use crate::predictions::ClipPrediction;

/// Groups below this many clips are not scored where nobody asks for another number.
pub const MINIMUM: usize = 10;

/// What the table calls a clip that it does not name, or whose cell is empty.
const NOT_STATED: &str = "(not stated)";

/// A table of attributes: the first column is `clip` or `subject`, every other column an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    by_clip: bool,
    names: Vec<String>,
    values: BTreeMap<String, Vec<String>>,
}

/// One value of one attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subgroup {
    pub attribute: String,
    pub value: String,
    /// Clips scored; those without a face as the report's options say.
    pub clips: usize,
    pub subjects: usize,
    /// None where there are fewer clips than the minimum: a score of so few says nothing, and may point at people.
    pub scores: Option<(Metrics, ScoreIntervals)>,
}

/// Every value of every attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subgroups {
    pub minimum: usize,
    pub groups: Vec<Subgroup>,
    /// Rows of the table that name no clip or subject that was scored.
    pub unused: usize,
}

impl Attributes {
    /// Reads a CSV table.
    ///
    /// # Errors
    /// When it cannot be read, its first column is neither `clip` nor `subject`, it has no other, or a row is there twice.
    pub fn read(path: &Path) -> Result<Attributes, EvalError> {
        let bytes = std::fs::read(path).map_err(EvalError::read(path))?;
        let wrong = |problem: String| EvalError::file(path, problem);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
        let header = reader.headers().map_err(|error| wrong(format!("no CSV table ({error})")))?.clone();
        let by_clip = match header.get(0) {
            Some("clip") => true,
            Some("subject") => false,
            other => {
                let found = other.unwrap_or_default();
                return Err(wrong(format!(
                    "its first column is `{found}`; it must be `clip` or `subject`, and every other column an attribute"
                )));
            }
        };
        let names: Vec<String> = header.iter().skip(1).map(String::from).collect();
        if names.is_empty() {
            return Err(wrong("it has no column of an attribute beside the first".to_string()));
        }
        let mut values = BTreeMap::new();
        for row in reader.records() {
            let row = row.map_err(|error| wrong(format!("no CSV table ({error})")))?;
            let key = row.get(0).unwrap_or_default().to_string();
            if values.insert(key.clone(), row.iter().skip(1).map(String::from).collect()).is_some() {
                return Err(wrong(format!("it has {} `{key}` twice", &header[0])));
            }
        }
        Ok(Attributes { by_clip, names, values })
    }

    fn key<'a>(&self, clip: &'a ClipPrediction) -> Option<&'a str> {
        if self.by_clip { Some(&clip.clip) } else { clip.subject.as_deref() }
    }
}

/// Scores every group of at least `minimum` clips.
pub fn subgroups(
    attributes: &Attributes,
    classes: usize,
    clips: &[&ClipPrediction],
    faceless: Faceless,
    options: &BootstrapOptions,
    minimum: usize,
) -> Subgroups {
    let mut groups = vec![];
    for (k, attribute) in attributes.names.iter().enumerate() {
        let mut by_value: BTreeMap<&str, Vec<&ClipPrediction>> = BTreeMap::new();
        for clip in clips {
            let row = attributes.key(clip).and_then(|key| attributes.values.get(key));
            let value = row.map(|row| row[k].as_str()).filter(|value| !value.is_empty());
            by_value.entry(value.unwrap_or(NOT_STATED)).or_default().push(clip);
        }
        for (value, clips) in by_value {
            let outcomes = Outcome::of(clips.iter().copied(), faceless);
            let subjects: BTreeSet<_> = outcomes.iter().filter_map(|outcome| outcome.subject.as_ref()).collect();
            let scores = (outcomes.len() >= minimum.max(1))
                .then(|| (Confusion::of(classes, &outcomes).metrics(), bootstrap(classes, &outcomes, options)));
            groups.push(Subgroup {
                attribute: attribute.clone(),
                value: value.to_string(),
                clips: outcomes.len(),
                subjects: subjects.len(),
                scores,
            });
        }
    }
    let used: BTreeSet<&str> = clips.iter().filter_map(|clip| attributes.key(clip)).collect();
    let unused = attributes.values.keys().filter(|key| !used.contains(key.as_str())).count();
    Subgroups { minimum, groups, unused }
}

#[cfg(test)]
mod tests {
    use est_data::set::ClipStatus;

    use super::*;

    fn clip(k: usize, right: bool) -> ClipPrediction {
        ClipPrediction {
            clip: format!("c{k}"),
            subject: Some(format!("s{}", k / 4)),
            label: k % 2,
            status: ClipStatus::Ok,
            probabilities: Some(if k.is_multiple_of(2) == right { vec![0.9, 0.1] } else { vec![0.1, 0.9] }),
            window_s: None,
            stretched: false,
        }
    }

    fn read(text: &str) -> Result<Attributes, EvalError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("groups.csv");
        std::fs::write(&path, text).unwrap();
        Attributes::read(&path)
    }

    #[test]
    fn groups_are_scored_and_small_ones_are_not() {
        let clips: Vec<ClipPrediction> = (0..40).map(|k| clip(k, k < 20 || k % 4 == 0)).collect();
        let clips: Vec<&ClipPrediction> = clips.iter().collect();
        let attributes =
            read("subject,glasses\ns0,no\ns1,no\ns2,no\ns3,no\ns4, no\ns5,yes\ns6,yes\ns7,yes\ns8,\ns99,yes\n");
        let found = subgroups(&attributes.unwrap(), 2, &clips, Faceless::Error, &BootstrapOptions::default(), 10);
        let row = |group: &Subgroup| (group.value.clone(), group.clips, group.subjects, group.scores.is_some());
        let rows: Vec<_> = found.groups.iter().map(row).collect();
        let text = |value: &str| value.to_string();
        let expected = [(text("(not stated)"), 8, 2, false), (text("no"), 20, 5, true), (text("yes"), 12, 3, true)];
        assert_eq!(rows, expected);
        let war = |group: &Subgroup| group.scores.as_ref().unwrap().0.war.unwrap();
        assert_eq!((war(&found.groups[1]), war(&found.groups[2])), (1.0, 0.25));
        assert_eq!(found.unused, 1);
    }

    #[test]
    fn wrong_tables_are_named() {
        assert!(read("id,glasses\n").unwrap_err().to_string().contains("`id`"));
        assert!(read("clip\nc1\n").unwrap_err().to_string().contains("attribute"));
        assert!(read("clip,a\nc1,x\nc1,y\n").unwrap_err().to_string().contains("`c1` twice"));
        assert!(read("clip,a\nc1\n").unwrap_err().to_string().contains("CSV"));
    }
}
