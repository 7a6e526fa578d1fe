//! Tiles of the input to values at points, and products at points to tiles of the output.
#![allow(clippy::needless_range_loop)] // arrays stay in registers only where their indices are constants

use std::ops::Range;

use super::points::{results, values};
use super::{PLANES, Places, Winograd};
use crate::conv::ConvShape;
use crate::epilogue::{Epilogue, Finish};
use crate::simd::Simd;

/// One phase of one tile: where its first number lies and how many there are down and across.
#[derive(Clone, Copy)]
struct Patch {
    y: isize,
    x: isize,
    used: [usize; 2],
}

impl Winograd {
    /// Values of the tiles in `units`, all of one image, into the words of `places`.
    #[inline(always)]
    pub(super) fn values<S: Simd>(
        &self,
        simd: S,
        image: &[f32],
        units: Range<usize>,
        places: &Places,
        words: &mut [u32],
    ) {
        match self.points.count {
            6 => self.values_of::<S, 6>(simd, image, units, places, words),
            _ => self.values_of::<S, 5>(simd, image, units, places, words),
        }
    }

    #[inline(always)]
    fn values_of<S: Simd, const N: usize>(
        &self,
        simd: S,
        image: &[f32],
        units: Range<usize>,
        places: &Places,
        words: &mut [u32],
    ) {
        assert!(words.len() >= places.values_len(self) && units.end <= places.units.end);
        let ConvShape { window, inputs, .. } = self.shape;
        assert_eq!(image.len(), window.height * window.width * inputs);
        let stride = self.stride();
        for unit in units {
            let row = unit % self.tile_rows;
            let used_down = self.used(window.out_height(), row);
            let mut first = self.first_tiles(places, unit);
            for (plane, first) in first.iter_mut().enumerate() {
                *first = places.values[plane] + *first * self.tile_words[plane];
            }
            for column in 0..self.tile_columns {
                let used_across = self.used(window.out_width(), column);
                for phase in 0..stride * stride {
                    let [down, across] = [phase / stride, phase % stride];
                    let corner = |tile: usize, axis: usize| {
                        (tile * self.points.results() * stride) as isize - window.padding[axis] as isize
                    };
                    let patch = Patch {
                        y: corner(row, 0) + down as isize,
                        x: corner(column, 1) + across as isize,
                        // Behind the last value of a phase with fewer taps stands infinity alone, where it is 0.
                        used: [used_down - down, used_across - across],
                    };
                    // Where a plane has only one phase across, the others are not stored.
                    let slots = [down * stride + across, down].map(|slot| slot * self.padded_words);
                    let mut to = [0; PLANES];
                    for (plane, to) in to.iter_mut().enumerate().take(N * N) {
                        let slot = slots[usize::from(plane % N == N - 1 && stride > 1)];
                        *to = first[plane] + column * self.tile_words[plane] + slot;
                    }
                    let inside = patch.y >= 0
                        && patch.x >= 0
                        && patch.y as usize + (patch.used[0] - 1) * stride < window.height
                        && patch.x as usize + (patch.used[1] - 1) * stride < window.width;
                    let whole = used_down == N && used_across == N && inputs.is_multiple_of(S::LANES);
                    let used = [used_down, used_across];
                    // SAFETY: `words` holds all tiles of `places`; a whole tile inside the image is all of it.
                    unsafe {
                        match (whole, inside) {
                            (true, true) => self.tile_values::<S, N, true, true>(simd, image, patch, used, &to, words),
                            (true, false) => {
                                self.tile_values::<S, N, true, false>(simd, image, patch, used, &to, words)
                            }
                            _ => self.tile_values::<S, N, false, false>(simd, image, patch, used, &to, words),
                        }
                    }
                }
            }
        }
    }

    /// # Safety
    /// From each active plane's place in `to` on, `words` has room for the phase's padded words. With WHOLE all points are
    /// used and the channels are whole vectors; with INSIDE the patch lies in the image.
    #[inline(always)]
    unsafe fn tile_values<S: Simd, const N: usize, const WHOLE: bool, const INSIDE: bool>(
        &self,
        simd: S,
        image: &[f32],
        patch: Patch,
        used: [usize; 2],
        to: &[usize; PLANES],
        words: &mut [u32],
    ) {
        let used = if WHOLE { [N, N] } else { used };
        let ConvShape { window, inputs, .. } = self.shape;
        let step = self.stride() as isize;
        let zero = simd.splat(0.0);
        let row_is_in =
            |i: usize| i < patch.used[0] && (0..window.height as isize).contains(&(patch.y + i as isize * step));
        let column_is_in =
            |j: usize| j < patch.used[1] && (0..window.width as isize).contains(&(patch.x + j as isize * step));
        let rows: [bool; N] = std::array::from_fn(row_is_in);
        let columns: [bool; N] = std::array::from_fn(column_is_in);
        // Infinity is the last plane of its row and column and a phase may lack it.
        let has = |point: usize, dimension: usize| {
            (WHOLE || self.points.active(point, used[dimension]))
                && (point < N - 1 || patch.used[dimension] == used[dimension])
        };
        let (across, down) = (inputs as isize * step, (inputs * window.width) as isize * step);
        let origin = (patch.y * window.width as isize + patch.x) * inputs as isize;
        for channel in (0..inputs).step_by(S::LANES) {
            let from = image.as_ptr().wrapping_offset(origin + channel as isize);
            let count = inputs - channel;
            let mut half = [[zero; N]; N];
            for j in 0..N {
                if !(WHOLE || j < used[1]) {
                    continue;
                }
                let mut d = [zero; N];
                for i in 0..N {
                    let from = from.wrapping_offset(i as isize * down + j as isize * across);
                    if INSIDE && (i < N - 1 && j < N - 1) || (rows[i] && columns[j]) {
                        // SAFETY: the pixel lies in the image, and from `channel` on there are `count` more numbers.
                        d[i] = unsafe {
                            if WHOLE || count >= S::LANES { simd.load(from) } else { simd.load_first(from, count) }
                        };
                    }
                }
                let d = values::<S, N>(simd, used[0], d);
                for i in 0..N {
                    half[i][j] = d[i];
                }
            }
            for i in 0..N {
                if !has(i, 0) {
                    continue;
                }
                let out = values::<S, N>(simd, used[1], half[i]);
                for j in 0..N {
                    if has(j, 1) {
                        // SAFETY: this function's contract.
                        unsafe {
                            simd.store_factors(words.as_mut_ptr().add(to[i * N + j] + channel / S::FACTORS), out[j])
                        };
                    }
                }
            }
        }
    }

