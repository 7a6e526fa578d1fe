//! Pooling and resizing of channels-last images.

use std::cell::RefCell;
use std::ops::Range;

use crate::aligned::Aligned;
use crate::conv::{Conv, Epilogue};
use crate::isa::Isa;
use crate::simd::{Simd, Task, dispatch};
use crate::window::Window;

/// The largest number of each channel in each window, NaN where one of them is NaN or infinite; what lies outside the image
/// does not count. `output` holds `rows` of pixels, which count through all images. Padding is smaller than the kernel.
pub fn max_pool(window: &Window, channels: usize, input: &[f32], rows: Range<usize>, output: &mut [f32]) {
    let image = window.height * window.width * channels;
    assert_eq!(input.len() % image, 0, "images of {window:?}");
    assert!(rows.end <= input.len() / image * window.out_height(), "rows of {window:?}");
    let out_row = window.out_width() * channels;
    assert_eq!(output.len(), rows.len() * out_row, "output of {window:?}");
    let mut start = rows.start;
    while start < rows.end {
        let (index, first) = (start / window.out_height(), start % window.out_height());
        let count = (rows.end - start).min(window.out_height() - first);
        let done = (start - rows.start) * out_row;
        let output = &mut output[done..done + count * out_row];
        pool_part(window, channels, (&input[index * image..][..image], 0), first..first + count, output);
        start += count;
    }
}

/// The largest of some numbers, and NaN if one of them is none: `max` of every instruction set passes over a NaN in one of its
/// places, and the sum of zeros does not (nor over infinities, which are no answer either).
struct Largest<S: Simd> {
    largest: S::V,
    zeros: S::V,
}

impl<S: Simd> Largest<S> {
    #[inline(always)]
    fn none(simd: S) -> Self {
        Largest { largest: simd.splat(f32::NEG_INFINITY), zeros: simd.splat(0.0) }
    }

    #[inline(always)]
    fn and(self, simd: S, x: S::V) -> Self {
        let zeros = simd.mul_add(x, simd.splat(0.0), self.zeros);
        Largest { largest: simd.max(x, self.largest), zeros }
    }

    #[inline(always)]
    fn value(self, simd: S) -> S::V {
        simd.add(self.largest, self.zeros)
    }
}

/// The rows of one image that the windows of output rows `rows` see.
fn seen_rows(window: &Window, rows: &Range<usize>) -> Range<usize> {
    let first = (rows.start * window.stride[0]).saturating_sub(window.padding[0]);
    let end = (rows.end - 1) * window.stride[0] + window.kernel[0];
    first..end.saturating_sub(window.padding[0]).min(window.height)
}

