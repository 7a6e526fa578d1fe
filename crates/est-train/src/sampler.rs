//! What each step reads: clips in a new order every epoch, and of each clip the frames and their order. Every choice is
//! a function of the seed, the epoch and the clip, so the sampler has no state beyond the number of the step.

use est_nets::{Noise, PAPER_ORDERS, Sampling};
use serde::{Deserialize, Serialize};

use crate::augment::{Augment, Change};

/// One clip as a step reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Place in the list of training clips.
    pub clip: usize,
    /// n J places in the clip's window, snippet by snippet in the order in which the snippets stand.
    pub places: Vec<usize>,
    /// Index of that order.
    pub order: usize,
    pub change: Change,
}

/// Which places of a window training reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Draw {
    /// Snippets (SPEC section 1, "train sampling").
    Snippets,
    /// So many single places of the middle half of the window: the expression, not its onset.
    Frames(usize),
    /// So many of the frames that the targets list; a place is in 0..[`Draw::OF_LISTED`], whatever the length of the list.
    Listed(usize),
}

impl Draw {
    pub const OF_LISTED: usize = 1 << 16;
}

/// Draws samples.
#[derive(Debug, Clone)]
pub struct Sampler {
    pub seed: u64,
    /// Training clips.
    pub clips: usize,
    pub sampling: Sampling,
    /// n and J.
    pub snippets: usize,
    pub frames: usize,
    pub draw: Draw,
    /// The orders that the SSOP head knows: new position k holds snippet S[k]; empty: the snippets stand in time.
    pub orders: Vec<Vec<usize>>,
    pub augment: Augment,
}

impl Sampler {
    /// The clips of `epoch` in the order in which steps read them.
    pub fn epoch(&self, epoch: u32) -> Vec<usize> {
        let noise = Noise::new(self.seed, &format!("clips of epoch {epoch}"));
        let mut clips: Vec<usize> = (0..self.clips).collect();
        // 24 bits of a draw leave ties; they fall to the clip's number.
        clips.sort_by(|&a, &b| noise.unit(a as u64).total_cmp(&noise.unit(b as u64)).then(a.cmp(&b)));
        clips
    }

    /// `clip` as `epoch` reads it.
    pub fn sample(&self, epoch: u32, clip: usize) -> Sample {
        let noise = Noise::new(self.seed, &format!("epoch {epoch} clip {clip}"));
        let mut drawn = 0;
        let mut below = |limit: usize| {
            drawn += 1;
            ((noise.unit(drawn) * limit as f64) as usize).min(limit - 1)
        };
        let Sampling { window, .. } = self.sampling;
        let (places, order) = match self.draw {
            Draw::Frames(count) => ((0..count).map(|_| window / 4 + below(window / 2)).collect(), 0),
            Draw::Listed(count) => ((0..count).map(|_| below(Draw::OF_LISTED)).collect(), 0),
            Draw::Snippets => {
                let order = if self.orders.is_empty() { 0 } else { below(self.orders.len()) };
                let places = est::train_places(self.sampling, [self.snippets, self.frames], &mut below);
                let stands = |k: usize| self.orders.get(order).map_or(k, |order| order[k]);
                let snippet = |k: usize| &places[stands(k) * self.frames..][..self.frames];
                ((0..self.snippets).flat_map(|k| snippet(k).iter().copied()).collect(), order)
            }
        };
        Sample { clip, places, order, change: self.augment.draw(self.seed, epoch, clip) }
    }
}

