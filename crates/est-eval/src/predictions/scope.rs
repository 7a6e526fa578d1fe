//! Which clips are scored.

use std::collections::BTreeSet;
use std::fmt;

use est_data::protocol::Split;
use est_data::set::PreparedSet;
use serde::{Deserialize, Serialize};

use super::SplitStamp;
use crate::error::EvalError;

/// A part of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Train,
    Validation,
    #[default]
    Test,
    /// Every labelled clip of the set.
    Whole,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Part::Train => "train",
            Part::Validation => "validation",
            Part::Test => "test",
            Part::Whole => "whole",
        })
    }
}

/// Clips of a set, and how they were chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub split: Option<SplitStamp>,
    pub round: Option<String>,
    pub part: Part,
    /// Identifiers.
    pub clips: BTreeSet<String>,
}

impl Scope {
    /// Every labelled clip.
    pub fn whole(set: &PreparedSet) -> Scope {
        let labelled = set.clips().iter().filter(|clip| clip.label.is_some());
        Scope { split: None, round: None, part: Part::Whole, clips: labelled.map(|clip| clip.clip.clone()).collect() }
    }

    /// A part of the round called `round` of `split`.
    ///
    /// # Errors
    /// When there is no such round, it names clips that the set does not have, or one subject is in two of its parts.
    pub fn round(set: &PreparedSet, split: &Split, round: &str, part: Part) -> Result<Scope, EvalError> {
        let round = split.round(round)?;
        round.check(set.clips())?;
        let clips: &[&str] = match part {
            Part::Train => &round.train,
            Part::Validation => &round.validation,
            Part::Test => &round.test,
            Part::Whole => return Ok(Scope::whole(set)),
        };
        Ok(Scope {
            split: Some(SplitStamp { name: split.kind.name(), sha256: split.hash() }),
            round: Some(round.name.to_string()),
            part,
            clips: clips.iter().map(|&clip| clip.to_string()).collect(),
        })
    }

    /// These clips of a round, when a training draws its own: the validation subjects, say.
    pub fn clips(split: &Split, round: &str, part: Part, clips: impl IntoIterator<Item = String>) -> Scope {
        let split = SplitStamp { name: split.kind.name(), sha256: split.hash() };
        Scope { split: Some(split), round: Some(round.to_string()), part, clips: clips.into_iter().collect() }
    }
}
