//! Where one shot ends and the next begins.
//!
//! A hard cut changes both where things are and which colours there are. Motion and a shaken camera keep the colours;
//! a flash or a lamp keeps the places. Fades and dissolves are not found.

use crate::Image;

const COLUMNS: usize = 16;
const ROWS: usize = 9;
/// Samples per cell and side: 160 x 90 points of a frame are looked at, whatever its size.
const POINTS: usize = 10;
const CELLS: usize = COLUMNS * ROWS;
/// Four levels each of red, green and blue.
const COLOURS: usize = 64;

/// Least differences that make a cut, each in [0, 2] and [0, 1] (see [`Signature`]). Measured on real talking heads:
/// neighbouring frames differ by at most 0.06 in places; a flash by 0.27; a camera jolted by a tenth of the picture
/// every frame by 0.98 in places, but 0.21 in colours. Different shots differ by at least 0.48 and 0.31.
const PLACES: f32 = 0.35;
const COLOUR: f32 = 0.23;
/// A cut stands out this many times from the recent motion ...
const ABOVE_MOTION: f32 = 3.0;
/// ... though nothing need differ by more than two shots usually do.
const ENOUGH: f32 = 0.85;
/// Weight of the newest frame in the recent motion.
const NEWEST: f32 = 0.125;
/// Frames with less contrast between cells (RMS, levels of 255) are blank: black, white, a flash. They are passed over.
const BLANK: f32 = 4.0;
/// Contrast below which noise would count as structure, as a share of the comparison (levels of 255).
const NOISE: f32 = 2.0;

/// Finds hard cuts, one frame at a time; flashes, blank frames and motion are not cuts.
#[derive(Debug, Default)]
pub struct CutDetector {
    last: Option<Signature>,
    before: Option<Signature>,
    /// Mean difference in places between neighbouring frames of late, cuts among them: a frame that differs by 1 makes
    /// the next cut no harder to find, a camera that never rests does.
    motion: f32,
}

impl CutDetector {
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `image` is the first of a new shot, compared with the images given before. The first one is not.
    pub fn is_cut(&mut self, image: &Image) -> bool {
        let signature = Signature::of(image);
        if signature.contrast() < BLANK {
            return false;
        }
        let Some(last) = self.last.take() else {
            self.last = Some(signature);
            return false;
        };
        let places = signature.places_apart(&last);
        let apart =
            |other: &Signature| signature.places_apart(other) > PLACES && signature.colours_apart(other) > COLOUR;
        let stands_out = places > (ABOVE_MOTION * self.motion).min(ENOUGH);
        // A frame that only interrupted the shot is cut off once, not twice.
        let cut = stands_out && apart(&last) && self.before.as_ref().is_none_or(apart);
        self.motion += NEWEST * (places - self.motion);
        self.before = Some(last);
        self.last = Some(signature);
        cut
    }
}

/// A frame in few numbers.
#[derive(Debug)]
struct Signature {
    /// Mean colour of each cell less the mean colour of the frame, levels of 255.
    cells: Vec<[f32; 3]>,
    /// Share of each colour.
    colours: [f32; COLOURS],
}

impl Signature {
    fn of(image: &Image) -> Signature {
        let mut cells = vec![[0.0f32; 3]; CELLS];
        let mut counts = [0u32; COLOURS];
        if image.data.is_empty() {
            return Signature { cells, colours: [0.0; COLOURS] };
        }
        let columns: Vec<usize> = (0..COLUMNS * POINTS).map(|i| middle(i, COLUMNS * POINTS, image.width)).collect();
        for y in 0..ROWS * POINTS {
            let row = &image.data[middle(y, ROWS * POINTS, image.height) * image.width * 3..][..image.width * 3];
            let cells = &mut cells[y / POINTS * COLUMNS..][..COLUMNS];
            for (columns, cell) in columns.chunks_exact(POINTS).zip(cells) {
                let mut sum = [0u32; 3];
                for &x in columns {
                    let pixel = &row[x * 3..x * 3 + 3];
                    let (r, g, b) = (pixel[0], pixel[1], pixel[2]);
                    counts[usize::from(r >> 6) << 4 | usize::from(g >> 6) << 2 | usize::from(b >> 6)] += 1;
                    sum = [sum[0] + u32::from(r), sum[1] + u32::from(g), sum[2] + u32::from(b)];
                }
                (0..3).for_each(|c| cell[c] += sum[c] as f32 / (POINTS * POINTS) as f32);
            }
        }
        for c in 0..3 {
            let mean = cells.iter().map(|cell| cell[c]).sum::<f32>() / CELLS as f32;
            cells.iter_mut().for_each(|cell| cell[c] -= mean);
        }
        let colours = counts.map(|count| count as f32 / (CELLS * POINTS * POINTS) as f32);
        Signature { cells, colours }
    }

