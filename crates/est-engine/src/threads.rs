//! Threads, and how work is divided among them. No result depends on the division.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::EngineError;

/// The living pools by their number of threads.
static POOLS: Mutex<BTreeMap<usize, Weak<ThreadPool>>> = Mutex::new(BTreeMap::new());

/// The pool of `threads` threads (0: as many as the machine runs at once). All sessions that ask for the same number
/// share one: a detector and an encoder in one process do not compete with each other.
pub fn pool(threads: usize) -> Result<Arc<ThreadPool>, EngineError> {
    let threads = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&threads).and_then(Weak::upgrade) {
        return Ok(pool);
    }
    let builder = ThreadPoolBuilder::new().num_threads(threads);
    let builder = builder.thread_name(|index| format!("est-engine-{index}"));
    let pool = builder.build().map_err(|source| EngineError::Threads { threads, source })?;
    let pool = Arc::new(pool);
    pools.insert(threads, Arc::downgrade(&pool));
    Ok(pool)
}

/// Does `work` on each item, on the pool that this is called in: the items of the highest cost first, each on the first
/// thread that is free. The results come in any order.
pub fn for_each_of<T: Sync, R: Send>(
    mut items: Vec<T>,
    cost: impl Fn(&T) -> usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    items.sort_by_key(|item| std::cmp::Reverse(cost(item)));
    let next = AtomicUsize::new(0);
    let results = rayon::broadcast(|_| {
        let items = std::iter::from_fn(|| items.get(next.fetch_add(1, Ordering::Relaxed)));
        items.map(&work).collect::<Vec<R>>()
    });
    results.into_iter().flatten().collect()
}

/// Computes the parts of `output` that end at `ends`, on the pool that this is called in: `compute` gets a part's number
/// and the part.
pub fn for_parts<T: Send>(mut output: &mut [T], ends: &[usize], compute: impl Fn(usize, &mut [T]) + Sync) {
    let mut parts = Vec::with_capacity(ends.len());
    let mut start = 0;
    for &end in ends {
        let (part, rest) = output.split_at_mut(end - start);
        parts.push(part);
        (start, output) = (end, rest);
    }
    parts.into_par_iter().with_max_len(1).enumerate().for_each(|(number, part)| compute(number, part));
}

/// Computes `output`, which is made of rows of `width` numbers, in blocks of `rows` rows on the pool that this is called
/// in: `compute` gets the numbers of a block's rows and the block.
pub fn for_blocks(output: &mut [f32], width: usize, rows: usize, compute: impl Fn(Range<usize>, &mut [f32]) + Sync) {
    if output.len() <= rows * width {
        compute(0..output.len() / width, output);
        return;
    }
    let blocks = output.par_chunks_mut(rows * width).enumerate();
    blocks.for_each(|(block, output)| {
        let first = block * rows;
        compute(first..first + output.len() / width, output);
    });
}
