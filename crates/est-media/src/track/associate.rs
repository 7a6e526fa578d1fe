//! Which detection continues which track: constant velocity with friction, a gate, and the assignment of least cost.
//!
//! Why not a tracking crate: trackforge's ByteTrack counts a track's life in calls and steps its filter by one frame a
//! call, where ours are seconds between detections at uneven distances; it matches greedily, and it does not say when
//! a track ends. What is left to take from a crate is the assignment itself.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use crate::{Detection, Rect};

/// Where a face was last and how fast it moved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Motion {
    at_s: f64,
    centre: [f32; 2],
    /// Square root of the box's area.
    size: f32,
    /// Pixels per second.
    velocity: [f32; 2],
}

/// A head does not run on: what it moves after it was last seen fades with this time in seconds.
const FRICTION_S: f64 = 0.25;
/// Share of the newest step in the velocity; the rest is the velocity so far, against the jitter of boxes.
const NEWEST: f32 = 0.5;

// The gate on the cost (see `Motion::cost`) at once, its growth per second and its end. Real talking heads move by at
// most 0.14 in 0.12 seconds without any prediction, and 0.32 where they slide into the picture; five times that leaves
// room for people who walk, and a face more than a face's width away after a gap is somebody else.
const GATE: f32 = 0.5;
const GATE_PER_S: f32 = 2.0;
const WIDEST_GATE: f32 = 1.2;

impl Motion {
    pub fn new(rect: &Rect, at_s: f64) -> Self {
        Motion { at_s, centre: rect.centre(), size: rect.area().sqrt(), velocity: [0.0; 2] }
    }

    /// When the face was last seen, in seconds.
    pub fn at_s(&self) -> f64 {
        self.at_s
    }

    pub fn update(&mut self, rect: &Rect, now_s: f64) {
        let seconds = (now_s - self.at_s) as f32;
        let now = Motion::new(rect, now_s);
        let velocity = [0, 1].map(|axis| {
            let step = (now.centre[axis] - self.centre[axis]) / seconds;
            self.velocity[axis] + NEWEST * (step - self.velocity[axis])
        });
        *self = Motion { velocity, ..now };
    }

    /// The picture got `scale` times as wide and high.
    pub fn scale(&mut self, scale: [f32; 2]) {
        for (axis, scale) in scale.into_iter().enumerate() {
            self.centre[axis] *= scale;
            self.velocity[axis] *= scale;
        }
        self.size *= (scale[0] * scale[1]).sqrt();
    }

    fn predict(&self, now_s: f64) -> [f32; 2] {
        let seconds = FRICTION_S * (1.0 - (-(now_s - self.at_s) / FRICTION_S).exp());
        [0, 1].map(|axis| self.centre[axis] + self.velocity[axis] * seconds as f32)
    }

    /// How badly `rect` continues this track, 0 for exactly as predicted: the distance of the centres in face sizes
    /// plus the logarithm of the sizes' ratio. None beyond the gate, which opens with the time since the last sight.
    fn cost(&self, rect: &Rect, now_s: f64) -> Option<f32> {
        let [x, y] = self.predict(now_s);
        let [u, v] = rect.centre();
        let size = rect.area().sqrt();
        let cost = (u - x).hypot(v - y) / (size * self.size).sqrt() + (size / self.size).ln().abs();
        let gate = (GATE + GATE_PER_S * (now_s - self.at_s) as f32).min(WIDEST_GATE);
        (cost <= gate).then_some(cost)
    }
}

/// For each track the detection that continues it, if one does. Detections of at least `min_score` choose first;
/// weaker ones may continue what these left (the idea of ByteTrack, Zhang et al. 2022).
pub(super) fn associate(tracks: &[Motion], detections: &[Detection], now_s: f64, min_score: f32) -> Vec<Option<usize>> {
    let mut partners = vec![None; tracks.len()];
    for strong in [true, false] {
        let rows: Vec<usize> = (0..tracks.len()).filter(|&row| partners[row].is_none()).collect();
        let columns: Vec<usize> =
            (0..detections.len()).filter(|&column| (detections[column].score >= min_score) == strong).collect();
        let side = rows.len().max(columns.len());
        if rows.is_empty() || columns.is_empty() {
            continue;
        }
        // A pair's worth is what it spares against the widest gate, in millionths (the solver wants integers that
        // compare); a pair beyond its gate is worth nothing, like the rows and columns that fill up the square.
        let worth = Matrix::from_fn(side, side, |(row, column)| {
            let pair = rows.get(row).zip(columns.get(column));
            let cost = pair.and_then(|(&row, &column)| tracks[row].cost(&detections[column].rect, now_s));
            cost.map_or(0, |cost| 1 + (f64::from(WIDEST_GATE - cost) * 1e6) as i64)
        });
        let (_, chosen) = kuhn_munkres(&worth);
        for (place, &row) in rows.iter().enumerate() {
            if worth[(place, chosen[place])] > 0 {
                partners[row] = Some(columns[chosen[place]]);
            }
        }
    }
    partners
}
