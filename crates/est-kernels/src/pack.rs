//! Images as the words that products read: a zeroed border around them, and channels rounded up to whole words.

use crate::aligned::Aligned;
use crate::simd::Simd;

/// A rectangle of an image, which may reach beyond it on every side.
#[derive(Clone, Copy)]
pub(crate) struct Rectangle {
    pub top: isize,
    pub left: isize,
    pub rows: usize,
    pub columns: usize,
}

/// One image [height, width, channels] of which `count` channels from `first` on are meant.
#[derive(Clone, Copy)]
pub(crate) struct Channels<'a> {
    pub image: &'a [f32],
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub first: usize,
    pub count: usize,
}

/// Writes the rectangle: [rows, columns, words], `words` as many as the channels take.
#[inline(always)]
pub(crate) fn pack<S: Simd>(simd: S, from: Channels, part: Rectangle, packed: &mut [u32]) {
    let words = from.count.div_ceil(S::FACTORS);
    assert_eq!(from.image.len(), from.height * from.width * from.channels);
    assert!(from.first + from.count <= from.channels);
    assert_eq!(packed.len(), part.rows * part.columns * words);
    let columns = crate::window::inside(part.left, part.columns, from.width);
    for (row, packed) in packed.chunks_exact_mut(part.columns * words).enumerate() {
        let y = part.top + row as isize;
        if columns.is_empty() || y < 0 || y as usize >= from.height {
            packed.fill(0);
            continue;
        }
        packed[..columns.start * words].fill(0);
        packed[columns.end * words..].fill(0);
        let packed = &mut packed[columns.start * words..columns.end * words];
        let x = (part.left + columns.start as isize) as usize;
        let pixels = &from.image[(y as usize * from.width + x) * from.channels..][..columns.len() * from.channels];
        if from.count == from.channels && from.count.is_multiple_of(S::FACTORS) {
            convert(simd, pixels, packed);
        } else {
            for (pixel, packed) in pixels.chunks_exact(from.channels).zip(packed.chunks_exact_mut(words)) {
                convert(simd, &pixel[from.first..from.first + from.count], packed);
            }
        }
    }
}

/// Numbers to factors, the last word filled up with 0.
#[inline(always)]
pub(crate) fn convert<S: Simd>(simd: S, numbers: &[f32], words: &mut [u32]) {
    assert_eq!(words.len(), numbers.len().div_ceil(S::FACTORS));
    let whole = numbers.len() / S::LANES * S::LANES;
    for first in (0..whole).step_by(S::LANES) {
        // SAFETY: a vector from `first` on is in both slices.
        unsafe {
            let x = simd.load(numbers.as_ptr().add(first));
            simd.store_factors(words.as_mut_ptr().add(first / S::FACTORS), x);
        }
    }
    if whole < numbers.len() {
        let mut last = [0; 16];
        // SAFETY: the rest is less than a vector, and no vector is longer than the array.
        unsafe {
            let x = simd.load_first(numbers.as_ptr().add(whole), numbers.len() - whole);
            simd.store_factors(last.as_mut_ptr(), x);
        }
        let rest = &mut words[whole / S::FACTORS..];
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// Weights as panels of `width` outputs: [outputs / width][words][width], each word the factors of that output; what is
/// beyond the outputs is 0. `filters` are [outputs, _]; `source(k)` says where in a filter the factor k of `depth`
/// lies, or that it is 0.
#[inline(always)]
pub(crate) fn panels<S: Simd>(
    simd: S,
    [outputs, depth, width]: [usize; 3],
    filters: &[f32],
    source: impl Fn(usize) -> Option<usize>,
) -> Aligned<u32> {
    let (words, filter) = (depth.div_ceil(S::FACTORS), filters.len() / outputs);
    let mut panels = Aligned::zeroed(outputs.div_ceil(width) * words * width);
    let mut factors = vec![0.0; width * S::FACTORS];
    for (panel, panel_words) in panels.chunks_exact_mut(words * width).enumerate() {
        let first = panel * width;
        let filters = &filters[first * filter..outputs.min(first + width) * filter];
        for (word, row) in panel_words.chunks_exact_mut(width).enumerate() {
            factors.fill(0.0);
            for factor in 0..S::FACTORS {
                let k = word * S::FACTORS + factor;
                if let Some(place) = (k < depth).then(|| source(k)).flatten() {
                    for (into, filter) in
                        factors[factor..].iter_mut().step_by(S::FACTORS).zip(filters.chunks_exact(filter))
                    {
                        *into = filter[place];
                    }
                }
            }
            convert(simd, &factors, row);
        }
    }
    panels
}
