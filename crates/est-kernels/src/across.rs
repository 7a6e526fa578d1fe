//! The first layer of a ResNet: 7x7 with stride 2 on 3 channels, as it is written down the columns and by a short
//! convolution along the rows.
//!
//! With stride 2 an output of a row sees pairs of columns: four taps fall on the first of each pair, three on the second.
//! So a row of taps is one convolution with stride 1 over pairs, the 6 numbers of a pair its channels, and F(4,4) computes
//! 4 results of it from 7 products instead of 16. In both directions there would be fewer products still, but then they no
//! longer fit in registers until the results are known: stored and read again they cost more than they save (1015 us an
//! image on one core of Zen 4 with bf16).
//!
//! The points are 3 pairs and infinity; of the triples of eighths from 1/4 to 3/2, 7/4 and 2, these pairs have the smallest
//! errors with bf16 factors on noise (simulated: 6.0e-3 of a result, direct convolution 2.4e-3). ResNet-18's features are off
//! by 3.9e-3 with them, by 3.1e-3 with F(3,4) in both directions.
#![allow(clippy::needless_range_loop)] // arrays stay in registers only where their indices are constants

use std::cell::RefCell;
use std::ops::Range;

use crate::aligned::Aligned;
use crate::conv::ConvShape;
use crate::epilogue::{Epilogue, Finish};
use crate::isa::Isa;
use crate::pack::convert;
use crate::simd::{Simd, Task, dispatch};

/// Taps, and the rows of them.
const KERNEL: usize = 7;
/// Of a pair of columns.
const NUMBERS: usize = 6;
/// Results of a tile, pairs of columns that it sees, and points.
const RESULTS: usize = 4;
const POINTS: usize = 7;
const INFINITY: usize = POINTS - 1;
/// The points are these, positive and negative, and infinity.
const PAIRS: [f32; 3] = [0.25, 0.875, 2.0];
/// Rows of values that are kept: those under the window, and one so that it is a power of two.
const RING: usize = KERNEL + 1;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    /// Pairs of one row by their number modulo [`RESULTS`]: [remainder][quotient][NUMBERS].
    pairs: Aligned<f32>,
    /// [row modulo RING][point][tile][words]
    values: Aligned<u32>,
}

pub(crate) struct Across {
    isa: Isa,
    shape: ConvShape,
    /// Outputs of a panel.
    width: usize,
    tiles: usize,
    /// [panel][row of taps][word][point][width], without what is 0 at infinity.
    weights: Aligned<u32>,
    panel_words: usize,
    bias: Aligned<f32>,
}

/// Words of a tile's values at a point, and how many of them count.
const fn words<S: Simd>(point: usize) -> usize {
    let numbers = if point == INFINITY { NUMBERS / 2 } else { NUMBERS };
    numbers.div_ceil(S::FACTORS)
}

/// The factor of the tap at distance `tap` at a point.
fn coefficient(point: usize, tap: usize) -> f64 {
    let finite = |point: usize| f64::from(PAIRS[point / 2]) * [1.0, -1.0][point % 2];
    if point == INFINITY {
        return if tap + 1 == RESULTS { 1.0 } else { 0.0 };
    }
    let p = finite(point);
    let norm: f64 = (0..INFINITY).filter(|&other| other != point).map(|other| p - finite(other)).product();
    p.powi(tap as i32) / norm
}

/// Values at the points of what a tile sees.
#[inline(always)]
fn values<S: Simd>(s: S, d: [S::V; POINTS]) -> [S::V; POINTS] {
    let [aa, bb, cc] = PAIRS.map(|p| p * p);
    let mut out = d;
    for (pair, [sum, product]) in [[bb + cc, bb * cc], [aa + cc, aa * cc], [aa + bb, aa * bb]].into_iter().enumerate() {
        let quotient = |d: [S::V; 3]| s.mul_add(s.splat(product), d[0], s.mul_add(s.splat(-sum), d[1], d[2]));
        let (even, odd) = (quotient([d[0], d[2], d[4]]), quotient([d[1], d[3], d[5]]));
        out[2 * pair] = s.mul_add(s.splat(PAIRS[pair]), even, odd);
        out[2 * pair + 1] = s.mul_add(s.splat(-PAIRS[pair]), even, odd);
    }
    let (sum, sum_of_products, product) =
        (s.splat(-(aa + bb + cc)), s.splat(aa * bb + aa * cc + bb * cc), aa * bb * cc);
    let high = s.mul_add(sum, d[4], d[6]);
    out[INFINITY] = s.mul_add(s.splat(-product), d[0], s.mul_add(sum_of_products, d[2], high));
    out
}

