//! Memory that begins at a cache line.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector: one that begins elsewhere costs two accesses.
const LINE: usize = 64;

/// Bytes of a large page of memory.
const HUGE_PAGE: usize = 2 << 20;

/// Large pages need fewer entries in the processor's tables and fewer faults when they are first touched.
fn ask_for_huge_pages<T>(memory: &[T]) {
    #[cfg(target_os = "linux")]
    {
        let whole = size_of_val(memory) / HUGE_PAGE * HUGE_PAGE;
        // SAFETY: advice about pages that are this slice's; it changes no contents. Where it is not heeded, nothing is lost.
        unsafe { libc::madvise(memory.as_ptr().cast_mut().cast(), whole, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}

/// Zeros, then whatever is written; the first is at the beginning of a cache line. `T` is a number of 4 bytes.
#[derive(Debug)]
pub struct Aligned<T> {
    memory: Vec<T>,
    first: usize,
    len: usize,
}

impl<T: Copy + Default> Aligned<T> {
    pub fn zeroed(len: usize) -> Self {
        // Whole zeroed pages come from the system untouched; that is why this is a Vec and not an aligned allocation.
        let align = if len * size_of::<T>() >= HUGE_PAGE { HUGE_PAGE } else { LINE };
        let memory = vec![T::default(); len + align / size_of::<T>()];
        let first = memory.as_ptr().align_offset(align);
        if align == HUGE_PAGE {
            ask_for_huge_pages(&memory[first..first + len]);
        }
        Aligned { memory, first, len }
    }

    /// At least `len` long from now on; when it grows, all becomes zero.
    pub fn reserve(&mut self, len: usize) {
        if self.len < len {
            *self = Self::zeroed(len);
        }
    }
}

impl<T: Copy + Default> Default for Aligned<T> {
    fn default() -> Self {
        Self::zeroed(0)
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.first..self.first + self.len]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.first..self.first + self.len]
    }
}
