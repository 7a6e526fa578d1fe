//! Vectors of f32 behind one trait, so that each kernel is written once and compiled for every set of instructions.
//!
//! A value of a type that is [`Simd`] is a token: it exists only where the processor was seen to have the instructions.
//! Kernels are `#[inline(always)]` and run inside [`Simd::run`], which is compiled with these instructions on.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512, Avx512Bf16};

use crate::isa::Isa;

/// Something to compute with whatever instructions there are.
pub(crate) trait Task {
    type Output;

    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs `task` with the instructions of `isa`.
///
/// # Panics
/// When the processor lacks them.
#[inline]
pub(crate) fn dispatch<T: Task>(isa: Isa, task: T) -> T::Output {
    assert!(isa <= Isa::detected(), "this processor lacks {isa}");
    match isa {
        Isa::Portable => Portable.run(task),
        // SAFETY: the processor has what `isa` names, as seen above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { Avx2::new() }.run(task),
        // SAFETY: the same.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { Avx512::new() }.run(task),
        // SAFETY: the same.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512Bf16 => unsafe { Avx512Bf16::new() }.run(task),
        #[cfg(not(target_arch = "x86_64"))]
        _ => unreachable!("never detected here"),
    }
}

/// A set of instructions, and how factors of products are stored: in words of 32 bits, each one f32 or a pair of bf16.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// [`Simd::LANES`] numbers in f32.
    type V: Copy;
    /// [`Simd::LANES`] words.
    type W: Copy;
    const LANES: usize;
    /// Factors in a word.
    const FACTORS: usize;
    /// Rows of the largest tile of [`crate::tile`] whose sums, at two vectors a row, stay in registers.
    const ROWS: usize;

    /// Runs `task` compiled for these instructions.
    fn run<T: Task>(self, task: T) -> T::Output;

    /// `x` in every lane.
    fn splat(self, x: f32) -> Self::V;
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a b + c`
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger; `b` where either is no number.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// # Safety
    /// `from` is good for reads of LANES numbers.
    unsafe fn load(self, from: *const f32) -> Self::V;
    /// The first `count` lanes from memory, the others 0.
    ///
    /// # Safety
    /// `from` is good for reads of `count` <= LANES numbers.
    unsafe fn load_first(self, from: *const f32, count: usize) -> Self::V;
    /// # Safety
    /// `to` is good for writes of LANES numbers.
    unsafe fn store(self, to: *mut f32, x: Self::V);
    /// Only the first `count` lanes.
    ///
    /// # Safety
    /// `to` is good for writes of `count` <= LANES numbers.
    unsafe fn store_first(self, to: *mut f32, x: Self::V, count: usize);

    /// # Safety
    /// `from` is good for a read.
    unsafe fn splat_word(self, from: *const u32) -> Self::W;
    /// # Safety
    /// `from` is good for reads of LANES words.
    unsafe fn load_words(self, from: *const u32) -> Self::W;
    /// `sum` plus, in every lane, the products of the words' factors.
    fn dot_add(self, a: Self::W, b: Self::W, sum: Self::V) -> Self::V;
    /// Rounds to factors and stores them side by side: LANES / FACTORS words.
    ///
    /// # Safety
    /// `to` is good for writes of so many words.
    unsafe fn store_factors(self, to: *mut u32, x: Self::V);
}
