//! Convolution, linear layers and the matrix product against the naive oracle.

use est_kernels::conv::{Conv, ConvShape, Epilogue};
use est_kernels::gemm::{DEPTH, add_product};
use est_kernels::{Window, reference};

/// Numbers in [-1, 1) from a multiplicative hash of their place.
fn noise(seed: u64, len: usize) -> Vec<f32> {
    let number = |i: u64| {
        let x = (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ seed.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        (x >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len as u64).map(number).collect()
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

fn magnitudes(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x.abs())).collect()
}

fn layer(size: [usize; 2], channels: [usize; 2], kernel: usize, stride: usize) -> ConvShape {
    ConvShape::new(Window::new(size, kernel, stride, kernel / 2), channels, 1)
}

fn square(side: usize, inputs: usize, outputs: usize, kernel: usize, stride: usize) -> ConvShape {
    layer([side, side], [inputs, outputs], kernel, stride)
}

fn grouped(shape: ConvShape, groups: usize) -> ConvShape {
    ConvShape { groups, ..shape }
}

fn padded(mut shape: ConvShape, padding: usize) -> ConvShape {
    shape.window.padding = padding;
    shape
}

fn depthwise(size: [usize; 2], channels: usize, stride: usize) -> ConvShape {
    grouped(layer(size, [channels, channels], 3, stride), channels)
}

/// Holds the layer against the oracle, image by image and with every epilogue; then in ragged parts against itself.
fn check(shape: ConvShape, images: usize) {
    let window = shape.window;
    let image = window.height * window.width;
    let x = noise(1, images * image * shape.inputs);
    let weights = noise(2, shape.weights());
    let bias = noise(3, shape.outputs);
    let pixels = images * window.pixels();
    let residual = noise(4, pixels * shape.outputs);

    let planes = reference::transpose(&x, image, shape.inputs);
    let expected = reference::conv2d(&shape, &wide(&planes), &wide(&weights), &wide(&bias));
    let expected = reference::transpose(&expected, shape.outputs, window.pixels());
    // Products and sums that enter each result; the rounding error of a sum of n terms, each part of at most DEPTH
    // summed by itself, is at most (DEPTH + parts + 3) u times the sum of the terms' magnitudes (Higham, Accuracy and
    // Stability of Numerical Algorithms, section 4.2), u = 2^-24.
    let scale = reference::conv2d(&shape, &magnitudes(&planes), &magnitudes(&weights), &magnitudes(&bias));
    let scale = reference::transpose(&scale, shape.outputs, window.pixels());
    let terms = shape.inputs / shape.groups * window.kernel.pow(2);
    // Parts are whole taps, so there may be one more than terms / DEPTH for every tap.
    let steps = terms.min(DEPTH) + terms / DEPTH + window.kernel.pow(2) + 3;
    let unit = steps as f64 * 2f64.powi(-24);

    let conv = Conv::new(shape, &weights, &bias);
    for (residual, slope) in
        [(None, None), (Some(&residual[..]), Some(0.0)), (None, Some(0.1)), (Some(&residual), None)]
    {
        let mut out = vec![f32::NAN; pixels * shape.outputs];
        conv.run(&x, 0..pixels, Epilogue { residual, slope }, &mut out);
        for (i, &out) in out.iter().enumerate() {
            let added = residual.map_or(0.0, |residual| f64::from(residual[i]));
            let sum = expected[i] + added;
            let sum = if sum < 0.0 { sum * f64::from(slope.unwrap_or(1.0)) } else { sum };
            let error = (f64::from(out) - sum).abs();
            assert!(error <= unit * (scale[i] + added.abs()), "{shape:?} {i}: {out} for {sum}");
        }

        // One pixel, then five, then all but one and so on: every tail of every tile.
        let mut ragged = vec![f32::NAN; out.len()];
        let mut start = 0;
        for width in [1, 5, 7, 8, 17, 48, 64, 129, 1000].into_iter().cycle() {
            let end = (start + width).min(pixels);
            let part = start * shape.outputs..end * shape.outputs;
            let residual = residual.map(|residual| &residual[part.clone()]);
            conv.run(&x, start..end, Epilogue { residual, slope }, &mut ragged[part]);
            start = end;
            if start == pixels {
                break;
            }
        }
        assert!(ragged == out, "{shape:?} in parts has other bits");
    }
}

/// The real widths; of tall images a strip, for the oracle's sake.
#[test]
fn the_layers_of_resnet_18_at_224() {
    let strip = |side: usize, inputs, outputs, kernel, stride| {
        check(layer([side.min(9), side], [inputs, outputs], kernel, stride), 1);
    };
    strip(224, 3, 64, 7, 2);
    for (side, channels) in [(56, 64), (28, 128), (14, 256), (7, 512)] {
        strip(side, channels, channels, 3, 1);
    }
    for (side, channels) in [(56, 64), (28, 128), (14, 256)] {
        strip(side, channels, 2 * channels, 3, 2);
        strip(side, channels, 2 * channels, 1, 2);
    }
}

#[test]
fn bottleneck_layers_of_resnet_50() {
    check(square(7, 2048, 512, 1, 1), 3);
    check(square(14, 1024, 2048, 1, 2), 1);
    check(square(5, 640, 48, 3, 1), 1); // more channels than one pass of the product sums
}

#[test]
fn the_layers_of_mobilenet_and_the_detector() {
    check(square(64, 3, 8, 3, 2), 2);
    check(depthwise([31, 40], 8, 1), 2);
    check(depthwise([40, 31], 64, 2), 1);
    check(depthwise([9, 10], 13, 2), 3); // no multiple of the lanes
    check(square(20, 8, 16, 1, 1), 2);
    check(square(20, 64, 32, 3, 1), 1);
    check(square(20, 16, 16, 3, 1), 1);
    for outputs in [4, 8, 20] {
        check(square(10, 64, outputs, 1, 1), 1);
    }
}

#[test]
fn odd_shapes() {
    check(grouped(square(9, 32, 48, 3, 1), 4), 2);
    check(grouped(square(9, 8, 24, 3, 2), 8), 2);
    check(padded(square(9, 5, 7, 3, 2), 0), 2);
    check(padded(square(2, 5, 7, 5, 1), 3), 1);
    check(padded(square(6, 5, 7, 1, 1), 1), 1);
    check(layer([1, 12], [3, 2], 3, 1), 1);
    check(square(5, 6, 1, 3, 1), 2);
    check(square(5, 1, 1, 3, 1), 2);
}

#[test]
fn linear_layers() {
    for (inputs, outputs, rows) in [(512, 2048, 35), (2048, 512, 7), (3584, 2048, 2), (128, 64, 1)] {
        check(ConvShape::linear(inputs, outputs), rows);
    }
    check(ConvShape::linear(64, 7), 5);
    check(ConvShape::linear(64, 1), 3);
}

/// A row's bits must not depend on how many rows are multiplied with it: predictions would depend on batching.
#[test]
fn a_row_is_the_same_in_every_product() {
    for (k, n) in [(147, 64), (576, 64), (512, 512), (1000, 48), (1025, 2), (3, 100), (513, 17)] {
        let rows = 300;
        let (a, b) = (noise(5, rows * k), noise(6, k * n));
        let mut all = vec![0.5; rows * n];
        add_product(rows, &a, k, &b, &mut all, n, n);
        for count in [1, 2, 3, 7, 8, 9, 31, 64, 65, 200, 299] {
            for first in [0, rows - count] {
                let mut some = vec![0.5; count * n];
                add_product(count, &a[first * k..], k, &b, &mut some, n, n);
                assert!(some[..] == all[first * n..][..count * n], "{count} rows of [{k}, {n}] from {first}");
            }
        }
    }
}

#[test]
fn rows_may_lie_apart() {
    let (rows, k, n) = (3, 4, 2);
    let (a, b) = (noise(7, rows * 6), noise(8, k * n));
    let mut c = vec![1.0; rows * 5];
    add_product(rows, &a, 6, &b, &mut c, 5, n);
    for row in 0..rows {
        for column in 0..n {
            let sum: f32 = (0..k).map(|i| a[row * 6 + i] * b[i * n + column]).sum();
            // Four products and sums of numbers below 1: at most 8 roundings of 4 at the most.
            assert!((c[row * 5 + column] - 1.0 - sum).abs() < 8.0 * 4.0 * 2f32.powi(-24));
        }
        assert_eq!(c[row * 5 + n..(row + 1) * 5], [1.0; 3], "between the rows");
    }
}

#[test]
#[should_panic(expected = "weights of")]
fn weights_of_another_shape_are_refused() {
    Conv::new(square(8, 4, 4, 3, 1), &[0.0; 16], &[0.0; 4]);
}

#[test]
#[should_panic(expected = "output of")]
fn an_output_of_another_size_is_refused() {
    let conv = Conv::new(square(8, 4, 4, 1, 1), &[0.0; 16], &[0.0; 4]);
    conv.run(&[0.0; 256], 0..64, Epilogue::default(), &mut [0.0; 255]);
}
