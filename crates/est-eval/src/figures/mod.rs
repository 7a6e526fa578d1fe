//! Figures as SVG text. They need no font and no renderer; any browser shows them, and `rsvg-convert` makes PNG of them.

mod attention;
mod axes;
mod bars;
mod calibration;
mod confusion;
mod curves;
mod scatter;
mod svg;

pub use attention::{AttentionFigure, attention};
pub use bars::{Series, histogram, most_attended};
pub use calibration::{abstention, reliability};
pub use confusion::confusion_matrix;
pub use curves::{Curves, learning_curves};
pub use scatter::{Panel, scatter};

/// Colours that people with any colour vision tell apart (Okabe and Ito, 2008), without yellow, which white swallows.
const PALETTE: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];

/// Colour of series `k`; from the eighth on they repeat.
fn colour(k: usize) -> &'static str {
    PALETTE[k % PALETTE.len()]
}
