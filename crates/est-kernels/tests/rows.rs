//! Pools, row functions and layouts against the naive oracle. Inputs are below 4 in magnitude; where a function only
//! picks or copies numbers the results are equal, otherwise its sums run in f64 and what remains is a few roundings to
//! f32 of numbers below 8: 2^-24 * 8 * 4 = 2e-6.

use est_kernels::pool::{max_pool, upsample_nearest};
use est_kernels::rowwise::AttentionShape;
use est_kernels::{Window, layout, reference, rowwise};

const TOLERANCE: f64 = 2e-6;

fn noise(seed: u64, len: usize) -> Vec<f32> {
    let number = |i: u64| {
        let x = (i + 7).wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ seed);
        let x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        (x >> 40) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..len as u64).map(number).collect()
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

fn assert_close(out: &[f32], expected: &[f64]) {
    assert_eq!(out.len(), expected.len());
    for (i, (&out, expected)) in out.iter().zip(expected).enumerate() {
        assert!((f64::from(out) - expected).abs() <= TOLERANCE, "{i}: {out} for {expected}");
    }
}

#[test]
fn max_pools() {
    for (size, channels, kernel, stride, padding) in
        [([112, 112], 64, 3, 2, 1), ([7, 9], 5, 3, 2, 1), ([7, 8], 5, 2, 2, 0), ([4, 4], 3, 5, 1, 2)]
    {
        pool(Window::new(size, kernel, stride, padding), channels);
    }
    pool(Window::oblong([9, 14], [2, 3], [1, 2], [0, 1]), 5);
    pool(Window::oblong([14, 9], [3, 1], [2, 1], [1, 0]), 19);
    // Frames of a stack, each one row of one pixel.
    pool(Window::oblong([7, 1], [3, 1], [2, 1], [1, 0]), 90);

    fn pool(window: Window, channels: usize) {
        let image = window.height * window.width;
        let x = noise(1, 2 * image * channels);
        let expected = reference::max_pool(&window, &wide(&reference::transpose(&x, image, channels)));
        let expected = reference::transpose(&expected, channels, window.pixels());
        let mut out = vec![f32::NAN; expected.len()];
        let cut = window.out_height() + 1;
        let (first, second) = out.split_at_mut(cut * window.out_width() * channels);
        max_pool(&window, channels, &x, 0..cut, first);
        max_pool(&window, channels, &x, cut..2 * window.out_height(), second);
        assert_eq!(wide(&out), expected, "{window:?}");
    }
}

/// What is no number must reach whoever looks at the results.
#[test]
fn a_pool_keeps_what_is_no_number() {
    let (window, channels) = (Window::new([4, 4], 2, 2, 0), 21);
    for (lost, place) in
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY].into_iter().flat_map(|lost| (0..16).map(move |k| (lost, k)))
    {
        for channel in [0, 15, 20] {
            let mut x = noise(9, 16 * channels);
            x[place * channels + channel] = lost;
            let mut out = vec![0.0; 4 * channels];
            max_pool(&window, channels, &x, 0..2, &mut out);
            let holes: Vec<usize> = (0..out.len()).filter(|&k| !out[k].is_finite()).collect();
            assert_eq!(holes, [(place / 8 * 2 + place % 4 / 2) * channels + channel], "{lost} at {place}");
        }
    }
}

#[test]
fn upsampling() {
    for (from, to, channels) in [([2, 3], [4, 6], 64), ([3, 2], [5, 7], 3), ([4, 4], [4, 4], 1)] {
        let x = noise(2, 2 * from[0] * from[1] * channels);
        let expected =
            reference::upsample_nearest(&wide(&reference::transpose(&x, from[0] * from[1], channels)), from, to);
        let mut out = vec![f32::NAN; expected.len()];
        let rows = out.len() / to[1] / channels;
        upsample_nearest(&x, from, to, channels, 0..rows, None, &mut out);
        let addend = noise(7, out.len());
        let mut summed = vec![f32::NAN; out.len()];
        for row in 0..rows {
            let part = row * to[1] * channels..(row + 1) * to[1] * channels;
            upsample_nearest(&x, from, to, channels, row..row + 1, Some(&addend[part.clone()]), &mut summed[part]);
        }
        assert!(summed.iter().zip(out.iter().zip(&addend)).all(|(sum, (out, addend))| *sum == out + addend));
        assert_eq!(wide(&out), reference::transpose(&expected, channels, to[0] * to[1]));
    }
}