    /// Output rows of `units` from the products of `places`; `output` and the residual hold these rows alone.
    #[inline(always)]
    pub(super) fn finish<S: Simd>(
        &self,
        simd: S,
        products: &[f32],
        places: &Places,
        units: Range<usize>,
        epilogue: Epilogue,
        output: &mut [f32],
    ) {
        match self.points.count {
            6 => self.finish_of::<S, 6, 3>(simd, products, places, units, epilogue, output),
            _ => self.finish_of::<S, 5, 2>(simd, products, places, units, epilogue, output),
        }
    }

    #[inline(always)]
    fn finish_of<S: Simd, const N: usize, const TAPS: usize>(
        &self,
        simd: S,
        products: &[f32],
        places: &Places,
        units: Range<usize>,
        epilogue: Epilogue,
        output: &mut [f32],
    ) {
        let (window, outputs) = (self.shape.window, self.shape.outputs);
        let (height, width) = (window.out_height(), window.out_width());
        let all = self.rows(units.clone());
        assert!(places.units.start <= units.start && units.end <= places.units.end);
        assert_eq!(output.len(), all.len() * width * outputs, "output of {:?}", self.shape);
        assert!(epilogue.residual.is_none_or(|residual| residual.len() == output.len()));
        assert!(products.len() >= places.panel_len(self) * self.panels());
        let finish = Finish::new(&epilogue, &self.bias, output, outputs);
        for unit in units {
            let row = unit % self.tile_rows;
            let used_down = self.used(height, row);
            let mut first = self.first_tiles(places, unit);
            for (plane, first) in first.iter_mut().enumerate() {
                *first = places.products[plane] + *first * self.width;
            }
            let y = self.rows(unit..unit + 1);
            for column in 0..self.tile_columns {
                let used = [used_down, self.used(width, column)];
                let x = column * self.points.results();
                let left = [y.len(), self.points.results().min(width - x)];
                let from: [usize; PLANES] = std::array::from_fn(|plane| first[plane] + column * self.width);
                let place = ((y.start - all.start) * width + x) * outputs;
                // SAFETY: `products` hold all tiles of `places`; `left` rows and columns from `place` on are in `output`.
                unsafe {
                    if used == [N, N] {
                        self.tile_results::<S, N, TAPS, true>(simd, products, places, &from, used, left, place, finish);
                    } else {
                        self.tile_results::<S, N, TAPS, false>(
                            simd, products, places, &from, used, left, place, finish,
                        );
                    }
                }
            }
        }
    }

    /// # Safety
    /// In every panel of `products` there are `width` numbers at each active plane's place in `from`; `finish` takes
    /// `left` rows and columns of pixels from `place` on.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    unsafe fn tile_results<S: Simd, const N: usize, const TAPS: usize, const WHOLE: bool>(
        &self,
        simd: S,
        products: &[f32],
        places: &Places,
        from: &[usize; PLANES],
        used: [usize; 2],
        left: [usize; 2],
        place: usize,
        finish: Finish,
    ) {
        let used = if WHOLE { [N, N] } else { used };
        let ratios = used.map(|used| &self.ratios[used]);
        let zero = simd.splat(0.0);
        let row_step = self.shape.window.out_width() * self.shape.outputs;
        for output in (0..self.shape.outputs).step_by(S::LANES) {
            let panel = output / self.width * places.panel_len(self) + output % self.width;
            let mut half = [[zero; N]; 4];
            for j in 0..N {
                if !(WHOLE || self.points.active(j, used[1])) {
                    continue;
                }
                let mut p = [zero; N];
                for i in 0..N {
                    if WHOLE || self.points.active(i, used[0]) {
                        // SAFETY: this function's contract.
                        p[i] = unsafe { simd.load(products.as_ptr().add(panel + from[i * N + j])) };
                    }
                }
                let y = results::<S, N, TAPS>(simd, used[0], ratios[0], p);
                for i in 0..4 {
                    half[i][j] = y[i];
                }
            }
            for i in 0..4 {
                if i >= left[0] {
                    break;
                }
                let y = results::<S, N, TAPS>(simd, used[1], ratios[1], half[i]);
                for j in 0..4 {
                    if j >= left[1] {
                        break;
                    }
                    let place = place + i * row_step + j * self.shape.outputs + output;
                    // SAFETY: this function's contract.
                    unsafe { finish.put_vector(simd, place, output, y[j]) };
                }
            }
        }
    }
}
