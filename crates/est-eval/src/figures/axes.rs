//! A plot's frame: from numbers to pixels, with ticks.

use super::svg::{Anchor, Svg};

const INK: &str = "#222222";
const GRID: &str = "#e4e4e4";

/// What one axis shows.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub label: String,
    pub from: f64,
    pub to: f64,
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Ticks at round numbers, about `count` of them.
    pub fn new(label: &str, from: f64, to: f64, count: usize) -> Self {
        // A range of nothing has no scale.
        let to = if to > from { to } else { from + 1.0 };
        let step = round_step((to - from) / count.max(1) as f64);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let first = (from / step).ceil() as i64;
        let last = (to / step + 1e-9).floor() as i64;
        let tick = |k: i64| (k as f64 * step, format!("{:.decimals$}", k as f64 * step + 0.0));
        Axis { label: label.to_string(), from, to, ticks: (first..=last).map(tick).collect() }
    }

    /// Only the ends, and no ticks: where the numbers mean nothing.
    pub fn bare(label: &str, from: f64, to: f64) -> Self {
        Axis { ticks: vec![], ..Axis::new(label, from, to, 1) }
    }

    fn share(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|&step| step >= least * 0.999).unwrap_or(power)
}

/// A plot's area, `[x, y, width, height]` in pixels, and its axes.
pub(super) struct Axes {
    pub area: [f64; 4],
    pub x: Axis,
    pub y: Axis,
}

impl Axes {
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let [left, top, width, height] = self.area;
        (left + width * self.x.share(x), top + height * (1.0 - self.y.share(y)))
    }

    /// Grid, frame, ticks, labels and a title above.
    pub fn draw(&self, svg: &mut Svg, title: &str) {
        let [left, top, width, height] = self.area;
        let bottom = top + height;
        for (value, text) in &self.x.ticks {
            let (x, _) = self.at(*value, self.y.from);
            svg.line(&[(x, top), (x, bottom)], GRID, 1.0, "");
            svg.text((x, bottom + 16.0), 11.0, Anchor::Middle, INK, text);
        }
        for (value, text) in &self.y.ticks {
            let (_, y) = self.at(self.x.from, *value);
            svg.line(&[(left, y), (left + width, y)], GRID, 1.0, "");
            svg.text((left - 6.0, y + 4.0), 11.0, Anchor::End, INK, text);
        }
        svg.frame(self.area, "#888888", 1.0);
        svg.text((left + width / 2.0, bottom + 34.0), 12.0, Anchor::Middle, INK, &self.x.label);
        svg.upright_text((left - 42.0, top + height / 2.0), 12.0, &self.y.label);
        svg.text((left, top - 10.0), 13.0, Anchor::Start, INK, title);
    }

    /// Names of series in their colours, one below the other from the given corner.
    pub fn legend(svg: &mut Svg, (x, y): (f64, f64), entries: &[(&str, &str)]) {
        for (k, (name, colour)) in entries.iter().enumerate() {
            let y = y + 16.0 * k as f64;
            svg.rect([x, y - 9.0, 10.0, 10.0], colour);
            svg.text((x + 15.0, y), 11.0, Anchor::Start, INK, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let texts = |axis: &Axis| axis.ticks.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&Axis::new("", 0.0, 1.0, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(&Axis::new("", 3.0, 160.0, 4)), ["50", "100", "150"]);
        assert_eq!(texts(&Axis::new("", -0.013, 0.012, 3)), ["-0.01", "0.00", "0.01"]);
        assert!(!Axis::new("", 2.0, 2.0, 4).ticks.is_empty(), "a single value has a scale too");
    }

    #[test]
    fn numbers_become_pixels() {
        let axes =
            Axes { area: [10.0, 20.0, 100.0, 50.0], x: Axis::new("", 0.0, 2.0, 2), y: Axis::new("", 0.0, 1.0, 2) };
        assert_eq!(axes.at(1.0, 1.0), (60.0, 20.0));
        assert_eq!(axes.at(0.0, 0.0), (10.0, 70.0));
    }
}
