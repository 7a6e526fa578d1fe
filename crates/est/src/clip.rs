//! From a track's pictures at their own times to windows at the model's rate (SPEC section 1): slots `1 / rate`
//! seconds apart, each holding the picture nearest in time; windows of 105 slots; a shorter track stretched to one.

use std::collections::VecDeque;

/// Names one crop of a track, in the order in which they came.
pub type CropId = u64;

/// A window that is ready: which crop stands at each of its places, and where it lies in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    pub crops: Vec<CropId>,
    /// Presentation times in seconds of the first and the last place.
    pub start_s: f64,
    pub end_s: f64,
    /// The track was shorter than a window and was stretched to fill it.
    pub stretched: bool,
}

/// How windows are laid over a track. `rate` in slots per second, `window` and `hop` in slots.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    pub rate: f64,
    pub window: usize,
    pub hop: usize,
}

/// One track's slots, as its crops come in. Holds at most a window and a hop of slots, however long the track is.
#[derive(Debug)]
pub struct Timeline {
    layout: Layout,
    start_s: f64,
    latest: Option<(CropId, f64)>,
    slots: VecDeque<CropId>,
    /// Slots that are gone from the front of `slots`.
    dropped: usize,
    /// Slot at which the next window begins.
    next_window: usize,
}

impl Timeline {
    /// # Panics
    /// When rate, window or hop is not positive.
    pub fn new(layout: Layout) -> Self {
        assert!(layout.rate > 0.0 && layout.window > 0 && layout.hop > 0, "{layout:?}");
        Timeline { layout, start_s: 0.0, latest: None, slots: VecDeque::new(), dropped: 0, next_window: 0 }
    }

    /// A crop at its presentation time, later than the one before. Returns the windows that are complete now.
    pub fn push(&mut self, crop: CropId, pts_s: f64) -> Vec<Window> {
        self.place(crop, pts_s);
        let mut ready = vec![];
        while self.next_window + self.layout.window <= self.len() {
            ready.push(self.window_at(self.next_window));
            self.forget(self.next_window);
            self.next_window += self.layout.hop;
        }
        ready
    }

    /// The track is over: the last windows. At least one, if a crop ever came.
    pub fn finish(&mut self) -> Vec<Window> {
        let Some((crop, at)) = self.latest.take() else {
            return vec![];
        };
        // The last picture stands for its own slot and no longer.
        self.fill(crop, at + 0.5 / self.layout.rate);
        let mut ready = vec![];
        while self.next_window + self.layout.window <= self.len() {
            ready.push(self.window_at(self.next_window));
            self.next_window += self.layout.hop;
        }
        if self.len() < self.layout.window {
            ready.push(self.stretched());
        } else if self.next_window - self.layout.hop + self.layout.window < self.len() {
            ready.push(self.window_at(self.len() - self.layout.window));
        }
        ready
    }

    fn place(&mut self, crop: CropId, pts_s: f64) {
        match self.latest {
            None => self.start_s = pts_s,
            // Slots up to half-way between two pictures show the earlier one.
            Some((previous, at)) => self.fill(previous, (at + pts_s) / 2.0),
        }
        self.latest = Some((crop, pts_s));
    }

    /// The earliest crop that a later window can still need.
    pub fn oldest_crop(&self) -> Option<CropId> {
        self.slots.front().copied().or(self.latest.map(|(crop, _)| crop))
    }

    /// Slots so far, those gone included.
    fn len(&self) -> usize {
        self.dropped + self.slots.len()
    }

    fn time_of(&self, slot: usize) -> f64 {
        self.start_s + slot as f64 / self.layout.rate
    }

    /// Appends slots that show `crop`, up to the time `until_s`. Half a microsecond of slack: times that meet exactly
    /// on paper differ in their last bits.
    fn fill(&mut self, crop: CropId, until_s: f64) {
        while self.time_of(self.len()) <= until_s + 5e-7 {
            self.slots.push_back(crop);
        }
    }

    fn forget(&mut self, before: usize) {
        while self.dropped < before {
            self.slots.pop_front();
            self.dropped += 1;
        }
    }

    fn window_at(&self, start: usize) -> Window {
        let first = start - self.dropped;
        Window {
            crops: self.slots.range(first..first + self.layout.window).copied().collect(),
            start_s: self.time_of(start),
            end_s: self.time_of(start + self.layout.window - 1),
            stretched: false,
        }
    }

    fn stretched(&self) -> Window {
        Window {
            crops: stretch(self.slots.len(), self.layout.window).map(|slot| self.slots[slot]).collect(),
            start_s: self.start_s,
            end_s: self.time_of(self.slots.len() - 1),
            stretched: true,
        }
    }
}

/// The one window of a clip that is scored as a whole (SPEC section 1): its middle, or the whole clip stretched where it
/// is shorter. `times` are the presentation times of its crops 0, 1, 2 .. in seconds, ascending. None without crops.
///
/// # Panics
/// When `rate` or `window` is not positive.
pub fn centre_window(rate: f64, window: usize, times: &[f64]) -> Option<Window> {
    let mut timeline = Timeline::new(Layout { rate, window, hop: 1 });
    for (crop, &pts_s) in (0..).zip(times) {
        timeline.place(crop, pts_s);
    }
    let (crop, at) = timeline.latest?;
    // The last picture stands for its own slot and no longer.
    timeline.fill(crop, at + 0.5 / rate);
    Some(match timeline.len().checked_sub(window) {
        Some(spare) => timeline.window_at(spare / 2),
        None => timeline.stretched(),
    })
}

