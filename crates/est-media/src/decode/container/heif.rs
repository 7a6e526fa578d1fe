//! Which way is up in a picture of the HEIF family (AVIF), as its properties `irot` and `imir` state it (ISO/IEC 23008-12,
//! 6.5.10 and 6.5.12). FFmpeg 5.1 passes them over.

use std::io::{self, Read, Seek};

use super::boxes::{self, Box};
use super::{bytes_at, number};

/// Pictures of one file that are looked through for the one that is shown.
const MOST_ITEMS: u64 = 1024;

/// By the turn against the clock in quarters: EXIF's number where it is not mirrored after that, where top and bottom are
/// exchanged (`imir` 0), where left and right are (`imir` 1).
const AS_EXIF: [[u16; 3]; 4] = [[1, 4, 2], [8, 5, 7], [3, 2, 4], [6, 7, 5]];

/// The way that the picture which is shown is to be turned, as a value of EXIF's orientation. None where nothing is said.
pub fn orientation(file: &mut (impl Read + Seek)) -> io::Result<Option<u16>> {
    // Movies have `moov` first or instead.
    let found = boxes::top(file, Some(b"meta"))?;
    let Some(&meta) = found.last().filter(|last| &last.kind == b"meta") else { return Ok(None) };
    // Version and flags stand before the boxes in it.
    let meta = Box { body: meta.body + 4, ..meta };
    let Some(shown) = boxes::inner(file, meta, &[b"pitm"])? else { return Ok(None) };
    let shown = bytes_at(file, shown.body, 8)?;
    let shown = match shown.first() {
        Some(0) => shown.get(4..6).map(number),
        _ => shown.get(4..8).map(number),
    };
    let Some(properties) = boxes::inner(file, meta, &[b"iprp"])? else { return Ok(None) };
    let Some(of_items) = boxes::inner(file, properties, &[b"ipma"])? else { return Ok(None) };
    let Some(all) = boxes::inner(file, properties, &[b"ipco"])? else { return Ok(None) };
    let all = boxes::boxes(file, all.body, all.end, None)?;
    let mut turns = None;
    let mut mirror = None;
    for property in numbers(file, of_items, shown)? {
        let Some(property) = property.checked_sub(1).and_then(|place| all.get(place)) else { continue };
        match &property.kind {
            b"irot" => turns = bytes_at(file, property.body, 1)?.first().map(|byte| usize::from(byte & 3)),
            b"imir" => mirror = bytes_at(file, property.body, 1)?.first().map(|byte| usize::from(byte & 1)),
            _ => {}
        }
    }
    let said = turns.is_some() || mirror.is_some();
    Ok(said.then(|| AS_EXIF[turns.unwrap_or(0)][mirror.map_or(0, |axis| axis + 1)]))
}

/// The places, from 1, of the properties that an item has.
fn numbers(file: &mut (impl Read + Seek), of_items: Box, item: Option<u64>) -> io::Result<Vec<usize>> {
    let head = bytes_at(file, of_items.body, 8)?;
    let (Some(item), Some(count)) = (item, head.get(4..8).map(number)) else { return Ok(vec![]) };
    let (id_bytes, wide) = (if head[0] == 0 { 2 } else { 4 }, head[3] & 1 == 1);
    let mut at = of_items.body + 8;
    for _ in 0..count.min(MOST_ITEMS) {
        let entry = bytes_at(file, at, id_bytes + 1)?;
        let Some((&count, id)) = entry.split_last().filter(|(_, id)| id.len() == id_bytes) else { break };
        let size = if wide { 2 } else { 1 };
        let list = bytes_at(file, at + id_bytes as u64 + 1, size * usize::from(count))?;
        if number(id) == item {
            // The first bit says that a reader must know the property.
            let mask = if wide { 0x7fff } else { 0x7f };
            return Ok(list.chunks_exact(size).map(|bytes| number(bytes) as usize & mask).collect());
        }
        at += (id_bytes + 1 + size * usize::from(count)) as u64;
    }
    Ok(vec![])
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn made(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(8 + body.len() as u32).to_be_bytes()[..], kind, body].concat()
    }

    /// A picture (item 2) beside another, whose properties are `own`, in the short and the long way of writing.
    fn picture(own: &[Vec<u8>], long: bool) -> Vec<u8> {
        let all = [&[made(b"ispe", &[0; 12]), made(b"irot", &[2])], own].concat().concat();
        let places = 3..3 + own.len() as u16;
        let place = |place: u16| if long { (0x8000 | place).to_be_bytes().to_vec() } else { vec![0x80 | place as u8] };
        let id = |id: u32| if long { id.to_be_bytes().to_vec() } else { (id as u16).to_be_bytes().to_vec() };
        let first = [id(1), vec![2], place(1), place(2)].concat();
        let second = [id(2), vec![1 + own.len() as u8], place(1), places.flat_map(place).collect()].concat();
        let flags = [u8::from(long), 0, 0, u8::from(long)];
        let ipma = made(b"ipma", &[&flags[..], &2_u32.to_be_bytes(), &first, &second].concat());
        let iprp = made(b"iprp", &[made(b"ipco", &all), ipma].concat());
        let pitm = made(b"pitm", &[&[u8::from(long), 0, 0, 0][..], &id(2)].concat());
        [made(b"ftyp", b"avif\0\0\0\0avif"), made(b"meta", &[&[0; 4][..], &pitm, &iprp].concat())].concat()
    }

    fn read(file: &[u8]) -> Option<u16> {
        orientation(&mut Cursor::new(file)).unwrap()
    }

    #[test]
    fn the_shown_pictures_own_properties_count() {
        let [irot, imir] = [b"irot", b"imir"].map(|kind| move |value: u8| made(kind, &[value]));
        for long in [false, true] {
            for (own, expected) in [
                (vec![], None),
                (vec![irot(0)], Some(1)),
                (vec![irot(1)], Some(8)),
                (vec![irot(3)], Some(6)),
                (vec![imir(1)], Some(2)),
                (vec![irot(1), imir(0)], Some(5)),
                (vec![irot(3), imir(0)], Some(7)),
                (vec![irot(2), imir(1)], Some(4)),
            ] {
                assert_eq!(read(&picture(&own, long)), expected, "{own:?} {long}");
            }
        }
    }

    #[test]
    fn cut_and_damaged_files_say_nothing_or_something() {
        let file = picture(&[made(b"irot", &[1])], false);
        for end in 0..file.len() {
            let _ = read(&file[..end]);
        }
        for place in 0..file.len() {
            for wrong in [0x00, 0x7f, 0x80, 0xff] {
                let mut file = file.clone();
                file[place] = wrong;
                let _ = read(&file);
            }
        }
    }
}
