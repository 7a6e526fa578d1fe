//! Pixels that are not square -> a picture as it is shown.
//!
//! As players do, the side that is too short is enlarged, so that nothing of the picture is lost: 720 x 576 at 64:45 is
//! 1024 x 576. The container's word goes before the bitstream's.

use ffmpeg_next as ff;

use super::too_large;
use crate::{Image, resize};

/// Width of a pixel over its height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aspect {
    wide: u64,
    high: u64,
}

/// Beyond this no camera, disc or broadcast goes (32:11 is the widest of H.264's list): a number written by mistake.
const ABSURD: f64 = 8.0;
/// What rounding of sizes leaves (854 x 480 for 16:9 says 1280:1281) is square: a hundredth is seen by nobody.
const SQUARE_WITHIN: f64 = 0.01;

impl Aspect {
    pub const SQUARE: Aspect = Aspect { wide: 1, high: 1 };

    /// `Err`: a shape that nobody can have meant.
    pub fn of(wide: u64, high: u64) -> Result<Aspect, (u64, u64)> {
        let ratio = wide as f64 / high as f64;
        // Sides of a picture have fewer than 16 bits, so that products stay below 64.
        let bits = (64 - (wide | high).leading_zeros()).saturating_sub(40);
        match () {
            () if !(1.0 / ABSURD..=ABSURD).contains(&ratio) => Err((wide, high)),
            () if (ratio - 1.0).abs() <= SQUARE_WITHIN => Ok(Aspect::SQUARE),
            () => Ok(Aspect { wide: wide >> bits, high: high >> bits }),
        }
    }

    /// None where FFmpeg knows nothing: 0/1 and the like.
    pub fn of_rational(ratio: ff::Rational) -> Option<Result<Aspect, (u64, u64)>> {
        let [wide, high] = [ratio.numerator(), ratio.denominator()].map(|side| u64::try_from(side).unwrap_or(0));
        (wide > 0 && high > 0).then(|| Aspect::of(wide, high))
    }

    pub fn ratio(self) -> f64 {
        self.wide as f64 / self.high as f64
    }

    /// The size at which a picture of this stored size is shown; the longer side shrinks where the other would grow too
    /// large.
    pub fn shown(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self == Aspect::SQUARE {
            return (width, height);
        }
        let scaled = |side: u32, by: u64, over: u64| (u64::from(side) * by + over / 2) / over;
        let side = |scaled: u64| scaled.clamp(1, u32::MAX.into()) as u32;
        let wider = (side(scaled(width, self.wide, self.high)), height);
        let higher = (width, side(scaled(height, self.high, self.wide)));
        let (grown, shrunk) = if self.wide > self.high { (wider, higher) } else { (higher, wider) };
        if too_large(grown) { shrunk } else { grown }
    }

    /// The picture with square pixels, by the filter that crops are made with. `spare` gets the memory of the narrow one.
    pub fn apply(self, image: Image, spare: &mut Vec<u8>) -> Image {
        let (width, height) = self.shown((image.width as u32, image.height as u32));
        if (width as usize, height as usize) == (image.width, image.height) || image.data.is_empty() {
            return image;
        }
        let shown = resize(&image, width as usize, height as usize);
        *spare = image.data;
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_side_grows() {
        let shown = |wide, high, size| Aspect::of(wide, high).unwrap().shown(size);
        assert_eq!(shown(64, 45, (720, 576)), (1024, 576));
        assert_eq!(shown(16, 15, (720, 576)), (768, 576));
        assert_eq!(shown(4, 3, (1440, 1080)), (1920, 1080));
        assert_eq!(shown(8, 9, (720, 480)), (720, 540));
        assert_eq!(shown(1, 2, (640, 240)), (640, 480));
        assert_eq!(shown(1280, 1281, (854, 480)), (854, 480), "a rounded size");
        assert_eq!(shown(1 << 50, 1 << 49, (100, 100)), (200, 100));
        // Where 32,000 columns would be too many.
        assert_eq!(shown(2, 1, (16_000, 100)), (16_000, 50));
        assert_eq!(shown(1, 2, (100, 16_000)), (50, 16_000));
        assert_eq!(shown(7, 1, (1, 16_384)), (7, 16_384));
        assert_eq!(shown(4, 1, (16_384, 1)), (16_384, 1));
    }

    #[test]
    fn absurd_shapes_are_none() {
        for (wide, high) in [(0, 0), (1, 0), (0, 1), (9, 1), (1, 9), (u64::MAX, 1), (4_294_967_295, 7)] {
            assert_eq!(Aspect::of(wide, high), Err((wide, high)));
        }
        assert_eq!(Aspect::of(u64::MAX, u64::MAX), Ok(Aspect::SQUARE));
        assert!(Aspect::of_rational(ff::Rational::new(0, 1)).is_none());
        assert_eq!(Aspect::of_rational(ff::Rational::new(2, 1)), Some(Aspect::of(2, 1)));
    }
}
