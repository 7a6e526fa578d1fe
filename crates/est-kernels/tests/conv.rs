//! Convolution and linear layers against the naive oracle.

use est_kernels::conv::{Conv, ConvShape, Epilogue};
use est_kernels::pool::{max_pool, max_pool_of};
use est_kernels::{Isa, Window, reference};

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
    shape.window.padding = [padding; 2];
    shape
}

fn depthwise(size: [usize; 2], channels: usize, stride: usize) -> ConvShape {
    grouped(layer(size, [channels, channels], 3, stride), channels)
}

/// Holds the layer against the oracle, image by image, with every epilogue and every set of instructions that this
/// processor has; then in ragged parts against itself.
fn check(shape: ConvShape, images: usize) {
    let window = shape.window;
    let image = window.height * window.width;
    let x = noise(1, images * image * shape.inputs);
    let weights = noise(2, shape.weights());
    let bias = noise(3, shape.outputs);
    let numbers = images * window.pixels() * shape.outputs;
    let residual = noise(4, numbers);

    let planes = reference::transpose(&x, image, shape.inputs);
    let oracle = |x: &[f64], weights: &[f64], bias: &[f64]| {
        reference::transpose(&reference::conv2d(&shape, x, weights, bias), shape.outputs, window.pixels())
    };
    let expected = oracle(&wide(&planes), &wide(&weights), &wide(&bias));
    // Errors are random and add in squares: that of a result is small beside the root of the sum of its squared terms.
    let squares = |x: &[f32]| x.iter().map(|&x| f64::from(x) * f64::from(x)).collect::<Vec<f64>>();
    let scale = oracle(&squares(&planes), &squares(&weights), &squares(&bias));
    for isa in Isa::available() {
        let conv = Conv::new(isa, shape, &weights, &bias);
        // Rounding one factor of a product to bf16 is off by up to 2^-9, both by 2^-8; a sum of many by that fraction of
        // its size, times a few for the largest of all the errors. The transforms of Winograd's tiles multiply errors by up
        // to 8. f32 is 2^16 times finer, but the error of its sums grows with the root of their length.
        let terms = (shape.inputs / shape.groups * window.taps_len()) as f64;
        let bf16 = isa.has_bf16() && !conv.to_string().contains("depthwise");
        let unit = if bf16 { 2f64.powi(-8) } else { 2f64.powi(-24) * terms.sqrt().max(2.0) };
        let unit = unit * if conv.to_string().contains("winograd") { 32.0 } else { 4.0 };
        let epilogues =
            [(Some(&residual[..]), Some(0.0)), (None, None), (None, Some(0.1)), (Some(&residual[..]), None)];
        // That has room for the worst of many numbers; the root of their mean square is held to what was measured, at most
        // 0.134 of it for products of bf16 (2.1e-3) and 0.110 behind Winograd's transforms (1.4e-2), and a tenth more.
        let rms_limit = 0.15 * unit;
        // Miri is a thousand times slower.
        let count = if cfg!(miri) { 1 } else { epilogues.len() };
        for (residual, slope) in epilogues.into_iter().take(count) {
            let units = conv.units(images);
            let mut out = vec![f32::NAN; numbers];
            conv.run(&x, 0..units, Epilogue { residual, slope }, &mut out);
            let [mut errors, mut sizes] = [0.0, 0.0];
            for (i, &out) in out.iter().enumerate() {
                let added = residual.map_or(0.0, |residual| f64::from(residual[i]));
                let sum = expected[i] + added;
                let sum = if sum < 0.0 { sum * f64::from(slope.unwrap_or(1.0)) } else { sum };
                let error = (f64::from(out) - sum).abs();
                let limit = unit * (scale[i] + added * added).sqrt();
                assert!(
                    error <= limit,
                    "{shape:?} {conv} {isa} {i}: {out} for {sum}, off by {error:e}, limit {limit:e}"
                );
                errors += error * error;
                sizes += scale[i] + added * added;
            }
            let rms = (errors / sizes).sqrt();
            assert!(rms <= rms_limit, "{shape:?} {conv} {isa}: errors of {rms:e} of the terms, limit {rms_limit:e}");

            // One unit, then five, and so on: every tail of every tile.
            let mut ragged = vec![f32::NAN; out.len()];
            let mut start = 0;
            for width in [1, 5, 2, 7, 3, 17, 48, 129, 1000].into_iter().cycle() {
                let end = (start + width).min(units);
                let pixels = conv.pixels(start..end);
                let part = pixels.start * shape.outputs..pixels.end * shape.outputs;
                let residual = residual.map(|residual| &residual[part.clone()]);
                conv.run(&x, start..end, Epilogue { residual, slope }, &mut ragged[part]);
                start = end;
                if start == units {
                    break;
                }
            }
            assert!(ragged == out, "{shape:?} {conv} {isa} in parts has other bits");

            if let Some(stages) = conv.stages(images, 2, 3) {
                let mut values = vec![0; stages.values_ends().last().copied().unwrap_or(0)];
                let mut start = 0;
                for (block, end) in stages.values_ends().into_iter().enumerate() {
                    stages.values(&x, block, &mut values[start..end]);
                    start = end;
                }
                let mut products = vec![f32::NAN; stages.product(stages.pieces())];
                let (cut, pieces) = (stages.product(1), stages.pieces());
                let (first, others) = products.split_at_mut(cut);
                stages.products(&values, 0..1, first);
                stages.products(&values, 1..pieces, others);
                let mut staged = vec![f32::NAN; out.len()];
                stages.finish(&products, 0..units, Epilogue { residual, slope }, &mut staged);
                assert!(staged == out, "{shape:?} {conv} {isa} stage by stage has other bits");
            }
        }
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
    check(depthwise([9, 40], 8, 1), 1); // several pixels in a vector, and some left over
    check(depthwise([5, 23], 4, 1), 2);
    check(depthwise([5, 23], 16, 1), 1);
    check(square(20, 8, 16, 1, 1), 2);
    check(square(20, 64, 32, 3, 1), 1);
    check(square(20, 16, 16, 3, 1), 1);
    for outputs in [4, 8, 20] {
        check(square(10, 64, outputs, 1, 1), 1);
    }
}

/// Every remainder of every tile, down and across.
#[test]
fn edges_of_tiles() {
    for side in 1..10 {
        check(layer([side, 11 - side], [16, 33], 3, 1), 2);
        check(layer([2 * side - 1, 24 - 2 * side], [32, 20], 3, 2), 2);
        check(layer([2 * side, 23 - 2 * side], [3, 16], 7, 2), 2);
    }
    check(layer([6, 9], [21, 40], 3, 1), 2); // channels that are no whole vector nor word
    check(layer([6, 9], [19, 5], 3, 2), 2);
    check(padded(square(9, 16, 16, 3, 1), 0), 2);
    check(padded(square(9, 16, 16, 3, 1), 2), 1);
}

/// Every kernel on as little as shows something, for Miri:
/// `cargo +nightly miri test -p est-kernels --test conv every_kernel`.
#[test]
fn every_kernel_once() {
    check(layer([3, 5], [8, 2], 3, 1), 1);
    check(layer([3, 4], [16, 2], 3, 2), 1);
    check(layer([2, 3], [3, 2], 7, 2), 1);
    check(layer([4, 3], [3, 2], 3, 2), 1);
    check(depthwise([3, 4], 9, 1), 1);
    check(ConvShape::linear(9, 10), 3);
}

/// A window of another size, step and border down than across: of every kernel that takes one.
#[test]
fn oblong_windows() {
    let oblong = |size, channels, kernel, stride, padding, groups| {
        check(ConvShape::new(Window::oblong(size, kernel, stride, padding), channels, groups), 2);
    };
    oblong([9, 14], [6, 20], [1, 3], [1, 1], [0, 1], 1);
    oblong([14, 9], [6, 20], [3, 1], [1, 1], [1, 0], 1);
    oblong([9, 14], [6, 20], [5, 2], [1, 3], [2, 0], 1);
    oblong([14, 9], [6, 20], [2, 5], [3, 1], [0, 2], 2);
    oblong([9, 8], [40, 33], [1, 1], [2, 1], [0, 0], 1);
    oblong([9, 8], [40, 33], [1, 1], [1, 2], [0, 0], 1);
    oblong([9, 1], [40, 33], [3, 1], [2, 1], [1, 0], 1);
    // Without a border in_place; the image is one column of outputs.
    oblong([9, 3], [12, 18], [2, 3], [2, 1], [0, 0], 1);
    oblong([9, 14], [13, 13], [3, 3], [1, 2], [1, 1], 13);
    oblong([9, 14], [13, 13], [3, 3], [2, 1], [0, 2], 13);
    oblong([9, 14], [8, 8], [3, 3], [2, 1], [1, 1], 8); // several pixels in a vector
    oblong([9, 14], [8, 8], [1, 9], [1, 1], [0, 4], 8); // nine taps that are no 3x3
    oblong([9, 14], [16, 20], [3, 3], [1, 1], [0, 2], 1);
    oblong([9, 14], [16, 20], [3, 3], [2, 2], [2, 0], 1);
    oblong([20, 23], [3, 20], [7, 7], [2, 2], [3, 1], 1);
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

/// A layer and the pool behind it, in parts, are the layer and then the pool, to the bit.
#[test]
fn a_pool_behind_a_layer() {
    for (shape, kernel, padding) in
        [(square(40, 3, 24, 7, 2), 3, 1), (layer([21, 17], [3, 64], 7, 2), 3, 1), (layer([30, 13], [5, 7], 3, 2), 2, 0)]
    {
        let images = 3;
        let x = noise(1, images * shape.window.height * shape.window.width * shape.inputs);
        let (weights, bias) = (noise(2, shape.weights()), noise(3, shape.outputs));
        let window = Window::new([shape.window.out_height(), shape.window.out_width()], kernel, 2, padding);
        let rows = images * window.out_height();
        for isa in Isa::available() {
            let conv = Conv::new(isa, shape, &weights, &bias);
            let mut whole = vec![f32::NAN; images * shape.window.pixels() * shape.outputs];
            conv.run(&x, 0..conv.units(images), Epilogue { residual: None, slope: Some(0.0) }, &mut whole);
            let mut expected = vec![f32::NAN; rows * window.out_width() * shape.outputs];
            max_pool(&window, shape.outputs, &whole, 0..rows, &mut expected);
            for part in [1, 5, rows] {
                let mut out = vec![f32::NAN; expected.len()];
                let parts = out.chunks_mut(part * window.out_width() * shape.outputs);
                for (index, out) in parts.enumerate() {
                    let rows = index * part..rows.min((index + 1) * part);
                    max_pool_of(&conv, Some(0.0), &window, &x, rows, out);
                }
                assert!(out == expected, "{conv} {isa} and the pool in parts of {part}");
            }
        }
    }
}

#[test]
fn linear_layers() {
    for (inputs, outputs, rows) in [(512, 2048, 35), (2048, 512, 7), (3584, 2048, 2), (128, 64, 1)] {
        check(ConvShape::linear(inputs, outputs), rows);
    }
    check(ConvShape::linear(64, 7), 5);
    check(ConvShape::linear(64, 1), 3);
}

#[test]
#[should_panic(expected = "weights of")]
fn weights_of_another_shape_are_refused() {
    Conv::new(Isa::best(), square(8, 4, 4, 3, 1), &[0.0; 16], &[0.0; 4]);
}

#[test]
#[should_panic(expected = "output of")]
fn an_output_of_another_size_is_refused() {
    let conv = Conv::new(Isa::best(), square(8, 4, 4, 1, 1), &[0.0; 16], &[0.0; 4]);
    conv.run(&[0.0; 256], 0..64, Epilogue::default(), &mut [0.0; 255]);
}
