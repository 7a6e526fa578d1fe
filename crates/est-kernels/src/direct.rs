//! Convolution as it is written: for each output pixel and channel, one sum over the taps and channels under the window.

use std::cell::RefCell;
use std::ops::Range;

use crate::aligned::Aligned;
use crate::conv::ConvShape;
use crate::epilogue::{Epilogue, Finish};
use crate::isa::Isa;
use crate::pack::{Channels, Rectangle, pack, panels};
use crate::simd::{Simd, Task, dispatch};
use crate::tile::{Factors, VECTORS, multiply};

/// Words of packed input that are worked on together: a quarter of a core's second cache.
const PACKED: usize = 1 << 16;

thread_local! {
    static SCRATCH: RefCell<Aligned<u32>> = RefCell::default();
}

/// What is computed of each pixel, and how much is stored of it.
#[derive(Clone)]
struct Part<'a> {
    panels: Range<usize>,
    stored: usize,
    epilogue: Epilogue<'a>,
}

/// One group of a convolution: some of the input's channels to some of the output's.
pub(crate) struct Direct {
    isa: Isa,
    shape: ConvShape,
    group: usize,
    /// Vectors of a panel, its outputs, and how many panels there are.
    vectors: usize,
    pub width: usize,
    pub panels: usize,
    weights: Aligned<u32>,
    /// Of this group's outputs and the panels' padding.
    bias: Aligned<f32>,
}

