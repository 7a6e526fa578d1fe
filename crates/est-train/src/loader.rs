//! Batches, made ahead in threads so that the step does not wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use crate::corpus::{Corpus, Frames};
use crate::error::TrainError;
use crate::sampler::{Draw, Sample, Sampler};

/// Batches that are ready at most: 42 MB each at 8 clips of 35 pictures of 224 pixels.
const AHEAD: u64 = 3;

/// What one pass of the network reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Clips.
    pub len: usize,
    pub frames: Frames,
    /// Which snippet stands at each place: [len, n].
    pub order: Vec<i64>,
    pub classes: Vec<i64>,
    /// Of every row of the logits (a frame, or a clip), a distribution over the classes, when the corpus has targets.
    pub shares: Vec<f32>,
    pub orders: Vec<i64>,
}

impl Batch {
    /// Reads `samples` of `clips` (places in the set).
    ///
    /// # Errors
    /// When a clip cannot be read.
    pub fn read(corpus: &Corpus, sampler: &Sampler, clips: &[usize], samples: &[Sample]) -> Result<Self, TrainError> {
        let mut batch = Batch {
            len: samples.len(),
            frames: Frames::default(),
            order: vec![],
            classes: vec![],
            shares: vec![],
            orders: vec![],
        };
        for sample in samples {
            let clip = clips[sample.clip];
            let read = match sampler.draw {
                Draw::Listed(_) => corpus.listed(clip, &sample.places, &sample.change, &mut batch.shares)?,
                _ => {
                    batch.shares.extend(corpus.target(clip).into_iter().flatten());
                    corpus.frames(clip, &sample.places, &sample.change)?
                }
            };
            batch.frames.add(read);
            let stands = |k: usize| sampler.orders.get(sample.order).map_or(k, |order| order[k]) as i64;
            batch.order.extend((0..sampler.snippets).map(stands));
            batch.classes.push(corpus.label(clip) as i64);
            batch.orders.push(sample.order as i64);
        }
        Ok(batch)
    }
}

struct State {
    /// Batches that are made and not taken.
    ready: BTreeMap<u64, std::thread::Result<Result<Batch, TrainError>>>,
    to_make: u64,
    to_take: u64,
    stop: bool,
}

struct Shared {
    corpus: Arc<Corpus>,
    sampler: Sampler,
    /// Training clips, as places in the set.
    clips: Vec<usize>,
    batch: usize,
    /// Batches of an epoch.
    per_epoch: u64,
    end: u64,
    state: Mutex<State>,
    changed: Condvar,
}

/// Hands out the batches of a run, counted from the first batch of the first epoch, in their order.
pub struct Loader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Loader {
    /// Begins to make the batches from `start` to below `end`; an epoch has `per_epoch` of them, of `batch` clips each.
    ///
    /// # Panics
    /// When an epoch asks for more clips than there are.
    pub fn new(
        corpus: Arc<Corpus>,
        sampler: Sampler,
        clips: Vec<usize>,
        [batch, per_epoch]: [usize; 2],
        [start, end]: [u64; 2],
    ) -> Self {
        assert!(
            per_epoch > 0 && batch * per_epoch <= clips.len(),
            "{per_epoch} batches of {batch} from {}",
            clips.len()
        );
        let per_epoch = per_epoch as u64;
        let state = Mutex::new(State { ready: BTreeMap::new(), to_make: start, to_take: start, stop: false });
        let shared = Arc::new(Shared { corpus, sampler, clips, batch, per_epoch, end, state, changed: Condvar::new() });
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(AHEAD as usize);
        let spawn = |_| {
            let shared = shared.clone();
            std::thread::spawn(move || shared.work())
        };
        let threads = (0..threads).map(spawn).collect();
        Loader { shared, threads }
    }

    /// The next batch; waits until it is made.
    ///
    /// # Errors
    /// When a clip of it cannot be read.
    pub fn take(&mut self) -> Result<Batch, TrainError> {
        let mut state = self.shared.lock();
        let number = state.to_take;
        assert!(number < self.shared.end, "a batch beyond the last");
        loop {
            if let Some(batch) = state.ready.remove(&number) {
                state.to_take += 1;
                self.shared.changed.notify_all();
                return batch.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            state = self.shared.changed.wait(state).expect("no worker panics with the state");
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no worker panics with the state")
    }

    fn work(&self) {
        let mut epoch = None;
        while let Some(number) = self.claim() {
            // A panic must reach whoever waits for this batch.
            let make = std::panic::AssertUnwindSafe(|| self.make(number, &mut epoch));
            let batch = std::panic::catch_unwind(make);
            self.lock().ready.insert(number, batch);
            self.changed.notify_all();
        }
    }

    /// The number of a batch to make, when one is wanted.
    fn claim(&self) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if state.stop || state.to_make == self.end {
                return None;
            }
            if state.to_make < state.to_take + AHEAD {
                state.to_make += 1;
                return Some(state.to_make - 1);
            }
            state = self.changed.wait(state).expect("no worker panics with the state");
        }
    }

    /// `known`: an epoch with its clips in their order.
    fn make(&self, number: u64, known: &mut Option<(u32, Vec<usize>)>) -> Result<Batch, TrainError> {
        let (epoch, step) = ((number / self.per_epoch) as u32, (number % self.per_epoch) as usize);
        if known.as_ref().is_none_or(|(at, _)| *at != epoch) {
            *known = Some((epoch, self.sampler.epoch(epoch)));
        }
        let order = &known.as_ref().expect("just put there").1;
        let clips = &order[step * self.batch..(step + 1) * self.batch];
        let samples: Vec<Sample> = clips.iter().map(|&clip| self.sampler.sample(epoch, clip)).collect();
        Batch::read(&self.corpus, &self.sampler, &self.clips, &samples)
    }
}
