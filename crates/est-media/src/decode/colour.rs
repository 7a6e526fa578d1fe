//! A decoded picture of any pixel format -> 8-bit RGB.
//!
//! Planar YCbCr and gray of 8 to 16 bits, which is nearly all video, and packed RGB, which is nearly all images, are
//! converted here: swscale's safe interface always takes BT.601 limited range, and integer arithmetic written once
//! gives the same pixels on every machine. Chroma is repeated, not interpolated. Alpha is ignored. The rare other
//! formats go through swscale: to 4:4:4 YCbCr first (where the matrix does not matter yet), or straight to RGB.
//!
//! That is plain SDR. What is tagged as HDR or with other primaries takes the way of `convert`: `tags` decides, `curves`
//! has the standards' formulas.

mod codes;
mod convert;
mod curves;
mod tags;

use std::borrow::Cow;

use ff::color::{Range, Space};
use ff::format::Pixel;
use ff::frame::Video as Picture;
use ff::software::scaling::{Context, Flags};
use ffmpeg_next as ff;

use crate::Image;
pub use codes::png_codes;
use convert::Converter;
pub use tags::{ColourInfo, Conversion, Dolby};
use tags::{Plan, Tags};

/// What a stream that does not name its matrix uses: players take BT.709 from 720p on.
const HD: (u32, u32) = (1280, 577);

/// The pictures of one source, each by its own tags.
#[derive(Default)]
pub struct Colours {
    /// Of the whole stream.
    dolby: Option<Dolby>,
    /// Pictures belong together: a change of their colours is news.
    stream: bool,
    /// Of the last picture.
    tags: Option<Tags>,
    /// Kept while pictures ask for the same.
    converter: Option<Box<Converter>>,
    /// Told once.
    troubles: Vec<String>,
    news: Vec<String>,
}

impl Colours {
    pub fn of_stream(dolby: Option<Dolby>) -> Colours {
        Colours { dolby, stream: true, ..Colours::default() }
    }

    /// RGB of `picture`, in its stored orientation; `buffer` is used again if it is large enough.
    pub fn convert(&mut self, picture: &Picture, buffer: Vec<u8>) -> Result<Image, ff::Error> {
        let plan = match self.tags.filter(|last| *last == Tags::of(picture, self.dolby)) {
            Some(_) => self.converter.as_ref().map(|converter| converter.plan()),
            None => self.learn(picture),
        };
        let Some(plan) = plan else { return to_rgb(picture, buffer) };
        let converter = self.converter.take().filter(|converter| converter.plan() == plan);
        self.converter.insert(converter.unwrap_or_else(|| Box::new(Converter::new(plan)))).convert(picture, buffer)
    }

    /// New tags.
    fn learn(&mut self, picture: &Picture) -> Option<Plan> {
        let tags = Tags::of(picture, self.dolby);
        let plan = tags.plan();
        if self.stream && self.tags.is_some_and(|last| last.plan() != plan) {
            self.news.push(format!("the colours change to {}", tags.info()));
        }
        if let Some(trouble) = tags.trouble().filter(|trouble| !self.troubles.contains(trouble)) {
            self.news.push(trouble.clone());
            self.troubles.push(trouble);
        }
        self.tags = Some(tags);
        if plan.is_none() {
            self.converter = None;
        }
        plan
    }

    /// Of the last picture.
    pub fn info(&self) -> ColourInfo {
        self.tags.map(|tags| tags.info()).unwrap_or_default()
    }

    /// What the last picture brought that users should know.
    pub fn news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }
}

