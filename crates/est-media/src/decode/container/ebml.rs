//! Matroska and WebM: EBML elements within elements (RFC 8794, RFC 9559).

use std::io::{self, Read, Seek};

use super::{Track, bytes_at, length, number};

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1F43_B675;
const BLOCKS: [u32; 2] = [0xA3, 0xA0];
const TRACKS: u32 = 0x1654_AE6B;
const TRACK: u32 = 0xAE;
const TRACK_TYPE: u32 = 0x83;
const CODEC: u32 = 0x86;
const VIDEO: u32 = 0xE0;
const PIXELS: [u32; 2] = [0xB0, 0xBA];
const DISPLAY: [u32; 2] = [0x54B0, 0x54BA];
const DISPLAY_UNIT: u32 = 0x54B2;
const STEREO: u32 = 0x53B8;
/// The first display unit that says nothing about the shape; those before are pixels, cm, inches and a ratio.
const UNKNOWN_UNIT: u64 = 4;
/// Elements looked at in one file: blocks of a week at 25 per second.
const MOST: usize = 16_000_000;
/// Longest number that is read.
const NUMBER: u64 = 8;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Element {
    id: u32,
    body: u64,
    /// None where the size is unknown, as live muxers leave it.
    end: Option<u64>,
}

/// The element at `at`; None at the end and where there is none.
fn element(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<Element>> {
    let head = bytes_at(file, at, 12)?;
    let Some(id_length) = head.first().map(|first| first.leading_zeros() as usize + 1).filter(|&length| length <= 4)
    else {
        return Ok(None);
    };
    let Some(size_length) = head.get(id_length).map(|first| first.leading_zeros() as usize + 1) else {
        return Ok(None);
    };
    let head_length = id_length + size_length;
    if size_length > 8 || head.len() < head_length {
        return Ok(None);
    }
    let id = number(&head[..id_length]) as u32;
    let most = (1u64 << (7 * size_length)) - 1;
    let size = number(&head[id_length..head_length]) & most;
    let body = at + head_length as u64;
    let end = if size == most { None } else { body.checked_add(size) };
    Ok(Some(Element { id, body, end }))
}

fn children(file: &mut (impl Read + Seek), within: Element) -> io::Result<Vec<Element>> {
    // Whatever holds what is asked for here has a size.
    let end = within.end.unwrap_or(within.body);
    let (mut found, mut at) = (vec![], within.body);
    while at < end && found.len() < 10_000 {
        let Some(child) = element(file, at)? else { break };
        let Some(next) = child.end else { break };
        found.push(child);
        at = next;
    }
    Ok(found)
}

fn value(file: &mut (impl Read + Seek), element: Element) -> io::Result<u64> {
    let size = element.end.unwrap_or(element.body) - element.body;
    Ok(number(&bytes_at(file, element.body, size.min(NUMBER) as usize)?))
}

/// Shows the elements of the segment in their order, until `show` says that it has seen enough.
fn walk(file: &mut (impl Read + Seek), mut show: impl FnMut(Element) -> bool) -> io::Result<u64> {
    let mut at = 0;
    for _ in 0..MOST {
        let Some(next) = element(file, at)? else { break };
        // Clusters of unknown size and segments are gone into, everything else is passed over whole.
        let inside = next.id == SEGMENT || (next.id == CLUSTER && next.end.is_none());
        if show(next) {
            break;
        }
        match next.end {
            _ if inside => at = next.body,
            Some(end) => at = end,
            None => break,
        }
    }
    Ok(at)
}

pub fn tracks(file: &mut (impl Read + Seek)) -> io::Result<Vec<Track>> {
    let mut list = None;
    walk(file, |element| {
        list = (element.id == TRACKS).then_some(element);
        list.is_some() || element.id == CLUSTER
    })?;
    let Some(list) = list else { return Ok(vec![]) };
    let mut tracks = vec![];
    for track in children(file, list)?.into_iter().filter(|child| child.id == TRACK) {
        let parts = children(file, track)?;
        let part = |id: u32| parts.iter().copied().find(|part| part.id == id);
        let kind = part(TRACK_TYPE).map(|kind| value(file, kind)).transpose()?;
        // FFmpeg makes no stream of a track without a codec.
        if kind != Some(1) || part(CODEC).is_none() {
            continue;
        }
        let aspect = part(VIDEO).map(|video| shape(file, video)).transpose()?.flatten();
        tracks.push(Track { id: None, aspect });
    }
    Ok(tracks)
}

/// A video without a display size is shown in its pixels: it states that they are square.
fn shape(file: &mut (impl Read + Seek), video: Element) -> io::Result<Option<(u64, u64)>> {
    let parts = children(file, video)?;
    let mut read = |id: u32| parts.iter().find(|part| part.id == id).map(|&part| value(file, part)).transpose();
    let pixels = [read(PIXELS[0])?.unwrap_or(0), read(PIXELS[1])?.unwrap_or(0)];
    let stated = [read(DISPLAY[0])?, read(DISPLAY[1])?];
    // Two pictures in one: the display size is that of one eye's.
    if read(DISPLAY_UNIT)?.unwrap_or(0) >= UNKNOWN_UNIT || read(STEREO)?.unwrap_or(0) != 0 {
        return Ok(None);
    }
    let display = [0, 1].map(|i| stated[i].filter(|&side| side > 0).unwrap_or(pixels[i]));
    let fits = pixels.iter().chain(&display).all(|&side| (1..1 << 31).contains(&side));
    Ok(fits.then(|| (display[0] * pixels[1], display[1] * pixels[0])))
}

/// A block or cluster that reaches behind the end of the file, or half an element's head there.
pub fn ends_inside(file: &mut (impl Read + Seek)) -> io::Result<Option<&'static str>> {
    let length = length(file)?;
    let mut inside = None;
    let at = walk(file, |element| {
        if element.end.is_some_and(|end| end > length) {
            inside = Some(match element.id {
                SEGMENT | CLUSTER => "a cluster",
                id if BLOCKS.contains(&id) => "a block",
                _ => "an element",
            });
        }
        inside.is_some()
    })?;
    // Shorter than any head that could stand there.
    let half_head = at < length && length - at < 12 && element(file, at)?.is_none();
    Ok(inside.or(half_head.then_some("an element")))
}
