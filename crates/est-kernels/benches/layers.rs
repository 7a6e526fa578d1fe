//! `cargo bench -p est-kernels`: one thread on each layer of ResNet-18 at 224, a core's own part of a large batch:
//! microseconds an image, and multiply-adds of direct convolution in that time as a share of the register peak (so
//! Winograd may pass 100 %). An argument keeps the layers whose line contains it.

use std::time::Instant;

use est_kernels::conv::{Conv, ConvShape, Epilogue};
use est_kernels::{Aligned, Isa, Window, peak};

/// Spent on each layer; the fastest run counts.
const SECONDS: f64 = 0.3;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let layer = |side, channels, kernel, stride| {
        ConvShape::new(Window::new([side, side], kernel, stride, kernel / 2), channels, 1)
    };
    let mut layers = vec![(layer(224, [3, 64], 7, 2), 1)];
    for (side, channels, images) in [(56, 64, 1), (28, 128, 2), (14, 256, 8), (7, 512, 16)] {
        layers.push((layer(side, [channels, channels], 3, 1), images));
        if channels < 512 {
            layers.push((layer(side, [channels, 2 * channels], 3, 2), images));
            layers.push((layer(side, [channels, 2 * channels], 1, 2), images));
        }
    }
    for isa in Isa::available() {
        if wanted.iter().any(|word| Isa::ALL.iter().any(|isa| isa.to_string() == *word) && *word != isa.to_string()) {
            continue;
        }
        let peak = peak::multiply_adds_per_second(isa);
        for (shape, images) in &layers {
            let weights: Vec<f32> = (0..shape.weights()).map(|i| (i * 37 % 101) as f32 * 1e-3 - 0.05).collect();
            let conv = Conv::new(isa, *shape, &weights, &vec![0.1; shape.outputs]);
            let line = format!("{isa} {} {} -> {} {conv}", shape.window.height, shape.inputs, shape.outputs);
            if !wanted.iter().all(|word| line.contains(word)) {
                continue;
            }
            let mut input = Aligned::zeroed(images * shape.window.height * shape.window.width * shape.inputs);
            input.iter_mut().enumerate().for_each(|(i, x)| *x = (i * 37 % 256) as f32 / 255.0);
            let pixels = images * shape.window.pixels();
            let mut output = Aligned::zeroed(pixels * shape.outputs);
            let mut best = f64::INFINITY;
            let begin = Instant::now();
            while begin.elapsed().as_secs_f64() < SECONDS {
                let start = Instant::now();
                conv.run(&input, 0..conv.units(*images), Epilogue { residual: None, slope: Some(0.0) }, &mut output);
                best = best.min(start.elapsed().as_secs_f64());
            }
            let products = (pixels * shape.weights()) as f64;
            let (each, share) = (best / *images as f64 * 1e6, products / best / peak * 100.0);
            println!("{line:60} {each:8.1} us an image {share:6.1} % of the peak");
        }
    }
}
