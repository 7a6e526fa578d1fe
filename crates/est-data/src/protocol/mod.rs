//! Which clips train, validate and test: a set's own parts and folds, or folds by subject that we draw.

mod check;
mod file;
mod selection;
mod subjects;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::datasets::Protocol;
use crate::error::DataError;
use crate::listing::Listing;

pub use selection::Selection;

/// A labelled clip, as far as a split asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clip<'a> {
    /// Unlike any other's.
    pub id: &'a str,
    pub label: usize,
    pub subject: Option<&'a str>,
    /// As in [`ClipEntry::part`](crate::ClipEntry::part).
    pub part: Option<&'a str>,
}

impl<'a> Clip<'a> {
    /// The labelled clips of a set.
    pub fn of(listing: &'a Listing) -> Vec<Self> {
        let labelled = listing.clips.iter().filter_map(|clip| {
            let (subject, part) = (clip.subject.as_deref(), clip.part.as_deref());
            Some(Clip { id: &clip.id, label: clip.label?, subject, part })
        });
        labelled.collect()
    }
}

/// Where a split is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Kind {
    OfficialParts,
    OfficialFolds,
    /// Drawn by us: no subject is in two folds.
    FoldsBySubject {
        folds: usize,
        seed: u64,
    },
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Kind::OfficialParts => write!(f, "official parts"),
            Kind::OfficialFolds => write!(f, "official folds"),
            Kind::FoldsBySubject { folds, seed } => write!(f, "{folds} folds by subject, seed {seed}"),
        }
    }
}

impl Kind {
    /// The name of the split's file, without its ending.
    pub fn name(&self) -> String {
        match self {
            Kind::OfficialParts => "official-parts".to_string(),
            Kind::OfficialFolds => "official-folds".to_string(),
            Kind::FoldsBySubject { folds, seed } => format!("folds-{folds}-seed-{seed}"),
        }
    }
}

/// The part of each clip: `train`, `validation` or `test`; or `fold-1`, `fold-2` and so on, the fold that tests it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The set's.
    pub name: String,
    pub kind: Kind,
    /// Part by the clip's identifier.
    pub assignment: BTreeMap<String, String>,
}

/// One training and its test: identifiers of the clips, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round<'a> {
    /// `fold-1`; `official` of a split into parts.
    pub name: &'a str,
    pub train: Vec<&'a str>,
    /// Empty where the protocol has none.
    pub validation: Vec<&'a str>,
    pub test: Vec<&'a str>,
}

pub const PARTS: [&str; 3] = ["train", "validation", "test"];

/// The number of `fold-3`.
fn fold_number(part: &str) -> Option<u32> {
    part.strip_prefix("fold-")?.parse().ok()
}

fn assign<'a>(parts: impl Iterator<Item = (&'a str, String)>) -> BTreeMap<String, String> {
    let mut assignment = BTreeMap::new();
    for (id, part) in parts {
        let before = assignment.insert(id.to_string(), part);
        assert!(before.is_none(), "two clips are called {id}");
    }
    assignment
}

impl Split {
    /// The split that `protocol` asks for; where clips have parts, by these: a user's list may give some.
    pub fn of(name: &str, protocol: Protocol, clips: &[Clip], seed: u64) -> Result<Self, DataError> {
        match protocol {
            Protocol::FoldsBySubject(folds) if clips.iter().all(|clip| clip.part.is_none()) => {
                Split::by_subject(name, clips, folds, seed)
            }
            _ => Split::official(name, clips),
        }
    }

    /// The set's own parts or folds. A clip without a part is in none.
    ///
    /// # Errors
    /// When no clip has a part, or some have folds and some have other parts.
    ///
    /// # Panics
    /// When two clips have one identifier.
    pub fn official(name: &str, clips: &[Clip]) -> Result<Self, DataError> {
        let assignment = assign(clips.iter().filter_map(|clip| Some((clip.id, clip.part?.to_string()))));
        let folds = assignment.values().filter(|part| fold_number(part).is_some()).count();
        let parts = assignment.values().filter(|part| PARTS.contains(&part.as_str())).count();
        let kind = match (folds, parts) {
            (0, 0) => {
                return Err(DataError::set(name, "none of the clips has a part, so there is nothing to split by"));
            }
            (0, parts) if parts == assignment.len() => Kind::OfficialParts,
            (folds, 0) if folds == assignment.len() => Kind::OfficialFolds,
            _ => {
                let problem =
                    "the clips' parts are neither all folds nor all of train, validation and test; use one kind";
                return Err(DataError::set(name, problem));
            }
        };
        Ok(Split { name: name.to_string(), kind, assignment })
    }

    /// `folds` folds with no subject in two of them and each class spread as evenly as that allows. The same for the same
    /// clips in any order; another `seed` gives other folds.
    ///
    /// # Errors
    /// When a clip has no subject or there are fewer subjects than folds.
    ///
    /// # Panics
    /// When `folds` is below 2 or two clips have one identifier.
    pub fn by_subject(name: &str, clips: &[Clip], folds: usize, seed: u64) -> Result<Self, DataError> {
        assert!(folds > 1, "one fold has nothing to train on");
        if let Some(clip) = clips.iter().find(|clip| clip.subject.is_none()) {
            let problem =
                format!("clip {} has no subject, so folds by subject cannot be drawn; give all a subject", clip.id);
            return Err(DataError::set(name, problem));
        }
        let fold_of = subjects::draw(clips, folds, seed);
        if fold_of.len() < folds {
            let problem = format!("{} subjects cannot make {folds} folds; ask for fewer folds", fold_of.len());
            return Err(DataError::set(name, problem));
        }
        let fold = |clip: &Clip| format!("fold-{}", fold_of[clip.subject.expect("every clip has one")] + 1);
        let assignment = assign(clips.iter().map(|clip| (clip.id, fold(clip))));
        Ok(Split { name: name.to_string(), kind: Kind::FoldsBySubject { folds, seed }, assignment })
    }

    /// Folds: one round for each, which it tests and the rest trains. Parts: one round.
    pub fn rounds(&self) -> Vec<Round<'_>> {
        if self.kind == Kind::OfficialParts {
            let [train, validation, test] = PARTS.map(|part| self.clips(|of| of == part));
            return vec![Round { name: "official", train, validation, test }];
        }
        let folds: BTreeMap<Option<u32>, &str> =
            self.assignment.values().map(|part| (fold_number(part), part.as_str())).collect();
        let round = |fold: &'_ str| (self.clips(|of| of != fold), self.clips(|of| of == fold));
        let rounds = folds.into_values().map(|name| {
            let (train, test) = round(name);
            Round { name, train, validation: vec![], test }
        });
        rounds.collect()
    }

    fn clips(&self, takes: impl Fn(&str) -> bool) -> Vec<&str> {
        self.assignment.iter().filter(|(_, part)| takes(part)).map(|(id, _)| id.as_str()).collect()
    }
}