fn to_rgb(picture: &Picture, buffer: Vec<u8>) -> Result<Image, ff::Error> {
    let matrix = Matrix::of(picture);
    match Layout::of(picture.format()) {
        Some(Layout::Planar(planar)) if upright(picture) => Ok(planar_to_rgb(picture, planar, matrix, buffer)),
        Some(Layout::Packed { step, rgb }) if upright(picture) => Ok(packed_to_rgb(picture, step, rgb, buffer)),
        Some(Layout::Planar(_) | Layout::OtherYuv) => {
            let full = name(picture.format()).starts_with("yuvj");
            let format = if full { Pixel::YUVJ444P } else { Pixel::YUV444P };
            let planar = Planar { chroma: Some((0, 0)), depth: 8, big_endian: false };
            Ok(planar_to_rgb(&rescaled(picture, format)?, planar, matrix, buffer))
        }
        _ => Ok(packed_to_rgb(&rescaled(picture, Pixel::RGB24)?, 3, [0, 1, 2], buffer)),
    }
}

/// The weights of red and blue in luma, of a matrix that has some.
fn luma_weights(matrix: Space) -> Option<(f64, f64)> {
    Some(match matrix {
        Space::BT709 => (0.2126, 0.0722),
        Space::BT470BG | Space::SMPTE170M => (0.299, 0.114),
        Space::FCC => (0.30, 0.11),
        Space::SMPTE240M => (0.212, 0.087),
        Space::BT2020NCL | Space::BT2020CL => (0.2627, 0.0593),
        _ => return None,
    })
}

fn name(format: Pixel) -> &'static str {
    format.descriptor().map_or("none", |descriptor| descriptor.name())
}

/// Whether rows go from the top. A negative stride (bottom-up pictures) reads as a huge one; swscale turns those over.
fn upright(picture: &Picture) -> bool {
    (0..picture.planes()).all(|plane| picture.stride(plane) <= isize::MAX as usize)
}

/// Whether black is 0.
fn is_full(picture: &Picture) -> bool {
    let name = name(picture.format());
    match picture.color_range() {
        Range::JPEG => true,
        Range::MPEG => name.starts_with("yuvj"),
        // Gray without a tag comes from image codecs, whose black is 0.
        Range::Unspecified => name.starts_with("yuvj") || name.starts_with("gray"),
    }
}

/// Bits a sample and whether big-endian, from the end of a format's name.
fn depth(rest: &str) -> Option<(u32, bool)> {
    let digits = rest.trim_end_matches("be").trim_end_matches("le");
    let depth = if digits.is_empty() { Some(8) } else { digits.parse().ok() };
    depth.filter(|depth| (8..=16).contains(depth)).map(|depth| (depth, rest.ends_with("be")))
}

fn rescaled(picture: &Picture, format: Pixel) -> Result<Picture, ff::Error> {
    let (width, height) = (picture.width(), picture.height());
    // Without the two full-chroma flags swscale halves the chroma of RGB sources.
    let flags = Flags::POINT | Flags::FULL_CHR_H_INT | Flags::FULL_CHR_H_INP | Flags::ACCURATE_RND | Flags::BITEXACT;
    let mut scaler = Context::get(picture.format(), width, height, format, width, height, flags)?;
    let mut out = Picture::empty();
    scaler.run(picture, &mut out)?;
    Ok(out)
}

/// Where the samples lie.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Layout {
    Planar(Planar),
    /// `rgb`: offsets in a pixel of `step` bytes; of 16-bit samples the high byte.
    Packed {
        step: usize,
        rgb: [usize; 3],
    },
    OtherYuv,
}

/// `chroma`: log2 of its horizontal and vertical spacing, none for gray. `depth` in bits, two bytes a sample above 8.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Planar {
    chroma: Option<(u8, u8)>,
    depth: u32,
    big_endian: bool,
}

