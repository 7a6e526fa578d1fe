//! Labels that are none of a set's: nothing is prepared of it, since a list whose numbers count from another number gives
//! every clip a class that is not its own, and most of them look right.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::gather::Statement;
use super::labels::{Classes, Codes};
use crate::error::DataError;

/// The labels that were seen, by the file that gives them; those that names of files or folders give, by the root.
#[derive(Default)]
pub(super) struct Unknown {
    files: BTreeMap<PathBuf, Labels>,
}

#[derive(Default)]
struct Labels {
    seen: BTreeMap<String, usize>,
    /// Those of no class.
    unknown: BTreeMap<String, usize>,
    /// Where the first of them is.
    first: Option<String>,
}

impl Unknown {
    /// Takes note of a clip's label, which may be `known`.
    pub fn see(&mut self, root: &Path, said: &Statement, known: bool) {
        let Statement { place, word, name, .. } = said;
        let (file, first) = match place.line {
            Some(line) => (place.path.as_path(), format!("clip {name} in line {line}")),
            None => (root, place.path.strip_prefix(root).unwrap_or(&place.path).display().to_string()),
        };
        if !self.files.contains_key(file) {
            self.files.insert(file.to_owned(), Labels::default());
        }
        let labels = self.files.get_mut(file).expect("just put there");
        *labels.seen.entry(word.clone()).or_default() += 1;
        if !known {
            *labels.unknown.entry(word.clone()).or_default() += 1;
            labels.first.get_or_insert(first);
        }
    }

    /// # Errors
    /// Where a label is none of `classes`: which, of how many clips, in which file, and what else the file has.
    pub fn check(&self, classes: &Classes, codes: Codes) -> Result<(), DataError> {
        let Some((file, labels)) = self.files.iter().find(|(_, labels)| !labels.unknown.is_empty()) else {
            return Ok(());
        };
        let Labels { seen, unknown, first } = labels;
        let clips: usize = unknown.values().sum();
        let set: Vec<String> = match codes {
            [] => classes.0.clone(),
            codes => codes.iter().map(|(code, word)| format!("{code} {word}")).collect(),
        };
        let first = first.as_deref().unwrap_or("nowhere");
        Err(DataError::set(
            file,
            format!(
                "{} of {clips} clip{} (the first: {first}) {} none of the set's labels ({}); seen are {}. {}",
                listed("label", unknown),
                if clips == 1 { "" } else { "s" },
                if unknown.len() == 1 { "is" } else { "are" },
                set.join(", "),
                listed("", seen),
                self.advice(labels, codes),
            ),
        ))
    }

    fn advice(&self, labels: &Labels, codes: Codes) -> &'static str {
        let number = |word: &str| word.parse::<i64>().ok();
        let lowest = |words: &mut dyn Iterator<Item = &str>| words.filter_map(number).min();
        let (set, seen) =
            (lowest(&mut codes.iter().map(|(code, _)| *code)), lowest(&mut labels.seen.keys().map(String::as_str)));
        match (set, seen) {
            (Some(1), Some(0)) => {
                "The set counts from 1 and these from 0, so that each would name another class: add 1 to all, or get the \
                 set's own file"
            }
            (None, Some(_)) => "The set has words and these are numbers: write the words, or get the set's own file",
            _ => "Correct them, or take the clips out",
        }
    }
}

/// The first few labels of many.
fn listed(what: &str, labels: &BTreeMap<String, usize>) -> String {
    const SHOWN: usize = 12;
    let mut shown: Vec<&str> = labels.keys().take(SHOWN).map(String::as_str).collect();
    if labels.len() > SHOWN {
        shown.push("..");
    }
    let shown = shown.iter().map(|label| if label.is_empty() { "none" } else { label }).collect::<Vec<_>>().join(", ");
    match (what, labels.len()) {
        ("", _) => shown,
        (what, 1) => format!("{what} {shown}"),
        (what, _) => format!("{what}s {shown}"),
    }
}