#[test]
fn norms_and_softmax() {
    for width in [1, 2, 7, 512, 2048] {
        let (x, gain, shift) = (noise(3, 5 * width), noise(4, width), noise(5, width));
        let mut out = vec![f32::NAN; x.len()];
        rowwise::softmax(&x, width, &mut out);
        assert_close(&out, &reference::softmax(&wide(&x), width));
        rowwise::layer_norm(&x, &gain, &shift, 1e-5, &mut out);
        assert_close(&out, &reference::layer_norm(&wide(&x), &wide(&gain), &wide(&shift), f64::from(1e-5f32)));
    }
    let mut out = [f32::NAN; 2];
    rowwise::softmax(&[1000.0, 1000.0], 2, &mut out);
    assert_eq!(out, [0.5, 0.5], "large numbers do not overflow");
}

#[test]
fn pools_over_rows() {
    for (rows, width) in [(5, 512), (1, 3), (49, 64)] {
        let (x, g) = (noise(6, 3 * rows * width), noise(7, 3 * width));
        let mut out = vec![f32::NAN; 3 * width];
        rowwise::max_over_rows(&x, rows, width, &mut out);
        assert_eq!(wide(&out), reference::fold_rows(&wide(&x), rows, width, f64::NEG_INFINITY, f64::max));
        rowwise::mean_over_rows(&x, rows, width, &mut out);
        let sums = reference::fold_rows(&wide(&x), rows, width, 0.0, |a, b| a + b);
        assert_close(&out, &sums.iter().map(|sum| sum / rows as f64).collect::<Vec<f64>>());
        // A general direction near the rows' maximum, as in the network.
        let mut general = vec![f32::NAN; 3 * width];
        rowwise::max_over_rows(&x, rows, width, &mut general);
        general.iter_mut().zip(&g).for_each(|(general, g)| *general += 0.1 * g);
        rowwise::cosine_pool(&x, &general, rows, width, &mut out);
        assert_close(&out, &reference::cosine_pool(&wide(&x), &wide(&general), rows, width));
    }
}

/// Rows that point away from g count as nothing; when all do, they count alike.
#[test]
fn the_cosine_pool_clamps() {
    let mut out = [f32::NAN; 2];
    rowwise::cosine_pool(&[1.0, 0.0, -3.0, 0.0], &[1.0, 0.0], 2, 2, &mut out);
    assert!((out[0] - 1.0).abs() < 1e-6, "{out:?}");
    rowwise::cosine_pool(&[-1.0, 0.0, -3.0, 0.0], &[1.0, 0.0], 2, 2, &mut out);
    assert_eq!(out, [-2.0, 0.0]);
    rowwise::cosine_pool(&[0.0; 4], &[0.0; 2], 2, 2, &mut out);
    assert_eq!(out, [0.0; 2], "no division by zero");
}

#[test]
fn attention() {
    for (queries, keys, width, heads) in [(5, 5, 512, 4), (1, 7, 512, 4), (7, 7, 64, 8), (3, 2, 6, 1)] {
        let shape = AttentionShape { queries, keys, width, heads };
        let query = noise(8, 2 * queries * width);
        let (key, value) = (noise(9, 2 * keys * width), noise(10, 2 * keys * width));
        let mut out = vec![f32::NAN; query.len()];
        rowwise::attention(&shape, &query, &key, &value, &mut out);
        assert_close(&out, &reference::attention(&shape, &wide(&query), &wide(&key), &wide(&value)));
    }
}

#[test]
fn sums_and_gates() {
    let (x, y) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [10.0, 20.0, 30.0, 40.0]);
    let mut out = [f32::NAN; 8];
    rowwise::add(&x, &y, 2, 2, &mut out);
    assert_eq!(out, [11.0, 22.0, 13.0, 24.0, 35.0, 46.0, 37.0, 48.0]);
    rowwise::gate(&x, &y, 2, 2, &mut out);
    assert_eq!(out, [10.0, 40.0, 30.0, 80.0, 150.0, 240.0, 210.0, 320.0]);
    rowwise::add(&x, &x, 1, 4, &mut out);
    assert_eq!(out, x.map(|x| x + x));
}

#[test]
fn joining_and_gathering() {
    let mut out = [f32::NAN; 6];
    layout::concat(&[(&[1.0, 2.0], 1), (&[3.0, 4.0, 5.0, 6.0], 2)], &mut out);
    assert_eq!(out, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
    layout::gather_rows(&[1.0, 2.0, 3.0, 4.0], 2, &[1.0, 0.0, 1.0], &mut out);
    assert_eq!(out, [3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
}
