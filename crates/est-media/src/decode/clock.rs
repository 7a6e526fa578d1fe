//! Timestamps -> seconds that always rise.

use ffmpeg_next::Rational;

/// A step back by more frames than this is no disorder of neighbours: the time is wrong, or the clock was set anew.
const DISORDER_FRAMES: f64 = 2.5;

/// Turns a stream's ticks into seconds. Zero is where the container starts, as players show it; should the first frame
/// lie before it, that frame is zero.
pub struct Clock {
    tick: Rational,
    zero: Option<i64>,
    /// Duration of a frame that does not state one, seconds.
    usual_s: f64,
    /// Added since the clock was last set anew, seconds.
    shift_s: f64,
    /// Time and duration of the last frame.
    last: Option<(f64, f64)>,
    /// The last frame's own time and the one it was given, where it lay far back.
    misplaced: Option<(f64, f64)>,
}

#[derive(Debug, PartialEq)]
pub enum Reading {
    At(f64),
    /// The stream's clock was set back at the place `since`; time runs on from there.
    Reset {
        time: f64,
        since: f64,
    },
    /// Not after the last frame.
    Late,
}

impl Clock {
    /// `tick` in seconds; `zero` in ticks, if known.
    pub fn new(tick: Rational, zero: Option<i64>, usual_s: f64) -> Self {
        Clock { tick, zero, usual_s, shift_s: 0.0, last: None, misplaced: None }
    }

    pub fn seconds(&self, ticks: i64) -> f64 {
        // One rounding only: 3 * 1001 / 24000 is the double nearest to 0.125125.
        ticks as f64 * f64::from(self.tick.numerator()) / f64::from(self.tick.denominator())
    }

    /// Where zero is in the stream's own time, seconds; known from the first frame on.
    pub fn zero_s(&self) -> Option<f64> {
        self.last.and(self.zero).map(|zero| self.seconds(zero))
    }

    /// The time of a timestamp of a clock that is never set back.
    pub fn time_of(&self, timestamp: i64) -> f64 {
        self.seconds(timestamp.saturating_sub(self.zero.unwrap_or(0)))
    }

    /// What is read next may be anywhere; zero stays where it is.
    pub fn rewind(&mut self) {
        (self.last, self.misplaced) = (None, None);
    }

    /// The time of the next frame in the order of showing. `duration` in ticks, 0 where unknown.
    pub fn read(&mut self, timestamp: Option<i64>, duration: i64) -> Reading {
        let duration = if duration > 0 { self.seconds(duration) } else { self.usual_s };
        let Some((last, _)) = self.last else {
            let first = timestamp.unwrap_or(0);
            let zero = self.zero.map_or(first, |zero| zero.min(first));
            self.zero = Some(zero);
            return self.set(self.seconds(first.saturating_sub(zero)), duration);
        };
        let follows = self.end_s();
        let Some(timestamp) = timestamp else {
            return self.set(follows, duration);
        };
        let time = self.seconds(timestamp.saturating_sub(self.zero.unwrap_or(0))) + self.shift_s;
        if time > last {
            self.misplaced = None;
            return self.set(time, duration);
        }
        if last - time <= DISORDER_FRAMES * self.usual_s {
            return Reading::Late;
        }
        // One frame far back may have a wrong time: it is given the next place. With a second one the clock was set
        // anew, and goes on from the place the first was given.
        match self.misplaced.take() {
            Some((own, given)) if time > own => {
                self.shift_s += given - own;
                let time = time + given - own;
                self.set(time, duration);
                Reading::Reset { time, since: given }
            }
            _ => {
                self.misplaced = Some((time, follows));
                self.set(follows, duration)
            }
        }
    }

    fn set(&mut self, time: f64, duration: f64) -> Reading {
        self.last = Some((time, duration));
        Reading::At(time)
    }

    /// Where the last frame ends, seconds; 0 before the first.
    pub fn end_s(&self) -> f64 {
        self.last.map_or(0.0, |(time, duration)| time + duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(zero: Option<i64>) -> Clock {
        Clock::new(Rational::new(1001, 24000), zero, 0.04)
    }

    #[test]
    fn exact_seconds_from_zero() {
        let mut clock = clock(Some(10));
        assert_eq!(clock.read(Some(10), 1), Reading::At(0.0));
        assert_eq!(clock.read(Some(13), 1), Reading::At(0.125125));
        assert_eq!(clock.end_s(), 0.125125 + 1001.0 / 24000.0);
    }

    #[test]
    fn zero_moves_to_an_earlier_first_frame() {
        let mut clock = clock(Some(10));
        assert_eq!(clock.read(Some(8), 1), Reading::At(0.0));
        assert_eq!(clock.read(Some(11), 1), Reading::At(0.125125));
    }

    #[test]
    fn missing_times_follow_the_last_frame() {
        let mut clock = Clock::new(Rational::new(1, 100), None, 0.04);
        assert_eq!(clock.read(None, 0), Reading::At(0.0));
        assert_eq!(clock.read(None, 2), Reading::At(0.04));
        assert_eq!(clock.read(None, 0), Reading::At(0.06));
    }

    /// Ticks of 1/100 s, frames of 0.04 s.
    fn read_all(ticks: &[i64]) -> Vec<Option<f64>> {
        let mut clock = Clock::new(Rational::new(1, 100), Some(0), 0.04);
        let reading = |&tick| match clock.read(Some(tick), 4) {
            // Shifted times carry rounding: compared to a microsecond.
            Reading::At(time) | Reading::Reset { time, .. } => Some((time * 1e6).round() / 1e6),
            Reading::Late => None,
        };
        ticks.iter().map(reading).collect()
    }

    #[test]
    fn disorder_of_neighbours_is_late() {
        let want = [Some(0.0), Some(0.08), None, None, Some(0.12)];
        assert_eq!(read_all(&[0, 8, 8, 4, 12]), want);
    }

    #[test]
    fn one_wrong_time_does_not_move_the_others() {
        let want = [Some(2.0), Some(2.04), Some(2.08), Some(2.12)];
        assert_eq!(read_all(&[200, 17, 208, 212]), want);
        assert_eq!(read_all(&[200, i64::MIN, 208, 212]), want);
    }

    #[test]
    fn a_clock_set_back_runs_on() {
        let want = [Some(2.0), Some(2.04), Some(2.08), Some(2.12), Some(2.2)];
        assert_eq!(read_all(&[200, 0, 4, 8, 16]), want);
        // Twice.
        let want = [2.0, 2.04, 2.08, 2.12, 2.16, 2.2, 2.24].map(Some);
        assert_eq!(read_all(&[200, 100, 104, 108, 2, 6, 10]), want);
    }
}
