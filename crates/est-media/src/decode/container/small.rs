//! Containers of which a few bytes are enough.

use std::io::{self, Read, Seek};

use super::{Track, bytes_at, length, number};

/// Lists of an AVI file's head looked at, in all.
const MOST: usize = 1000;

/// `vprp` of OpenDML: the shape of the picture, and its size.
pub fn avi_tracks(file: &mut (impl Read + Seek)) -> io::Result<Vec<Track>> {
    let end = length(file)?;
    let mut tracks: Vec<Track> = vec![];
    // RIFF, its size, AVI.
    let mut at = 12;
    let mut is_video = false;
    for _ in 0..MOST {
        let head = bytes_at(file, at, 12)?;
        if at >= end || head.len() < 8 {
            break;
        }
        let size = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        match (&head[..4], head.get(8..12)) {
            // Into the lists of the head, and no further than it.
            (b"LIST", Some(b"hdrl" | b"strl")) => {
                at += 12;
                continue;
            }
            (b"LIST", Some(b"movi")) => break,
            (b"strh", kind) => {
                is_video = kind == Some(b"vids");
                if is_video {
                    tracks.push(Track { id: None, aspect: None });
                }
            }
            (b"vprp", _) if is_video && size >= 36 => {
                let body = bytes_at(file, at + 8, 32)?;
                if let (Some(last), 32) = (tracks.last_mut(), body.len()) {
                    last.aspect = proportions(&body);
                }
            }
            _ => {}
        }
        at += 8 + size + size % 2;
    }
    Ok(tracks)
}

fn proportions(body: &[u8]) -> Option<(u64, u64)> {
    let at = |place: usize, bytes: usize| body[place..place + bytes].iter().rev().copied().collect::<Vec<u8>>();
    let [high, wide, width, height] = [at(20, 2), at(22, 2), at(24, 4), at(28, 4)].map(|bytes| number(&bytes));
    let stated = [high, wide, width, height].iter().all(|&side| side > 0);
    stated.then(|| (wide * height, high * width))
}

/// The word `A64:45` of the first line.
pub fn y4m_tracks(file: &mut (impl Read + Seek)) -> io::Result<Vec<Track>> {
    let line = bytes_at(file, 0, 200)?;
    let line = String::from_utf8_lossy(line.split(|&byte| byte == b'\n').next().unwrap_or_default()).into_owned();
    let stated = line.split(' ').find_map(|word| word.strip_prefix('A')?.split_once(':'));
    let aspect =
        stated.and_then(|(wide, high)| Some((wide.parse::<u32>().ok()?.into(), high.parse::<u32>().ok()?.into())));
    // 0:0 is its word for unknown.
    Ok(vec![Track { id: None, aspect: aspect.filter(|&aspect| aspect != (0, 0)) }])
}

/// Packets have 188 bytes, 192 with the time in front of each (m2ts), 204 with a checksum behind.
pub fn ts_ends_inside(file: &mut (impl Read + Seek)) -> io::Result<Option<&'static str>> {
    const SYNC: u8 = 0x47;
    let end = length(file)?;
    let head = bytes_at(file, 0, 204 * 4)?;
    let fits = |&(size, first): &(usize, usize)| (0..3).all(|k| head.get(first + k * size) == Some(&SYNC));
    let size = [(188, 0), (192, 4), (204, 0)].into_iter().find(fits).map(|(size, _)| size as u64);
    Ok(size.is_some_and(|size| end % size != 0).then_some("a packet of the transport stream"))
}

/// Each tag is followed by its size.
pub fn flv_ends_inside(file: &mut (impl Read + Seek)) -> io::Result<Option<&'static str>> {
    let end = length(file)?;
    let Some(last) = end.checked_sub(4).filter(|&last| last >= 13) else { return Ok(None) };
    let size = number(&bytes_at(file, last, 4)?);
    let tag = last.checked_sub(size).filter(|&tag| tag >= 13).map(|tag| bytes_at(file, tag, 4)).transpose()?;
    // Sound, picture, script; then the size without the eleven bytes of the tag's head.
    let whole = tag.is_some_and(|tag| matches!(tag[0] & 0x1f, 8 | 9 | 18) && number(&tag[1..4]) + 11 == size);
    Ok((!whole).then_some("a tag"))
}

/// The last page's own length.
pub fn ogg_ends_inside(file: &mut (impl Read + Seek)) -> io::Result<Option<&'static str>> {
    const PAGE: u64 = 27 + 255 + 255 * 255;
    let end = length(file)?;
    let from = end.saturating_sub(PAGE);
    let bytes = bytes_at(file, from, PAGE as usize)?;
    let Some(page) = bytes.windows(4).rposition(|four| four == b"OggS").map(|at| &bytes[at..]) else {
        return Ok(None);
    };
    let segments = page.get(26).map_or(0, |&count| usize::from(count));
    let whole =
        page.get(27..27 + segments).map(|sizes| 27 + segments + sizes.iter().map(|&n| usize::from(n)).sum::<usize>());
    Ok(whole.is_none_or(|whole| whole > page.len()).then_some("a page"))
}
