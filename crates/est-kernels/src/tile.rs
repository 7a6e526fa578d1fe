//! The one matrix product: a tile of some rows times a panel of weights, its sums in registers from the first product to
//! the last. Direct and Winograd convolution, 1x1 and linear layers are all made of it.
//!
//! A row's sums are the same sequence of operations in a tile of any number of rows.
#![allow(clippy::needless_range_loop)] // arrays stay in registers only where their indices are constants

use crate::simd::{Simd, Task};

/// Vectors of outputs in the widest panel.
pub(crate) const VECTORS: usize = 2;

/// Where the factors of a tile's rows lie: `runs` runs of `run` words, `run_step` words apart; the next row's `row_step`
/// words further on.
#[derive(Clone, Copy)]
pub(crate) struct Factors {
    pub first: *const u32,
    pub row_step: usize,
    pub runs: usize,
    pub run: usize,
    pub run_step: usize,
}

/// What becomes of the sums.
pub(crate) trait Sink: Copy {
    /// # Safety
    /// As the implementor says, for this row.
    unsafe fn put<S: Simd, const V: usize>(self, simd: S, row: usize, sums: [S::V; V]);
}

/// Stores sums side by side: the sink of products that are not finished yet.
#[derive(Clone, Copy)]
pub(crate) struct Store(pub *mut f32);

impl Sink for Store {
    /// Memory for the row is good for writes.
    #[inline(always)]
    unsafe fn put<S: Simd, const V: usize>(self, simd: S, row: usize, sums: [S::V; V]) {
        for v in 0..V {
            // SAFETY: the caller's promise.
            unsafe { simd.store(self.0.add((row * V + v) * S::LANES), sums[v]) }
        }
    }
}

struct Tile<const ROWS: usize, const V: usize, K> {
    factors: Factors,
    panel: *const u32,
    first_row: usize,
    sink: K,
}

impl<const ROWS: usize, const V: usize, K: Sink> Task for Tile<ROWS, V, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Factors { first, row_step, runs, run, run_step } = self.factors;
        let mut sums = [[simd.splat(0.0); V]; ROWS];
        let mut weights = self.panel;
        for index in 0..runs {
            // SAFETY: `multiply`'s caller promises that all rows' runs and the panel can be read, and that the sink
            // takes these rows.
            unsafe {
                let mut factor = first.add(index * run_step);
                let end = factor.add(run);
                while factor < end {
                    let panel: [S::W; V] = std::array::from_fn(|v| simd.load_words(weights.add(v * S::LANES)));
                    for row in 0..ROWS {
                        let factor = simd.splat_word(factor.add(row * row_step));
                        for v in 0..V {
                            sums[row][v] = simd.dot_add(factor, panel[v], sums[row][v]);
                        }
                    }
                    weights = weights.add(V * S::LANES);
                    factor = factor.add(1);
                }
            }
        }
        // By index: an iterator over the array would first move the sums from registers to memory, twice.
        for row in 0..ROWS {
            // SAFETY: as above.
            unsafe { self.sink.put(simd, self.first_row + row, sums[row]) }
        }
    }
}

/// Multiplies `rows` rows with a panel of `vectors` vectors of outputs, [words][vectors * LANES], and gives the sums to
/// `sink`.
///
/// # Safety
/// The words of `factors` for all rows and those of the panel are good for reads; the sink takes these rows.
#[inline(always)]
pub(crate) unsafe fn multiply<S: Simd, K: Sink>(
    simd: S,
    rows: usize,
    vectors: usize,
    factors: Factors,
    panel: *const u32,
    sink: K,
) {
    // Nearly equal tiles: 16 rows are 8 and 8, not 14 and 2.
    let tiles = rows.div_ceil(S::ROWS);
    for tile in 0..tiles {
        let first_row = tile * rows / tiles;
        let rows = (tile + 1) * rows / tiles - first_row;
        // SAFETY: the row is one of the caller's.
        let factors = Factors { first: unsafe { factors.first.add(first_row * factors.row_step) }, ..factors };
        macro_rules! tile {
            ($($count:literal)*) => {
                match (rows, vectors) {
                    $(($count, 1) if $count <= S::ROWS => {
                        simd.run(Tile::<$count, 1, K> { factors, panel, first_row, sink });
                    }
                    ($count, _) if $count <= S::ROWS => {
                        simd.run(Tile::<$count, VECTORS, K> { factors, panel, first_row, sink });
                    })*
                    _ => unreachable!("no tile is larger"),
                }
            };
        }
        tile!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
    }
}
