//! How fast the processor multiplies when nothing is in the way: what a kernel's speed is a share of.

use std::hint::black_box;
use std::time::Instant;

use crate::isa::Isa;
use crate::simd::{Simd, Task, dispatch};

/// Products of factors (f32, or bf16 with [`Isa::Avx512Bf16`]) and their sums that one thread computes in a second,
/// from registers alone: multiply-adds, each of them two operations. Takes about a tenth of a second.
pub fn multiply_adds_per_second(isa: Isa) -> f64 {
    dispatch(isa, Peak)
}

struct Peak;

/// Independent sums: more than any processor's latency times its throughput.
const SUMS: usize = 12;

impl Task for Peak {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let words = [0u32; 64];
        let words = black_box(&words);
        let mut best = 0.0f64;
        for _ in 0..8 {
            // SAFETY: the array has more words than any vector.
            let (a, b) = unsafe { (simd.splat_word(words.as_ptr()), simd.load_words(words.as_ptr())) };
            let mut sums = [simd.splat(0.0); SUMS];
            let rounds = 1_000_000;
            let start = Instant::now();
            for _ in 0..rounds {
                for sum in &mut sums {
                    *sum = simd.dot_add(a, b, *sum);
                }
            }
            let seconds = start.elapsed().as_secs_f64();
            let mut numbers = [0.0f32; 64];
            for sum in sums {
                // SAFETY: the array has more numbers than any vector.
                unsafe { simd.store(numbers.as_mut_ptr(), sum) };
                black_box(&numbers);
            }
            best = best.max((rounds * SUMS * S::LANES * S::FACTORS) as f64 / seconds);
        }
        best
    }
}