/// Stretches `from` frames to `to` places: place k shows the frame nearest to k (from - 1) / (to - 1).
pub fn stretch(from: usize, to: usize) -> impl Iterator<Item = usize> {
    let scale = if to > 1 { (from - 1) as f64 / (to - 1) as f64 } else { 0.0 };
    (0..to).map(move |k| (k as f64 * scale + 0.5).floor() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: Layout = Layout { rate: 25.0, window: 105, hop: 5 };

    fn run(layout: Layout, times: impl Iterator<Item = f64>) -> Vec<Window> {
        let mut timeline = Timeline::new(layout);
        let mut windows = vec![];
        for (crop, pts_s) in times.enumerate() {
            windows.extend(timeline.push(crop as u64, pts_s));
            assert!(timeline.slots.len() <= layout.window + layout.hop + 10, "memory is bounded");
        }
        windows.extend(timeline.finish());
        windows
    }

    #[test]
    fn at_the_models_rate_every_slot_is_one_frame() {
        let windows = run(PAPER, (0..105).map(|k| 3.2 + k as f64 / 25.0));
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].crops, (0..105).collect::<Vec<u64>>());
        assert!((windows[0].start_s - 3.2).abs() < 1e-9 && (windows[0].end_s - 7.36).abs() < 1e-9);
        assert!(!windows[0].stretched);
    }

    #[test]
    fn a_60_fps_video_is_not_slow_motion() {
        // 600 frames at 60 fps: the last is at 9.983 s, nearest to slot 250. Windows start at 0, 5, .. 145, and at 146.
        let windows = run(PAPER, (0..600).map(|k| k as f64 / 60.0));
        assert_eq!(windows.len(), 30 + 1);
        assert_eq!(windows[30].crops.last(), Some(&599));
        // Slot k shows the frame nearest to 2.4 k.
        for (slot, &crop) in windows[0].crops.iter().enumerate() {
            assert!((crop as f64 - 2.4 * slot as f64).abs() <= 0.5 + 1e-6, "slot {slot} shows frame {crop}");
        }
    }

    #[test]
    fn a_slow_video_repeats_its_frames() {
        let windows = run(PAPER, (0..50).map(|k| k as f64 / 10.0));
        assert_eq!(windows[0].crops[..6], [0, 0, 1, 1, 2, 2], "slots at 0, 40, 80, 120, 160, 200 ms");
    }

    #[test]
    fn a_short_track_is_stretched() {
        let windows = run(PAPER, (0..53).map(|k| k as f64 / 25.0));
        assert_eq!(windows.len(), 1);
        assert!(windows[0].stretched);
        assert_eq!(windows[0].crops.len(), 105);
        assert_eq!((windows[0].crops[0], windows[0].crops[52], windows[0].crops[104]), (0, 26, 52));
        let one = run(PAPER, std::iter::once(7.0));
        assert_eq!(one[0].crops, vec![0; 105]);
        assert_eq!((one[0].start_s, one[0].end_s), (7.0, 7.0));
    }

    #[test]
    fn the_last_window_reaches_the_end() {
        let layout = Layout { hop: 50, ..PAPER };
        let windows = run(layout, (0..230).map(|k| k as f64 / 25.0));
        let starts: Vec<u64> = windows.iter().map(|window| window.crops[0]).collect();
        assert_eq!(starts, [0, 50, 100, 125]);
        assert_eq!(windows.last().unwrap().crops.last(), Some(&229));
    }

    #[test]
    fn a_gap_is_filled_by_its_two_ends() {
        let times = (0..10).map(|k| k as f64 / 25.0).chain((20..120).map(|k| k as f64 / 25.0));
        let windows = run(PAPER, times);
        // The gap is 360 ms to 800 ms: slots to 580 ms show the last frame before it, later ones the first after.
        assert_eq!(windows[0].crops[9..21], [9, 9, 9, 9, 9, 9, 10, 10, 10, 10, 10, 10]);
    }

    #[test]
    fn a_whole_clip_is_read_in_its_middle() {
        let times = |count: usize| (0..count).map(|k| 2.0 + k as f64 / 25.0).collect::<Vec<_>>();
        let middle = centre_window(25.0, 105, &times(130)).unwrap();
        assert_eq!((middle.crops[0], middle.crops[104], middle.stretched), (12, 116, false));
        assert!((middle.start_s - 2.48).abs() < 1e-9);
        let whole = centre_window(25.0, 105, &times(105)).unwrap();
        assert_eq!(whole, run(PAPER, times(105).into_iter())[0]);
        let short = centre_window(25.0, 105, &times(53)).unwrap();
        assert_eq!(short, run(PAPER, times(53).into_iter())[0]);
        assert!(short.stretched);
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert!(run(PAPER, std::iter::empty()).is_empty());
        assert_eq!(centre_window(25.0, 105, &[]), None);
    }
}
