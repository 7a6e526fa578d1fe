//! What the two processes say to each other: a byte for the kind, eight for the length, then the body. Frames are their
//! pixels behind seven numbers and a name, everything else is JSON.

use std::ffi::OsString;
use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::{DecodeReport, MAX_PIXELS, Numbering, TimeRange, VideoInfo};
use crate::{Frame, Image, Picture};

/// The longest text that is believed: a list of a million pictures.
const MAX_TEXT: u64 = 1 << 30;
/// Bytes of a frame before its picture's name and its pixels.
const HEAD: u64 = 6 * 8;
/// The longest name that is believed: more than a path may have.
const MAX_NAME: u64 = 1 << 16;

#[derive(Serialize, Deserialize)]
pub struct Request {
    pub paths: Vec<OsString>,
    pub images: bool,
    pub fps: f64,
    pub numbering: Numbering,
    pub range: TimeRange,
    pub stream: Option<u32>,
    /// Bytes that the process may write to.
    pub memory: u64,
}

/// What the decoding process answers.
pub enum Message {
    Opened(Box<VideoInfo>),
    /// It holds for the frames after it, but for their number.
    Report(Box<DecodeReport>),
    Frame(Frame),
    Done(Box<DecodeReport>),
    Failed(String),
    /// It is at frames that nobody asked for.
    Waiting,
}

pub const REQUEST: u8 = b'?';
pub const OPENED: u8 = b'o';
pub const REPORT: u8 = b'r';
pub const FRAME: u8 = b'f';
pub const DONE: u8 = b'd';
pub const FAILED: u8 = b'e';
pub const WAITING: u8 = b'w';

impl Message {
    pub fn name(&self) -> &'static str {
        match self {
            Message::Opened(_) => "a description",
            Message::Report(_) => "a report",
            Message::Frame(_) => "a frame",
            Message::Done(_) => "an end",
            Message::Failed(_) => "an error",
            Message::Waiting => "a sign of life",
        }
    }
}

pub fn write_json(to: &mut impl Write, kind: u8, body: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_vec(body)?;
    write_head(to, kind, body.len() as u64)?;
    to.write_all(&body)
}

pub fn write_frame(to: &mut impl Write, frame: &Frame) -> io::Result<()> {
    let Image { width, height, data } = &frame.image;
    let mut head = [0; 9 + HEAD as usize];
    head[0] = FRAME;
    let name = frame.picture.as_ref().map_or("", |picture| &picture.file);
    // A frame without a file has no name, and a file has one.
    let (missing, name_length) = (frame.picture.as_ref().map_or(0, |picture| picture.missing), name.len() as u64);
    let length = HEAD + name_length + data.len() as u64;
    let place = frame.pts_s.to_bits();
    let numbers = [length, frame.index, place, *width as u64, *height as u64, missing, name_length];
    for (place, number) in head[1..].chunks_exact_mut(8).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    to.write_all(&head)?;
    to.write_all(name.as_bytes())?;
    to.write_all(data)
}

fn write_head(to: &mut impl Write, kind: u8, length: u64) -> io::Result<()> {
    let mut head = [0; 9];
    head[0] = kind;
    head[1..].copy_from_slice(&length.to_le_bytes());
    to.write_all(&head)
}

pub fn read_request(from: &mut impl Read) -> io::Result<Request> {
    let (kind, length) = read_head(from)?;
    if kind != REQUEST {
        return Err(nonsense(format!("a message of kind {kind}")));
    }
    read_json(from, length)
}

/// Believes nothing: the other process may be in the hands of the file that it reads.
pub fn read(from: &mut impl Read) -> io::Result<Message> {
    let (kind, length) = read_head(from)?;
    Ok(match kind {
        OPENED => Message::Opened(read_json(from, length)?),
        REPORT => Message::Report(read_json(from, length)?),
        DONE => Message::Done(read_json(from, length)?),
        FAILED => Message::Failed(read_json(from, length)?),
        WAITING => read_json(from, length).map(|()| Message::Waiting)?,
        FRAME => {
            let mut numbers = [0; 6];
            for number in &mut numbers {
                *number = read_number(from)?;
            }
            let [index, pts_s, width, height, missing, name_length] = numbers;
            let pixels = width.checked_mul(height).filter(|pixels| (1..=MAX_PIXELS).contains(pixels));
            let of = |bytes: &u64| name_length <= MAX_NAME && HEAD + name_length + bytes == length;
            let Some(bytes) = pixels.map(|pixels| 3 * pixels).filter(of) else {
                return Err(nonsense(format!("a frame of {width} x {height} in {length} bytes")));
            };
            let name = String::from_utf8(read_bytes(from, name_length)?);
            let name = name.map_err(|error| nonsense(error.to_string()))?;
            let picture = (!name.is_empty()).then(|| Picture { file: name.into(), missing });
            let data = read_bytes(from, bytes)?;
            let image = Image::new(width as usize, height as usize, data);
            Message::Frame(Frame { index, pts_s: f64::from_bits(pts_s), image, picture })
        }
        _ => return Err(nonsense(format!("a message of kind {kind}"))),
    })
}

fn read_head(from: &mut impl Read) -> io::Result<(u8, u64)> {
    let mut kind = [0];
    from.read_exact(&mut kind)?;
    Ok((kind[0], read_number(from)?))
}

fn read_number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn read_json<T: DeserializeOwned>(from: &mut impl Read, length: u64) -> io::Result<T> {
    if length > MAX_TEXT {
        return Err(nonsense(format!("a text of {length} bytes")));
    }
    serde_json::from_slice(&read_bytes(from, length)?).map_err(|error| nonsense(error.to_string()))
}

fn read_bytes(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    // Untouched zeros cost no memory yet, should the length be a lie.
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn nonsense(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_and_nonsense_is_no_frame() {
        let image = Image::new(2, 1, vec![1, 2, 3, 4, 5, 6]);
        let mut bytes = vec![];
        let sent = Frame { index: 7, pts_s: 0.04, image: image.clone(), picture: None };
        for picture in [None, Some(Picture { file: "ü/7.png".into(), missing: 3 })] {
            let mut bytes = vec![];
            write_frame(&mut bytes, &Frame { picture: picture.clone(), ..sent.clone() }).unwrap();
            let Message::Frame(frame) = read(&mut &bytes[..]).unwrap() else { panic!("a frame") };
            assert_eq!((frame.index, frame.pts_s, &frame.image), (7, 0.04, &image));
            assert_eq!(frame.picture, picture);
        }
        write_frame(&mut bytes, &sent).unwrap();

        let kind = |bytes: &[u8]| read(&mut &bytes[..]).err().map(|error| error.kind());
        assert_eq!(kind(&bytes[..bytes.len() - 1]), Some(io::ErrorKind::UnexpectedEof), "cut short");
        // Width and height that do not fit the length, or no memory.
        for place in [25, 29, 32, 33, 49, 56] {
            let mut bytes = bytes.clone();
            bytes[place] ^= 0xff;
            assert_eq!(kind(&bytes), Some(io::ErrorKind::InvalidData), "byte {place}");
        }
        assert_eq!(kind(b"x12345678"), Some(io::ErrorKind::InvalidData));
        assert_eq!(kind(b"o\xff\xff\xff\xff\xff\xff\xff\xff"), Some(io::ErrorKind::InvalidData));
        let mut text = vec![];
        write_json(&mut text, FAILED, &"x.mp4: broken").unwrap();
        assert!(matches!(read(&mut &text[..]), Ok(Message::Failed(text)) if text == "x.mp4: broken"));
    }
}
