//! A part of a run for one of several machines.

use std::fmt;

use est_nets::hash;

/// Part `index` (from 1) of `count`. A video's part follows from its name alone, so videos that come later move no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// None where there is no such part.
    pub fn new(index: u64, count: u64) -> Option<Self> {
        (1..=count).contains(&index).then_some(Shard { index, count })
    }

    pub fn index(self) -> u64 {
        self.index
    }

    pub fn count(self) -> u64 {
        self.count
    }

    /// Whether the video of this name is in this part.
    pub fn holds(self, name: &str) -> bool {
        let hash = hash::of(name.as_bytes());
        let number = u64::from_str_radix(&hash[..16], 16).expect("sixteen hexadecimal digits");
        number % self.count == self.index - 1
    }
}

/// As `--shard` takes it: `3/4`.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_video_is_in_one_part() {
        let names: Vec<String> = (0..40).map(|k| format!("video{k}")).collect();
        let parts = (1..=4).map(|index| Shard::new(index, 4).unwrap());
        let counts: Vec<usize> = parts.map(|part| names.iter().filter(|name| part.holds(name)).count()).collect();
        assert_eq!(counts.iter().sum::<usize>(), 40);
        assert!(counts.iter().all(|&count| count > 3), "{counts:?}");
        assert_eq!([(0, 4), (5, 4), (1, 0)].map(|(index, count)| Shard::new(index, count)), [None; 3]);
    }
}