/// Results from the products at the points.
#[inline(always)]
fn results<S: Simd>(s: S, p: [S::V; POINTS]) -> [S::V; RESULTS] {
    let even = [s.add(p[0], p[1]), s.add(p[2], p[3]), s.add(p[4], p[5])];
    let odd = [s.sub(p[0], p[1]), s.sub(p[2], p[3]), s.sub(p[4], p[5])];
    let sum = |power: i32, x: [S::V; 3], first: S::V| {
        let factor = |pair: usize| s.splat(PAIRS[pair].powi(power));
        s.mul_add(factor(2), x[2], s.mul_add(factor(1), x[1], s.mul_add(factor(0), x[0], first)))
    };
    let zero = s.splat(0.0);
    [s.add(even[2], s.add(even[1], even[0])), sum(1, odd, zero), sum(2, even, zero), sum(3, odd, p[INFINITY])]
}

/// Sums of T tiles' products with V vectors of outputs at all points, in registers until the results are stored.
struct Tiles<const T: usize, const V: usize> {
    /// The first tile's values at the first point, by row of taps.
    rows: [*const u32; KERNEL],
    /// Words from point to point.
    plane: usize,
    panel: *const u32,
    /// The first tile's first result.
    finish: Finish,
    /// Columns of output that are left from there on.
    columns: usize,
}

impl<const T: usize, const V: usize> Task for Tiles<T, V> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut sums = [[[simd.splat(0.0); V]; T]; POINTS];
        let mut weights = self.panel;
        // Written out, not looped over: sums stay in registers only where all their indices are constants.
        macro_rules! products {
            ($row:ident: $($point:literal)*) => {
                $(
                    // SAFETY: `Across::row` promises that the tiles' values and the panel can be read.
                    unsafe {
                        let panel: [S::W; V] = std::array::from_fn(|v| simd.load_words(weights.add(v * S::LANES)));
                        weights = weights.add(V * S::LANES);
                        for tile in 0..T {
                            let value = simd.splat_word($row.add($point * self.plane + tile * words::<S>(0)));
                            for v in 0..V {
                                sums[$point][tile][v] = simd.dot_add(value, panel[v], sums[$point][tile][v]);
                            }
                        }
                    }
                )*
            };
        }
        for row in self.rows {
            for word in 0..words::<S>(INFINITY) {
                // SAFETY: the row's values at a point are so many words.
                let row = unsafe { row.add(word) };
                products!(row: 0 1 2 3 4 5 6);
            }
            for word in words::<S>(INFINITY)..words::<S>(0) {
                // SAFETY: the same.
                let row = unsafe { row.add(word) };
                products!(row: 0 1 2 3 4 5);
            }
        }
        macro_rules! finish {
            ($(($tile:literal, $v:literal))*) => {
                $(if $tile < T && $v < V {
                    let results = results(simd, std::array::from_fn(|point| sums[point][$tile][$v]));
                    for i in 0..RESULTS {
                        let column = $tile * RESULTS + i;
                        if column < self.columns {
                            let place = column * self.finish.row_step + $v * S::LANES;
                            // SAFETY: the sink takes these columns.
                            unsafe { self.finish.put_vector(simd, place, $v * S::LANES, results[i]) };
                        }
                    }
                })*
            };
        }
        finish!((0, 0)(0, 1)(1, 0)(1, 1));
    }
}

/// Vectors of a panel: with as many registers as AVX-512 has, sums of 2 tiles and 2 vectors fit beside what they are
/// made of.
const fn vectors<S: Simd>() -> usize {
    if S::ROWS >= RESULTS * 3 { 2 } else { 1 }
}

impl Across {
    pub fn fits(shape: &ConvShape) -> bool {
        let window = shape.window;
        (window.kernel, window.stride, 2 * shape.inputs, shape.groups) == ([KERNEL; 2], [2; 2], NUMBERS, 1)
    }

