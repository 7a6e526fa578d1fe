//! Pooling and resizing of channels-last images.

use std::ops::Range;

/// Windows over images [height, width, channels]; what lies outside does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolShape {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl PoolShape {
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }
}

/// The largest number of each channel in each window. `output` holds `pixels`, which count through all images.
///
/// # Panics
/// When the lengths do not fit, or padding is not smaller than the kernel.
pub fn max_pool(shape: &PoolShape, input: &[f32], pixels: Range<usize>, output: &mut [f32]) {
    let PoolShape {
        height,
        width,
        channels,
        kernel,
        stride,
        padding,
    } = *shape;
    let (out_height, out_width) = (shape.out_height(), shape.out_width());
    assert!(padding < kernel, "{shape:?}");
    assert_eq!(input.len() % (height * width * channels), 0, "images of {shape:?}");
    assert_eq!(output.len(), pixels.len() * channels, "output of {shape:?}");
    let span = |index: usize, side: usize| {
        let first = index * stride;
        first.saturating_sub(padding)..(first + kernel - padding).min(side)
    };
    for (out, pixel) in output.chunks_exact_mut(channels).zip(pixels) {
        let (row, column) = (pixel / out_width, pixel % out_width);
        let (image, row) = (row / out_height, row % out_height);
        out.fill(f32::NEG_INFINITY);
        for y in span(row, height) {
            for x in span(column, width) {
                let from = ((image * height + y) * width + x) * channels;
                for (out, &x) in out.iter_mut().zip(&input[from..from + channels]) {
                    *out = if x > *out { x } else { *out };
                }
            }
        }
    }
}

/// Images [height, width, channels] -> [out_height, out_width, channels], each output pixel the one that it falls into.
///
/// # Panics
/// When the lengths do not fit.
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
            let (y, x) = (
                index / out_width * height / out_height,
                index % out_width * width / out_width,
            );
            out.copy_from_slice(&input[(y * width + x) * channels..][..channels]);
        }
    }
}
