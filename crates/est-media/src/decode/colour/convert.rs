//! Pictures of HDR video or of other primaries -> 8-bit RGB of BT.709, by tables: no power is computed for a pixel.
//!
//! Each row goes in passes that the compiler makes wide where it can: samples -> codes of [`CODE_BITS`] for each channel
//! -> (table) light -> 3 x 3 matrix -> the upper bits of the float as a place -> (table) 8-bit levels. What leaves the
//! colours of BT.709 or SDR white is cut off at each channel's end, as players' plainest way does. It takes 3.6 times as
//! long as plain 8-bit video does.

use std::array::from_fn;

use ff::format::Pixel;
use ff::frame::Video as Picture;
use ffmpeg_next as ff;

use super::curves::{Curve, system_gamma};
use super::tags::Plan;
use super::{Layout, Planar, name, pack, rescaled, upright};
use crate::Image;

/// Of a channel before its light is looked up: half a step is at most a seventh of a level.
const CODE_BITS: u32 = 12;
const CODES: usize = 1 << CODE_BITS;
/// Places for light, by exponent and upper bits of the fraction: 512 for each doubling are a tenth of a level apart.
const LIGHT: Places = Places { fraction_bits: 9, least: -24, most: 1 };
/// Places for a scene's luminance, whose fifth root they stand for.
const LUMINANCE: Places = Places { fraction_bits: 8, least: -24, most: 1 };

/// Positive floats as places in a table.
#[derive(Clone, Copy)]
struct Places {
    fraction_bits: u32,
    /// Exponents of two.
    least: i32,
    most: i32,
}

impl Places {
    /// Tables are this long, which is a power of two: a masked place needs no check.
    const LEN: usize = 1 << 14;

    fn first(self) -> u32 {
        ((self.least + 127) as u32) << self.fraction_bits
    }

    /// Of a float; what has no place of its own has that of the nearest that has.
    fn of(self, value: f32) -> u32 {
        let end = |exponent: i32| f32::from_bits(((exponent + 127) as u32) << 23);
        (between(end(self.least), value, end(self.most)).to_bits() >> (23 - self.fraction_bits)) - self.first()
    }

    /// `value` for the middle of each place.
    fn table<T: Copy + Default>(self, value: impl Fn(f64) -> T) -> Box<[T; Places::LEN]> {
        let mut table = vec![T::default(); Places::LEN];
        let count = (((self.most - self.least) as usize) << self.fraction_bits) + 1;
        for (place, entry) in table[..count].iter_mut().enumerate() {
            let bits = (((place as u32 + self.first()) << 1) | 1) << (22 - self.fraction_bits);
            *entry = value(f64::from(f32::from_bits(bits)));
        }
        table.try_into().unwrap_or_else(|_| unreachable!("it was made this long"))
    }
}

/// Three channels of a row.
type Row<T> = [Vec<T>; 3];

pub struct Converter {
    plan: Plan,
    light: Box<[f32; CODES]>,
    levels: Box<[u8; Places::LEN]>,
    /// Of HLG: what a scene's luminance multiplies its channels by.
    system: Option<Box<[f32; Places::LEN]>>,
    matrix: [[f32; 3]; 3],
    rows: Rows,
}

/// Memory of one row, kept between pictures.
#[derive(Default)]
struct Rows {
    luma: Vec<f32>,
    chroma: [Vec<f32>; 2],
    terms: Row<f32>,
    spread: Row<f32>,
    /// Whole blocks.
    codes: Row<u32>,
    pixels: Vec<u32>,
}

impl Converter {
    pub fn new(plan: Plan) -> Converter {
        let light: Vec<f32> =
            (0..CODES).map(|code| plan.curve.light(code as f64 / (CODES - 1) as f64) as f32).collect();
        Converter {
            plan,
            light: light.try_into().unwrap_or_else(|_| unreachable!("a light for each code")),
            levels: LIGHT.table(|light| plan.curve.level(light).round() as u8),
            system: (plan.curve == Curve::Hlg).then(|| LUMINANCE.table(|luminance| system_gamma(luminance) as f32)),
            matrix: plan.to_bt709.map(|row| row.map(|value| value as f32)),
            rows: Rows::default(),
        }
    }

