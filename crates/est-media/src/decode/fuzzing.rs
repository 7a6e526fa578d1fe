//! Readers of bytes that need no file, for tools/fuzz.sh alone: a thousand times as many inputs a second as through files.

use std::io::Cursor;

use ffmpeg_next::codec::Id;

use super::child::wire;
use super::{colour, container, density, exif};

const STILLS: [Id; 4] = [Id::MJPEG, Id::PNG, Id::WEBP, Id::TIFF];
const BOXED: Id = Id::JPEG2000;
const CONTAINERS: [&str; 7] = ["mov,mp4", "matroska", "avi", "yuv4mpegpipe", "mpegts", "flv", "ogg"];

/// Reads `bytes` as one of these: the head of a still picture, that of a container, messages of a decoding process.
pub fn headers(kind: u8, bytes: &[u8]) {
    let kind = usize::from(kind);
    if let Some(&id) = STILLS.get(kind) {
        let _ = exif::orientation(id, bytes);
        let _ = colour::png_codes(bytes);
        let _ = density::aspect(bytes, &ffmpeg_next::frame::Video::empty());
    } else if let Some(format) = CONTAINERS.get(kind - STILLS.len()) {
        let tracks = container::tracks(&mut Cursor::new(bytes), format);
        assert!(tracks.len() <= bytes.len() + 1, "{} tracks in {} bytes", tracks.len(), bytes.len());
        let _ = container::orientation(&mut Cursor::new(bytes), format);
        let _ = exif::orientation(BOXED, bytes);
        let _ = container::ends_inside(&mut Cursor::new(bytes), format);
    } else {
        let mut from = bytes;
        while wire::read(&mut from).is_ok() {}
    }
}
