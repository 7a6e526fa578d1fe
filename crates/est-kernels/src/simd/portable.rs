use super::{Simd, Task};

/// Arrays, which the compiler puts into whatever vectors the target has.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

const LANES: usize = 8;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Simd for Portable {
    type V = [f32; LANES];
    type W = [f32; LANES];
    const LANES: usize = LANES;
    const FACTORS: usize = 1;
    const ROWS: usize = 2;

    #[inline(always)]
    fn run<T: Task>(self, task: T) -> T::Output {
        task.run(self)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        [x; LANES]
    }

    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Rounded twice: the fused form is a slow library call where the target lacks it.
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: the caller's promise; arrays of f32 are aligned as f32 are.
        unsafe { from.cast::<Self::V>().read() }
    }

    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> Self::V {
        // SAFETY: only places below `count` are read.
        std::array::from_fn(|i| if i < count { unsafe { from.add(i).read() } } else { 0.0 })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: Self::V) {
        // SAFETY: as in `load`.
        unsafe { to.cast::<Self::V>().write(x) }
    }

    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, x: Self::V, count: usize) {
        for (i, &x) in x.iter().enumerate().take(count) {
            // SAFETY: only places below `count` are written.
            unsafe { to.add(i).write(x) }
        }
    }

    #[inline(always)]
    unsafe fn splat_word(self, from: *const u32) -> Self::W {
        // SAFETY: the caller's promise.
        [f32::from_bits(unsafe { from.read() }); LANES]
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
