//! Convolution of each channel by itself.

use std::ops::Range;

use crate::aligned::Aligned;
use crate::conv::ConvShape;
use crate::epilogue::{Epilogue, Finish};
use crate::isa::Isa;
use crate::simd::{Simd, Task, dispatch};

pub(crate) struct Depthwise {
    isa: Isa,
    shape: ConvShape,
    /// Channels rounded up to whole vectors.
    padded: usize,
    /// [taps, padded]
    weights: Aligned<f32>,
    bias: Aligned<f32>,
}

/// Longer than any vector, in numbers.
const WIDEST: usize = 16;

impl Depthwise {
    pub fn new(isa: Isa, shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        let (channels, taps) = (shape.inputs, shape.window.kernel.pow(2));
        let padded = channels.next_multiple_of(WIDEST);
        let mut packed = Aligned::zeroed(taps * padded);
        for (channel, filter) in weights.chunks_exact(taps).enumerate() {
            for (tap, &weight) in filter.iter().enumerate() {
                packed[tap * padded + channel] = weight;
            }
        }
        let mut padded_bias = Aligned::zeroed(padded);
        padded_bias[..channels].copy_from_slice(bias);
        Depthwise { isa, shape, padded, weights: packed, bias: padded_bias }
    }

    /// Computes the output's rows `rows`, counted through all images; `output` and the residual hold these.
    pub fn run(&self, input: &[f32], rows: Range<usize>, epilogue: Epilogue, output: &mut [f32]) {
        struct Run<'a>(&'a Depthwise, &'a [f32], Range<usize>, Epilogue<'a>, &'a mut [f32]);
        impl Task for Run<'_> {
            type Output = ();

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) {
                let Run(depthwise, input, rows, epilogue, output) = self;
                depthwise.rows(simd, input, rows, epilogue, output);
            }
        }
        dispatch(self.isa, Run(self, input, rows, epilogue, output));
    }

    #[inline(always)]
    fn rows<S: Simd>(&self, simd: S, input: &[f32], rows: Range<usize>, epilogue: Epilogue, output: &mut [f32]) {
        let ConvShape { window, inputs: channels, .. } = self.shape;
        let (out_width, kernel) = (window.out_width(), window.kernel);
        let finish = Finish::new(&epilogue, &self.bias, output, channels);
        let mut taps = Vec::with_capacity(kernel * kernel);
        for (place, pixel) in (rows.start * out_width..rows.end * out_width).enumerate() {
            let (image, y, x) = window.locate(pixel);
            let picture =
                &input[image * window.height * window.width * channels..][..window.height * window.width * channels];
            taps.clear();
            taps.extend(window.taps(y, x).map(|(tap, pixel)| (tap * self.padded, pixel * channels)));
            for first in (0..channels).step_by(S::LANES) {
                let count = channels - first;
                let mut sums = simd.splat(0.0);
                for &(tap, pixel) in &taps {
                    // SAFETY: `taps` gives taps of the kernel, whose rows of weights are padded to whole vectors, and
                    // pixels of this picture, of which `count` numbers lie from channel `first` on.
                    unsafe {
                        let x = picture.as_ptr().add(pixel + first);
                        let x = if count >= S::LANES { simd.load(x) } else { simd.load_first(x, count) };
                        sums = simd.mul_add(x, simd.load(self.weights.as_ptr().add(tap + first)), sums);
                    }
                }
                // SAFETY: `output` and the residual hold all rows' pixels with all channels, the bias whole vectors.
                unsafe { finish.put_vector(simd, place * channels + first, first, sums) };
            }
        }
    }
}
