//! Colours by the numbers of ITU-T H.273, where FFmpeg passes them over.

use ff::color::{Primaries, Range, Space, TransferCharacteristic as Transfer};
use ff::frame::Video as Picture;
use ffmpeg_next as ff;

use super::super::png;

/// Primaries, transfer function and matrix of H.273; 2 is "unspecified".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Codes {
    pub primaries: u16,
    pub transfer: u16,
    pub matrix: u16,
    pub full: Option<bool>,
}

impl Codes {
    /// Says of `picture` what its decoder did not: that knows this very picture.
    pub fn fill_in(self, picture: &mut Picture) {
        if let (Primaries::Unspecified, Some(primaries)) = (picture.color_primaries(), primaries(self.primaries)) {
            picture.set_color_primaries(primaries);
        }
        let transfer = transfer(self.transfer);
        if let (Transfer::Unspecified, Some(transfer)) = (picture.color_transfer_characteristic(), transfer) {
            picture.set_color_transfer_characteristic(transfer);
        }
        if let (Space::Unspecified, Some(matrix)) = (picture.color_space(), matrix(self.matrix)) {
            picture.set_color_space(matrix);
        }
        if let (Range::Unspecified, Some(full)) = (picture.color_range(), self.full) {
            picture.set_color_range(if full { Range::JPEG } else { Range::MPEG });
        }
    }
}

fn primaries(code: u16) -> Option<Primaries> {
    Some(match code {
        1 => Primaries::BT709,
        4 => Primaries::BT470M,
        5 => Primaries::BT470BG,
        6 => Primaries::SMPTE170M,
        7 => Primaries::SMPTE240M,
        8 => Primaries::Film,
        9 => Primaries::BT2020,
        10 => Primaries::SMPTE428,
        11 => Primaries::SMPTE431,
        12 => Primaries::SMPTE432,
        _ => return None,
    })
}

fn transfer(code: u16) -> Option<Transfer> {
    Some(match code {
        1 => Transfer::BT709,
        4 => Transfer::GAMMA22,
        5 => Transfer::GAMMA28,
        6 => Transfer::SMPTE170M,
        7 => Transfer::SMPTE240M,
        8 => Transfer::Linear,
        9 => Transfer::Log,
        10 => Transfer::LogSqrt,
        11 => Transfer::IEC61966_2_4,
        13 => Transfer::IEC61966_2_1,
        14 => Transfer::BT2020_10,
        15 => Transfer::BT2020_12,
        16 => Transfer::SMPTE2084,
        17 => Transfer::SMPTE428,
        18 => Transfer::ARIB_STD_B67,
        _ => return None,
    })
}

fn matrix(code: u16) -> Option<Space> {
    Some(match code {
        0 => Space::RGB,
        1 => Space::BT709,
        4 => Space::FCC,
        5 => Space::BT470BG,
        6 => Space::SMPTE170M,
        7 => Space::SMPTE240M,
        8 => Space::YCGCO,
        9 => Space::BT2020NCL,
        10 => Space::BT2020CL,
        12 => Space::ChromaDerivedNCL,
        14 => Space::ICTCP,
        _ => return None,
    })
}

/// Those of a PNG's `cICP` chunk, which FFmpeg 5.1 passes over.
pub fn png_codes(bytes: &[u8]) -> Option<Codes> {
    let mut before = png::chunks(bytes).take_while(|(kind, _)| *kind != b"IDAT" && *kind != b"IEND");
    let (_, body) = before.find(|(kind, _)| *kind == b"cICP")?;
    let &[primaries, transfer, matrix, full] = body else { return None };
    let [primaries, transfer, matrix] = [primaries, transfer, matrix].map(u16::from);
    Some(Codes { primaries, transfer, matrix, full: Some(full != 0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn png_chunks_before_the_picture() {
        let chunk = |kind: &[u8], body: &[u8]| [&(body.len() as u32).to_be_bytes(), kind, body, b"crc4"].concat();
        let png = |chunks: &[Vec<u8>]| [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat();
        let (head, codes) = (chunk(b"IHDR", &[0; 13]), chunk(b"cICP", &[9, 16, 0, 1]));
        let want = Codes { primaries: 9, transfer: 16, matrix: 0, full: Some(true) };
        assert_eq!(png_codes(&png(&[head.clone(), codes.clone()])), Some(want));
        assert_eq!(png_codes(&png(&[head.clone(), chunk(b"IDAT", b"abc"), codes.clone()])), None);
        assert_eq!(png_codes(&png(&[head.clone(), chunk(b"cICP", &[9, 16])])), None);
        assert_eq!(png_codes(b"\xff\xd8\xff"), None);
        let whole = png(&[head, codes]);
        (0..whole.len() - 4).for_each(|end| assert_eq!(png_codes(&whole[..end]), None, "{end}"));
    }
}
