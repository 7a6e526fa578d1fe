//! What a model looks at: the decoder's attention over the snippets, the weights of the frames in a snippet, the emotion
//! vector T.

mod cosine;
mod embed;
mod network;
mod write;

use est::{Recogniser, largest};
use est_data::set::PreparedSet;
use serde::Serialize;

use crate::error::EvalError;
use crate::predictions::{ClipPrediction, EvaluateOptions, Predictions, Progress, Record, Scope, predict};

pub use embed::embed;
pub use network::{Explainer, Explanation};
pub use write::{DrawOptions, write};

/// One clip with what the model looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainedClip {
    pub prediction: ClipPrediction,
    /// The n J frames of the clip that were read, snippet by snippet; None for a clip without a face, as is the next.
    pub frames: Option<Vec<u64>>,
    pub explanation: Option<Explanation>,
}

/// All clips of a scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The model's name in figures.
    pub name: String,
    pub record: Record,
    pub clips: Vec<ExplainedClip>,
}

/// How the snippets share the attention, over all clips with a face.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttentionSummary {
    /// Share of the clips in which each snippet gets the most attention: the paper's Fig. 5a.
    pub most_attended: Vec<f64>,
    /// Mean attention of each snippet.
    pub mean: Vec<f64>,
    /// Mean entropy of the attention in nats: ln n for a model that prefers no snippet.
    pub entropy: f64,
    pub clips: usize,
}

/// What the model says and looks at in the clips of `scope`; `explainer` is of the recogniser's weights.
///
/// # Errors
/// As [`evaluate_scope`](crate::evaluate_scope).
pub fn explain(
    name: &str,
    recogniser: &mut Recogniser,
    explainer: &mut Explainer,
    set: &PreparedSet,
    scope: &Scope,
    options: &EvaluateOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Explained, EvalError> {
    let mut seen = vec![];
    let mut look = |read: Option<&crate::predictions::ReadClip>| {
        seen.push(match read {
            None => (None, None),
            Some(read) => (Some(read.crops.clone()), Some(explainer.explain(&read.features())?)),
        });
        Ok(())
    };
    let Predictions { record, clips } = predict(recogniser, set, scope, options, None, progress, &mut look)?;
    let clip = |(prediction, (frames, explanation))| ExplainedClip { prediction, frames, explanation };
    Ok(Explained { name: name.to_string(), record, clips: clips.into_iter().zip(seen).map(clip).collect() })
}

impl Explained {
    /// Clips with a face.
    fn looked_at(&self) -> impl Iterator<Item = (&ExplainedClip, &Explanation)> {
        self.clips.iter().filter_map(|clip| Some((clip, clip.explanation.as_ref()?)))
    }

    /// None where no clip has a face.
    pub fn attention(&self) -> Option<AttentionSummary> {
        let attention: Vec<Vec<f64>> = self.looked_at().map(|(_, explanation)| explanation.over_snippets()).collect();
        let snippets = attention.first()?.len();
        let clips = attention.len() as f64;
        let mut most_attended = vec![0.0; snippets];
        let mut mean = vec![0.0; snippets];
        let mut entropy = 0.0;
        for weights in &attention {
            most_attended[largest(weights)] += 1.0 / clips;
            mean.iter_mut().zip(weights).for_each(|(mean, weight)| *mean += weight / clips);
            entropy -= weights.iter().filter(|&&w| w > 0.0).map(|w| w * w.ln()).sum::<f64>() / clips;
        }
        Some(AttentionSummary { most_attended, mean, entropy, clips: attention.len() })
    }
}