    pub fn plan(&self) -> Plan {
        self.plan
    }

    /// 8-bit RGB of `picture`, in its stored orientation; `buffer` is used again if it is large enough.
    pub fn convert(&mut self, picture: &Picture, mut buffer: Vec<u8>) -> Result<Image, ff::Error> {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        if buffer.len() != width * height * 3 {
            buffer = vec![0; width * height * 3];
        }
        let mut image = Image::new(width, height, buffer);
        self.rows.fit(width);
        let format = picture.format();
        match (planar_rgb(format), Layout::of(format), upright(picture)) {
            (Some(planar), _, true) => self.planar_rgb(picture, planar, &mut image),
            (None, Some(Layout::Planar(planar)), true) => self.ycbcr(picture, planar, &mut image),
            // To no other range: swscale takes neither side for full.
            (None, Some(Layout::Planar(_) | Layout::OtherYuv), _) => {
                let planar = Planar { chroma: Some((0, 0)), depth: 16, big_endian: false };
                self.ycbcr(&rescaled(picture, Pixel::YUV444P16LE)?, planar, &mut image);
            }
            _ => self.packed_rgb(&rescaled(picture, Pixel::RGB48LE)?, &mut image),
        }
        Ok(image)
    }

    fn ycbcr(&mut self, picture: &Picture, planar: Planar, image: &mut Image) {
        let width = image.width;
        let (wide, high) = planar.chroma.unwrap_or((0, 0));
        let samples = width.div_ceil(1 << wide);
        let top = (CODES - 1) as f32;
        let level = f64::from(1u32 << (planar.depth - 8));
        let most = f64::from((1u32 << planar.depth) - 1);
        let (black, luma, chroma) =
            if self.plan.full { (0.0, most, most) } else { (16.0 * level, 219.0 * level, 224.0 * level) };
        let luma = top / luma as f32;
        let black = black as f32 * luma;
        let middle = (128.0 * level) as f32;
        let weights = self.plan.chroma.map(|row| row.map(|weight| (weight * f64::from(top) / chroma) as f32));
        for (y, out) in image.data.chunks_exact_mut(width * 3).enumerate() {
            let rows = &mut self.rows;
            read(picture, 0, y, planar, &mut rows.luma[..width]);
            if planar.chroma.is_some() && y % (1 << high) == 0 {
                for (plane, row) in [1, 2].into_iter().zip(&mut rows.chroma) {
                    read(picture, plane, y >> high, planar, &mut row[..samples]);
                }
                let [u, v] = &rows.chroma;
                for (([by_u, by_v], terms), spread) in weights.into_iter().zip(&mut rows.terms).zip(&mut rows.spread) {
                    let terms = &mut terms[..samples];
                    for ((term, &u), &v) in terms.iter_mut().zip(u).zip(v) {
                        *term = (u - middle) * by_u + (v - middle) * by_v - black;
                    }
                    super::spread(terms, wide, &mut spread[..samples << wide]);
                }
            } else if planar.chroma.is_none() {
                rows.spread.iter_mut().for_each(|row| row.fill(-black));
            }
            for (codes, spread) in rows.codes.iter_mut().zip(&rows.spread) {
                for ((code, &sample), &term) in codes.iter_mut().zip(&rows.luma).zip(spread) {
                    *code = nearest(sample * luma + term);
                }
            }
            self.finish(out);
        }
    }

