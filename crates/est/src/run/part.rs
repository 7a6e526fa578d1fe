//! Which parts of which run are in a folder: a line each, written before the part's first video.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use est_nets::hash;
use serde::{Deserialize, Serialize};

use super::array::{Divided, Numbering};
use super::manifest::Lines;
use super::shard::Shard;
use super::{PARTS, now, stamp_of};
use crate::error::EstError;
use crate::source::Input;

/// A part of a run, so that `est merge` can tell whether all are there, and a task that is submitted again which it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub part: u64,
    pub of: u64,
    /// [`list_sha256`] of the names of all the run's videos; equal in all its parts.
    pub list_sha256: String,
    /// How many these are.
    pub videos: usize,
    /// The videos of this part.
    pub names: Vec<String>,
    /// Which tasks of an array the parts are, where they are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbering: Option<Numbering>,
    /// When it was begun.
    pub at: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

impl Part {
    /// Part `shard` of a run over `all` videos, whose names are told apart.
    pub fn new(shard: Shard, numbering: Option<Numbering>, all: &[Input], command: Vec<String>) -> Self {
        let names = sorted_names(all);
        Part {
            part: shard.index(),
            of: shard.count(),
            list_sha256: hash_of(&names),
            videos: names.len(),
            names: names.into_iter().filter(|name| shard.holds(name)).map(String::from).collect(),
            numbering,
            at: stamp_of(now()),
            command,
        }
    }

    /// The run that it is a part of.
    pub(super) fn run(&self) -> (u64, &str) {
        (self.of, &self.list_sha256)
    }

    /// What no est writes.
    fn is_sound(&self) -> bool {
        Shard::new(self.part, self.of).is_some()
    }
}

/// SHA-256 of the names of all videos of a run. It does not depend on their order.
pub fn list_sha256(inputs: &[Input]) -> String {
    hash_of(&sorted_names(inputs))
}

fn sorted_names(inputs: &[Input]) -> Vec<&str> {
    let mut names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    names.sort_unstable();
    names
}

/// Of names in order. As JSON, since a name may hold any character.
pub(super) fn hash_of(names: &[&str]) -> String {
    hash::of(serde_json::to_string(names).expect("text").as_bytes())
}

/// The parts that a folder says it has.
pub struct Parts(Lines);

impl Parts {
    pub fn new(folder: &Path) -> Self {
        Parts(Lines::new(folder.join(PARTS)))
    }

    /// Notes a part, unless it was noted before.
    pub fn note(self, part: &Part) -> Result<(), EstError> {
        let path = self.0.path().to_owned();
        let known = Parts(Lines::new(path.clone())).all()?;
        let same = |other: &&Part| (other.part, other.run()) == (part.part, part.run());
        if known.iter().find(same).is_some_and(|other| part.numbering.is_none() || other.numbering == part.numbering) {
            return Ok(());
        }
        self.0.add(part).map_err(|error| EstError::Output { path, error })
    }

    /// The last line of each part: the list of videos may have changed since the first.
    pub fn all(mut self) -> Result<Vec<Part>, EstError> {
        let path = self.0.path().to_owned();
        let lines: Vec<Part> = self.0.news().map_err(|error| EstError::Output { path, error })?;
        let sound = lines.into_iter().filter(Part::is_sound);
        let last: BTreeMap<(u64, u64), Part> = sound.map(|part| ((part.of, part.part), part)).collect();
        Ok(last.into_values().collect())
    }
}

/// How the run over this list of videos was divided by those that came before: into `out`, and into the folders beside it.
/// Of `out` itself whatever the list was then: its videos may have changed, its task has not.
pub fn divided_before(out: &Path, list_sha256: &str) -> Vec<Divided> {
    let parts = |folder: &Path| Parts::new(folder).all().unwrap_or_default();
    let own = parts(out);
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let beside = absolute.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let beside = beside.map(|entry| entry.path()).filter(|path| *path != absolute && path.join(PARTS).is_file());
    let beside = beside.flat_map(|path| parts(&path)).filter(|part| part.list_sha256 == list_sha256);
    own.into_iter().chain(beside).map(|part| (part.of, part.numbering)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_noted_once_and_its_last_list_holds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part-1");
        fs::create_dir(&path).unwrap();
        let inputs = |count: usize| -> Vec<Input> {
            (0..count).flat_map(|k| Input::expand(Path::new(&format!("v{k}.mp4"))).unwrap()).collect()
        };
        let numbering = Some(Numbering { first: 1, step: 1 });
        let part = |count, numbering| Part::new(Shard::new(1, 2).unwrap(), numbering, &inputs(count), vec![]);
        let lines = || fs::read_to_string(path.join(PARTS)).unwrap().lines().count();
        for (part, expected) in [
            (part(6, None), 1),
            (part(6, None), 1),
            (part(6, numbering), 2),
            (part(6, None), 2),
            (part(6, numbering), 2),
            (part(7, None), 3),
        ] {
            Parts::new(&path).note(&part).unwrap();
            assert_eq!(lines(), expected);
        }
        let all = Parts::new(&path).all().unwrap();
        assert_eq!((all.len(), all[0].videos), (1, 7));
        assert!(!all[0].names.is_empty() && all[0].names.len() < 7);

        // Who comes again knows from its own folder, others from those beside, of the same list alone.
        let list = list_sha256(&inputs(7));
        assert_eq!(list, all[0].list_sha256);
        let beside = folder.path().join("part-2");
        assert_eq!(divided_before(&path, "another"), [(2, None)]);
        assert_eq!(divided_before(&beside, &list), [(2, None)]);
        assert_eq!(divided_before(&beside, "another"), []);
    }
}
