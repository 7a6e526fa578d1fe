//! Whether probabilities are what they say: reliability, the expected calibration error, the temperature that mends it,
//! and what abstaining would gain.

use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::predictions::ClipPrediction;

/// Bins of [`calibration`] where nobody asks for others: those of Guo et al. (2017).
pub const BINS: usize = 15;

/// Clips whose largest probability lies in (low, high].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    pub low: f64,
    pub high: f64,
    pub clips: usize,
    /// Means over the bin's clips: largest probability; share said rightly. None for an empty bin.
    pub confidence: Option<f64>,
    pub accuracy: Option<f64>,
}

/// What is left when the model speaks only of the clips it is surest of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Abstention {
    /// Share of the clips with a face that it speaks of.
    pub coverage: f64,
    /// The smallest of their largest probabilities: below it the model would be silent.
    pub threshold: f64,
    /// Share of those that it says rightly.
    pub war: f64,
}

/// Of clips with a face; those without have no probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub clips: usize,
    /// Expected calibration error: the mean, over clips, of the bins' |accuracy - confidence|; in [0, 1].
    pub ece: f64,
    /// Mean of -ln of the true class's probability, in nats.
    pub nll: f64,
    /// Mean squared distance of the probabilities from the truth, in [0, 2].
    pub brier: f64,
    /// Equally wide, over [0, 1].
    pub bins: Vec<Bin>,
    pub abstention: Vec<Abstention>,
}

/// One clip's probabilities and truth.
struct Case<'a> {
    probabilities: &'a [f32],
    label: usize,
    confidence: f64,
    right: bool,
}

fn cases<'a>(clips: impl IntoIterator<Item = &'a ClipPrediction>) -> Vec<Case<'a>> {
    let case = |clip: &'a ClipPrediction| {
        let probabilities = clip.probabilities.as_deref()?;
        let predicted = clip.predicted()?;
        let confidence = f64::from(probabilities[predicted]);
        Some(Case { probabilities, label: clip.label, confidence, right: predicted == clip.label })
    };
    clips.into_iter().filter_map(case).collect()
}

/// The logarithm of a probability. One that was rounded to 0 counts as the smallest normal f32, 1e-38.
fn log(probability: f32) -> f64 {
    f64::from(probability.max(f32::MIN_POSITIVE)).ln()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Calibration over `bins` bins. None where no clip has a face.
///
/// # Panics
/// When `bins` is 0.
pub fn calibration<'a>(clips: impl IntoIterator<Item = &'a ClipPrediction>, bins: usize) -> Option<Calibration> {
    assert!(bins > 0, "no bins");
    let mut cases = cases(clips);
    if cases.is_empty() {
        return None;
    }
    let mut held: Vec<Vec<&Case>> = (0..bins).map(|_| vec![]).collect();
    for case in &cases {
        held[((case.confidence * bins as f64).ceil() as usize).clamp(1, bins) - 1].push(case);
    }
    let bin = |(k, cases): (usize, &Vec<&Case>)| {
        let share =
            |value: &dyn Fn(&Case) -> f64| (!cases.is_empty()).then(|| mean(cases.iter().map(|case| value(case))));
        Bin {
            low: k as f64 / bins as f64,
            high: (k + 1) as f64 / bins as f64,
            clips: cases.len(),
            confidence: share(&|case| case.confidence),
            accuracy: share(&|case| f64::from(u8::from(case.right))),
        }
    };
    let bins: Vec<Bin> = held.iter().enumerate().map(bin).collect();
    let gap = |bin: &Bin| {
        bin.confidence.zip(bin.accuracy).map_or(0.0, |(confidence, accuracy)| (confidence - accuracy).abs())
    };
    let ece = bins.iter().map(|bin| gap(bin) * bin.clips as f64).sum::<f64>() / cases.len() as f64;
    let squared = |case: &Case| {
        let truth = |class: usize| if class == case.label { 1.0 } else { 0.0 };
        let distance = |(class, &p): (usize, &f32)| (f64::from(p) - truth(class)).powi(2);
        case.probabilities.iter().enumerate().map(distance).sum::<f64>()
    };
    let nll = mean(cases.iter().map(|case| -log(case.probabilities[case.label])));
    let brier = mean(cases.iter().map(squared));
    // The surest first.
    cases.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    Some(Calibration { clips: cases.len(), ece, nll, brier, bins, abstention: abstention(&cases) })
}

