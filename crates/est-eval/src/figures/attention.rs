//! What the decoder attends to, over the frames that it sees.

use super::colour;
use super::svg::{Anchor, Svg};

/// One clip: n snippets of J frames.
pub struct AttentionFigure<'a> {
    pub title: String,
    /// Of each snippet, in [0, 1], summing to 1.
    pub attention: &'a [f64],
    /// JPEGs of the J frames of each snippet.
    pub frames: Vec<Vec<&'a [u8]>>,
    /// Weight of each frame in its snippet's mean, summing to 1 over the snippet (AA-SFE's second level); None where the
    /// network has none.
    pub weights: Option<Vec<Vec<f64>>>,
    /// Presentation time of each snippet's first frame, in seconds.
    pub times: Vec<f64>,
}

const TILE: f64 = 72.0;
const GAP: f64 = 6.0;
const CAPTION: f64 = 13.0;
const LEFT: f64 = 60.0;
const BARS: f64 = 130.0;
const TOP: f64 = 50.0;

/// A column a snippet: its attention as a bar, its frames below in the order of time, each with its weight.
pub fn attention(figure: &AttentionFigure) -> String {
    let snippets = figure.attention.len();
    let frames = figure.frames.iter().map(Vec::len).max().unwrap_or(0);
    let caption = if figure.weights.is_some() { CAPTION } else { 0.0 };
    let tiles = TOP + BARS + 38.0;
    let width = LEFT + snippets as f64 * (TILE + GAP) + 20.0;
    let mut svg = Svg::new(width, tiles + frames as f64 * (TILE + caption + 3.0) + 12.0);
    svg.text((LEFT, 24.0), 13.0, Anchor::Start, "#222222", &figure.title);
    svg.upright_text((22.0, TOP + BARS / 2.0), 11.0, "decoder attention");
    let most = figure.attention.iter().copied().fold(0.0, f64::max);
    // The scale ends at a round twentieth, with room for the number above the highest bar.
    let scale = ((most * 22.0).ceil() / 20.0).max(0.05);
    for (share, text) in [(0.0, 0.0), (0.5, scale / 2.0), (1.0, scale)] {
        let y = TOP + BARS * (1.0 - share);
        svg.line(&[(LEFT, y), (width - 20.0, y)], "#e4e4e4", 1.0, "");
        svg.text((LEFT - 5.0, y + 4.0), 10.0, Anchor::End, "#222222", &format!("{text:.3}"));
    }
    // The attention of a model that prefers no snippet.
    let even = TOP + BARS * (1.0 - 1.0 / snippets.max(1) as f64 / scale);
    svg.line(&[(LEFT, even), (width - 20.0, even)], "#444444", 1.0, "4 3");
    for (k, &share) in figure.attention.iter().enumerate() {
        let x = LEFT + k as f64 * (TILE + GAP);
        let high = BARS * share / scale;
        let fill = colour(usize::from(share == most));
        svg.rect([x + 8.0, TOP + BARS - high, TILE - 16.0, high], fill);
        svg.text((x + TILE / 2.0, TOP + BARS - high - 4.0), 10.0, Anchor::Middle, "#222222", &format!("{share:.3}"));
        let name = format!("{}: {:.2} s", k + 1, figure.times[k]);
        svg.text((x + TILE / 2.0, TOP + BARS + 16.0), 10.0, Anchor::Middle, "#222222", &name);
        for (j, jpeg) in figure.frames[k].iter().enumerate() {
            let y = tiles + j as f64 * (TILE + caption + 3.0);
            svg.jpeg([x, y, TILE, TILE], jpeg);
            if let Some(weights) = &figure.weights {
                let text = format!("{:.3}", weights[k][j]);
                svg.text((x + TILE / 2.0, y + TILE + 10.0), 9.0, Anchor::Middle, "#444444", &text);
            }
        }
    }
    if figure.weights.is_some() {
        let from = tiles + frames as f64 * (TILE + caption + 3.0) / 2.0;
        svg.upright_text((22.0, from), 11.0, "frames, and their weights in the snippet");
    }
    svg.finish()
}
