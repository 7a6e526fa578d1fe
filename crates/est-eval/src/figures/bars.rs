//! Bars: the most-attended snippet (the paper's Fig. 5a), and distributions.

use super::axes::{Axes, Axis};
use super::colour;
use super::svg::Svg;

/// Numbers of one model, with its name in the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: String,
    pub values: Vec<f64>,
}

/// The frame; where there are several series, their legend beside it, where no bar is.
fn plot(title: &str, x: Axis, y: Axis, series: &[Series]) -> (Svg, Axes) {
    let longest = series.iter().map(|series| series.name.chars().count()).max().unwrap_or(0) as f64;
    let legend = if series.len() > 1 { 15.0 + 6.5 * longest } else { 0.0 };
    let mut svg = Svg::new(620.0 + legend, 400.0);
    let axes = Axes { area: [70.0, 40.0, 520.0, 300.0], x, y };
    axes.draw(&mut svg, title);
    if series.len() > 1 {
        let entries: Vec<(&str, &str)> =
            series.iter().enumerate().map(|(k, series)| (series.name.as_str(), colour(k))).collect();
        Axes::legend(&mut svg, (605.0, 54.0), &entries);
    }
    (svg, axes)
}

/// Bars side by side, `heights[k]` those of `names[k]`, for the groups 1, 2, 3 ..
fn grouped(svg: &mut Svg, axes: &Axes, heights: &[Vec<f64>], centres: &[f64], width: f64) {
    let each = width / heights.len() as f64;
    for (k, heights) in heights.iter().enumerate() {
        for (&height, &centre) in heights.iter().zip(centres) {
            let from = centre - width / 2.0 + each * k as f64;
            let ((left, top), (right, bottom)) = (axes.at(from, height), axes.at(from + each, 0.0));
            svg.rect([left, top, (right - left - 1.0).max(0.5), bottom - top], colour(k));
        }
    }
}

/// How often each snippet gets the most attention: the paper's Fig. 5a. `values` of each series are shares of the
/// clips, one a snippet.
pub fn most_attended(series: &[Series]) -> String {
    let snippets = series.iter().map(|series| series.values.len()).max().unwrap_or(0);
    let highest = series.iter().flat_map(|series| &series.values).copied().fold(0.0, f64::max);
    let mut x = Axis::bare("snippet with the most attention", 0.5, snippets as f64 + 0.5);
    x.ticks = (1..=snippets).map(|k| (k as f64, k.to_string())).collect();
    let y = Axis::new("share of clips", 0.0, (highest * 1.15).clamp(0.1, 1.0), 5);
    let (mut svg, axes) = plot("Snippet with the most attention", x, y, series);
    let centres: Vec<f64> = (1..=snippets).map(|k| k as f64).collect();
    let heights: Vec<Vec<f64>> = series.iter().map(|series| series.values.clone()).collect();
    grouped(&mut svg, &axes, &heights, &centres, 0.7);
    svg.finish()
}

/// How `values` of each series are distributed, in 40 bins from the smallest to the largest of all.
pub fn histogram(title: &str, label: &str, series: &[Series]) -> String {
    const BINS: usize = 40;
    let all = || series.iter().flat_map(|series| &series.values).copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if low.is_finite() { (low, high.max(low + 1e-6)) } else { (0.0, 1.0) };
    let wide = (high - low) / BINS as f64;
    let shares = |series: &Series| {
        let mut counts = vec![0.0; BINS];
        for value in &series.values {
            counts[(((value - low) / wide) as usize).min(BINS - 1)] += 1.0 / series.values.len() as f64;
        }
        counts
    };
    let heights: Vec<Vec<f64>> = series.iter().map(shares).collect();
    let highest = heights.iter().flatten().copied().fold(0.0, f64::max);
    let y = Axis::new("share", 0.0, (highest * 1.1).max(1e-3), 5);
    let (mut svg, axes) = plot(title, Axis::new(label, low, high, 6), y, series);
    let centres: Vec<f64> = (0..BINS).map(|k| low + (k as f64 + 0.5) * wide).collect();
    grouped(&mut svg, &axes, &heights, &centres, wide);
    svg.finish()
}