/// At coverages of 1, 0.95, .. 0.05; `cases` from the surest on. Clips that are as sure as the last one are kept too.
fn abstention(cases: &[Case]) -> Vec<Abstention> {
    let mut curve: Vec<Abstention> = vec![];
    for step in (1..=20).rev() {
        let wanted = (cases.len() * step).div_ceil(20);
        let threshold = cases[wanted - 1].confidence;
        let kept = cases.partition_point(|case| case.confidence >= threshold);
        let coverage = kept as f64 / cases.len() as f64;
        let right = cases[..kept].iter().filter(|case| case.right).count();
        if curve.last().is_none_or(|last| last.coverage != coverage) {
            curve.push(Abstention { coverage, threshold, war: right as f64 / kept as f64 });
        }
    }
    curve
}

/// A temperature and what it does to the clips that it was fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    /// Divides the logits in place of the one that the model has.
    pub temperature: f32,
    pub before: Calibration,
    pub after: Calibration,
}

/// Temperatures beyond 100 times the model's, or below a hundredth of it, say that something else is wrong.
const WIDEST: f64 = 100.0;

/// The temperature with the least mean negative log-likelihood, which is convex in its inverse. `current` is the
/// temperature that the clips' probabilities were made with; fit on clips of people that are neither trained nor tested
/// on.
///
/// # Errors
/// No clip with a face, or no least likelihood within a factor of 100: all clips are said rightly, or no better than
/// by chance.
pub fn fit_temperature(clips: &[ClipPrediction], current: f32) -> Result<Temperature, EvalError> {
    let wrong = |text: &str| EvalError::Calibration(text.to_string());
    let before = calibration(clips, BINS).ok_or_else(|| wrong("no clip of this part has a face; choose another"))?;
    // Up to a constant a clip, the logits divided by the current temperature.
    let logits: Vec<(Vec<f64>, usize)> =
        cases(clips).iter().map(|case| (case.probabilities.iter().map(|&p| log(p)).collect(), case.label)).collect();
    let slope = |inverse: f64| {
        let of_clip = |(logits, label): &(Vec<f64>, usize)| {
            let scaled = softmax(logits, inverse);
            scaled.iter().zip(logits).map(|(p, logit)| p * logit).sum::<f64>() - logits[*label]
        };
        mean(logits.iter().map(of_clip))
    };
    let (mut low, mut high) = (-WIDEST.ln(), WIDEST.ln());
    // Where all are right the slope is below 0, or rounded to it.
    if slope(high.exp()) <= 0.0 {
        return Err(wrong("every clip of this part is said rightly, so no temperature is the best; fit on more clips"));
    }
    if slope(low.exp()) > 0.0 {
        return Err(wrong("on this part the model is no better than chance, so no temperature helps"));
    }
    // The slope grows with the inverse; 60 halvings reach the last bits of an f64.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if slope(middle.exp()) < 0.0 { low = middle } else { high = middle }
    }
    let inverse = ((low + high) / 2.0).exp();
    let mended: Vec<ClipPrediction> = clips.iter().map(|clip| at_temperature(clip, inverse)).collect();
    let after = calibration(&mended, BINS).expect("as many clips as before");
    Ok(Temperature { temperature: (f64::from(current) / inverse) as f32, before, after })
}

fn softmax(logits: &[f64], inverse: f64) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = logits.iter().map(|logit| ((logit - largest) * inverse).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|value| value / sum).collect()
}

fn at_temperature(clip: &ClipPrediction, inverse: f64) -> ClipPrediction {
    let mend = |probabilities: &Vec<f32>| {
        let logits: Vec<f64> = probabilities.iter().map(|&p| log(p)).collect();
        softmax(&logits, inverse).into_iter().map(|p| p as f32).collect()
    };
    ClipPrediction { probabilities: clip.probabilities.as_ref().map(mend), ..clip.clone() }
}