/// The paper's orders where they fit; else `count` distinct permutations of `snippets`, none the identity, from the
/// seed.
///
/// # Errors
/// When there are not as many permutations: says so in words.
pub fn orders(snippets: usize, count: usize, seed: u64) -> Result<Vec<Vec<usize>>, String> {
    if snippets == PAPER_ORDERS[0].len() && count == PAPER_ORDERS.len() {
        return Ok(PAPER_ORDERS.iter().map(|order| order.iter().map(|&snippet| snippet.into()).collect()).collect());
    }
    if count > most_orders(snippets) {
        return Err(format!(
            "{snippets} snippets have {} orders besides their own, not {count}",
            most_orders(snippets)
        ));
    }
    let noise = Noise::new(seed, "orders");
    let mut drawn = 0;
    let mut orders: Vec<Vec<usize>> = vec![];
    while orders.len() < count {
        let mut order: Vec<usize> = (0..snippets).collect();
        for k in (1..snippets).rev() {
            order.swap(k, (noise.unit(drawn) * (k + 1) as f64) as usize);
            drawn += 1;
        }
        if !order.is_sorted() && !orders.contains(&order) {
            orders.push(order);
        }
    }
    Ok(orders)
}

/// How many orders besides their own so many snippets have.
pub(crate) fn most_orders(snippets: usize) -> usize {
    (2..=snippets).try_fold(1usize, |all, k| all.checked_mul(k)).unwrap_or(usize::MAX) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler() -> Sampler {
        Sampler {
            seed: 3,
            clips: 40,
            sampling: Sampling::PAPER,
            snippets: 7,
            frames: 5,
            draw: Draw::Snippets,
            orders: orders(7, 10, 3).unwrap(),
            augment: Augment::PAPER,
        }
    }

    #[test]
    fn an_epoch_reads_every_clip_once_and_no_two_epochs_alike() {
        let [first, second] = [0, 1].map(|epoch| sampler().epoch(epoch));
        assert_ne!(first, second);
        assert_eq!(first, sampler().epoch(0));
        for mut epoch in [first, second] {
            epoch.sort();
            assert!(epoch.into_iter().eq(0..40));
        }
    }

    /// SPEC section 1: s in 0..=29, sub-video i is frames s+10i..=s+10i+14, five distinct of them in ascending order.
    #[test]
    fn snippets_are_drawn_as_the_paper_draws_them() {
        let sampler = sampler();
        let (mut starts, mut orders) = (vec![], [0; 10]);
        for epoch in 0..2000 {
            let Sample { places, order, .. } = sampler.sample(epoch, 7);
            assert_eq!(places.len(), 35);
            let mut in_time = places.clone();
            let mut low = 0;
            let mut high = 29;
            for (k, snippet) in places.chunks(5).enumerate() {
                let i = sampler.orders[order][k];
                assert!(snippet.windows(2).all(|pair| pair[0] < pair[1]), "{snippet:?}");
                // s + 10 i <= first, last <= s + 10 i + 14
                low = low.max((snippet[4]).saturating_sub(10 * i + 14));
                high = high.min(snippet[0] - 10 * i);
            }
            assert!(low <= high, "{places:?} has no start");
            starts.push((low, high));
            orders[order] += 1;
            in_time.sort();
            assert!(in_time[34] <= 103, "29 + 60 + 14");
        }
        assert!(starts.iter().any(|&(_, high)| high == 0) && starts.iter().any(|&(low, _)| low == 29));
        // Binomial(2000, 0.1): 200 +- 13.4; six deviations.
        assert!(orders.iter().all(|count| (120..280).contains(count)), "{orders:?}");
    }

    #[test]
    fn single_frames_come_from_the_middle() {
        let frames = Sampler { draw: Draw::Frames(9), ..sampler() };
        let places: Vec<usize> = (0..200).flat_map(|epoch| frames.sample(epoch, 0).places).collect();
        assert_eq!((places.len(), places.iter().min(), places.iter().max()), (1800, Some(&26), Some(&77)));
    }

    #[test]
    fn other_orders_are_distinct_and_no_identity() {
        let drawn = orders(3, 5, 1).unwrap();
        assert_eq!(drawn.len(), 5);
        assert!(drawn.iter().enumerate().all(|(k, order)| !order.is_sorted() && !drawn[..k].contains(order)));
        assert!(orders(3, 6, 1).unwrap_err().contains("5 orders"));
        assert_eq!(orders(7, 10, 1).unwrap()[0], [0, 4, 3, 2, 6, 1, 5]);
    }
}