    fn planar_rgb(&mut self, picture: &Picture, planar: Planar, image: &mut Image) {
        let scale = (CODES - 1) as f32 / ((1u32 << planar.depth) - 1) as f32;
        let width = image.width;
        for (y, out) in image.data.chunks_exact_mut(width * 3).enumerate() {
            let rows = &mut self.rows;
            // FFmpeg stores green, blue, red.
            for (plane, codes) in [2, 0, 1].into_iter().zip(&mut rows.codes) {
                read(picture, plane, y, planar, &mut rows.luma[..width]);
                codes.iter_mut().zip(&rows.luma).for_each(|(code, &sample)| *code = nearest(sample * scale));
            }
            self.finish(out);
        }
    }

    /// Of 16-bit little-endian RGB.
    fn packed_rgb(&mut self, picture: &Picture, image: &mut Image) {
        let scale = (CODES - 1) as f32 / f32::from(u16::MAX);
        let (stride, width) = (picture.stride(0), image.width);
        for (y, out) in image.data.chunks_exact_mut(width * 3).enumerate() {
            let row = &picture.data(0)[y * stride..][..width * 6];
            for (channel, codes) in self.rows.codes.iter_mut().enumerate() {
                for (code, pixel) in codes.iter_mut().zip(row.chunks_exact(6)) {
                    let sample = u16::from_le_bytes([pixel[2 * channel], pixel[2 * channel + 1]]);
                    *code = nearest(f32::from(sample) * scale);
                }
            }
            self.finish(out);
        }
    }

    /// Codes of a row -> its pixels, a block after the other: of a length that the compiler knows, and never far from
    /// the processor.
    fn finish(&mut self, out: &mut [u8]) {
        let Rows { codes: [red, green, blue], pixels, .. } = &mut self.rows;
        let codes = blocks(red).zip(blocks(green)).zip(blocks(blue));
        for (((red, green), blue), pixels) in codes.zip(pixels.as_chunks_mut::<BLOCK>().0) {
            let mut light = [[0.0f32; BLOCK]; 3];
            for (light, codes) in light.iter_mut().zip([red, green, blue]) {
                light.iter_mut().zip(codes).for_each(|(light, &code)| *light = self.light[code as usize % CODES]);
            }
            if let Some(system) = &self.system {
                // Luminance is the same sum in any primaries: that of BT.2020 (BT.2100).
                let factors = weighed(&light, LUMA_2020, LUMINANCE).map(|place| system[place as usize % Places::LEN]);
                for channel in &mut light {
                    channel.iter_mut().zip(&factors).for_each(|(light, factor)| *light *= factor);
                }
            }
            let [red, green, blue] = &self.matrix.map(|weights| weighed(&light, weights, LIGHT));
            let level = |place: u32| u32::from(self.levels[place as usize % Places::LEN]);
            for (pixel, ((&red, &green), &blue)) in pixels.iter_mut().zip(red.iter().zip(green).zip(blue)) {
                *pixel = level(red) | level(green) << 8 | level(blue) << 16;
            }
        }
        pack(&pixels[..out.len() / 3], out);
    }
}

/// Pixels that go through the tables together.
const BLOCK: usize = 32;

fn blocks(row: &[u32]) -> std::slice::Iter<'_, [u32; BLOCK]> {
    row.as_chunks().0.iter()
}

/// The places of weighed sums of three channels.
#[inline(always)]
fn weighed([red, green, blue]: &[[f32; BLOCK]; 3], weights: [f32; 3], places: Places) -> [u32; BLOCK] {
    from_fn(|i| places.of(red[i] * weights[0] + green[i] * weights[1] + blue[i] * weights[2]))
}

const LUMA_2020: [f32; 3] = [0.2627, 0.6780, 0.0593];

impl Rows {
    fn fit(&mut self, width: usize) {
        if self.luma.len() == width {
            return;
        }
        let whole = width.next_multiple_of(BLOCK);
        // Chroma ends up to seven pixels behind the picture, where eight share it.
        let wide = || vec![0.0; width + 8];
        *self = Rows {
            luma: vec![0.0; width],
            chroma: from_fn(|_| wide()),
            terms: from_fn(|_| wide()),
            spread: from_fn(|_| wide()),
            codes: from_fn(|_| vec![0; whole]),
            pixels: vec![0; whole],
        };
    }
}

