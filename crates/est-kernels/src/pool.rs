//! Pooling and resizing of channels-last images.

use std::ops::Range;

use crate::window::Window;

/// The largest number of each channel in each window; what lies outside the image does not count. `output` holds
/// `pixels`, which count through all images. Padding is smaller than the kernel.
pub fn max_pool(window: &Window, channels: usize, input: &[f32], pixels: Range<usize>, output: &mut [f32]) {
    let image = window.height * window.width * channels;
    assert!(window.padding < window.kernel, "{window:?}");
    assert_eq!(input.len() % image, 0, "images of {window:?}");
    assert_eq!(output.len(), pixels.len() * channels, "output of {window:?}");
    for (out, pixel) in output.chunks_exact_mut(channels).zip(pixels) {
        let (index, y, x) = window.locate(pixel);
        let input = &input[index * image..][..image];
        out.fill(f32::NEG_INFINITY);
        for (_, pixel) in window.taps(y, x) {
            for (out, &x) in out.iter_mut().zip(&input[pixel * channels..][..channels]) {
                *out = if x > *out { x } else { *out };
            }
        }
    }
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
