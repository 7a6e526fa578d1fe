//! MP4 and MOV: boxes within boxes (ISO/IEC 14496-12).

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use super::{Track, bytes_at, length, number};

/// Boxes looked at in one box, so that a file of empty ones ends soon: two for each second of a day of fragments.
const MOST: usize = 200_000;
/// Between an entry of `stsd` and the boxes in it: its head, then 78 bytes about the picture.
const ENTRY: u64 = 8 + 78;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Box {
    pub kind: [u8; 4],
    pub start: u64,
    pub body: u64,
    /// Perhaps behind the end of the file.
    pub end: u64,
}

/// The box at `at`, which may reach behind `end`; None where there is none.
fn box_at(file: &mut (impl Read + Seek), at: u64, end: u64) -> io::Result<Option<Box>> {
    let head = if at < end { bytes_at(file, at, 16)? } else { vec![] };
    if head.len() < 8 {
        return Ok(None);
    }
    let (size, kind) = (number(&head[..4]), [head[4], head[5], head[6], head[7]]);
    let (body, next) = match size {
        0 => (at + 8, Some(end)),
        1 => (at + 16, head.get(8..16).and_then(|long| at.checked_add(number(long)))),
        _ => (at + 8, at.checked_add(size)),
    };
    Ok(next.filter(|&next| next >= body).map(|end| Box { kind, start: at, body, end }))
}

/// The boxes from `start` to `end`, up to the first of kind `last`.
pub(super) fn boxes(
    file: &mut (impl Read + Seek),
    start: u64,
    end: u64,
    last: Option<&[u8; 4]>,
) -> io::Result<Vec<Box>> {
    let mut found: Vec<Box> = vec![];
    let mut at = start;
    while found.len() < MOST && found.last().is_none_or(|found| Some(&found.kind) != last) {
        let Some(next) = box_at(file, at, end)? else { break };
        found.push(next);
        at = next.end;
    }
    Ok(found)
}

/// The first box of a kind in `within`, in that the first of the next kind, and so on.
pub(super) fn inner(file: &mut (impl Read + Seek), within: Box, way: &[&[u8; 4]]) -> io::Result<Option<Box>> {
    let mut within = within;
    for &kind in way {
        let found = boxes(file, within.body, within.end, Some(kind))?;
        let Some(&next) = found.last().filter(|last| &last.kind == kind) else { return Ok(None) };
        within = next;
    }
    Ok(Some(within))
}

pub(super) fn top(file: &mut (impl Read + Seek), last: Option<&[u8; 4]>) -> io::Result<Vec<Box>> {
    let end = length(file)?;
    boxes(file, 0, end, last)
}

pub fn tracks(file: &mut (impl Read + Seek)) -> io::Result<Vec<Track>> {
    let found = top(file, Some(b"moov"))?;
    let Some(&movie) = found.last().filter(|last| &last.kind == b"moov") else { return Ok(vec![]) };
    let mut tracks = vec![];
    for track in boxes(file, movie.body, movie.end, None)?.into_iter().filter(|found| &found.kind == b"trak") {
        let Some(handler) = inner(file, track, &[b"mdia", b"hdlr"])? else { continue };
        if bytes_at(file, handler.body + 8, 4)? != b"vide" {
            continue;
        }
        let Some(head) = inner(file, track, &[b"tkhd"])? else { continue };
        let bytes = bytes_at(file, head.body, 96)?;
        let entry = inner(file, track, &[b"mdia", b"minf", b"stbl", b"stsd"])?;
        let entry = match entry {
            // Its first entry stands behind the version and their number.
            Some(table) => box_at(file, table.body + 8, table.end)?,
            None => None,
        };
        let Some(id) = track_id(&bytes) else { continue };
        let aspect = match entry {
            Some(entry) => match stated(file, entry)?.or_else(|| scaled(&bytes)) {
                None => track_size(file, entry, &bytes)?,
                stated => stated,
            },
            None => None,
        };
        tracks.push(Track { id: Some(id), aspect });
    }
    Ok(tracks)
}

fn is_long(track_head: &[u8]) -> bool {
    track_head.first() == Some(&1)
}

fn track_id(track_head: &[u8]) -> Option<i64> {
    let at = if is_long(track_head) { 20 } else { 12 };
    track_head.get(at..at + 4).map(|id| number(id) as i64)
}

/// `pasp`, where the entry has it.
fn stated(file: &mut (impl Read + Seek), entry: Box) -> io::Result<Option<(u64, u64)>> {
    let within = Box { body: entry.start + ENTRY, ..entry };
    let Some(found) = inner(file, within, &[b"pasp"])? else { return Ok(None) };
    let numbers = bytes_at(file, found.body, 8)?;
    Ok((numbers.len() == 8).then(|| (number(&numbers[..4]), number(&numbers[4..]))))
}

/// The track's matrix may widen the picture more than it heightens it: FFmpeg takes that for the shape of pixels.
fn scaled(track_head: &[u8]) -> Option<(u64, u64)> {
    let at = if is_long(track_head) { 52 } else { 40 };
    let entry = |i: usize| {
        let bytes = track_head.get(at + 4 * i..at + 4 * i + 4)?;
        Some(f64::from(number(bytes) as u32 as i32))
    };
    let [wide, high] = [entry(0)?.hypot(entry(3)?), entry(1)?.hypot(entry(4)?)];
    let differ = wide > 1.0 && high > 1.0 && (wide / high - 1.0).abs() > 0.01;
    differ.then(|| (wide.round() as u64, high.round() as u64))
}

/// Without either the track's own size, where it is not that of its pictures.
fn track_size(file: &mut (impl Read + Seek), entry: Box, track_head: &[u8]) -> io::Result<Option<(u64, u64)>> {
    let at = if is_long(track_head) { 88 } else { 76 };
    let stored = bytes_at(file, entry.body + 24, 4)?;
    // Fixed-point numbers, of which FFmpeg takes the whole part.
    let (Some(shown), 4) = (track_head.get(at..at + 8), stored.len()) else { return Ok(None) };
    let [wide, high, width, height] = [&shown[..2], &shown[4..6], &stored[..2], &stored[2..]].map(number);
    let differ = (wide, high) != (width, height) && [wide, high, width, height].iter().all(|&side| side > 0);
    Ok(differ.then(|| (height * wide, width * high)))
}

/// A box that reaches behind the end of the file.
pub fn ends_inside(file: &mut (impl Read + Seek)) -> io::Result<Option<&'static str>> {
    let end = length(file)?;
    let last = top(file, None)?.last().copied();
    let inside = last.is_some_and(|last| last.end > end || (last.end < end && end - last.end < 8));
    Ok(inside.then_some("a box"))
}

/// Whether an MP4 or MOV file lacks its `moov` box, without which no sample can be found; `None` for other files.
pub fn movie_without_index(path: &Path) -> Option<bool> {
    const BESIDE: [&[u8; 4]; 7] = [b"ftyp", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid"];
    let found = top(&mut File::open(path).ok()?, Some(b"moov")).ok()?;
    if found.first().is_none_or(|first| !BESIDE.contains(&&first.kind) && &first.kind != b"moov") {
        return None;
    }
    // What follows a box of another kind is no longer known to be one.
    let known = found.iter().take_while(|found| BESIDE.contains(&&found.kind) || &found.kind == b"moov");
    Some(known.into_iter().all(|found| &found.kind != b"moov"))
}
