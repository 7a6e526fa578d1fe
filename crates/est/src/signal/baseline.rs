//! Correction by what a person's face looks like at rest. Some faces at rest read as sad or angry; over a stretch in which
//! the person is known to look neutral, that is measured and taken off.
//!
//! Over the stretch, the mean log-probability of each expression is taken. From each expression but `neutral`, its distance
//! to the mean of these means is subtracted, and the result is normalised again: at rest no expression stands out from the
//! others, and neutral keeps its odds against them as a whole. Without a class `neutral` this leaves no preference at rest.

use est_media::TrackId;
use serde::Serialize;

use crate::emotion::Emotion;

/// A stretch of time, from the first second up to the second, in which a face looks neutral.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Baseline {
    /// None: every track.
    pub track: Option<TrackId>,
    pub from_s: f64,
    pub to_s: f64,
}

/// Probabilities below this count as this: the logarithm of nothing would outweigh everything.
const SMALLEST: f32 = 1e-6;

/// One face at rest.
pub struct Rest {
    stretch: Baseline,
    /// Sums of log-probabilities over the faces in the stretch.
    sums: Vec<f64>,
    faces: u64,
}

impl Rest {
    pub fn new(stretch: Baseline) -> Self {
        Rest { stretch, sums: vec![], faces: 0 }
    }

    /// Usable faces in the stretch so far.
    pub fn faces(&self) -> u64 {
        self.faces
    }

    /// Whether the stretch is over at this time.
    pub fn is_past(&self, pts_s: f64) -> bool {
        pts_s >= self.stretch.to_s
    }

    pub fn note(&mut self, pts_s: f64, emotion: &Emotion) {
        if pts_s < self.stretch.from_s || self.is_past(pts_s) {
            return;
        }
        self.faces += 1;
        self.sums.resize(emotion.probabilities.len(), 0.0);
        for (sum, &p) in self.sums.iter_mut().zip(&emotion.probabilities) {
            *sum += logarithm(p);
        }
    }

    /// The probabilities without what the face has at rest; unchanged where it was not seen at rest.
    pub fn correct(&self, emotion: &Emotion, neutral: Option<usize>) -> Emotion {
        if self.faces == 0 {
            return emotion.clone();
        }
        let means: Vec<f64> = self.sums.iter().map(|sum| sum / self.faces as f64).collect();
        let expressions: Vec<usize> = (0..means.len()).filter(|&class| Some(class) != neutral).collect();
        let middle = expressions.iter().map(|&class| means[class]).sum::<f64>() / expressions.len() as f64;
        let mut logits: Vec<f32> = emotion.probabilities.iter().map(|&p| logarithm(p) as f32).collect();
        for class in expressions {
            logits[class] -= (means[class] - middle) as f32;
        }
        Emotion::from_logits(&logits, 1.0).expect("logarithms of probabilities are finite")
    }
}

fn logarithm(p: f32) -> f64 {
    f64::from(p.max(SMALLEST)).ln()
}
