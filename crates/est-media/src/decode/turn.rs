//! Display matrix -> upright picture.

use crate::Image;

/// One of the eight ways to show a stored picture. Column vectors of a 2 x 2 matrix of 0 and +-1, in pixel
/// coordinates (x right, y down): a step right in the stored picture is a step `right`, a step down a step `down` in
/// the shown one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    right: (i8, i8),
    down: (i8, i8),
}

impl Turn {
    pub const NONE: Turn = Turn { right: (1, 0), down: (0, 1) };

    /// From the 36 bytes of FFmpeg's display matrix: nine native 32-bit integers `a b u c d v x y w`, of which
    /// `x' = a x + c y`, `y' = b x + d y` turns and the rest shifts or tilts. `Err` holds the angle in degrees
    /// clockwise when it is no multiple of 90 (within 1 degree, more than any camera's rounding); `None`: no matrix.
    pub fn of_matrix(bytes: &[u8]) -> Option<Result<Turn, f64>> {
        let entry = |i: usize| {
            let four = bytes.get(i * 4..i * 4 + 4)?;
            four.try_into().ok().map(|four| f64::from(i32::from_ne_bytes(four)))
        };
        let (a, b, c, d) = (entry(0)?, entry(1)?, entry(3)?, entry(4)?);
        let mirrored = a * d - b * c < 0.0;
        let angle = if mirrored { (-b).atan2(-a) } else { b.atan2(a) }.to_degrees();
        let quarters = (angle / 90.0).round();
        if (a == 0.0 && b == 0.0) || (angle - quarters * 90.0).abs() > 1.0 {
            return Some(Err(angle));
        }
        let Turn { right, down } = Turn::quarters(quarters.rem_euclid(4.0) as usize);
        let right = if mirrored { (-right.0, -right.1) } else { right };
        Some(Ok(Turn { right, down }))
    }

    /// From the value of EXIF's orientation, 1 to 8: which sides of the shown picture the first stored row and column are.
    pub fn of_exif(orientation: u16) -> Option<Turn> {
        let (right, down) = match orientation {
            1 => ((1, 0), (0, 1)),
            2 => ((-1, 0), (0, 1)),
            3 => ((-1, 0), (0, -1)),
            4 => ((1, 0), (0, -1)),
            5 => ((0, 1), (1, 0)),
            6 => ((0, 1), (-1, 0)),
            7 => ((0, -1), (-1, 0)),
            8 => ((0, -1), (1, 0)),
            _ => return None,
        };
        Some(Turn { right, down })
    }

    /// Clockwise by a number of quarters.
    pub fn quarters(count: usize) -> Turn {
        let (right, down) = match count % 4 {
            0 => ((1, 0), (0, 1)),
            1 => ((0, 1), (-1, 0)),
            2 => ((-1, 0), (0, -1)),
            _ => ((0, -1), (1, 0)),
        };
        Turn { right, down }
    }

    /// Mirrored left-right before it is turned.
    pub fn mirrored(self) -> bool {
        self.right.0 * self.down.1 - self.right.1 * self.down.0 < 0
    }

    /// Degrees clockwise: 0, 90, 180 or 270.
    pub fn clockwise(self) -> u16 {
        match self.down {
            (0, 1) => 0,
            (-1, 0) => 90,
            (0, -1) => 180,
            _ => 270,
        }
    }

