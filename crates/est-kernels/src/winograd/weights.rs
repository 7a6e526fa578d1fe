//! Filters to the weights of planes.

use std::array::from_fn;

use super::points::MOST;
use super::{PLANES, Winograd};
use crate::aligned::Aligned;
use crate::conv::ConvShape;
use crate::isa::Isa;
use crate::pack::convert;
use crate::simd::{Simd, Task, dispatch};
use crate::tile::VECTORS;

/// Outputs in the widest panel.
const WIDEST: usize = 32;

impl Winograd {
    /// `weights` and `bias` in PyTorch's layout.
    ///
    /// # Panics
    /// When the layer has no short convolution.
    pub fn new(isa: Isa, shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        struct New<'a>(Isa, ConvShape, &'a [f32], &'a [f32]);
        impl Task for New<'_> {
            type Output = Winograd;

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) -> Winograd {
                let New(isa, shape, weights, bias) = self;
                let points = Winograd::points(&shape).expect("a layer with a short convolution");
                let vectors = if shape.outputs <= S::LANES { 1 } else { VECTORS };
                let width = vectors * S::LANES;
                let mut padded_bias = Aligned::zeroed(shape.outputs.next_multiple_of(width));
                padded_bias[..shape.outputs].copy_from_slice(bias);
                let side = |side: usize| {
                    let tiles = side.div_ceil(points.results());
                    (tiles, points.of_tile(side - (tiles - 1) * points.results()))
                };
                let (tile_rows, used_down) = side(shape.window.out_height());
                let (tile_columns, used_across) = side(shape.window.out_width());
                let lacks = |point: usize, used| point < points.count && !points.active(point, used);
                let mut winograd = Winograd {
                    isa,
                    shape,
                    points,
                    words: shape.inputs.div_ceil(S::FACTORS),
                    padded_words: shape.inputs.next_multiple_of(S::LANES) / S::FACTORS,
                    tile_rows,
                    tile_columns,
                    lacks: from_fn(|point| lacks(point, used_down)),
                    columns: from_fn(|point| tile_columns - usize::from(lacks(point, used_across))),
                    ratios: from_fn(
                        |used| if (3..=points.count).contains(&used) { points.ratio(used) } else { [1.0; MOST] },
                    ),
                    tile_words: [0; PLANES],
                    vectors,
                    width,
                    weights: Aligned::default(),
                    plane_weights: [0; PLANES],
                    panel_weights: 0,
                    bias: padded_bias,
                };
                for plane in 0..winograd.planes() {
                    let [down, across] = winograd.phases(plane);
                    winograd.tile_words[plane] = down * across * winograd.padded_words;
                    winograd.plane_weights[plane] = winograd.panel_weights;
                    winograd.panel_weights += winograd.panel_words(plane);
                }
                winograd.weights = winograd.transform_filters(simd, weights);
                winograd
            }
        }
        dispatch(isa, New(isa, shape, weights, bias))
    }

    /// Sums in f64, so that the only error is the rounding of the result.
    #[inline(always)]
    fn transform_filters<S: Simd>(&self, simd: S, filters: &[f32]) -> Aligned<u32> {
        let (n, taps, width) = (self.points.count, self.points.taps, self.width);
        let (kernel, stride, inputs) = (self.shape.window.kernel[0], self.stride(), self.shape.inputs);
        let coefficients: Vec<Vec<f64>> = (0..n).map(|point| self.points.filter(point)).collect();
        let mut weights = Aligned::zeroed(self.panels() * self.panel_weights);
        // [plane][width][factors of a word]
        let mut factors = vec![0.0f32; self.planes() * width * S::FACTORS];
        let phases = stride * stride;
        for (panel, weights) in weights.chunks_exact_mut(self.panel_weights).enumerate() {
            let outputs = panel * width..self.shape.outputs.min((panel + 1) * width);
            // [input, tap][output]: filters are read from front to back.
            let filter = inputs * kernel * kernel;
            let mut columns_of = vec![0.0f32; filter * width];
            for (lane, filter) in filters[outputs.start * filter..outputs.end * filter].chunks_exact(filter).enumerate()
            {
                for (into, &weight) in columns_of[lane..].iter_mut().step_by(width).zip(filter) {
                    *into = weight;
                }
            }
            for phase in 0..phases {
                for word in 0..self.words {
                    factors.fill(0.0);
                    for factor in 0..S::FACTORS {
                        let input = word * S::FACTORS + factor;
                        if input >= inputs {
                            continue;
                        }
                        let (down, across) = (phase / stride, phase % stride);
                        let mut columns = [[[0.0f64; WIDEST]; 4]; 6];
                        for (tap, place) in (0..taps * taps).map(|tap| (tap, [tap / taps, tap % taps])) {
                            let (y, x) = (place[0] * stride + down, place[1] * stride + across);
                            if y >= kernel || x >= kernel {
                                continue;
                            }
                            let mut filter = [0.0f64; WIDEST];
                            let from = &columns_of[((input * kernel + y) * kernel + x) * width..][..width];
                            for (into, &weight) in filter.iter_mut().zip(from) {
                                *into = f64::from(weight);
                            }
                            for (columns, coefficients) in columns.iter_mut().zip(&coefficients) {
                                let coefficient = coefficients[tap / taps];
                                for (sum, weight) in columns[tap % taps].iter_mut().zip(&filter) {
                                    *sum += coefficient * weight;
                                }
                            }
                        }
                        for (plane, factors) in factors.chunks_exact_mut(width * S::FACTORS).enumerate() {
                            let mut sums = [0.0f64; WIDEST];
                            for (column, coefficient) in columns[plane / n].iter().zip(&coefficients[plane % n]) {
                                for (sum, column) in sums.iter_mut().zip(column) {
                                    *sum += coefficient * column;
                                }
                            }
                            for (into, sum) in factors[factor..].iter_mut().step_by(S::FACTORS).zip(&sums) {
                                *into = *sum as f32;
                            }
                        }
                    }
                    for (plane, factors) in factors.chunks_exact(width * S::FACTORS).enumerate() {
                        let [down, across] = self.phases(plane);
                        let (y, x) = (phase / stride, phase % stride);
                        if y < down && x < across {
                            let row = (y * across + x) * self.words + word;
                            let first = self.plane_weights[plane] + row * width;
                            convert(simd, factors, &mut weights[first..first + width]);
                        }
                    }
                }
            }
        }
        weights
    }
}