#[cfg(test)]
mod tests {
    use est_data::set::ClipStatus;
    use est_nets::Noise;

    use super::*;

    fn clip(label: usize, probabilities: &[f32]) -> ClipPrediction {
        ClipPrediction {
            clip: "c".to_string(),
            subject: None,
            label,
            status: ClipStatus::Ok,
            probabilities: Some(probabilities.to_vec()),
            window_s: None,
            stretched: false,
        }
    }

    #[test]
    fn a_hand_made_case() {
        // Ten bins. (0.5, 0.6]: 0.58 right, 0.58 wrong: |0.5 - 0.58|. (0.9, 1]: 0.92 right: 0.08. Over all three: 0.08.
        let clips = [clip(0, &[0.58, 0.42]), clip(1, &[0.58, 0.42]), clip(1, &[0.08, 0.92])];
        let found = calibration(&clips, 10).unwrap();
        assert!((found.ece - 0.08).abs() < 1e-6, "{found:?}");
        assert_eq!(found.bins.iter().map(|bin| bin.clips).collect::<Vec<_>>(), [0, 0, 0, 0, 0, 2, 0, 0, 0, 1]);
        let nll = -(0.58f64.ln() + 0.42f64.ln() + 0.92f64.ln()) / 3.0;
        assert!((found.nll - nll).abs() < 1e-6);
        let brier = 2.0 * (0.42f64.powi(2) + 0.58f64.powi(2) + 0.08f64.powi(2)) / 3.0;
        assert!((found.brier - brier).abs() < 1e-6);
        // Surest third: one clip, right. Else all three, as two are equally sure.
        let curve: Vec<(f64, f64)> = found.abstention.iter().map(|at| (at.coverage, at.war)).collect();
        assert_eq!(curve, [(1.0, 2.0 / 3.0), (1.0 / 3.0, 1.0)]);
        assert_eq!(calibration(&[], 10), None);
        let faceless = ClipPrediction { probabilities: None, status: ClipStatus::NoFace, ..clip(0, &[]) };
        assert_eq!(calibration(&[faceless], 10), None);
    }

    /// Clips whose labels are drawn from the softmax of their logits, and whose probabilities are that softmax at
    /// another temperature.
    fn drawn(count: u64, stated: f64) -> Vec<ClipPrediction> {
        let noise = Noise::new(3, "clips");
        let one = |k: u64| {
            let logits: Vec<f64> = (0..4).map(|c| 2.0 * f64::from(noise.normal(8 * k + c))).collect();
            let mut at = Noise::new(4, "labels").unit(k);
            let label = softmax(&logits, 1.0).iter().position(|p| {
                at -= p;
                at < 0.0
            });
            let said: Vec<f32> = softmax(&logits, 1.0 / stated).iter().map(|&p| p as f32).collect();
            clip(label.unwrap_or(3), &said)
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn the_temperature_of_an_overconfident_model_is_found() {
        // Said at 0.4 of the true temperature; 4,000 clips leave an error of a few percent.
        let found = fit_temperature(&drawn(4000, 0.4), 0.8).unwrap();
        assert!((found.temperature - 0.8 / 0.4).abs() < 0.1, "{}", found.temperature);
        assert!(found.after.nll < found.before.nll && found.after.ece < 0.03 && found.before.ece > 0.1, "{found:?}");
        // Fitted again, nothing changes.
        let mended: Vec<ClipPrediction> =
            drawn(4000, 0.4).iter().map(|clip| at_temperature(clip, 0.8 / f64::from(found.temperature))).collect();
        let again = fit_temperature(&mended, found.temperature).unwrap();
        assert!((again.temperature / found.temperature - 1.0).abs() < 1e-3);
    }

    #[test]
    fn what_cannot_be_fitted_is_an_error() {
        let text = |clips: &[ClipPrediction]| fit_temperature(clips, 1.0).unwrap_err().to_string();
        assert!(text(&[]).contains("no clip"));
        assert!(text(&[clip(0, &[0.9, 0.1])]).contains("said rightly"));
        assert!(text(&[clip(1, &[0.9, 0.1]), clip(0, &[0.4, 0.6])]).contains("chance"));
    }
}
