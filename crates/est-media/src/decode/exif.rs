//! Which way is up in a still picture, as its camera noted (EXIF, tag 274). FFmpeg 5.1 tells it of JPEG alone, FFmpeg 8 of PNG,
//! WebP and TIFF too, so what FFmpeg says is not asked. The same for the pictures that FFmpeg opens as videos of one frame:
//! animated PNG, JPEG 2000, and files whose names do not say that they are pictures.
//!
//! A reader of its own: of all that EXIF is, one number in the first directory counts here. Nothing is followed but the
//! places of segments, chunks and that directory, each once and each within the file.

use std::io::{Read, Seek, SeekFrom};

use ffmpeg_next::codec::Id;

use super::png;

const ORIENTATION: u16 = 0x0112;

/// The value of the tag, whatever it is; the first where a file has several.
pub fn orientation(id: Id, file: &[u8]) -> Option<u16> {
    match id {
        Id::MJPEG => jpeg(file),
        Id::PNG | Id::APNG => png(file),
        Id::WEBP => webp(file),
        Id::TIFF => tiff(file),
        Id::JPEG2000 => jpeg_2000(file),
        _ => None,
    }
}

/// The same of a file that is opened as a video. `format`: FFmpeg's name of the container.
pub fn of_video(id: Id, file: &mut (impl Read + Seek), format: &str) -> Option<u16> {
    const LARGEST: u64 = 1 << 28;
    let is_picture = format.ends_with("_pipe") || matches!(format, "image2" | "apng");
    if !is_picture || !matches!(id, Id::MJPEG | Id::PNG | Id::APNG | Id::WEBP | Id::TIFF | Id::JPEG2000) {
        return None;
    }
    let mut bytes = vec![];
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    orientation(id, &bytes)
}

/// Segments up to the pixels; EXIF is one of those called APP1.
fn jpeg(file: &[u8]) -> Option<u16> {
    let mut rest = file.get(2..)?;
    loop {
        // Before a marker there may be fill bytes, which decoders pass over, and so other bytes.
        let at = rest.windows(2).position(|two| two[0] == 0xff && !matches!(two[1], 0x00 | 0xff))?;
        let marker = rest[at + 1];
        rest = &rest[at + 2..];
        match marker {
            // Start of the pixels, end of the picture.
            0xda | 0xd9 => return None,
            // These have no body.
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let body = rest.get(2..length)?;
        // The second byte after the name is for padding, and not always 0.
        let exif = body.strip_prefix(b"Exif\0").filter(|_| marker == 0xe1).and_then(|exif| exif.get(1..));
        if let Some(value) = exif.and_then(tiff) {
            return Some(value);
        }
        rest = &rest[length..];
    }
}

/// `eXIf` may stand before and after the pixels.
fn png(file: &[u8]) -> Option<u16> {
    png::chunks(file).filter(|(kind, _)| *kind == b"eXIf").find_map(|(_, body)| named(body))
}

fn webp(file: &[u8]) -> Option<u16> {
    let mut rest = file.get(12..)?;
    loop {
        let length = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?) as usize;
        let body = rest.get(8..)?.get(..length)?;
        if let Some(value) = Some(body).filter(|_| rest.starts_with(b"EXIF")).and_then(named) {
            return Some(value);
        }
        rest = rest.get(8..)?.get(length..)?.get(length % 2..)?;
    }
}

/// A box of its own among those of the file, told by its first sixteen bytes.
fn jpeg_2000(file: &[u8]) -> Option<u16> {
    let mut rest = file;
    loop {
        let length = u32::from_be_bytes(*rest.first_chunk()?) as usize;
        // 0 reaches to the end; 1 means that a length of eight bytes follows, which no picture needs.
        let whole = rest.get(..if length == 0 { rest.len() } else { length })?;
        if let Some(exif) = whole.get(4..)?.strip_prefix(b"uuidJpgTiffExif->JP2") {
            return named(exif);
        }
        rest = rest.get(whole.len().max(8)..)?;
    }
}

/// Some programs write JPEG's name before the data, where PNG and WebP want none.
fn named(body: &[u8]) -> Option<u16> {
    tiff(body.strip_prefix(b"Exif\0\0").unwrap_or(body))
}

