//! The confusion matrix: each row in percent of its class's clips, as the field draws it.

use super::svg::{Anchor, Svg};
use crate::metrics::Confusion;

const CELL: f64 = 58.0;
const LEFT: f64 = 110.0;
const TOP: f64 = 90.0;
/// Of the title, which is wider than three classes.
const LEAST_WIDTH: f64 = 350.0;

/// White at 0, a dark blue at 1.
fn shade(share: f64) -> String {
    let mix = |full: f64| (255.0 + (full - 255.0) * share).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(8.0), mix(69.0), mix(148.0))
}

/// Rows: true classes. Columns: the classes said, and `no face` where there are such clips. Each cell: percent of the
/// row, and clips.
pub fn confusion_matrix(confusion: &Confusion, classes: &[String]) -> String {
    let faceless = confusion.faceless.iter().any(|&clips| clips > 0);
    let columns = classes.len() + usize::from(faceless);
    let (wide, high) = (columns as f64 * CELL, classes.len() as f64 * CELL);
    let mut svg = Svg::new((LEFT + wide + 20.0).max(LEAST_WIDTH), TOP + high + 20.0);
    svg.text((12.0, 22.0), 14.0, Anchor::Start, "#222222", "Confusion matrix: % of each true class (clips)");
    svg.text((LEFT + wide / 2.0, 48.0), 12.0, Anchor::Middle, "#222222", "said");
    svg.upright_text((20.0, TOP + high / 2.0), 12.0, "true");
    let names = classes.iter().map(String::as_str).chain(faceless.then_some("no face"));
    for (k, name) in names.enumerate() {
        svg.text((LEFT + (k as f64 + 0.5) * CELL, TOP - 10.0), 11.0, Anchor::Middle, "#222222", name);
    }
    for (row, (class, support)) in classes.iter().zip(confusion.support()).enumerate() {
        let y = TOP + row as f64 * CELL;
        svg.text((LEFT - 8.0, y + CELL / 2.0 + 4.0), 11.0, Anchor::End, "#222222", class);
        let counts = confusion.counts[row].iter().chain(faceless.then_some(&confusion.faceless[row]));
        for (column, &clips) in counts.enumerate() {
            let x = LEFT + column as f64 * CELL;
            let share = if support > 0 { clips as f64 / support as f64 } else { 0.0 };
            svg.rect([x, y, CELL, CELL], &shade(share));
            let ink = if share > 0.5 { "white" } else { "#222222" };
            let percent = if support > 0 { format!("{:.1}", 100.0 * share) } else { "-".to_string() };
            svg.text((x + CELL / 2.0, y + CELL / 2.0), 13.0, Anchor::Middle, ink, &percent);
            svg.text((x + CELL / 2.0, y + CELL / 2.0 + 15.0), 10.0, Anchor::Middle, ink, &format!("({clips})"));
        }
    }
    svg.frame([LEFT, TOP, wide, high], "#888888", 1.0);
    svg.finish()
}
