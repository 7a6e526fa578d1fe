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
    /// Channels are so few that vectors may hold several pixels: weights and bias begin again behind the last.
    repeated: bool,
    /// [taps, padded]
    weights: Aligned<f32>,
    bias: Aligned<f32>,
}

/// Longer than any vector, in numbers.
const WIDEST: usize = 16;

impl Depthwise {
    pub fn new(isa: Isa, shape: ConvShape, weights: &[f32], bias: &[f32]) -> Self {
        let (channels, taps) = (shape.inputs, shape.window.taps_len());
        let padded = channels.next_multiple_of(WIDEST);
        let repeated = WIDEST.is_multiple_of(channels);
        let channel = |place: usize| if repeated { place % channels } else { place };
        let mut packed = Aligned::zeroed(taps * padded);
        let mut padded_bias = Aligned::zeroed(padded);
        for (place, channel) in
            (0..padded).map(|place| (place, channel(place))).filter(|(_, channel)| *channel < channels)
        {
            padded_bias[place] = bias[channel];
            for tap in 0..taps {
                packed[tap * padded + place] = weights[channel * taps + tap];
            }
        }
        Depthwise { isa, shape, padded, repeated, weights: packed, bias: padded_bias }
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
        let width = window.width;
        let finish = Finish::new(&epilogue, &self.bias, output, channels);
        assert_eq!(output.len(), rows.len() * window.out_width() * channels);
        let mut taps = Vec::with_capacity(window.taps_len());
        for (row, pixel) in rows.map(|row| row * window.out_width()).enumerate() {
            for columns in window.column_runs() {
                let (image, y, x) = window.locate(pixel + columns.start);
                let image = &input[image * window.height * width * channels..][..window.height * width * channels];
                taps.clear();
                taps.extend(window.taps(y, x).map(|(tap, pixel)| (tap * self.padded, pixel * channels)));
                let place = (row * window.out_width() + columns.start) * channels;
                // SAFETY: the taps lie in the image for each of the columns, and the output holds these.
                unsafe {
                    match <&[(usize, usize); 9]>::try_from(&taps[..]) {
                        Ok(taps) if window.kernel == [3, 3] => {
                            self.whole_windows(simd, image, taps, columns.len(), finish, place)
                        }
                        _ => self.columns(simd, image, &taps[..], columns.len(), finish, place),
                    }
                }
            }
        }
    }

    /// `count` output pixels of one row from `place` on, whose windows have the same taps: rows of weights and numbers
    /// of the image, for the first of them.
    ///
    /// # Safety
    /// `image` holds whole pixels at these numbers and at those of the windows that follow; `finish` takes the pixels.
    #[inline(always)]
    unsafe fn columns<S: Simd, T: AsRef<[(usize, usize)]> + ?Sized>(
        &self,
        simd: S,
        image: &[f32],
        taps: &T,
        count: usize,
        finish: Finish,
        place: usize,
    ) {
        let ConvShape { window, inputs: channels, .. } = self.shape;
        for first in (0..channels).step_by(S::LANES) {
            let left = channels - first;
            for column in 0..count {
                let mut sums = simd.splat(0.0);
                for &(tap, pixel) in taps.as_ref() {
                    // SAFETY: this function's contract; rows of weights are padded to whole vectors.
                    unsafe {
                        let x = image.as_ptr().add(pixel + column * window.stride[1] * channels + first);
                        let x = if left >= S::LANES { simd.load(x) } else { simd.load_first(x, left) };
                        sums = simd.mul_add(x, simd.load(self.weights.as_ptr().add(tap + first)), sums);
                    }
                }
                // SAFETY: this function's contract; the bias is padded as well.
                unsafe { finish.put_vector(simd, place + column * channels + first, first, sums) };
            }
        }
    }

    /// As [`Depthwise::columns`] for all 9 taps of a 3x3 window: the weights stay in registers, and where a vector holds
    /// several pixels of a stride of 1, it computes these.
    ///
    /// # Safety
    /// That of [`Depthwise::columns`].
    #[inline(always)]
    unsafe fn whole_windows<S: Simd>(
        &self,
        simd: S,
        image: &[f32],
        taps: &[(usize, usize); 9],
        count: usize,
        finish: Finish,
        place: usize,
    ) {
        let ConvShape { window, inputs: channels, .. } = self.shape;
        // Pixels of a vector, and vectors of whole pixels.
        let pixels = if window.stride[1] == 1 && self.repeated { S::LANES / channels } else { 1 };
        let pixels = pixels.max(1);
        let vectors = count / pixels;
        let step = pixels * window.stride[1] * channels;
        for first in (0..channels).step_by(S::LANES) {
            let left = channels * pixels - first;
            // SAFETY: this function's contract; rows of weights and the bias are padded to whole vectors, and with several
            // pixels in one they hold a channel's number at the places of all of them.
            unsafe {
                let weights: [S::V; 9] =
                    std::array::from_fn(|tap| simd.load(self.weights.as_ptr().add(taps[tap].0 + first)));
                let from: [*const f32; 3] = std::array::from_fn(|row| image.as_ptr().add(taps[3 * row].1 + first));
                let finish =
                    Finish { bias: finish.bias.add(first), output: finish.output.add(first), outputs: left, ..finish };
                let finish = match finish.residual.is_null() {
                    true => finish,
                    false => Finish { residual: finish.residual.add(first), ..finish },
                };
                macro_rules! vector {
                    ($vector:ident, $load:expr) => {
                        let mut sums = simd.splat(0.0);
                        for row in 0..3 {
                            for column in 0..3 {
                                let x = $load(from[row].add($vector * step + column * channels));
                                sums = simd.mul_add(x, weights[3 * row + column], sums);
                            }
                        }
                        finish.put_vector(simd, place + $vector * pixels * channels, 0, sums);
                    };
                }
                if left >= S::LANES {
                    for vector in 0..vectors {
                        vector!(vector, |x| simd.load(x));
                    }
                } else {
                    for vector in 0..vectors {
                        vector!(vector, |x| simd.load_first(x, left));
                    }
                }
            }
        }
        let done = vectors * pixels;
        if done < count {
            let taps = taps.map(|(tap, pixel)| (tap, pixel + done * window.stride[1] * channels));
            // SAFETY: this function's contract: the columns that are left.
            unsafe { self.columns(simd, image, &taps, count - done, finish, place + done * channels) };
        }
    }
}
