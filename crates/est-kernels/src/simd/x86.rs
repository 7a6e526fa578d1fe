use std::arch::x86_64::*;

use super::{Simd, Task};

/// What a token is and how code is compiled for it.
macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $features:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name(());

        impl $name {
            /// # Safety
            /// The processor has these instructions.
            #[inline(always)]
            pub(super) unsafe fn new() -> Self {
                $name(())
            }

            #[target_feature(enable = $features)]
            fn compiled<T: Task>(self, task: T) -> T::Output {
                task.run(self)
            }
        }
    };
}

token!(
    /// AVX2 and FMA.
    Avx2,
    "avx2,fma"
);
token!(
    /// AVX-512; factors in f32.
    Avx512,
    "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"
);
token!(
    /// AVX-512; factors in bf16.
    Avx512Bf16,
    "avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"
);

/// Functions of the trait that are one instruction on the token's vectors. The token proves that the processor has it.
macro_rules! instructions {
    ($($name:ident($($x:ident),*) = $intrinsic:ident($($y:ident),*);)*) => {
        $(
            #[inline(always)]
            fn $name(self, $($x: Self::V),*) -> Self::V {
                // SAFETY: `self` exists only where the processor has the instruction.
                unsafe { $intrinsic($($y),*) }
            }
        )*
    };
}

/// The lanes below `count`, as the masks of AVX2 say it.
#[inline(always)]
fn avx2_mask(count: usize) -> __m256i {
    const PLACES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    // SAFETY: 8 numbers from a place of at most 8 are inside the table. Loads need AVX; only its tokens call this.
    unsafe { _mm256_loadu_si256(PLACES[8 - count.min(8)..].as_ptr().cast()) }
}

impl Simd for Avx2 {
    type V = __m256;
    type W = __m256;
    const LANES: usize = 8;
    const FACTORS: usize = 1;
    const ROWS: usize = 6;

    #[inline(always)]
    fn run<T: Task>(self, task: T) -> T::Output {
        // SAFETY: `self` exists only where the processor has the instructions.
        unsafe { self.compiled(task) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: as in `run`.
        unsafe { _mm256_set1_ps(x) }
    }

    instructions! {
        add(a, b) = _mm256_add_ps(a, b);
        sub(a, b) = _mm256_sub_ps(a, b);
        mul(a, b) = _mm256_mul_ps(a, b);
        mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
        max(a, b) = _mm256_max_ps(a, b);
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> Self::V {
        // SAFETY: the caller's promise; masked lanes are not read.
        unsafe { _mm256_maskload_ps(from, avx2_mask(count)) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: Self::V) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_ps(to, x) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, x: Self::V, count: usize) {
        // SAFETY: the caller's promise; masked lanes are not written.
        unsafe { _mm256_maskstore_ps(to, avx2_mask(count), x) }
    }

    #[inline(always)]
    unsafe fn splat_word(self, from: *const u32) -> Self::W {
        // SAFETY: the caller's promise.
        unsafe { _mm256_set1_ps(f32::from_bits(from.read())) }
    }

    #[inline(always)]
    unsafe fn load_words(self, from: *const u32) -> Self::W {
        // SAFETY: the caller's promise.
        unsafe { self.load(from.cast()) }
    }

    #[inline(always)]
    fn dot_add(self, a: Self::W, b: Self::W, sum: Self::V) -> Self::V {
        self.mul_add(a, b, sum)
    }

    #[inline(always)]
    unsafe fn store_factors(self, to: *mut u32, x: Self::V) {
        // SAFETY: the caller's promise.
        unsafe { self.store(to.cast(), x) }
    }
}

/// All that the two tokens of AVX-512 share.
macro_rules! avx512 {
    () => {
        type V = __m512;
        const LANES: usize = 16;
        /// 28 sums, two vectors of weights and a broadcast: 31 registers of 32.
        const ROWS: usize = 14;

        #[inline(always)]
        fn run<T: Task>(self, task: T) -> T::Output {
            // SAFETY: `self` exists only where the processor has the instructions.
            unsafe { self.compiled(task) }
        }

        #[inline(always)]
        fn splat(self, x: f32) -> Self::V {
            // SAFETY: as in `run`.
            unsafe { _mm512_set1_ps(x) }
        }

        instructions! {
            add(a, b) = _mm512_add_ps(a, b);
            sub(a, b) = _mm512_sub_ps(a, b);
            mul(a, b) = _mm512_mul_ps(a, b);
            mul_add(a, b, c) = _mm512_fmadd_ps(a, b, c);
            max(a, b) = _mm512_max_ps(a, b);
        }

        #[inline(always)]
        unsafe fn load(self, from: *const f32) -> Self::V {
            // SAFETY: the caller's promise.
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn load_first(self, from: *const f32, count: usize) -> Self::V {
            // SAFETY: the caller's promise; masked lanes are not read.
            unsafe { _mm512_maskz_loadu_ps(((1u32 << count) - 1) as u16, from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32, x: Self::V) {
            // SAFETY: the caller's promise.
            unsafe { _mm512_storeu_ps(to, x) }
        }

        #[inline(always)]
        unsafe fn store_first(self, to: *mut f32, x: Self::V, count: usize) {
            // SAFETY: the caller's promise; masked lanes are not written.
            unsafe { _mm512_mask_storeu_ps(to, ((1u32 << count) - 1) as u16, x) }
        }
    };
}

impl Simd for Avx512 {
    avx512!();
    type W = __m512;
    const FACTORS: usize = 1;

    #[inline(always)]
    unsafe fn splat_word(self, from: *const u32) -> Self::W {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_ps(f32::from_bits(from.read())) }
    }

    #[inline(always)]
    unsafe fn load_words(self, from: *const u32) -> Self::W {
        // SAFETY: the caller's promise.
        unsafe { self.load(from.cast()) }
    }

    #[inline(always)]
    fn dot_add(self, a: Self::W, b: Self::W, sum: Self::V) -> Self::V {
        self.mul_add(a, b, sum)
    }

    #[inline(always)]
    unsafe fn store_factors(self, to: *mut u32, x: Self::V) {
        // SAFETY: the caller's promise.
        unsafe { self.store(to.cast(), x) }
    }
}

impl Simd for Avx512Bf16 {
    avx512!();
    type W = __m512i;
    const FACTORS: usize = 2;

    #[inline(always)]
    unsafe fn splat_word(self, from: *const u32) -> Self::W {
        // SAFETY: the caller's promise.
        unsafe { _mm512_set1_epi32(from.read() as i32) }
    }

    #[inline(always)]
    unsafe fn load_words(self, from: *const u32) -> Self::W {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    fn dot_add(self, a: Self::W, b: Self::W, sum: Self::V) -> Self::V {
        // SAFETY: as in `run`; both types are 512 bits that may hold anything.
        unsafe {
            let pairs = |words| std::mem::transmute::<__m512i, __m512bh>(words);
            _mm512_dpbf16_ps(sum, pairs(a), pairs(b))
        }
    }

    #[inline(always)]
    unsafe fn store_factors(self, to: *mut u32, x: Self::V) {
        // SAFETY: the caller's promise: 8 words are 256 bits.
        unsafe {
            let factors = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(x));
            _mm256_storeu_si256(to.cast(), factors);
        }
    }
}
