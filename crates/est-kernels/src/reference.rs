//! The naive oracle: every function of a network in f64, in PyTorch's layouts (images [c, h, w]), written to be read.
//! For tests only. It shares nothing with the kernels but the structs of their sizes.

use crate::conv::ConvShape;
use crate::rowwise::AttentionShape;
use crate::window::Window;

/// Images [c, pixels] -> [pixels, c], or back with `channels` and `pixels` exchanged: every image's transpose.
pub fn transpose<T: Copy>(x: &[T], channels: usize, pixels: usize) -> Vec<T> {
    let image = |x: &[T]| -> Vec<T> {
        let pixel = |pixel| (0..channels).map(move |channel| channel * pixels + pixel);
        (0..pixels).flat_map(pixel).map(|place| x[place]).collect()
    };
    x.chunks_exact(channels * pixels).flat_map(image).collect()
}

/// Images [inputs, h, w], weights [outputs, inputs / groups, k, k], bias [outputs] -> images [outputs, h', w'].
pub fn conv2d(shape: &ConvShape, x: &[f64], weights: &[f64], bias: &[f64]) -> Vec<f64> {
    let (window, inputs, outputs) = (shape.window, shape.inputs, shape.outputs);
    let (height, width, kernel) = (window.height, window.width, window.kernel);
    let (ins, outs) = (inputs / shape.groups, outputs / shape.groups);
    let (out_height, out_width) = (window.out_height(), window.out_width());
    let mut result = vec![];
    for image in x.chunks_exact(inputs * height * width) {
        for output in 0..outputs {
            let mut sums = vec![bias[output]; out_height * out_width];
            for tap in 0..ins * kernel * kernel {
                let (input, ky, kx) = (tap / kernel / kernel, tap / kernel % kernel, tap % kernel);
                let plane = &image[(output / outs * ins + input) * height * width..][..height * width];
                let weight = weights[output * ins * kernel * kernel + tap];
                for (row, sums) in sums.chunks_exact_mut(out_width).enumerate() {
                    // Above and left of the image the difference wraps round to a huge number.
                    let y = (row * window.stride + ky).wrapping_sub(window.padding);
                    for (column, sum) in sums.iter_mut().enumerate() {
                        let x = (column * window.stride + kx).wrapping_sub(window.padding);
                        if y < height && x < width {
                            *sum += plane[y * width + x] * weight;
                        }
                    }
                }
            }
            result.extend(sums);
        }
    }
    result
}

/// Rows of `weights.len() / bias.len()` numbers, weights [outputs, inputs] -> rows of `bias.len()`.
pub fn linear(x: &[f64], weights: &[f64], bias: &[f64]) -> Vec<f64> {
    let inputs = weights.len() / bias.len();
    let of_row = |row: &[f64]| -> Vec<f64> {
        let filters = weights.chunks_exact(inputs).zip(bias);
        filters.map(|(filter, bias)| bias + dot(row, filter)).collect()
    };
    x.chunks_exact(inputs).flat_map(of_row).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Items [channels, pixels], where a vector has one pixel a channel; weight, bias, mean and variance are [channels].
pub fn batch_norm(x: &[f64], norm: [&[f64]; 4], eps: f64, pixels: usize) -> Vec<f64> {
    let of = |(index, x): (usize, &f64)| {
        let [weight, bias, mean, variance] = norm.map(|numbers| numbers[index / pixels % numbers.len()]);
        (x - mean) / (variance + eps).sqrt() * weight + bias
    };
    x.iter().enumerate().map(of).collect()
}

/// Images [c, h, w] -> [c, h', w'].
pub fn max_pool(window: &Window, x: &[f64]) -> Vec<f64> {
    let (height, width, kernel) = (window.height, window.width, window.kernel);
    let mut result = vec![];
    for plane in x.chunks_exact(height * width) {
        for row in 0..window.out_height() {
            for column in 0..window.out_width() {
                let taps = (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx)));
                let seen = taps.filter_map(|(ky, kx)| {
                    let y = (row * window.stride + ky).wrapping_sub(window.padding);
                    let x = (column * window.stride + kx).wrapping_sub(window.padding);
                    (y < height && x < width).then(|| plane[y * width + x])
                });
                result.push(seen.fold(f64::NEG_INFINITY, f64::max));
            }
        }
    }
    result
}

