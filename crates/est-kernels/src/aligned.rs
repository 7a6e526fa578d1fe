//! Memory that begins at a cache line.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector: one that begins elsewhere costs two accesses.
const LINE: usize = 64;

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
        let memory = vec![T::default(); len + LINE / size_of::<T>()];
        let first = memory.as_ptr().align_offset(LINE);
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