impl Layout {
    /// Read off FFmpeg's name of the format, which is systematic: `yuv420p10le`, `yuvj422p`, `gray16be`.
    fn of(format: Pixel) -> Option<Layout> {
        let name = name(format);
        let packed = |step, rgb| Some(Layout::Packed { step, rgb });
        match name {
            "rgb24" => return packed(3, [0, 1, 2]),
            "bgr24" => return packed(3, [2, 1, 0]),
            "rgba" | "rgb0" => return packed(4, [0, 1, 2]),
            "bgra" | "bgr0" => return packed(4, [2, 1, 0]),
            "argb" | "0rgb" => return packed(4, [1, 2, 3]),
            "abgr" | "0bgr" => return packed(4, [3, 2, 1]),
            "rgb48be" => return packed(6, [0, 2, 4]),
            "rgb48le" => return packed(6, [1, 3, 5]),
            "rgba64be" => return packed(8, [0, 2, 4]),
            "rgba64le" => return packed(8, [1, 3, 5]),
            "ya8" => return packed(2, [0, 0, 0]),
            "ya16be" => return packed(4, [0, 0, 0]),
            "ya16le" => return packed(4, [1, 1, 1]),
            _ => {}
        }
        let planar = |chroma, rest: &str| {
            depth(rest).map(|(depth, big_endian)| Layout::Planar(Planar { chroma, depth, big_endian }))
        };
        if let Some(rest) = name.strip_prefix("gray") {
            return planar(None, rest);
        }
        let other = ["nv", "p0", "p2", "p4", "yuyv", "yvyu", "uyvy", "uyyvyy", "y2"];
        if other.iter().any(|prefix| name.starts_with(prefix)) {
            return Some(Layout::OtherYuv);
        }
        let rest = name.strip_prefix("yuv")?.trim_start_matches(['j', 'a']);
        let descriptor = format.descriptor()?;
        let spacing = (descriptor.log2_chroma_w(), descriptor.log2_chroma_h());
        planar(Some(spacing), rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('p')?)
    }
}

/// YCbCr -> RGB in 16-bit fixed point: sixteenths of a level after [`mul_high`] of samples shifted up by
/// [`LUMA_SHIFT`] or [`CHROMA_SHIFT`].
#[derive(Debug, Clone, Copy, PartialEq)]
struct Matrix {
    black: i16,
    luma: i16,
    red_v: i16,
    green_u: i16,
    green_v: i16,
    blue_u: i16,
}

const LUMA_SHIFT: u32 = 7;
const CHROMA_SHIFT: u32 = 8;
/// Half a level, plus what the three truncating products lose on average (half a sixteenth each).
const ROUND: i16 = 8 + 1;

impl Matrix {
    /// As the picture is tagged.
    fn of(picture: &Picture) -> Matrix {
        let (width, height) = (picture.width(), picture.height());
        let is_hd = width >= HD.0 || height >= HD.1;
        let usual = if is_hd { Space::BT709 } else { Space::SMPTE170M };
        let named = luma_weights(picture.color_space()).or_else(|| luma_weights(usual));
        let (kr, kb) = named.expect("both usual ones are known");
        Matrix::new(kr, kb, is_full(picture))
    }

    /// From the weights of red and blue in luma.
    fn new(kr: f64, kb: f64, full: bool) -> Matrix {
        let kg = 1.0 - kr - kb;
        let (black, luma, chroma) = if full { (0, 1.0, 1.0) } else { (16, 255.0 / 219.0, 255.0 / 224.0) };
        let fixed = |value: f64, shift: u32| (value * f64::from(1u32 << (16 + 4 - shift))).round() as i16;
        Matrix {
            black,
            luma: fixed(luma, LUMA_SHIFT),
            red_v: fixed(chroma * 2.0 * (1.0 - kr), CHROMA_SHIFT),
            green_u: fixed(-chroma * 2.0 * kb * (1.0 - kb) / kg, CHROMA_SHIFT),
            green_v: fixed(-chroma * 2.0 * kr * (1.0 - kr) / kg, CHROMA_SHIFT),
            blue_u: fixed(chroma * 2.0 * (1.0 - kb), CHROMA_SHIFT),
        }
    }
}

fn mul_high(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b)) >> 16) as i16
}

