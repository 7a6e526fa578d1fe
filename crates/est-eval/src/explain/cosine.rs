//! The weights of AA-SFE's second level (Eqs. 2-3): how much each frame counts in its snippet.

/// Cosines below this count as this (SPEC section 2).
const SMALLEST: f64 = 1e-8;

/// max(cos(x_j, g), 1e-8) for each row of `frames` [J, width] and `general` [width].
pub(super) fn cosines(frames: &[f32], general: &[f32]) -> Vec<f64> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let long = dot(general, general).sqrt();
    let cosine = |frame: &[f32]| {
        let lengths = dot(frame, frame).sqrt() * long;
        // A vector of length 0 has no direction.
        let cosine = if lengths > 0.0 { dot(frame, general) / lengths } else { 0.0 };
        cosine.max(SMALLEST)
    };
    frames.chunks_exact(general.len()).map(cosine).collect()
}