    /// The picture as it is to be shown. Where that takes a second buffer, `spare` gets the first for the next picture:
    /// fresh memory costs as much as turning.
    pub fn apply(self, image: Image, spare: &mut Vec<u8>) -> Image {
        if self == Turn::NONE || image.data.is_empty() {
            return image;
        }
        let (w, h) = (image.width as isize, image.height as isize);
        let (width, height) = if self.right.0 == 0 { (h, w) } else { (w, h) };
        // The matrix is orthogonal: its transpose leads back. Where a stored coordinate falls it starts at its end.
        let x = (isize::from(self.right.0), isize::from(self.right.1));
        let y = (isize::from(self.down.0), isize::from(self.down.1));
        let start_x = if x.0 < 0 || x.1 < 0 { w - 1 } else { 0 };
        let start_y = if y.0 < 0 || y.1 < 0 { h - 1 } else { 0 };
        let (start, step_x, step_y) = (start_y * w + start_x, x.0 + y.0 * w, x.1 + y.1 * w);
        let mut data = vec![0; image.data.len()];
        let stored = image.data.as_chunks::<3>().0;
        let shown = data.as_chunks_mut::<3>().0;
        // Bands of rows, column by column, so that a quarter turn reads and writes along short runs of cache lines.
        const BAND: usize = 64;
        let row_len = width as usize;
        for (band, out) in shown.chunks_mut(row_len * BAND).enumerate() {
            let start = start + (band * BAND) as isize * step_y;
            for column in 0..row_len {
                let mut from = start + column as isize * step_x;
                for to in (column..out.len()).step_by(row_len) {
                    out[to] = stored[from as usize];
                    from += step_y;
                }
            }
        }
        *spare = image.data;
        Image::new(width as usize, height as usize, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(a: i32, b: i32, c: i32, d: i32) -> Vec<u8> {
        [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30].iter().flat_map(|v| v.to_ne_bytes()).collect()
    }

    /// 1 2 3
    /// 4 5 6
    fn picture() -> Image {
        Image::new(3, 2, (1..=6).flat_map(|v| [v, v, v]).collect())
    }

    #[test]
    fn all_eight_ways() {
        let cases = [
            ((1, 0, 0, 1), 0, false, 3, [1, 2, 3, 4, 5, 6]),
            ((0, 1, -1, 0), 90, false, 2, [4, 1, 5, 2, 6, 3]),
            ((-1, 0, 0, -1), 180, false, 3, [6, 5, 4, 3, 2, 1]),
            ((0, -1, 1, 0), 270, false, 2, [3, 6, 2, 5, 1, 4]),
            ((-1, 0, 0, 1), 0, true, 3, [3, 2, 1, 6, 5, 4]),
            ((1, 0, 0, -1), 180, true, 3, [4, 5, 6, 1, 2, 3]),
            ((0, 1, 1, 0), 270, true, 2, [1, 4, 2, 5, 3, 6]),
            ((0, -1, -1, 0), 90, true, 2, [6, 3, 5, 2, 4, 1]),
        ];
        for ((a, b, c, d), clockwise, mirrored, width, want) in cases {
            let turn = Turn::of_matrix(&matrix(a, b, c, d)).unwrap().unwrap();
            assert_eq!((turn.clockwise(), turn.mirrored()), (clockwise, mirrored), "{a} {b} {c} {d}");
            let shown = turn.apply(picture(), &mut Vec::new());
            assert_eq!((shown.width, shown.height), (width, 6 / width));
            let values: Vec<u8> = shown.data.chunks(3).map(|pixel| pixel[0]).collect();
            assert_eq!(values, want, "{a} {b} {c} {d}");
        }
    }

    #[test]
    fn bands_cover_tall_pictures() {
        let data: Vec<u8> = (0..40 * 50 * 3).map(|i| (i * 7 % 251) as u8).collect();
        let image = Image::new(40, 50, data);
        let quarter = Turn::of_matrix(&matrix(0, 1, -1, 0)).unwrap().unwrap();
        let mut turned = image.clone();
        for _ in 0..4 {
            turned = quarter.apply(turned, &mut Vec::new());
        }
        assert_eq!(turned, image);
    }

    #[test]
    fn slanted_and_broken_matrices() {
        assert!(matches!(Turn::of_matrix(&matrix(3, 2, -2, 3)), Some(Err(angle)) if (angle - 33.69).abs() < 0.01));
        assert!(matches!(Turn::of_matrix(&matrix(0, 0, 0, 0)), Some(Err(_))));
        assert_eq!(Turn::of_matrix(&[1, 2, 3]), None);
    }
}