fn planar_to_rgb(picture: &Picture, planar: Planar, matrix: Matrix, mut buffer: Vec<u8>) -> Image {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    if buffer.len() != width * height * 3 {
        buffer = vec![0; width * height * 3];
    }
    let mut image = Image::new(width, height, buffer);
    let row = |plane: usize, y: usize, len: usize| {
        let bytes = if planar.depth > 8 { 2 } else { 1 };
        let start = y * picture.stride(plane);
        eight_bits(&picture.data(plane)[start..start + len * bytes], planar)
    };
    let (wide, high) = planar.chroma.unwrap_or((0, 0));
    let samples = width.div_ceil(1 << wide);
    let mut terms = Terms::default().map(|_| vec![0; samples]);
    let mut chroma = Terms::default().map(|_| vec![0; samples << wide]);
    let mut pixels = vec![0u32; width];
    for (y, out) in image.data.chunks_exact_mut(width * 3).enumerate() {
        if planar.chroma.is_some() && y % (1 << high) == 0 {
            chroma_terms(matrix, &row(1, y >> high, samples), &row(2, y >> high, samples), &mut terms);
            terms.iter().zip(&mut chroma).for_each(|(terms, chroma)| spread(terms, wide, chroma));
        }
        luma_row(matrix, &row(0, y, width), &chroma, &mut pixels);
        pack(&pixels, out);
    }
    image
}

/// Samples of more than 8 bits, rounded to 8.
fn eight_bits(row: &[u8], planar: Planar) -> Cow<'_, [u8]> {
    if planar.depth == 8 {
        return Cow::Borrowed(row);
    }
    let shift = planar.depth - 8;
    let half = 1u32 << (shift - 1);
    let sample = |pair: &[u8]| {
        let pair = [pair[0], pair[1]];
        let value = if planar.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
        ((u32::from(value) + half) >> shift).min(255) as u8
    };
    Cow::Owned(row.chunks_exact(2).map(sample).collect())
}

/// Red, green and blue terms.
type Terms = [Vec<i16>; 3];

/// What each chroma sample of a row adds to red, green and blue.
fn chroma_terms(matrix: Matrix, u: &[u8], v: &[u8], out: &mut Terms) {
    let [red, green, blue] = out;
    let samples = u.iter().zip(v).map(|(&u, &v)| {
        let centred = |sample: u8| (i16::from(sample) - 128) << CHROMA_SHIFT;
        (centred(u), centred(v))
    });
    for ((u, v), ((red, green), blue)) in samples.zip(red.iter_mut().zip(green).zip(blue)) {
        *red = mul_high(v, matrix.red_v);
        *green = mul_high(u, matrix.green_u) + mul_high(v, matrix.green_v);
        *blue = mul_high(u, matrix.blue_u);
    }
}

/// Each term for the `1 << wide` pixels that share it.
fn spread<T: Copy>(terms: &[T], wide: u8, out: &mut [T]) {
    match wide {
        0 => out.copy_from_slice(terms),
        // The usual case, on its own because fixed pairs compile to wide instructions.
        1 => terms.iter().zip(out.chunks_exact_mut(2)).for_each(|(&term, pair)| pair.copy_from_slice(&[term, term])),
        _ => terms.iter().zip(out.chunks_exact_mut(1 << wide)).for_each(|(&term, cell)| cell.fill(term)),
    }
}

/// Pixels as red + green << 8 + blue << 16.
fn luma_row(matrix: Matrix, luma: &[u8], chroma: &Terms, out: &mut [u32]) {
    let [red, green, blue] = chroma;
    let chroma = red.iter().zip(green).zip(blue);
    for ((&luma, ((&red, &green), &blue)), out) in luma.iter().zip(chroma).zip(out) {
        let level = mul_high((i16::from(luma) - matrix.black) << LUMA_SHIFT, matrix.luma) + ROUND;
        let byte = |chroma: i16| ((level + chroma) >> 4).clamp(0, 255) as u32;
        *out = byte(red) | byte(green) << 8 | byte(blue) << 16;
    }
}