    /// RMS of the cells, levels of 255.
    fn contrast(&self) -> f32 {
        (self.times(self) / (CELLS * 3) as f32).sqrt()
    }

    fn times(&self, other: &Signature) -> f32 {
        self.cells.iter().zip(&other.cells).map(|(a, b)| a[0] * b[0] + a[1] * b[1] + a[2] * b[2]).sum()
    }

    /// One minus the correlation of the cells: 0 alike up to brightness and contrast, 1 unrelated, 2 opposite.
    fn places_apart(&self, other: &Signature) -> f32 {
        let noise = NOISE * NOISE * (CELLS * 3) as f32;
        1.0 - self.times(other) / ((self.times(self) * other.times(other)).sqrt() + noise)
    }

    /// Share of the pixels that changed colour at least: 0 to 1.
    fn colours_apart(&self, other: &Signature) -> f32 {
        1.0 - self.colours.iter().zip(&other.colours).map(|(a, b)| a.min(*b)).sum::<f32>()
    }
}

/// The middle of the `i`-th of `n` parts of a side.
fn middle(i: usize, n: usize, side: usize) -> usize {
    (2 * i + 1) * side / (2 * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A patchwork of 40 x 36 pixel patches whose colours follow from `seed`, shifted left by `shift` pixels.
    fn scene(seed: usize, shift: usize) -> Image {
        let (w, h) = (320, 180);
        let colour = |column: usize, row: usize| {
            let hash = (seed * 7919 + column * 104_729 + row * 1_299_709).wrapping_mul(2_654_435_761);
            [hash >> 8, hash >> 16, hash >> 24].map(|bits| (bits & 255) as u8)
        };
        let pixels = (0..h).flat_map(|y| (0..w).map(move |x| (x, y)));
        Image::new(w, h, pixels.flat_map(|(x, y)| colour((x + shift) / 40, y / 36)).collect())
    }

    fn cuts(images: impl IntoIterator<Item = Image>) -> Vec<usize> {
        let mut detector = CutDetector::new();
        images.into_iter().enumerate().filter(|(_, image)| detector.is_cut(image)).map(|(i, _)| i).collect()
    }

    fn lit(image: Image, gain: f32, lift: f32) -> Image {
        Image { data: image.data.iter().map(|&v| (f32::from(v) * gain + lift) as u8).collect(), ..image }
    }

    #[test]
    fn cuts_between_scenes_only() {
        let shots = (0..4).flat_map(|seed| (0..10).map(move |i| scene(seed, 2 * i)));
        assert_eq!(cuts(shots), [10, 20, 30]);
    }

    #[test]
    fn motion_is_no_cut() {
        // A twentieth of the width every frame: new patches come into view all the time.
        assert_eq!(cuts((0..40).map(|i| scene(1, 16 * i))), [0usize; 0]);
    }

    #[test]
    fn light_and_blank_frames_are_no_cuts() {
        let flash = (0..20).map(|i| if i % 5 == 3 { lit(scene(2, 0), 1.4, 60.0) } else { scene(2, 0) });
        assert_eq!(cuts(flash), [0usize; 0]);
        let white = |i| {
            if i % 5 == 3 { lit(scene(2, 0), 0.0, 255.0) } else { scene(2, 0) }
        };
        assert_eq!(cuts((0..20).map(white)), [0usize; 0]);
        let black_between = (0..20).map(|i| match i {
            0..8 => scene(0, 0),
            8..11 => lit(scene(0, 0), 0.0, 0.0),
            _ => scene(3, 0),
        });
        assert_eq!(cuts(black_between), [11]);
    }

    #[test]
    fn an_interruption_counts_once() {
        assert_eq!(cuts((0..20).map(|i| scene(if i == 9 { 3 } else { 0 }, 0))), [9]);
    }

    #[test]
    fn any_size() {
        let images = [Image::new(1, 1, vec![9; 3]), Image::new(0, 0, vec![]), scene(0, 0), scene(0, 0)];
        assert_eq!(cuts(images), [0usize; 0]);
    }
}
