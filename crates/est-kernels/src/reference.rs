//! The naive oracle: every function of a network in f64, in PyTorch's layouts (images [c, h, w]), written to be read.
//! For tests only. It shares nothing with the kernels but the structs of their sizes.

use crate::conv::ConvShape;
use crate::recurrent::Cell;
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

/// Images [inputs, h, w], weights [outputs, inputs / groups, kernel down, kernel across], bias [outputs] -> images [outputs, h', w'].
pub fn conv2d(shape: &ConvShape, x: &[f64], weights: &[f64], bias: &[f64]) -> Vec<f64> {
    let (window, inputs, outputs) = (shape.window, shape.inputs, shape.outputs);
    let (height, width, [down, across]) = (window.height, window.width, window.kernel);
    let (ins, outs) = (inputs / shape.groups, outputs / shape.groups);
    let (out_height, out_width) = (window.out_height(), window.out_width());
    let mut result = vec![];
    for image in x.chunks_exact(inputs * height * width) {
        for output in 0..outputs {
            let mut sums = vec![bias[output]; out_height * out_width];
            for tap in 0..ins * down * across {
                let (input, ky, kx) = (tap / across / down, tap / across % down, tap % across);
                let plane = &image[(output / outs * ins + input) * height * width..][..height * width];
                let weight = weights[output * ins * down * across + tap];
                for (row, sums) in sums.chunks_exact_mut(out_width).enumerate() {
                    // Above and left of the image the difference wraps round to a huge number.
                    let y = (row * window.stride[0] + ky).wrapping_sub(window.padding[0]);
                    for (column, sum) in sums.iter_mut().enumerate() {
                        let x = (column * window.stride[1] + kx).wrapping_sub(window.padding[1]);
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
    let (height, width, [down, across]) = (window.height, window.width, window.kernel);
    let mut result = vec![];
    for plane in x.chunks_exact(height * width) {
        for row in 0..window.out_height() {
            for column in 0..window.out_width() {
                let taps = (0..down).flat_map(|ky| (0..across).map(move |kx| (ky, kx)));
                let seen = taps.filter_map(|(ky, kx)| {
                    let y = (row * window.stride[0] + ky).wrapping_sub(window.padding[0]);
                    let x = (column * window.stride[1] + kx).wrapping_sub(window.padding[1]);
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

/// The error function, by the series all of whose terms have one sign; for numbers below 6 in magnitude.
pub fn erf(x: f64) -> f64 {
    let mut term = 2.0 / std::f64::consts::PI.sqrt() * x * (-x * x).exp();
    let mut sum = 0.0;
    for n in 1..400 {
        sum += term;
        term *= 2.0 * x * x / f64::from(2 * n + 1);
    }
    sum
}

/// The window of a pool or convolution of stacks of frames: axes frames, height, width.
#[derive(Debug, Clone, Copy)]
pub struct Window3 {
    pub size: [usize; 3],
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub padding: [usize; 3],
}

impl Window3 {
    pub fn places(&self) -> [usize; 3] {
        let count = |axis: usize| self.size[axis] + 2 * self.padding[axis] - self.kernel[axis];
        [0, 1, 2].map(|axis| count(axis) / self.stride[axis] + 1)
    }

    /// For each place of the window the taps inside the item: the number of the tap and its pixel.
    fn seen(&self) -> Vec<Vec<(usize, usize)>> {
        let all = |sides: [usize; 3]| {
            (0..sides.iter().product())
                .map(move |i: usize| [i / (sides[1] * sides[2]), i / sides[2] % sides[1], i % sides[2]])
        };
        let of_place = |place: [usize; 3]| {
            let pixel = |tap: [usize; 3]| {
                let at = [0, 1, 2].map(|a| (place[a] * self.stride[a] + tap[a]).wrapping_sub(self.padding[a]));
                let inside = (0..3).all(|a| at[a] < self.size[a]);
                inside.then(|| (at[0] * self.size[1] + at[1]) * self.size[2] + at[2])
            };
            all(self.kernel).enumerate().filter_map(|(tap, place)| Some((tap, pixel(place)?))).collect()
        };
        all(self.places()).map(of_place).collect()
    }
}

/// Items [inputs, t, h, w], weights [outputs, inputs / groups, kernel], bias [outputs] -> items [outputs, t', h', w'].
pub fn conv3d(
    window: &Window3,
    [inputs, outputs, groups]: [usize; 3],
    x: &[f64],
    weights: &[f64],
    bias: &[f64],
) -> Vec<f64> {
    let (ins, outs) = (inputs / groups, outputs / groups);
    let (pixels, taps) = (window.size.iter().product::<usize>(), window.kernel.iter().product::<usize>());
    let seen = window.seen();
    let mut result = vec![];
    for item in x.chunks_exact(inputs * pixels) {
        for output in 0..outputs {
            for seen in &seen {
                let of_input = |input: usize| {
                    let plane = &item[(output / outs * ins + input) * pixels..][..pixels];
                    let filter = &weights[(output * ins + input) * taps..][..taps];
                    seen.iter().map(|&(tap, pixel)| plane[pixel] * filter[tap]).sum::<f64>()
                };
                result.push(bias[output] + (0..ins).map(of_input).sum::<f64>());
            }
        }
    }
    result
}

/// Planes [t, h, w] -> [t', h', w'].
pub fn max_pool3d(window: &Window3, x: &[f64]) -> Vec<f64> {
    let seen = window.seen();
    let of_plane = |plane: &[f64]| -> Vec<f64> {
        let largest =
            |seen: &Vec<(usize, usize)>| seen.iter().map(|seen| plane[seen.1]).fold(f64::NEG_INFINITY, f64::max);
        seen.iter().map(largest).collect()
    };
    x.chunks_exact(window.size.iter().product()).flat_map(of_plane).collect()
}

/// Planes [t, h, w] -> [t', h', w']; what lies outside counts as 0.
pub fn average_pool3d(window: &Window3, x: &[f64]) -> Vec<f64> {
    let (seen, taps) = (window.seen(), window.kernel.iter().product::<usize>() as f64);
    let of_plane = |plane: &[f64]| -> Vec<f64> {
        let mean = |seen: &Vec<(usize, usize)>| seen.iter().map(|seen| plane[seen.1]).sum::<f64>() / taps;
        seen.iter().map(mean).collect()
    };
    x.chunks_exact(window.size.iter().product()).flat_map(of_plane).collect()
}

/// Images [inputs, h', w'], weights [inputs, outputs, kernel], bias [outputs] -> images [outputs, h, w], where `window` slides
/// over the result: each number of the input adds its filter to what its window covers.
pub fn conv_transpose2d(window: &Window, x: &[f64], weights: &[f64], bias: &[f64]) -> Vec<f64> {
    let (outputs, taps, places) = (bias.len(), window.taps_len(), window.pixels());
    let inputs = weights.len() / outputs / taps;
    let pixels = window.height * window.width;
    let mut result = vec![];
    for image in x.chunks_exact(inputs * places) {
        let mut sums: Vec<f64> = bias.iter().flat_map(|&bias| vec![bias; pixels]).collect();
        for (index, x) in image.iter().enumerate() {
            let (input, place) = (index / places, index % places);
            let (_, top, left) = window.locate(place);
            for output in 0..outputs {
                for (tap, pixel) in window.taps(top, left) {
                    sums[output * pixels + pixel] += x * weights[(input * outputs + output) * taps + tap];
                }
            }
        }
        result.extend(sums);
    }
    result
}

/// One direction of one recurrent layer over sequences of `rows` rows. Weights of the inputs [gates hidden, inputs] and of the
/// state [gates hidden, hidden], and a bias of each.
pub fn recurrent(cell: Cell, x: &[f64], rows: usize, [w_x, w_h, b_x, b_h]: [&[f64]; 4], reverse: bool) -> Vec<f64> {
    let gates = b_x.len();
    let hidden = gates / cell.gates();
    let inputs = w_x.len() / gates;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mut result = vec![0.0; x.len() / inputs * hidden];
    for (x, result) in x.chunks_exact(rows * inputs).zip(result.chunks_exact_mut(rows * hidden)) {
        let (mut state, mut memory) = (vec![0.0; hidden], vec![0.0; hidden]);
        for step in 0..rows {
            let row = if reverse { rows - 1 - step } else { step };
            let from_x = linear(&x[row * inputs..][..inputs], w_x, b_x);
            let from_h = linear(&state, w_h, b_h);
            for i in 0..hidden {
                let [x, h] = [&from_x, &from_h].map(|from| move |gate: usize| from[gate * hidden + i]);
                let both = |gate: usize| x(gate) + h(gate);
                state[i] = match cell {
                    Cell::Lstm => {
                        memory[i] = sigmoid(both(1)) * memory[i] + sigmoid(both(0)) * both(2).tanh();
                        sigmoid(both(3)) * memory[i].tanh()
                    }
                    Cell::Gru => {
                        let new = (x(2) + sigmoid(both(0)) * h(2)).tanh();
                        let update = sigmoid(both(1));
                        (1.0 - update) * new + update * state[i]
                    }
                };
            }
            result[row * hidden..][..hidden].copy_from_slice(&state);
        }
    }
    result
}