impl Direct {
    /// `weights` and `bias` of the whole layer in PyTorch's layout.
    pub fn new(isa: Isa, shape: ConvShape, group: usize, weights: &[f32], bias: &[f32]) -> Self {
        struct New<'a>(Isa, ConvShape, usize, &'a [f32], &'a [f32]);
        impl Task for New<'_> {
            type Output = Direct;

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) -> Direct {
                let New(isa, shape, group, weights, bias) = self;
                let (ins, outs) = (shape.inputs / shape.groups, shape.outputs / shape.groups);
                let taps = shape.window.taps_len();
                let vectors = if outs <= S::LANES { 1 } else { VECTORS };
                let width = vectors * S::LANES;
                // By tap, then channel, every tap in whole words.
                let padded = ins.next_multiple_of(S::FACTORS);
                let filters = &weights[group * outs * ins * taps..(group + 1) * outs * ins * taps];
                let source = |k: usize| (k % padded < ins).then(|| k % padded * taps + k / padded);
                let weights = panels(simd, [outs, taps * padded, width], filters, source);
                let mut padded_bias = Aligned::zeroed(outs.next_multiple_of(width));
                padded_bias[..outs].copy_from_slice(&bias[group * outs..][..outs]);
                let panels = outs.div_ceil(width);
                Direct { isa, shape, group, vectors, width, panels, weights, bias: padded_bias }
            }
        }
        dispatch(isa, New(isa, shape, group, weights, bias))
    }

    /// Computes the output's rows `rows`, counted through all images; of a pointwise layer, its pixels. `output` and the
    /// residual hold these with the outputs of all groups.
    pub fn run(&self, input: &[f32], rows: Range<usize>, epilogue: Epilogue, output: &mut [f32]) {
        self.run_panels(input, rows, 0..self.panels, self.shape.outputs, epilogue, output);
    }

    /// Computes the outputs of some panels; `output` and the residual hold `stored` numbers a pixel: these, or, of all
    /// panels, those of all groups.
    pub fn run_panels(
        &self,
        input: &[f32],
        rows: Range<usize>,
        panels: Range<usize>,
        stored: usize,
        epilogue: Epilogue,
        output: &mut [f32],
    ) {
        struct Run<'a>(&'a Direct, &'a [f32], Range<usize>, Part<'a>, &'a mut [f32], &'a mut Aligned<u32>);
        impl Task for Run<'_> {
            type Output = ();

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) {
                let Run(direct, input, rows, part, output, scratch) = self;
                direct.rows(simd, input, rows, part, output, scratch);
            }
        }
        let part = Part { panels, stored, epilogue };
        SCRATCH.with_borrow_mut(|scratch| dispatch(self.isa, Run(self, input, rows, part, output, scratch)));
    }

    #[inline(always)]
    fn rows<S: Simd>(
        &self,
        simd: S,
        input: &[f32],
        rows: Range<usize>,
        part: Part,
        output: &mut [f32],
        scratch: &mut Aligned<u32>,
    ) {
        let ConvShape { window, inputs, groups, .. } = self.shape;
        // A pointwise layer is a single image of one column: its rows are pixels.
        let pointwise = self.shape.is_pointwise();
        let (height, width, out_height, out_width) = match pointwise {
            true => (input.len() / inputs, 1, input.len() / inputs, 1),
            false => (window.height, window.width, window.out_height(), window.out_width()),
        };
        let image = height * width * inputs;
        let words = (inputs / groups).div_ceil(S::FACTORS);
        // Without a border and with factors in f32 the input is as good as packed.
        let in_place = S::FACTORS == 1 && window.padding == [0; 2] && groups == 1;
        let columns = (out_width - 1) * window.stride[1] + window.kernel[1];
        let per_row = columns * words * window.stride[0];
        let limit = if in_place { rows.len() } else { (PACKED / per_row).max(1) };
        let mut first = rows.start;
        while first < rows.end {
            let (index, y) = (first / out_height, first % out_height);
            let count = limit.min(rows.end - first).min(out_height - y);
            let picture = &input[index * image..][..image];
            let in_rows = (count - 1) * window.stride[0] + window.kernel[0];
            let (top, step) = (y * window.stride[0], if in_place { width } else { columns });
            let packed: *const u32 = if in_place {
                assert!(top + in_rows <= height && columns <= width);
                picture[top * width * inputs..].as_ptr().cast()
            } else {
                // The pixels of a pointwise layer lie in a row already.
                let (height, width, in_rows, columns) = match pointwise {
                    true => (1, height * width, 1, in_rows),
                    false => (height, width, in_rows, columns),
                };
                let seen = Rectangle {
                    top: if pointwise { 0 } else { top as isize - window.padding[0] as isize },
                    left: if pointwise { top as isize } else { -(window.padding[1] as isize) },
                    rows: in_rows,
                    columns,
                };
                let count = inputs / groups;
                let from =
                    Channels { image: picture, height, width, channels: inputs, first: self.group * count, count };
                scratch.reserve(in_rows * columns * words);
                let packed = &mut scratch[..in_rows * columns * words];
                pack(simd, from, seen, packed);
                packed.as_ptr()
            };
            let done = [first, first + count].map(|row| (row - rows.start) * out_width * part.stored);
            let done = done[0]..done[1];
            let epilogue = Epilogue { residual: part.epilogue.residual.map(|all| &all[done.clone()]), ..part.epilogue };
            let part = Part { epilogue, ..part.clone() };
            // SAFETY: `packed` are `in_rows` rows of `columns` pixels, `step` pixels apart, each of `words` words,
            // which are what `count` rows of output see.
            unsafe { self.tiles(simd, packed, step, [count, out_width], part, &mut output[done]) };
            first += count;
        }
    }

    /// # Safety
    /// `packed` is good for reads of the pixels that `rows` x `columns` outputs see, `step` pixels from row to row.
    #[inline(always)]
    unsafe fn tiles<S: Simd>(
        &self,
        simd: S,
        packed: *const u32,
        step: usize,
        [rows, columns]: [usize; 2],
        Part { panels, stored, epilogue }: Part,
        output: &mut [f32],
    ) {
        let ConvShape { window, inputs, outputs, groups } = self.shape;
        let (words, outs) = ((inputs / groups).div_ceil(S::FACTORS), outputs / groups);
        let width = self.vectors * S::LANES;
        let depth = window.taps_len() * words;
        let computed = (panels.end * width).min(outs) - panels.start * width;
        assert!(panels.end <= self.panels && stored == if groups == 1 { computed } else { outputs });
        assert!(output.len() == rows * columns * stored && self.bias.len() == outs.next_multiple_of(width));
        assert!(epilogue.residual.is_none_or(|residual| residual.len() == output.len()));
        assert_eq!(self.weights.len(), outs.div_ceil(width) * depth * width);
        // Where rows of output are rows of one product, they are multiplied together.
        let (lines, line) = if columns == 1 && window.taps_len() == 1 { (1, rows) } else { (rows, columns) };
        let pixel_step = if columns == 1 { step * words * window.stride[0] } else { words * window.stride[1] };
        let finish = Finish::new(&epilogue, &self.bias, output, stored);
        for panel in panels.clone() {
            for row in 0..lines {
                let from = row * step * window.stride[0] * words;
                let factors = Factors {
                    // SAFETY: the row's first pixel; what its pixels see are `kernel[0]` runs in `packed`.
                    first: unsafe { packed.add(from) },
                    row_step: pixel_step,
                    runs: window.kernel[0],
                    run: window.kernel[1] * words,
                    run_step: step * words,
                };
                let place = row * columns * stored + self.group * outs + (panel - panels.start) * width;
                // SAFETY: the lengths are asserted above: place is in the output and in the residual, the panel in the
                // weights and in the bias.
                unsafe {
                    let sink = Finish {
                        bias: finish.bias.add(panel * width),
                        residual: if finish.residual.is_null() { finish.residual } else { finish.residual.add(place) },
                        output: finish.output.add(place),
                        outputs: outs - panel * width,
                        ..finish
                    };
                    multiply(simd, line, self.vectors, factors, self.weights.as_ptr().add(panel * depth * width), sink);
                }
            }
        }
    }
}
