//! Activations, recurrent layers and the second half of transposed convolutions against the naive oracle.

use est_kernels::recurrent::{Cell, Recurrent};
use est_kernels::transposed::gather_taps;
use est_kernels::{Isa, Window, activate, layout, reference};

fn noise(seed: u64, len: usize) -> Vec<f32> {
    let number = |i: u64| {
        let x = (i + 3).wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ seed);
        let x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        (x >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len as u64).map(number).collect()
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// Each number is one rounding to f32 from the truth, 2^-24 of it; those of GELU also 8e-11.
#[test]
fn activations() {
    let x: Vec<f32> = (-800..=800).map(|i| i as f32 * 0.01).collect();
    let check = |name: &str, f: &dyn Fn(f64) -> f64, expected: &dyn Fn(f64) -> f64| {
        let mut out = vec![f32::NAN; x.len()];
        activate::each(f, &x, &mut out);
        for (&x, &out) in x.iter().zip(&out) {
            let expected = expected(f64::from(x));
            let error = (f64::from(out) - expected).abs();
            // The oracle's own cancellation, where the result is nearly nothing: 8 / 2 times some 1e-15 of its erf. At -8 the
            // kernel's -4.977e-15 is right, the oracle's -7.99e-15 is not.
            assert!(error <= 6.1e-8 * expected.abs() + 1e-14, "{name}({x}): {out} for {expected}");
        }
    };
    let exp = |x: f64| x.exp();
    check("sigmoid", &activate::sigmoid, &|x| exp(x) / (1.0 + exp(x)));
    check("silu", &activate::silu, &|x| x * exp(x) / (1.0 + exp(x)));
    check("gelu", &activate::gelu, &|x| 0.5 * x * (1.0 + reference::erf(x / 2f64.sqrt())));
    check("elu", &|x| activate::elu(0.7, x), &|x| if x > 0.0 { x } else { 0.7 * (exp(x) - 1.0) });
    let far = [-1e30, -200.0, 200.0, 1e30];
    assert_eq!(far.map(|x| activate::sigmoid(x) as f32), [0.0, 0.0, 1.0, 1.0]);
    assert_eq!(far.map(|x| activate::gelu(x).abs() as f32), [0.0, 0.0, 200.0, 1e30]);
    assert_eq!(far.map(|x| activate::elu(1.0, x)), [-1.0, -1.0, 200.0, 1e30]);
}

/// States are below 1 and gates sum up to 40 products below 1: f32 rounds the sums by some 1e-6 in all, and a state passes on
/// less of an error than it takes.
#[test]
fn recurrent_layers() {
    for (cell, hidden, inputs, rows) in
        [(Cell::Lstm, 40, 5, 6), (Cell::Gru, 33, 7, 5), (Cell::Lstm, 1, 1, 1), (Cell::Gru, 16, 3, 2)]
    {
        let (sequences, gates) = (3, cell.gates() * hidden);
        let x = noise(1, sequences * rows * inputs);
        let tensors: Vec<[Vec<f32>; 4]> = [10, 20]
            .map(|seed| {
                let weights = |seed, len| noise(seed, len).iter().map(|x| 0.5 * x).collect();
                [
                    weights(seed, gates * inputs),
                    weights(seed + 1, gates * hidden),
                    noise(seed + 2, gates),
                    noise(seed + 3, gates),
                ]
            })
            .to_vec();
        for count in [1, 2] {
            let tensors = &tensors[..count];
            let mut projected = vec![];
            for row in wide(&x).chunks_exact(inputs) {
                for [w_x, _, b_x, _] in tensors {
                    projected.extend(reference::linear(row, &wide(w_x), &wide(b_x)).iter().map(|&x| x as f32));
                }
            }
            let expected: Vec<Vec<f64>> = tensors
                .iter()
                .enumerate()
                .map(|(direction, [w_x, w_h, b_x, b_h])| {
                    let tensors = [&wide(w_x)[..], &wide(w_h), &wide(b_x), &wide(b_h)];
                    reference::recurrent(cell, &wide(&x), rows, tensors, direction == 1)
                })
                .collect();
            let of_state: Vec<[&[f32]; 2]> = tensors.iter().map(|[_, w_h, _, b_h]| [&w_h[..], &b_h[..]]).collect();
            for isa in Isa::available().filter(|isa| !isa.has_bf16()) {
                let layer = Recurrent::new(isa, cell, hidden, &of_state);
                let mut out = vec![f32::NAN; sequences * rows * count * hidden];
                layer.run(rows, &projected, &mut out);
                for (i, &out) in out.iter().enumerate() {
                    let (row, direction, unit) = (i / hidden / count, i / hidden % count, i % hidden);
                    let expected = expected[direction][row * hidden + unit];
                    assert!((f64::from(out) - expected).abs() < 3e-6, "{cell:?} {isa} {i}: {out} for {expected}");
                }
                // A sequence by itself is the same to the bit.
                let mut alone = vec![f32::NAN; rows * count * hidden];
                layer.run(rows, &projected[rows * count * gates..][..rows * count * gates], &mut alone);
                assert!(alone == out[rows * count * hidden..][..rows * count * hidden], "{cell:?} {isa}");
            }
        }
    }
}

/// At most 9 taps fall on a pixel, each below 1 times 3 inputs: the sums are off by some 2^-24 * 9.
#[test]
fn transposed_convolutions() {
    for (size, kernel, stride, padding) in [
        ([8, 8], [4, 4], [2, 2], [1, 1]),
        ([7, 9], [3, 3], [2, 2], [1, 1]),
        ([5, 6], [3, 2], [1, 3], [2, 0]),
        ([6, 5], [2, 2], [3, 2], [0, 0]), // pixels on which nothing falls
    ] {
        let window = Window::oblong(size, kernel, stride, padding);
        let (images, inputs, outputs, places, taps) = (2, 3, 5, window.pixels(), window.taps_len());
        let (x, weights, bias) =
            (noise(1, images * inputs * places), noise(2, inputs * outputs * taps), noise(3, outputs));
        let expected = reference::conv_transpose2d(&window, &wide(&x), &wide(&weights), &wide(&bias));
        let expected = reference::transpose(&expected, outputs, size[0] * size[1]);
        let mut products = vec![];
        for pixel in reference::transpose(&x, inputs, places).chunks_exact(inputs) {
            for (tap, output) in (0..taps).flat_map(|tap| (0..outputs).map(move |output| (tap, output))) {
                let of = |(input, x): (usize, &f32)| x * weights[(input * outputs + output) * taps + tap];
                products.push(pixel.iter().enumerate().map(of).sum());
            }
        }
        let mut out = vec![f32::NAN; expected.len()];
        let (rows, cut) = (images * size[0], size[0] + 1);
        let (first, second) = out.split_at_mut(cut * size[1] * outputs);
        gather_taps(&window, &products, &bias, 0..cut, first);
        gather_taps(&window, &products, &bias, cut..rows, second);
        for (i, (&out, expected)) in out.iter().zip(&expected).enumerate() {
            assert!((f64::from(out) - expected).abs() < 2e-6, "{window:?} {i}: {out} for {expected}");
        }
    }
}

#[test]
fn planes_are_the_transpose() {
    let x = noise(4, 2 * 5 * 6);
    let mut out = vec![f32::NAN; x.len()];
    layout::planes(&x, [5, 6], &mut out);
    assert_eq!(out, reference::transpose(&x, 6, 5));
}
