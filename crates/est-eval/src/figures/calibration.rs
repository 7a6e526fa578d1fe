//! Reliability, and what abstaining gains.

use super::axes::{Axes, Axis};
use super::colour;
use super::svg::{Anchor, Svg};
use crate::calibration::Calibration;

const SIZE: f64 = 380.0;

fn square(x: Axis, y: Axis) -> (Svg, Axes) {
    (Svg::new(SIZE + 100.0, SIZE + 100.0), Axes { area: [70.0, 40.0, SIZE, SIZE], x, y })
}

/// The share said rightly over the confidence, bin by bin; a calibrated model's bars end on the diagonal. The strip
/// below shows where the clips are.
pub fn reliability(calibration: &Calibration) -> String {
    let share = |label: &str| Axis::new(label, 0.0, 1.0, 5);
    let (mut svg, axes) = square(share("largest probability (confidence)"), share("share said rightly (accuracy)"));
    let title = format!("Reliability: ECE {:.3} of {} clips", calibration.ece, calibration.clips);
    axes.draw(&mut svg, &title);
    let most = calibration.bins.iter().map(|bin| bin.clips).max().unwrap_or(0).max(1) as f64;
    for bin in &calibration.bins {
        let Some((confidence, accuracy)) = bin.confidence.zip(bin.accuracy) else { continue };
        let ((left, top), (right, bottom)) = (axes.at(bin.low, accuracy), axes.at(bin.high, 0.0));
        svg.rect([left + 1.0, top, right - left - 2.0, bottom - top], "#9ecae1");
        // Where the bin's bar would end if it were calibrated.
        let (middle, ideal) = axes.at((bin.low + bin.high) / 2.0, confidence);
        svg.line(&[(middle, top), (middle, ideal)], colour(1), 2.0, "");
        let strip = 24.0 * bin.clips as f64 / most;
        svg.rect([left + 1.0, bottom - strip, right - left - 2.0, strip], "#08519c");
        svg.text((middle, bottom - strip - 3.0), 9.0, Anchor::Middle, "#222222", &bin.clips.to_string());
    }
    svg.line(&[axes.at(0.0, 0.0), axes.at(1.0, 1.0)], "#444444", 1.0, "5 4");
    svg.finish()
}

/// WAR of the clips that the model is surest of, over their share.
pub fn abstention(calibration: &Calibration) -> String {
    let lowest = calibration.abstention.iter().map(|at| at.war).fold(1.0, f64::min);
    let from = (lowest * 10.0).floor() / 10.0;
    let y = Axis::new("WAR of the answered clips", from, 1.0, 5);
    let (mut svg, axes) = square(Axis::new("share of clips answered (coverage)", 0.0, 1.0, 5), y);
    axes.draw(&mut svg, "Silent where unsure (numbers: the threshold)");
    let points: Vec<(f64, f64)> = calibration.abstention.iter().map(|at| axes.at(at.coverage, at.war)).collect();
    svg.line(&points, colour(0), 2.0, "");
    for (&point, at) in points.iter().zip(&calibration.abstention) {
        svg.dot(point, 3.0, colour(0));
        let label = format!("{:.2}", at.threshold);
        // Left and below: the curve mostly falls to the right, and above the first point is the title.
        svg.text((point.0 + 2.0, point.1 + 13.0), 9.0, Anchor::End, "#444444", &label);
    }
    svg.finish()
}
