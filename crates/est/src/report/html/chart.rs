//! One face over the time of the video, as SVG: its label, its probabilities, its quality, what the decoder attends to.
//! Colours are classes of the page's style sheet, so that they follow its light or dark scheme.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::series::{FaceSeries, Point};
use crate::report::stretches::Stretch;
use crate::row::{Status, UNCERTAIN};

/// The plot's edges; lengths are pixels at full width.
const LEFT: f64 = 84.0;
pub const WIDTH: f64 = 960.0;
const RIGHT: f64 = WIDTH - 10.0;

const LABELS: [f64; 2] = [4.0, 18.0];
const CURVES: [f64; 2] = [30.0, 180.0];
const QUALITY: [f64; 2] = [194.0, 218.0];
const ATTENTION: [f64; 2] = [230.0, 279.0];

/// Curves that never reach this are drawn faintly.
const FAINT: f64 = 0.15;

/// The times that the plot spans.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from_s: f64,
    pub to_s: f64,
}

impl Span {
    fn x(&self, time_s: f64) -> f64 {
        let share = (time_s - self.from_s) / (self.to_s - self.from_s).max(1e-9);
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }
}

/// m:ss, with decimals where ticks are closer than a second.
pub fn clock(seconds: f64, decimals: usize) -> String {
    let scale = 10f64.powi(decimals as i32);
    // Never minus zero, which the sum of nothing is.
    let rounded = (seconds * scale).round() / scale + 0.0;
    let (minutes, rest) = ((rounded / 60.0).floor(), rounded.rem_euclid(60.0));
    let width = if decimals == 0 { 2 } else { 3 + decimals };
    if minutes >= 60.0 {
        let (hours, minutes) = ((minutes / 60.0).floor(), minutes.rem_euclid(60.0));
        return format!("{hours:.0}:{minutes:02.0}:{rest:0width$.decimals$}");
    }
    format!("{minutes:.0}:{rest:0width$.decimals$}")
}

/// Round times from one to the next, and their decimals: some ten over the span.
fn ticks(span: Span) -> (Vec<f64>, usize) {
    let steps = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0];
    let length = span.to_s - span.from_s;
    let step = steps.into_iter().find(|step| length / step <= 12.0).unwrap_or((length / 10.0 / 3600.0).ceil() * 3600.0);
    let first = (span.from_s / step).ceil() as i64;
    let times = (first..).map(|k| k as f64 * step).take_while(|&time| time <= span.to_s + 1e-9);
    (times.collect(), usize::from(step < 1.0))
}

