//! A clip as far as scores ask.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::predictions::ClipPrediction;

/// What was true and what was said of one clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Index of the true class.
    pub label: usize,
    /// Index of the class said; None where no face was there to say anything of.
    pub predicted: Option<usize>,
    /// Whoever is seen; clips of one subject are not independent.
    pub subject: Option<String>,
}

/// What becomes of a clip without a face: one where none was found, that is missing or that cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Faceless {
    /// It counts as said wrongly: a user with such a clip gets no answer.
    #[default]
    Error,
    /// It is left out.
    Skip,
}

impl fmt::Display for Faceless {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Faceless::Error => "error",
            Faceless::Skip => "skip",
        })
    }
}

impl Outcome {
    /// The outcomes of `clips` in their order; under [`Faceless::Skip`] without the faceless.
    pub fn of<'a>(clips: impl IntoIterator<Item = &'a ClipPrediction>, faceless: Faceless) -> Vec<Outcome> {
        let outcome = |clip: &ClipPrediction| Outcome {
            label: clip.label,
            predicted: clip.predicted(),
            subject: clip.subject.clone(),
        };
        let counts = |outcome: &Outcome| faceless == Faceless::Error || outcome.predicted.is_some();
        clips.into_iter().map(outcome).filter(counts).collect()
    }
}
