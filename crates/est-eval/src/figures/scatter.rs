//! Points in the plane, coloured by class: the paper's Fig. 5b.

use super::axes::{Axes, Axis};
use super::colour;
use super::svg::Svg;

/// One plane of points.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    pub title: String,
    pub points: Vec<[f64; 2]>,
    /// Class of each point.
    pub labels: Vec<usize>,
}

const SIDE: f64 = 380.0;

/// The panels side by side. The axes have no unit: only nearness means something.
pub fn scatter(panels: &[Panel], classes: &[String]) -> String {
    let mut svg = Svg::new(panels.len() as f64 * (SIDE + 50.0) + 130.0, SIDE + 80.0);
    for (k, panel) in panels.iter().enumerate() {
        let range = |axis: usize| {
            let values = || panel.points.iter().map(|point| point[axis]);
            let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
            let (low, high) = if low.is_finite() { (low, high) } else { (0.0, 1.0) };
            let margin = ((high - low) * 0.04).max(1e-9);
            Axis::bare("", low - margin, high + margin)
        };
        let area = [30.0 + k as f64 * (SIDE + 50.0), 40.0, SIDE, SIDE];
        let axes = Axes { area, x: range(0), y: range(1) };
        axes.draw(&mut svg, &panel.title);
        for (point, &label) in panel.points.iter().zip(&panel.labels) {
            svg.dot(axes.at(point[0], point[1]), 3.5, colour(label));
        }
    }
    let entries: Vec<(&str, &str)> = classes.iter().enumerate().map(|(k, name)| (name.as_str(), colour(k))).collect();
    Axes::legend(&mut svg, (panels.len() as f64 * (SIDE + 50.0) + 10.0, 60.0), &entries);
    svg.finish()
}
