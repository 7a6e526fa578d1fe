//! Smoothing over the windows of a track: a centred Gaussian, since the rows that wait for it are there anyway and a
//! one-sided filter would shift every onset to a later time.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::emotion::Emotion;
use crate::row::Scored;

/// Deviations to each side that count: what lies further has a weight below 1.2 % of the centre's.
pub const REACH: f64 = 3.0;

/// The windows of one track that a mean can still need.
pub struct Smoother {
    deviation_s: f64,
    windows: VecDeque<Arc<Scored>>,
}

impl Smoother {
    pub fn new(deviation_s: f64) -> Self {
        Smoother { deviation_s, windows: VecDeque::new() }
    }

    fn reach_s(&self) -> f64 {
        REACH * self.deviation_s
    }

    /// The window of the track's next row.
    pub fn note(&mut self, scored: &Arc<Scored>) {
        if self.windows.back().is_none_or(|latest| !Arc::ptr_eq(latest, scored)) {
            self.windows.push_back(scored.clone());
        }
    }

    /// Whether the windows reach as far as the mean about this one does.
    pub fn knows(&self, scored: &Scored) -> bool {
        self.windows.back().is_some_and(|latest| latest.centre_s() > scored.centre_s() + self.reach_s())
    }

    /// The mean about a window, weighted by the distances of the centres. Windows are asked for in their order.
    pub fn smooth(&mut self, scored: &Scored) -> Emotion {
        let (centre_s, reach_s) = (scored.centre_s(), self.reach_s());
        while self.windows.front().is_some_and(|oldest| oldest.centre_s() < centre_s - reach_s) {
            self.windows.pop_front();
        }
        let mut sums = vec![0.0; scored.emotion.probabilities.len()];
        let mut total = 0.0;
        for window in self.windows.iter().take_while(|window| window.centre_s() <= centre_s + reach_s) {
            let distance = (window.centre_s() - centre_s) / self.deviation_s;
            let weight = (-0.5 * distance * distance).exp();
            total += weight;
            for (sum, &p) in sums.iter_mut().zip(&window.emotion.probabilities) {
                *sum += weight * f64::from(p);
            }
        }
        Emotion { probabilities: sums.into_iter().map(|sum| (sum / total) as f32).collect() }
    }
}