/// Output rows `rows` of one image, of which `part` holds rows from its number on.
fn pool_part(window: &Window, channels: usize, part: (&[f32], usize), rows: Range<usize>, output: &mut [f32]) {
    struct MaxPool<'a>(&'a Window, usize, (&'a [f32], usize), Range<usize>, &'a mut [f32]);
    impl Task for MaxPool<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            let MaxPool(window, channels, (input, before), rows, output) = self;
            let before = before * window.width * channels;
            let mut seen = Vec::with_capacity(window.taps_len());
            for (row, output) in rows.zip(output.chunks_exact_mut(window.out_width() * channels)) {
                for columns in window.column_runs() {
                    let (_, y, x) = window.locate(row * window.out_width() + columns.start);
                    seen.clear();
                    seen.extend(window.taps(y, x).map(|(_, pixel)| pixel * channels - before));
                    for column in columns.clone() {
                        let moved = (column - columns.start) * window.stride[1] * channels;
                        for first in (0..channels).step_by(S::LANES) {
                            // SAFETY: the windows of all columns lie in the image where the first's does, their rows are
                            // in the part, and from channel `first` on there are so many numbers more, as there are in
                            // the output.
                            unsafe {
                                let from = input.as_ptr().add(moved + first);
                                let to = output.as_mut_ptr().add(column * channels + first);
                                if channels - first >= S::LANES {
                                    let mut largest = Largest::none(simd);
                                    for &pixel in &seen {
                                        largest = largest.and(simd, simd.load(from.add(pixel)));
                                    }
                                    simd.store(to, largest.value(simd));
                                } else {
                                    let mut largest = Largest::none(simd);
                                    for &pixel in &seen {
                                        largest = largest.and(simd, simd.load_first(from.add(pixel), channels - first));
                                    }
                                    simd.store_first(to, largest.value(simd), channels - first);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert!((0..2).all(|axis| window.padding[axis] < window.kernel[axis]), "{window:?}");
    assert!(!rows.is_empty() && rows.end <= window.out_height());
    let seen = seen_rows(window, &rows);
    let held = part.1..part.1 + part.0.len() / (window.width * channels);
    assert!(held.start <= seen.start && seen.end <= held.end && held.end <= window.height, "rows of {window:?}");
    assert_eq!(output.len(), rows.len() * window.out_width() * channels, "output of {window:?}");
    dispatch(Isa::best(), MaxPool(window, channels, part, rows, output));
}

/// Rows of output that are pooled together: of ResNet's first layer, 17 rows of 28 KB are its input.
const POOLED: usize = 8;

/// A layer whose units are rows, and a max pool of its result that is never stored as a whole: `output` holds `rows` of
/// the pool's pixels, which count through all images.
pub fn max_pool_of(
    conv: &Conv,
    slope: Option<f32>,
    window: &Window,
    input: &[f32],
    rows: Range<usize>,
    output: &mut [f32],
) {
    thread_local! {
        static SCRATCH: RefCell<Aligned<f32>> = RefCell::default();
    }
    let channels = conv.shape().outputs;
    let row = window.width * channels;
    let out_row = window.out_width() * channels;
    let shape = conv.shape().window;
    let fits = conv.is_by_rows() && [shape.out_height(), shape.out_width()] == [window.height, window.width];
    assert!(fits, "{conv} before {window:?}");
    assert_eq!(output.len(), rows.len() * out_row, "output of {window:?}");
    SCRATCH.with_borrow_mut(|scratch| {
        // Rows of the layer in `scratch`, counted through all images.
        let mut have = 0..0;
        let mut start = rows.start;
        while start < rows.end {
            let (image, first) = (start / window.out_height(), start % window.out_height());
            let count = POOLED.min(rows.end - start).min(window.out_height() - first);
            let part = first..first + count;
            let seen = seen_rows(window, &part);
            let want = image * window.height + seen.start..image * window.height + seen.end;
            scratch.reserve((POOLED * window.stride[0] + window.kernel[0]) * row);
            let mut kept = 0;
            if have.contains(&want.start) {
                kept = have.end - want.start;
                scratch.copy_within((want.start - have.start) * row..have.len() * row, 0);
            }
            let fresh = &mut scratch[kept * row..want.len() * row];
            conv.run(input, want.start + kept..want.end, Epilogue { residual: None, slope }, fresh);
            let done = (start - rows.start) * out_row;
            let output = &mut output[done..done + count * out_row];
            pool_part(window, channels, (&scratch[..want.len() * row], seen.start), part, output);
            have = want;
            start += count;
        }
    });
}

/// Images [height, width, channels] -> [out_height, out_width, channels], each output pixel the one that it falls into,
/// plus the number at its place of `addend`, if there is one. `output` and the addend hold `rows` of pixels, which count
/// through all images.
pub fn upsample_nearest(
    input: &[f32],
    [height, width]: [usize; 2],
    [out_height, out_width]: [usize; 2],
    channels: usize,
    rows: Range<usize>,
    addend: Option<&[f32]>,
    output: &mut [f32],
) {
    let (row_len, out_row) = (width * channels, out_width * channels);
    assert!(input.len().is_multiple_of(height * row_len) && output.len() == rows.len() * out_row);
    assert!(addend.is_none_or(|addend| addend.len() == output.len()));
    for (index, (row, output)) in rows.zip(output.chunks_exact_mut(out_row)).enumerate() {
        let (image, y) = (row / out_height, row % out_height * height / out_height);
        let input = &input[(image * height + y) * row_len..][..row_len];
        let pixel = |x: usize| &input[x * width / out_width * channels..][..channels];
        let pixels = output.chunks_exact_mut(channels).enumerate();
        match addend.map(|addend| addend[index * out_row..][..out_row].chunks_exact(channels)) {
            None => pixels.for_each(|(x, out)| out.copy_from_slice(pixel(x))),
            Some(addend) => pixels.zip(addend).for_each(|((x, out), addend)| {
                for ((out, a), b) in out.iter_mut().zip(addend).zip(pixel(x)) {
                    *out = a + b;
                }
            }),
        }
    }
}