/// The first directory of a TIFF file, which EXIF is in small.
fn tiff(file: &[u8]) -> Option<u16> {
    let little = match file.first_chunk()? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let two = |at: usize| {
        let bytes = *file.get(at..)?.first_chunk()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let four = |at: usize| {
        let bytes = *file.get(at..)?.first_chunk()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let directory = usize::try_from(four(4)?).ok()?;
    // Tag, type, count and value of each entry.
    let entries = file.get(directory..)?.get(2..)?;
    let places = (0..usize::from(two(directory)?)).map(|k| 12 * k).take_while(|place| place + 12 <= entries.len());
    let place = places.map(|place| directory + 2 + place).find(|&place| two(place) == Some(ORIENTATION))?;
    match (two(place + 2)?, four(place + 4)?) {
        (1, 1) => file.get(place + 8).copied().map(u16::from),
        (3, 1) => two(place + 8),
        (4, 1) => u16::try_from(four(place + 8)?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exif(little: bool, kind: u16, count: u32, value: u32) -> Vec<u8> {
        let two = |v: u16| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let four = |v: u32| if little { v.to_le_bytes() } else { v.to_be_bytes() };
        let mut bytes = if little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() };
        bytes.extend(four(8));
        bytes.extend(two(2));
        // Another tag first: the maker, at some place that is not there.
        bytes.extend([two(0x010f), two(2)].concat());
        bytes.extend([four(20), four(0xffff_fff0)].concat());
        bytes.extend([two(ORIENTATION), two(kind)].concat());
        bytes.extend(four(count));
        match kind {
            1 => bytes.extend([value as u8, 0, 0, 0]),
            3 => bytes.extend([two(value as u16), [0; 2]].concat()),
            _ => bytes.extend(four(value)),
        }
        bytes.extend(four(0));
        bytes
    }

    #[test]
    fn both_byte_orders_and_the_types_that_writers_use() {
        for little in [true, false] {
            for kind in [1, 3, 4] {
                assert_eq!(tiff(&exif(little, kind, 1, 6)), Some(6), "{little} {kind}");
            }
            assert_eq!(tiff(&exif(little, 2, 1, 6)), None, "text");
            assert_eq!(tiff(&exif(little, 3, 0, 6)), None, "no value");
            assert_eq!(tiff(&exif(little, 3, 9, 6)), None, "a place of nine values");
            assert_eq!(tiff(&exif(little, 4, 1, 1 << 20)), None, "too large");
        }
    }

    fn wrapped() -> [(Id, Vec<u8>); 6] {
        let exif = exif(true, 3, 1, 8);
        let length = exif.len();
        let mut jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xe1\0\x05xml\xff\xe1\0".to_vec();
        jpeg.push(8 + length as u8);
        jpeg.extend([b"Exif\0\0", &exif[..], b"\xff\xda\0\x02"].concat());
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x01IDATxcrc.\0\0\0".to_vec();
        png.push(length as u8);
        png.extend([b"eXIf", &exif[..], b"crc."].concat());
        let mut webp = b"RIFF\0\0\0\0WEBPVP8 \x03\0\0\0abc\0EXIF".to_vec();
        webp.extend((6 + length as u32).to_le_bytes());
        webp.extend([b"Exif\0\0", &exif[..]].concat());
        let mut jpeg_2000 = b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0".to_vec();
        jpeg_2000.push(24 + length as u8);
        jpeg_2000.extend([b"uuidJpgTiffExif->JP2", &exif[..], b"\0\0\0\0jp2c\xff"].concat());
        let animated = (Id::APNG, png.clone());
        [(Id::MJPEG, jpeg), (Id::PNG, png), animated, (Id::WEBP, webp), (Id::TIFF, exif), (Id::JPEG2000, jpeg_2000)]
    }

    #[test]
    fn every_format_and_what_is_left_of_it() {
        for (id, file) in wrapped() {
            assert_eq!(orientation(id, &file), Some(8), "{id:?}");
            for end in 0..file.len() {
                let cut = orientation(id, &file[..end]);
                assert!(cut.is_none() || cut == Some(8), "{id:?} to {end}: {cut:?}");
            }
            // Every byte as wrong as can be: lengths, offsets, counts.
            for place in 0..file.len() {
                for wrong in [0x00, 0x7f, 0x80, 0xff] {
                    let mut file = file.clone();
                    file[place] = wrong;
                    let _ = orientation(id, &file);
                }
            }
        }
    }

    #[test]
    fn a_directory_that_begins_nowhere() {
        for place in [4_u32, 5, 0x7fff_ffff, u32::MAX, u32::MAX - 1] {
            let file = [&b"II*\0"[..], &place.to_le_bytes(), &[0; 12]].concat();
            assert_eq!(tiff(&file), None, "{place}");
        }
    }
}
