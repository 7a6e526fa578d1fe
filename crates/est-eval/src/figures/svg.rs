//! The few shapes that our figures are made of. Lengths are pixels; y grows downwards.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Where a text stands about its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture that is being drawn.
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// At most two decimals, and no minus zero.
fn number(value: f64) -> f64 {
    (value * 100.0).round() / 100.0 + 0.0
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write them.
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

impl Svg {
    pub fn new(width: f64, height: f64) -> Self {
        let mut svg = Svg { width, height, body: String::new() };
        svg.rect([0.0, 0.0, width, height], "white");
        svg
    }

    fn push(&mut self, element: std::fmt::Arguments) {
        self.body.write_fmt(element).expect("a String takes all");
        self.body.push('\n');
    }

    /// `[x, y, width, height]`
    pub fn rect(&mut self, rect: [f64; 4], fill: &str) {
        let [x, y, w, h] = rect.map(number);
        self.push(format_args!(r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="{fill}"/>"#));
    }

    /// Only the outline.
    pub fn frame(&mut self, rect: [f64; 4], stroke: &str, width: f64) {
        let [x, y, w, h] = rect.map(number);
        self.push(format_args!(
            r#"<rect x="{x}" y="{y}" width="{w}" height="{h}" fill="none" stroke="{stroke}" stroke-width="{width}"/>"#
        ));
    }

    /// `dash`: as in SVG, like `4 3`; empty for a whole line.
    pub fn line(&mut self, points: &[(f64, f64)], stroke: &str, width: f64, dash: &str) {
        let points: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", number(x), number(y))).collect();
        let points = points.join(" ");
        let dash = if dash.is_empty() { String::new() } else { format!(r#" stroke-dasharray="{dash}""#) };
        self.push(format_args!(
            r#"<polyline points="{points}" fill="none" stroke="{stroke}" stroke-width="{width}"{dash}/>"#
        ));
    }

    pub fn dot(&mut self, (x, y): (f64, f64), radius: f64, fill: &str) {
        let (x, y) = (number(x), number(y));
        self.push(format_args!(r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}" fill-opacity="0.75"/>"#));
    }

    pub fn text(&mut self, at: (f64, f64), size: f64, anchor: Anchor, fill: &str, text: &str) {
        self.place_text(at, size, anchor, fill, "", text);
    }

    /// Read from below upwards, centred on its point.
    pub fn upright_text(&mut self, (x, y): (f64, f64), size: f64, text: &str) {
        let turn = format!(r#" transform="rotate(-90 {} {})""#, number(x), number(y));
        self.place_text((x, y), size, Anchor::Middle, "#222222", &turn, text);
    }

    fn place_text(&mut self, (x, y): (f64, f64), size: f64, anchor: Anchor, fill: &str, more: &str, text: &str) {
        let (x, y, text) = (number(x), number(y), escape(text));
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(format_args!(
            r#"<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{fill}"{more}>{text}</text>"#
        ));
    }

    /// A JPEG, inside the file.
    pub fn jpeg(&mut self, rect: [f64; 4], jpeg: &[u8]) {
        let [x, y, w, h] = rect.map(number);
        let data = STANDARD.encode(jpeg);
        self.push(format_args!(
            r#"<image x="{x}" y="{y}" width="{w}" height="{h}" href="data:image/jpeg;base64,{data}"/>"#
        ));
    }

    pub fn finish(self) -> String {
        let (w, h) = (number(self.width), number(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
             font-family=\"Helvetica, Arial, sans-serif\">\n{}</svg>\n",
            self.body
        )
    }
}
