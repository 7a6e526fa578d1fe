//! From logits to apparent-expression probabilities.

/// Probabilities of the apparent expressions of one face over one window, in the order of the model's classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Emotion {
    pub probabilities: Vec<f32>,
}

impl Emotion {
    /// Softmax of `logits / temperature`. None where a logit is no finite number, there is none, or the temperature is no
    /// positive number: of such nothing follows, and the first class would look like the answer.
    pub fn from_logits(logits: &[f32], temperature: f32) -> Option<Self> {
        let is_sound = temperature > 0.0 && temperature.is_finite() && logits.iter().all(|logit| logit.is_finite());
        if !is_sound || logits.is_empty() {
            return None;
        }
        let scaled: Vec<f64> = logits.iter().map(|&x| f64::from(x) / f64::from(temperature)).collect();
        let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let exponentials: Vec<f64> = scaled.iter().map(|x| (x - largest).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        Some(Emotion { probabilities: exponentials.iter().map(|x| (x / sum) as f32).collect() })
    }

    /// Index of the most probable class; the first of equals.
    pub fn label(&self) -> usize {
        largest(&self.probabilities)
    }

    /// Shannon entropy in nats, from 0 (certain) to ln C (no preference).
    pub fn entropy(&self) -> f32 {
        let terms = self.probabilities.iter().filter(|&&p| p > 0.0);
        terms.map(|&p| -f64::from(p) * f64::from(p).ln()).sum::<f64>().max(0.0) as f32
    }
}

/// The place of the largest; the first of equals.
pub fn largest<T: PartialOrd>(values: &[T]) -> usize {
    (0..values.len()).fold(0, |best, k| if values[k] > values[best] { k } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_label_and_entropy() {
        let emotion = Emotion::from_logits(&[0.0, 2f32.ln(), 0.0], 1.0).unwrap();
        // Exact: 1/4, 1/2, 1/4; f32 rounding is below 1e-7.
        for (p, expected) in emotion.probabilities.iter().zip([0.25, 0.5, 0.25]) {
            assert!((p - expected).abs() < 1e-6);
        }
        assert_eq!(emotion.label(), 1);
        assert!((emotion.entropy() - 1.5 * 2f32.ln()).abs() < 1e-6);
        assert_eq!(Emotion::from_logits(&[1.0, 1.0], 1.0).unwrap().label(), 0);
    }

    #[test]
    fn of_no_numbers_nothing_follows() {
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(Emotion::from_logits(&[0.0, wrong], 1.0), None);
            assert_eq!(Emotion::from_logits(&[0.0, 1.0], wrong), None);
        }
        assert_eq!(Emotion::from_logits(&[0.0, 1.0], 0.0), None);
        assert_eq!(Emotion::from_logits(&[0.0, 1.0], -1.0), None);
        assert_eq!(Emotion::from_logits(&[], 1.0), None);
        // The largest and the smallest that there are.
        let sure = Emotion::from_logits(&[f32::MAX, f32::MIN], f32::MIN_POSITIVE).unwrap();
        assert_eq!(sure.probabilities, [1.0, 0.0]);
    }

    #[test]
    fn large_logits_and_temperature() {
        let sure = Emotion::from_logits(&[1000.0, 0.0], 1.0).unwrap();
        assert_eq!((sure.probabilities[0], sure.entropy()), (1.0, 0.0));
        let softened = Emotion::from_logits(&[1000.0, 0.0], 1000.0).unwrap();
        assert!((softened.probabilities[0] - 1.0 / (1.0 + (-1f32).exp())).abs() < 1e-6);
    }
}