/// Planes [height, width] -> [out_height, out_width].
pub fn upsample_nearest(x: &[f64], [height, width]: [usize; 2], [out_height, out_width]: [usize; 2]) -> Vec<f64> {
    let mut result = vec![];
    for plane in x.chunks_exact(height * width) {
        for y in 0..out_height {
            result.extend((0..out_width).map(|x| plane[y * height / out_height * width + x * width / out_width]));
        }
    }
    result
}

/// Rows of `gain.len()` numbers.
pub fn layer_norm(x: &[f64], gain: &[f64], shift: &[f64], eps: f64) -> Vec<f64> {
    let width = gain.len();
    let of_row = |row: &[f64]| -> Vec<f64> {
        let mean = row.iter().sum::<f64>() / width as f64;
        let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / width as f64;
        let of = |i: usize| (row[i] - mean) / (variance + eps).sqrt() * gain[i] + shift[i];
        (0..width).map(of).collect()
    };
    x.chunks_exact(width).flat_map(of_row).collect()
}

/// Rows of `width` numbers.
pub fn softmax(x: &[f64], width: usize) -> Vec<f64> {
    let of_row = |row: &[f64]| -> Vec<f64> {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - largest).exp()).sum();
        row.iter().map(|x| (x - largest).exp() / sum).collect()
    };
    x.chunks_exact(width).flat_map(of_row).collect()
}

/// Groups [rows, width] -> [width], each column folded by `f` from `start`.
pub fn fold_rows(x: &[f64], rows: usize, width: usize, start: f64, f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let of_group = |group: &[f64]| -> Vec<f64> {
        let column = |column: usize| (0..rows).map(|row| group[row * width + column]).fold(start, &f);
        (0..width).map(column).collect()
    };
    x.chunks_exact(rows * width).flat_map(of_group).collect()
}

/// Groups x [rows, width] and g [width] -> [width] (SPEC section 2, "AA-SFE level 2").
pub fn cosine_pool(x: &[f64], g: &[f64], rows: usize, width: usize) -> Vec<f64> {
    let of_group = |(x, g): (&[f64], &[f64])| -> Vec<f64> {
        let cosine = |row: &[f64]| dot(row, g) / (dot(row, row).sqrt() * dot(g, g).sqrt());
        let weights: Vec<f64> = x.chunks_exact(width).map(|row| cosine(row).max(1e-8)).collect();
        let column = |column: usize| (0..rows).map(|row| weights[row] * x[row * width + column]).sum::<f64>();
        (0..width).map(|c| column(c) / weights.iter().sum::<f64>()).collect()
    };
    x.chunks_exact(rows * width).zip(g.chunks_exact(width)).flat_map(of_group).collect()
}

/// Groups of projected query [queries, width], key and value [keys, width] -> [queries, width].
pub fn attention(shape: &AttentionShape, query: &[f64], key: &[f64], value: &[f64]) -> Vec<f64> {
    let (queries, keys, width) = (shape.queries, shape.keys, shape.width);
    let head_width = width / shape.heads;
    let mut result = vec![];
    for (index, query) in query.chunks_exact(width).enumerate() {
        let first = index / queries * keys;
        for head in 0..shape.heads {
            let slice = |x: &[f64], row: usize| x[row * width + head * head_width..][..head_width].to_vec();
            let score = |row: usize| dot(&slice(query, 0), &slice(key, first + row)) / (head_width as f64).sqrt();
            let weights = softmax(&(0..keys).map(score).collect::<Vec<f64>>(), keys);
            for column in 0..head_width {
                result.push((0..keys).map(|row| weights[row] * slice(value, first + row)[column]).sum());
            }
        }
    }
    result
}