pub fn chart(face: &FaceSeries, stretches: &[&Stretch], classes: &[String], span: Span) -> String {
    let attends = face.points.iter().any(|point| !point.attention.is_empty());
    let bottom = if attends { ATTENTION[1] } else { QUALITY[1] };
    let mut svg = String::new();
    let draw = &mut svg;
    let height = bottom + 24.0;
    let name = format!("Face {} over time", face.track);
    let written = write!(draw, r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{name}">"#)
        .and_then(|()| draw_axis(draw, span, bottom))
        .and_then(|()| draw_bands(draw, face, span, bottom))
        .and_then(|()| draw_labels(draw, stretches, classes, span))
        .and_then(|()| draw_curves(draw, face, classes, span))
        .and_then(|()| draw_quality(draw, face, span))
        .and_then(|()| if attends { draw_attention(draw, face, span) } else { Ok(()) })
        .and_then(|()| {
            let [top, x] = [LABELS[0], LEFT];
            write!(draw, r#"<line class="cursor" x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"/></svg>"#)
        });
    written.expect("a String takes all");
    svg
}

fn side_text(svg: &mut String, y: f64, text: &str) -> std::fmt::Result {
    write!(svg, r#"<text class="side" x="{}" y="{y:.1}">{text}</text>"#, LEFT - 8.0)
}

fn rect(svg: &mut String, class: &str, [x, to_x]: [f64; 2], [y, to_y]: [f64; 2], inner: &str) -> std::fmt::Result {
    let (width, height) = ((to_x - x).max(0.4), to_y - y);
    write!(svg, r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}">{inner}</rect>"#)
}

fn draw_axis(svg: &mut String, span: Span, bottom: f64) -> std::fmt::Result {
    let (times, decimals) = ticks(span);
    for time in times {
        let (x, text) = (span.x(time), clock(time, decimals));
        let [top, foot] = [CURVES[0], bottom + 16.0];
        write!(svg, r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{top}" y2="{bottom}"/>"#)?;
        write!(svg, r#"<text class="tick" x="{x:.1}" y="{foot}">{text}</text>"#)?;
    }
    for share in [0.0, 0.5, 1.0] {
        let y = CURVES[1] - share * (CURVES[1] - CURVES[0]);
        write!(svg, r#"<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}"/>"#)?;
        side_text(svg, y + 4.0, &format!("{} %", share * 100.0))?;
    }
    Ok(())
}

fn draw_bands(svg: &mut String, face: &FaceSeries, span: Span, bottom: f64) -> std::fmt::Result {
    for band in &face.bands {
        let (class, text) = match band.status {
            Status::NoFace => ("missing", "no face found"),
            _ => ("low", "low quality"),
        };
        let title = format!("<title>{text}, {} to {}</title>", clock(band.from_s, 1), clock(band.to_s, 1));
        rect(svg, class, [span.x(band.from_s), span.x(band.to_s)], [CURVES[0], bottom], &title)?;
    }
    Ok(())
}

fn draw_labels(svg: &mut String, stretches: &[&Stretch], classes: &[String], span: Span) -> std::fmt::Result {
    side_text(svg, (LABELS[0] + LABELS[1]) / 2.0 + 4.0, "label")?;
    for stretch in stretches {
        let (class, label) = match stretch.label {
            None => ("uncertain".to_string(), UNCERTAIN),
            Some(label) => (format!("fill{label}"), &*classes[label]),
        };
        let (from, to) = (clock(stretch.from_s, 1), clock(stretch.to_s, 1));
        let title = format!("<title>{}, {from} to {to}</title>", escape(label));
        rect(svg, &class, [span.x(stretch.from_s), span.x(stretch.to_s)], LABELS, &title)?;
    }
    Ok(())
}

/// The times from one to another in which the face was there.
fn present(face: &FaceSeries) -> Vec<[f64; 2]> {
    let mut from = face.first_s;
    let mut spans = vec![];
    for band in face.bands.iter().filter(|band| band.status == Status::NoFace) {
        spans.push([from, band.from_s]);
        from = band.to_s;
    }
    spans.push([from, face.last_s]);
    spans
}

/// A value of each point over time, one line for each time in which the face was there. A line is level where no centre of
/// a window is: the rows there take the nearest window.
fn lines(face: &FaceSeries, span: Span, [top, bottom]: [f64; 2], value: impl Fn(&Point) -> f64) -> Vec<String> {
    let nearest = |time: f64| {
        let distance = |point: &&Point| (point.centre_s - time).abs();
        face.points.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))
    };
    let place = |(time, point): (f64, &Point)| {
        format!("{:.1},{:.1}", span.x(time), bottom - value(point).clamp(0.0, 1.0) * (bottom - top))
    };
    let line = |[from, to]: [f64; 2]| {
        let inner = face.points.iter().map(|point| (point.centre_s, point)).filter(|(at, _)| from < *at && *at < to);
        let ends = [from, to].map(|end| nearest(end).map(|point| (end, point)));
        let all: Vec<String> = ends[0].into_iter().chain(inner).chain(ends[1]).map(place).collect();
        all.join(" ")
    };
    present(face).into_iter().map(line).collect()
}

fn draw_curves(svg: &mut String, face: &FaceSeries, classes: &[String], span: Span) -> std::fmt::Result {
    let most = |class: usize| face.points.iter().map(|point| point.probabilities[class]).fold(0.0, f64::max);
    let mut order: Vec<usize> = (0..classes.len()).collect();
    // The highest curves are drawn last, over the others.
    order.sort_by(|&a, &b| most(a).total_cmp(&most(b)));
    for class in order {
        let faint = if most(class) < FAINT { " faint" } else { "" };
        for points in lines(face, span, CURVES, |point| point.probabilities[class]) {
            write!(svg, r#"<polyline class="curve line{class}{faint}" points="{points}"/>"#)?;
        }
    }
    Ok(())
}

fn draw_quality(svg: &mut String, face: &FaceSeries, span: Span) -> std::fmt::Result {
    side_text(svg, (QUALITY[0] + QUALITY[1]) / 2.0 + 4.0, "quality")?;
    for ([from, to], points) in present(face).into_iter().zip(lines(face, span, QUALITY, |point| point.quality)) {
        let (from, to, foot) = (span.x(from), span.x(to), QUALITY[1]);
        write!(svg, r#"<polygon class="area" points="{from:.1},{foot} {points} {to:.1},{foot}"/>"#)?;
        write!(svg, r#"<polyline class="quality" points="{points}"/>"#)?;
    }
    Ok(())
}

/// A column for each point, from the first snippet below to the last above; the stronger, the more is taken from it.
fn draw_attention(svg: &mut String, face: &FaceSeries, span: Span) -> std::fmt::Result {
    let snippets = face.points.iter().map(|point| point.attention.len()).max().unwrap_or(0);
    let row = (ATTENTION[1] - ATTENTION[0]) / snippets as f64;
    side_text(svg, ATTENTION[0] + row / 2.0 + 4.0, &format!("snippet {snippets}"))?;
    side_text(svg, ATTENTION[1] - row / 2.0 + 4.0, "1")?;
    let centres: Vec<f64> = face.points.iter().map(|point| point.centre_s).collect();
    let most = face.points.iter().flat_map(|point| &point.attention).copied().fold(1e-9, f64::max);
    for (k, point) in face.points.iter().enumerate() {
        let from = if k == 0 { face.first_s } else { (centres[k - 1] + centres[k]) / 2.0 };
        let to = centres.get(k + 1).map_or(face.last_s, |next| (centres[k] + next) / 2.0);
        let across = [span.x(from), span.x(to)];
        for (snippet, &weight) in point.attention.iter().enumerate() {
            let y = ATTENTION[1] - (snippet + 1) as f64 * row;
            let shade = ((weight / most).clamp(0.0, 1.0) * 9.0).round() as usize;
            rect(svg, &format!("at at{shade}"), across, [y, y + row], "")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_ticks() {
        assert_eq!(clock(65.0, 0), "1:05");
        assert_eq!(clock(59.97, 1), "1:00.0");
        assert_eq!(clock(3725.0, 0), "1:02:05");
        let (times, decimals) = ticks(Span { from_s: 0.0, to_s: 2.4 });
        assert_eq!((times.len(), decimals), (13, 1));
        assert!(ticks(Span { from_s: 0.0, to_s: 36_000.0 }).0.len() <= 13);
        assert_eq!(ticks(Span { from_s: 0.0, to_s: 0.0 }).0, [0.0]);
    }
}
