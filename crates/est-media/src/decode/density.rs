//! What a still picture says of the shape of its pixels.
//!
//! PNG and JFIF name dots per metre or inch, which printers read and viewers do not; where they name no unit, the two
//! numbers can only be a shape. FFmpeg, which writes them so for frames of video, writes width before height of a pixel; by
//! the words of the standards, which count dots, they would stand the other way round. A folder of frames is what est is
//! given, and players read them as FFmpeg does. TIFF's two resolutions are a shape whatever their unit (fax has 204 x 98).

use ff::frame::Video as Picture;
use ffmpeg_next as ff;

use super::aspect::Aspect;
use super::png;

/// None where nothing is said.
pub fn aspect(bytes: &[u8], picture: &Picture) -> Option<Result<Aspect, (u64, u64)>> {
    let (wide, high) = match bytes {
        [0x89, b'P', b'N', b'G', ..] => png(bytes)?,
        [0xff, 0xd8, 0xff, ..] => jfif(bytes)?,
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => return Aspect::of_rational(picture.aspect_ratio()),
        _ => return None,
    };
    // FFmpeg's word for unknown is 0:1.
    (wide > 0 && high > 0).then(|| Aspect::of(wide.into(), high.into()))
}

/// `pHYs` before the first data: two numbers and a unit, 0 for none.
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let (_, body) = png::chunks(bytes).take_while(|(kind, _)| *kind != b"IDAT").find(|(kind, _)| *kind == b"pHYs")?;
    let body: &[u8; 9] = body.try_into().ok()?;
    let [wide, high] = [0, 4].map(|i| u32::from_be_bytes([body[i], body[i + 1], body[i + 2], body[i + 3]]));
    (body[8] == 0).then_some((wide, high))
}

/// The first segment: `JFIF`, version, unit, two numbers.
fn jfif(bytes: &[u8]) -> Option<(u32, u32)> {
    let numbers = bytes.get(2..)?.strip_prefix(&[0xff, 0xe0])?.get(2..)?.strip_prefix(b"JFIF\0")?.get(2..7)?;
    let [wide, high] = [1, 3].map(|i| u32::from(u16::from_be_bytes([numbers[i], numbers[i + 1]])));
    (numbers[0] == 0).then_some((wide, high))
}
