//! Whether a split may be trained and tested with.

use std::collections::BTreeMap;

use super::{Round, Split};
use crate::error::DataError;
use crate::set::ClipRow;

impl Split {
    /// The round called `name`.
    ///
    /// # Errors
    /// When there is none; names those that there are.
    pub fn round(&self, name: &str) -> Result<Round<'_>, DataError> {
        let rounds = self.rounds();
        let names: Vec<&str> = rounds.iter().map(|round| round.name).collect();
        let problem = format!("the split {} has no round `{name}`; it has {}", self.kind.name(), names.join(", "));
        rounds.into_iter().find(|round| round.name == name).ok_or_else(|| DataError::set(&self.name, problem))
    }
}

impl Round<'_> {
    /// That the round is one of the set with these clips, and that nobody is in two of its parts. Clips of unknown
    /// subject are not compared.
    ///
    /// # Errors
    /// A clip that the set does not have, or a subject in two parts, by name.
    pub fn check(&self, clips: &[ClipRow]) -> Result<(), DataError> {
        let wrong = |problem: String| Err(DataError::set(format!("round {}", self.name), problem));
        let rows: BTreeMap<&str, &ClipRow> = clips.iter().map(|clip| (clip.clip.as_str(), clip)).collect();
        let mut part_of: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        for (part, ids) in [("train", &self.train), ("validation", &self.validation), ("test", &self.test)] {
            for &id in ids {
                let Some(row) = rows.get(id) else {
                    return wrong(format!("clip {id} is not in the set; the split is of another set"));
                };
                let Some(subject) = row.subject.as_deref() else { continue };
                let &mut (first, other) = part_of.entry(subject).or_insert((part, id));
                if first != part {
                    return wrong(format!(
                        "subject {subject} is in {first} (clip {other}) and in {part} (clip {id}); a score would not be \
                         of unseen people: use a split by subject"
                    ));
                }
            }
        }
        Ok(())
    }
}
