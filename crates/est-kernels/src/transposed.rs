//! The second half of a transposed convolution: every pixel of its input was multiplied with all taps, and each product
//! belongs to one pixel of the output.

use std::ops::Range;

use crate::window::Window;

/// Products [in_height, in_width, taps, channels] -> images [height, width, channels]: sums of what falls on each pixel, in
/// the order of the taps, and the bias. `window` is that of the convolution whose transpose this is: it slides over the
/// output, and its places are the pixels of the input. `output` holds `rows` of pixels, which count through all images.
pub fn gather_taps(window: &Window, products: &[f32], bias: &[f32], rows: Range<usize>, output: &mut [f32]) {
    let channels = bias.len();
    let (in_height, in_width) = (window.out_height(), window.out_width());
    let pixel = window.taps_len() * channels;
    assert!(products.len().is_multiple_of(in_height * in_width * pixel), "products of {window:?}");
    let row_len = window.width * channels;
    assert_eq!(output.len(), rows.len() * row_len, "output of {window:?}");
    let [down, across] = window.kernel;
    for (row, output) in rows.zip(output.chunks_exact_mut(row_len)) {
        let (image, y) = (row / window.height, row % window.height);
        let products = &products[image * in_height * in_width * pixel..][..in_height * in_width * pixel];
        for (x, output) in output.chunks_exact_mut(channels).enumerate() {
            output.copy_from_slice(bias);
            for ky in 0..down {
                let Some(in_y) = source(window, 0, y, ky).filter(|&y| y < in_height) else { continue };
                for kx in 0..across {
                    let Some(in_x) = source(window, 1, x, kx).filter(|&x| x < in_width) else { continue };
                    let first = (in_y * in_width + in_x) * pixel + (ky * across + kx) * channels;
                    for (out, product) in output.iter_mut().zip(&products[first..first + channels]) {
                        *out += product;
                    }
                }
            }
        }
    }
}

/// The place of the window at which its tap `tap` lies on the pixel `pixel`.
fn source(window: &Window, axis: usize, pixel: usize, tap: usize) -> Option<usize> {
    let first = (pixel + window.padding[axis]).checked_sub(tap)?;
    first.is_multiple_of(window.stride[axis]).then_some(first / window.stride[axis])
}
