//! What is done to a layer's result before it is stored.
#![allow(clippy::needless_range_loop)] // arrays stay in registers only where their indices are constants

use crate::simd::Simd;
use crate::tile::Sink;

/// The number at the same place of `residual` is added, then what is negative is multiplied by `slope` (0 is ReLU), at
/// most 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct Epilogue<'a> {
    pub residual: Option<&'a [f32]>,
    pub slope: Option<f32>,
}

/// The same for pointers, with the bias before it.
#[derive(Clone, Copy)]
pub(crate) struct Finish {
    /// Of the panel's first output.
    pub bias: *const f32,
    /// Null if there is none.
    pub residual: *const f32,
    pub slope: f32,
    /// The first row's place for the panel's first output.
    pub output: *mut f32,
    /// Numbers from row to row of the output and of the residual.
    pub row_step: usize,
    /// Outputs of this panel; the others are padding.
    pub outputs: usize,
}

impl Finish {
    pub fn new(epilogue: &Epilogue, bias: &[f32], output: &mut [f32], row_step: usize) -> Self {
        Finish {
            bias: bias.as_ptr(),
            residual: epilogue.residual.map_or(std::ptr::null(), <[f32]>::as_ptr),
            slope: epilogue.slope.unwrap_or(1.0),
            output: output.as_mut_ptr(),
            row_step,
            outputs: row_step,
        }
    }

    /// Finishes and stores the outputs `first` .. of the number `place`, counted from `output`, a vector at most.
    ///
    /// # Safety
    /// `bias` from `first` on is good for reads of a vector, padding included; `output` from `place` on for writes, and
    /// `residual`, if there is one, for reads, of as many numbers as there are outputs from `first` on.
    #[inline(always)]
    pub unsafe fn put_vector<S: Simd>(self, simd: S, place: usize, first: usize, sums: S::V) {
        let count = self.outputs.saturating_sub(first);
        // SAFETY: the caller's promise; with fewer outputs than lanes only those are touched.
        unsafe {
            let mut sums = simd.add(sums, simd.load(self.bias.add(first)));
            if count >= S::LANES {
                if !self.residual.is_null() {
                    sums = simd.add(sums, simd.load(self.residual.add(place)));
                }
                simd.store(self.output.add(place), self.leak(simd, sums));
            } else if count > 0 {
                if !self.residual.is_null() {
                    sums = simd.add(sums, simd.load_first(self.residual.add(place), count));
                }
                simd.store_first(self.output.add(place), self.leak(simd, sums), count);
            }
        }
    }

    /// For slopes up to 1 the larger of `x` and `slope x`; the second operand wins where the first is no number, as 0
    /// times infinity is.
    #[inline(always)]
    fn leak<S: Simd>(self, simd: S, x: S::V) -> S::V {
        simd.max(simd.mul(x, simd.splat(self.slope)), x)
    }
}

impl Sink for Finish {
    /// As [`Finish::put_vector`] for the vectors of this row.
    #[inline(always)]
    unsafe fn put<S: Simd, const V: usize>(self, simd: S, row: usize, sums: [S::V; V]) {
        for v in 0..V {
            // SAFETY: the caller's promise.
            unsafe { self.put_vector(simd, row * self.row_step + v * S::LANES, v * S::LANES, sums[v]) }
        }
    }
}
