//! What each step takes, when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Nanoseconds of each step, or nothing where nobody asked.
#[derive(Default)]
pub struct Clock(Vec<AtomicU64>);

impl Clock {
    pub fn new(steps: usize) -> Self {
        Clock((0..steps).map(|_| AtomicU64::new(0)).collect())
    }

    pub fn time<R>(&self, step: usize, work: impl FnOnce() -> R) -> R {
        let Some(total) = self.0.get(step) else { return work() };
        let start = Instant::now();
        let result = work();
        total.fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        result
    }

    pub fn seconds(&self) -> Vec<f64> {
        self.0.iter().map(|total| total.load(Ordering::Relaxed) as f64 * 1e-9).collect()
    }
}
