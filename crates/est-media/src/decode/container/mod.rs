//! What FFmpeg's safe interface does not say of a container: the shape of pixels, and whether the file ends inside
//! something, and which way is up. A few numbers are read here from the formats that carry them; what makes no sense is passed over.

mod boxes;
mod ebml;
mod heif;
mod small;

use std::io::{self, Read, Seek, SeekFrom};

pub use boxes::movie_without_index;

/// The shape of pixels as a video track states it, two numbers as they stand in the file: width over height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Track {
    /// FFmpeg's number for it (`Stream::id`), where the container gives tracks numbers that FFmpeg keeps.
    pub id: Option<i64>,
    pub aspect: Option<(u64, u64)>,
}

/// The video tracks of a file in their order. `format`: FFmpeg's name of the container.
pub fn tracks(file: &mut (impl Read + Seek), format: &str) -> Vec<Track> {
    let read = match format {
        _ if format.starts_with("mov,mp4") => boxes::tracks(file),
        _ if format.starts_with("matroska") => ebml::tracks(file),
        "avi" => small::avi_tracks(file),
        "yuv4mpegpipe" => small::y4m_tracks(file),
        _ => Ok(vec![]),
    };
    read.unwrap_or_default()
}

/// In what a file ends, if not behind it: a recording that was broken off or a copy that stopped. None says nothing: a cut
/// between two parts shows in no container, and raw streams have no parts.
pub fn ends_inside(file: &mut (impl Read + Seek), format: &str) -> Option<&'static str> {
    let cut = match format {
        _ if format.starts_with("mov,mp4") => boxes::ends_inside(file),
        _ if format.starts_with("matroska") => ebml::ends_inside(file),
        "mpegts" => small::ts_ends_inside(file),
        "flv" => small::flv_ends_inside(file),
        "ogg" => small::ogg_ends_inside(file),
        _ => Ok(None),
    };
    cut.unwrap_or(None)
}

/// Which way a picture is to be turned, as a value of EXIF's orientation, where its container says it.
pub fn orientation(file: &mut (impl Read + Seek), format: &str) -> Option<u16> {
    if format.starts_with("mov,mp4") { heif::orientation(file).ok().flatten() } else { None }
}

fn length(file: &mut impl Seek) -> io::Result<u64> {
    file.seek(SeekFrom::End(0))
}

/// Up to `count` bytes from the place `at`: fewer at the end.
fn bytes_at(file: &mut (impl Read + Seek), at: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(count);
    file.seek(SeekFrom::Start(at))?;
    file.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A big-endian number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Nothing here panics or runs on, whatever the bytes: each format's own beginning, then noise and large numbers.
    #[test]
    fn nonsense_is_passed_over() {
        let beginnings: [(&str, &[u8]); 6] = [
            ("mov,mp4,m4a,3gp,3g2,mj2", b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff"),
            (
                "matroska,webm",
                b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff\x16\x54\xae\x6b\xff\xae",
            ),
            ("avi", b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\xffhdrlLIST\xff\xff\xff\xffstrlvprp\xff\xff\xff\xff"),
            ("yuv4mpegpipe", b"YUV4MPEG2 A99999999999999999999999:0"),
            ("flv", b"FLV\x01\x05\0\0\0\x09\0\0\0\0"),
            ("ogg", b"OggS"),
        ];
        for (format, beginning) in beginnings {
            for seed in 0u32..200 {
                let noise = (0..seed * 3).map(|i| (i.wrapping_mul(seed.wrapping_mul(2_654_435_761) | 1) >> 13) as u8);
                let bytes: Vec<u8> = beginning.iter().copied().chain(noise).collect();
                tracks(&mut Cursor::new(&bytes), format);
                ends_inside(&mut Cursor::new(&bytes), format);
                tracks(&mut Cursor::new(&bytes[..bytes.len().min(seed as usize)]), format);
            }
        }
    }
}