/// Drops the empty fourth byte of every pixel; four at once as three words, which is several times faster.
fn pack(pixels: &[u32], out: &mut [u8]) {
    let whole = pixels.len() / 4;
    for (p, out) in pixels.chunks_exact(4).zip(out.chunks_exact_mut(12)) {
        out[..4].copy_from_slice(&(p[0] | p[1] << 24).to_le_bytes());
        out[4..8].copy_from_slice(&(p[1] >> 8 | p[2] << 16).to_le_bytes());
        out[8..].copy_from_slice(&(p[2] >> 16 | p[3] << 8).to_le_bytes());
    }
    for (p, out) in pixels[whole * 4..].iter().zip(out[whole * 12..].chunks_exact_mut(3)) {
        out.copy_from_slice(&p.to_le_bytes()[..3]);
    }
}

fn packed_to_rgb(picture: &Picture, step: usize, rgb: [usize; 3], mut data: Vec<u8>) -> Image {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (source, stride) = (picture.data(0), picture.stride(0));
    data.clear();
    data.reserve_exact(width * height * 3);
    for y in 0..height {
        let row = &source[y * stride..y * stride + width * step];
        if (step, rgb) == (3, [0, 1, 2]) {
            data.extend_from_slice(row);
        } else {
            data.extend(row.chunks_exact(step).flat_map(|pixel| rgb.map(|offset| pixel[offset])));
        }
    }
    Image::new(width, height, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The textbook formula in floating point.
    fn exact(kr: f64, kb: f64, full: bool, [y, u, v]: [u8; 3]) -> [f64; 3] {
        let (black, luma, chroma) = if full { (0.0, 255.0, 255.0) } else { (16.0, 219.0, 224.0) };
        let level = (f64::from(y) - black) / luma;
        let (cb, cr) = ((f64::from(u) - 128.0) / chroma, (f64::from(v) - 128.0) / chroma);
        let (r, b) = (level + 2.0 * (1.0 - kr) * cr, level + 2.0 * (1.0 - kb) * cb);
        let g = (level - kr * r - kb * b) / (1.0 - kr - kb);
        [r, g, b].map(|value| (value * 255.0).clamp(0.0, 255.0))
    }

    #[test]
    fn fixed_point_is_within_a_level() {
        let steps = || (0..=255u8).step_by(3);
        let luma: Vec<u8> = steps().collect();
        for (kr, kb) in [(0.2126, 0.0722), (0.299, 0.114), (0.2627, 0.0593)] {
            for full in [false, true] {
                let matrix = Matrix::new(kr, kb, full);
                let (mut count, mut off) = (0, 0);
                for (u, v) in steps().flat_map(|u| steps().map(move |v| (u, v))) {
                    let mut terms = Terms::default().map(|_| vec![0; 1]);
                    chroma_terms(matrix, &[u], &[v], &mut terms);
                    let chroma = terms.map(|term| vec![term[0]; luma.len()]);
                    let mut pixels = vec![0; luma.len()];
                    luma_row(matrix, &luma, &chroma, &mut pixels);
                    for (&y, pixel) in luma.iter().zip(pixels) {
                        for (want, got) in exact(kr, kb, full, [y, u, v]).into_iter().zip(pixel.to_le_bytes()) {
                            // Half a level of rounding, and two of three products cut down by up to a sixteenth
                            // beyond what ROUND gives back.
                            let apart = (want - f64::from(got)).abs();
                            assert!(apart <= 0.5 + 2.0 / 16.0, "{y} {u} {v}: {got} for {want}");
                            count += 1;
                            off += i32::from(want.round() as u8 != got);
                        }
                    }
                }
                // With errors of at most an eighth of a level each way no more than an eighth rounds the other way.
                assert!(off * 8 < count, "{off} of {count} are not the nearest level");
            }
        }
    }

    #[test]
    fn packing_any_length() {
        for len in 0..10u32 {
            let pixels: Vec<u32> = (0..len).map(|i| (3 * i) | ((3 * i + 1) << 8) | ((3 * i + 2) << 16)).collect();
            let mut out = vec![0; len as usize * 3];
            pack(&pixels, &mut out);
            assert_eq!(out, (0..len as u8 * 3).collect::<Vec<_>>());
        }
    }
}