    /// `weights` and `bias` in PyTorch's layout.
    pub fn new(isa: Isa, shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        struct New<'a>(Isa, ConvShape, &'a [f32], &'a [f32]);
        impl Task for New<'_> {
            type Output = Across;

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) -> Across {
                let New(isa, shape, filters, bias) = self;
                let width = vectors::<S>() * S::LANES;
                let mut padded_bias = Aligned::zeroed(shape.outputs.next_multiple_of(width));
                padded_bias[..shape.outputs].copy_from_slice(bias);
                let places = || {
                    let of_row = |word| (0..POINTS).filter(move |&p| word < words::<S>(p)).map(move |p| (word, p));
                    (0..KERNEL).flat_map(move |row| (0..words::<S>(0)).flat_map(of_row).map(move |place| (row, place)))
                };
                let panel_words = places().count() * width;
                let mut packed = Aligned::zeroed(shape.outputs.div_ceil(width) * panel_words);
                let mut factors = vec![0.0; width * S::FACTORS];
                for (panel, packed) in packed.chunks_exact_mut(panel_words).enumerate() {
                    for ((row, (word, point)), packed) in places().zip(packed.chunks_exact_mut(width)) {
                        for (index, into) in factors.iter_mut().enumerate() {
                            let (output, number) =
                                (panel * width + index / S::FACTORS, word * S::FACTORS + index % S::FACTORS);
                            let (phase, input) = (number / shape.inputs, number % shape.inputs);
                            let taps = (0..RESULTS).map(|tap| (tap, 2 * tap + phase)).filter(|(_, x)| *x < KERNEL);
                            let sum = taps.map(|(tap, x)| {
                                let place = ((output * shape.inputs + input) * KERNEL + row) * KERNEL + x;
                                coefficient(point, tap) * f64::from(filters[place])
                            });
                            *into = if output < shape.outputs { sum.sum::<f64>() as f32 } else { 0.0 };
                        }
                        convert(simd, &factors, packed);
                    }
                }
                let tiles = shape.window.out_width().div_ceil(RESULTS);
                Across { isa, shape, width, tiles, weights: packed, panel_words, bias: padded_bias }
            }
        }
        dispatch(isa, New(isa, shape, weights, bias))
    }

    /// Computes the output's rows `rows`, counted through all images; `output` and the residual hold these.
    pub fn run(&self, input: &[f32], rows: Range<usize>, epilogue: Epilogue, output: &mut [f32]) {
        struct Run<'a>(&'a Across, &'a [f32], Range<usize>, Epilogue<'a>, &'a mut [f32], &'a mut Scratch);
        impl Task for Run<'_> {
            type Output = ();

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) {
                let Run(across, input, rows, epilogue, output, scratch) = self;
                across.rows(simd, input, rows, epilogue, output, scratch);
            }
        }
        SCRATCH.with_borrow_mut(|scratch| dispatch(self.isa, Run(self, input, rows, epilogue, output, scratch)));
    }

    /// Numbers of a row's values at one point, whole vectors.
    fn plane<S: Simd>(&self) -> usize {
        (self.tiles * NUMBERS).next_multiple_of(S::LANES)
    }

    #[inline(always)]
    fn rows<S: Simd>(
        &self,
        simd: S,
        input: &[f32],
        rows: Range<usize>,
        epilogue: Epilogue,
        output: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let ConvShape { window, inputs, outputs, .. } = self.shape;
        let (image_len, out_row) = (window.height * window.width * inputs, window.out_width() * outputs);
        let row_words = POINTS * self.plane::<S>() / S::FACTORS;
        scratch.pairs.reserve(RESULTS * (self.plane::<S>() + S::LANES));
        scratch.values.reserve(RING * row_words);
        assert_eq!(output.len(), rows.len() * out_row);
        // The first row, counted from the border's, whose values are not there yet.
        let mut next = 0;
        for (index, output) in rows.clone().zip(output.chunks_exact_mut(out_row)) {
            let (image, y) = (index / window.out_height(), index % window.out_height());
            if index == rows.start || y == 0 {
                next = y * window.stride[0];
            }
            let image = &input[image * image_len..][..image_len];
            while next < y * window.stride[0] + KERNEL {
                let values = &mut scratch.values[next % RING * row_words..][..row_words];
                match next.checked_sub(window.padding[0]).filter(|&row| row < window.height) {
                    Some(row) => {
                        let row = &image[row * window.width * inputs..][..window.width * inputs];
                        self.values(simd, row, &mut scratch.pairs, values);
                    }
                    None => values.fill(0),
                }
                next += 1;
            }
            let done = (index - rows.start) * out_row;
            let residual = epilogue.residual.map(|all| &all[done..done + out_row]);
            self.row(simd, &scratch.values, y, Epilogue { residual, ..epilogue }, output);
        }
    }

    /// Values of one row of an image: [point][tile][words].
    #[inline(always)]
    fn values<S: Simd>(&self, simd: S, row: &[f32], pairs: &mut [f32], values_at: &mut [u32]) {
        let plane = self.plane::<S>();
        let step = plane + S::LANES;
        let first = self.shape.window.padding[1] * self.shape.inputs;
        for pair in 0..self.tiles * RESULTS + POINTS - RESULTS {
            let into = &mut pairs[pair % RESULTS * step + pair / RESULTS * NUMBERS..];
            let into = into.first_chunk_mut::<NUMBERS>().expect("a tile more than there are");
            let whole = (pair * NUMBERS).checked_sub(first).and_then(|place| row.get(place..)?.first_chunk());
            *into = whole.copied().unwrap_or_else(|| {
                let number = |i: usize| row.get((pair * NUMBERS + i).checked_sub(first)?);
                std::array::from_fn(|i| number(i).copied().unwrap_or(0.0))
            });
        }
        assert!(pairs.len() >= RESULTS * step && values_at.len() == POINTS * plane / S::FACTORS);
        for place in (0..plane).step_by(S::LANES) {
            // SAFETY: behind `place` there is a vector in every plane, and one more in every remainder's pairs.
            unsafe {
                let pair = |i: usize| i % RESULTS * step + i / RESULTS * NUMBERS + place;
                let seen = std::array::from_fn(|i| simd.load(pairs.as_ptr().add(pair(i))));
                let values = values(simd, seen);
                for point in 0..POINTS {
                    let to = values_at.as_mut_ptr().add((point * plane + place) / S::FACTORS);
                    simd.store_factors(to, values[point]);
                }
            }
        }
    }

    /// A row of output from the values of the rows under it.
    #[inline(always)]
    fn row<S: Simd>(&self, simd: S, values: &[u32], y: usize, epilogue: Epilogue, output: &mut [f32]) {
        let ConvShape { window, outputs, .. } = self.shape;
        let (columns, plane) = (window.out_width(), self.plane::<S>() / S::FACTORS);
        let panels = outputs.div_ceil(self.width);
        assert!(values.len() >= RING * POINTS * plane && self.tiles * words::<S>(0) <= plane);
        assert!(self.width == vectors::<S>() * S::LANES && self.weights.len() == panels * self.panel_words);
        assert!(self.bias.len() == panels * self.width && output.len() == columns * outputs);
        assert!(epilogue.residual.is_none_or(|residual| residual.len() == output.len()));
        let finish = Finish::new(&epilogue, &self.bias, output, outputs);
        let rows = std::array::from_fn::<_, KERNEL, _>(|row| {
            let row = (y * window.stride[0] + row) % RING;
            values[row * POINTS * plane..][..POINTS * plane].as_ptr()
        });
        for panel in 0..panels {
            for tile in (0..self.tiles).step_by(2) {
                let place = tile * RESULTS * outputs + panel * self.width;
                // SAFETY: the lengths are asserted above: the tiles are in the values, `place` is in the output and in the
                // residual, the panel in the weights and in the bias.
                unsafe {
                    let rows = rows.map(|row| row.add(tile * words::<S>(0)));
                    let residual = finish.residual;
                    let finish = Finish {
                        bias: finish.bias.add(panel * self.width),
                        residual: if residual.is_null() { residual } else { residual.add(place) },
                        output: finish.output.add(place),
                        outputs: outputs - panel * self.width,
                        ..finish
                    };
                    let panel = self.weights.as_ptr().add(panel * self.panel_words);
                    let columns = columns - tile * RESULTS;
                    macro_rules! tiles {
                        ($tiles:literal, $vectors:literal) => {
                            simd.run(Tiles::<$tiles, $vectors> { rows, plane, panel, finish, columns })
                        };
                    }
                    match (self.tiles - tile, vectors::<S>()) {
                        (1, 1) => tiles!(1, 1),
                        (1, _) => tiles!(1, 2),
                        (_, 1) => tiles!(2, 1),
                        _ => tiles!(2, 2),
                    }
                }
            }
        }
    }
}