/// The nearest code: the float's own rounding to a whole number, which the sum with 2^23 ends with.
fn nearest(value: f32) -> u32 {
    (between(0.0, value, (CODES - 1) as f32) + 8_388_608.0).to_bits() & 0x7f_ffff
}

/// `clamp` keeps NaN, which costs instructions that numbers need not.
fn between(least: f32, value: f32, most: f32) -> f32 {
    let value = if value > least { value } else { least };
    if value < most { value } else { most }
}

/// A row of a plane.
fn read(picture: &Picture, plane: usize, y: usize, planar: Planar, out: &mut [f32]) {
    let bytes = if planar.depth > 8 { 2 } else { 1 };
    let row = &picture.data(plane)[y * picture.stride(plane)..][..out.len() * bytes];
    let sample = |pair: &[u8]| [pair[0], pair[1]];
    match (bytes, planar.big_endian) {
        (1, _) => out.iter_mut().zip(row).for_each(|(out, &sample)| *out = f32::from(sample)),
        (_, false) => {
            let samples = row.chunks_exact(2).map(|pair| u16::from_le_bytes(sample(pair)));
            out.iter_mut().zip(samples).for_each(|(out, sample)| *out = f32::from(sample));
        }
        (_, true) => {
            let samples = row.chunks_exact(2).map(|pair| u16::from_be_bytes(sample(pair)));
            out.iter_mut().zip(samples).for_each(|(out, sample)| *out = f32::from(sample));
        }
    }
}

/// Of FFmpeg's planar RGB, which is full whatever its tags say, by its name: `gbrp`, `gbrp10le`, `gbrap12be`.
fn planar_rgb(format: Pixel) -> Option<Planar> {
    let rest = name(format).strip_prefix("gbr")?.trim_start_matches('a').strip_prefix('p')?;
    super::depth(rest).map(|(depth, big_endian)| Planar { chroma: None, depth, big_endian })
}

#[cfg(test)]
mod tests {
    use super::super::curves::{Gamut, apply};
    use super::*;

    /// Through tables and through the formulas, every 12-bit gray and a grid of colours.
    #[test]
    fn tables_are_within_a_level_of_the_formulas() {
        let weights = [[0.0; 2]; 3];
        for curve in [Curve::Pq, Curve::Hlg, Curve::SDR, Curve::Srgb, Curve::Linear] {
            let plan = Plan { chroma: weights, curve, to_bt709: Gamut::BT2020.to_bt709(), full: true };
            let mut converter = Converter::new(plan);
            let grid = || (0..CODES as u32).step_by(273);
            let grays = (0..CODES as u32).map(|code| [code; 3]);
            let mut colours: Vec<[u32; 3]> =
                grid().flat_map(|r| grid().flat_map(move |g| grid().map(move |b| [r, g, b]))).collect();
            colours.extend(grays);
            converter.rows.fit(colours.len());
            for (channel, codes) in converter.rows.codes.iter_mut().enumerate() {
                codes.iter_mut().zip(&colours).for_each(|(code, colour)| *code = colour[channel]);
            }
            let mut out = vec![0; colours.len() * 3];
            converter.finish(&mut out);
            for (colour, got) in colours.iter().zip(out.chunks_exact(3)) {
                let mut light = colour.map(|code| curve.light(f64::from(code) / 4095.0));
                if curve == Curve::Hlg {
                    let factor = system_gamma(0.2627 * light[0] + 0.6780 * light[1] + 0.0593 * light[2]);
                    light = light.map(|light| light * factor);
                }
                for (want, &got) in apply(&plan.to_bt709, light).into_iter().zip(got) {
                    let want = curve.level(want.max(0.0));
                    // Half a level of rounding and half a place of the table.
                    let apart = (want - f64::from(got)).abs();
                    assert!(apart <= 0.5 + 0.12, "{curve:?} {colour:?}: {got} for {want}");
                }
            }
        }
    }
}
