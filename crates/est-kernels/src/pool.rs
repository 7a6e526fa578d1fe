//! Pooling and resizing of channels-last images.

use std::ops::Range;

use crate::isa::Isa;
use crate::simd::{Simd, Task, dispatch};
use crate::window::Window;

/// The largest number of each channel in each window; what lies outside the image does not count. `output` holds
/// `rows` of pixels, which count through all images. Padding is smaller than the kernel.
pub fn max_pool(window: &Window, channels: usize, input: &[f32], rows: Range<usize>, output: &mut [f32]) {
    struct MaxPool<'a>(&'a Window, usize, &'a [f32], Range<usize>, &'a mut [f32]);
    impl Task for MaxPool<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            let MaxPool(window, channels, input, rows, output) = self;
            let image = window.height * window.width * channels;
            let mut seen = Vec::with_capacity(window.kernel * window.kernel);
            for (row, output) in rows.zip(output.chunks_exact_mut(window.out_width() * channels)) {
                for columns in window.column_runs() {
                    let (index, y, x) = window.locate(row * window.out_width() + columns.start);
                    let input = &input[index * image..][..image];
                    seen.clear();
                    seen.extend(window.taps(y, x).map(|(_, pixel)| pixel * channels));
                    for column in columns.clone() {
                        let moved = (column - columns.start) * window.stride * channels;
                        for first in (0..channels).step_by(S::LANES) {
                            // SAFETY: the windows of all columns lie in the image where the first's does, and from
                            // channel `first` on there are so many numbers more, as there are in the output.
                            unsafe {
                                let from = input.as_ptr().add(moved + first);
                                let to = output.as_mut_ptr().add(column * channels + first);
                                if channels - first >= S::LANES {
                                    let mut largest = simd.splat(f32::NEG_INFINITY);
                                    for &pixel in &seen {
                                        largest = simd.max(simd.load(from.add(pixel)), largest);
                                    }
                                    simd.store(to, largest);
                                } else {
                                    let mut largest = simd.splat(f32::NEG_INFINITY);
                                    for &pixel in &seen {
                                        let x = simd.load_first(from.add(pixel), channels - first);
                                        largest = simd.max(x, largest);
                                    }
                                    simd.store_first(to, largest, channels - first);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    let image = window.height * window.width * channels;
    assert!(window.padding < window.kernel, "{window:?}");
    assert_eq!(input.len() % image, 0, "images of {window:?}");
    assert!(rows.end <= input.len() / image * window.out_height(), "rows of {window:?}");
    assert_eq!(output.len(), rows.len() * window.out_width() * channels, "output of {window:?}");
    dispatch(Isa::best(), MaxPool(window, channels, input, rows, output));
}

/// Images [height, width, channels] -> [out_height, out_width, channels], each output pixel the one that it falls into.
pub fn upsample_nearest(
    input: &[f32],
    [height, width]: [usize; 2],
    [out_height, out_width]: [usize; 2],
    channels: usize,
    output: &mut [f32],
) {
    let (image, out_image) = (height * width * channels, out_height * out_width * channels);
    assert!(input.len().is_multiple_of(image) && output.len() == input.len() / image * out_image);
    for (input, output) in input.chunks_exact(image).zip(output.chunks_exact_mut(out_image)) {
        for (index, out) in output.chunks_exact_mut(channels).enumerate() {
            let (y, x) = (index / out_width * height / out_height, index % out_width * width / out_width);
            out.copy_from_slice(&input[(y * width + x) * channels..][..channels]);
        }
    }
}
