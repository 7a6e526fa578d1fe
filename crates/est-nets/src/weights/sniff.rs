//! What a file is by its content; names and extensions lie.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::error::WeightsError;
use super::pth::legacy;
use crate::stand_in::StandIn;

/// The containers that weights are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    PthZip,
    PthLegacy,
    Safetensors,
}

/// Long enough for every signature below; `ustar` ends at 262.
const HEAD: usize = 512;

/// # Errors
/// Missing, empty or unreadable files, folders, and everything that is not a weight file, with what it is instead.
pub(super) fn sniff(path: &Path) -> Result<Container, WeightsError> {
    let not_weights = |found: &str, remedy: &str| WeightsError::NotWeights {
        path: path.to_owned(),
        found: found.into(),
        remedy: remedy.into(),
    };
    if let Some(stand_in) = StandIn::at(path) {
        return Err(not_weights(&stand_in.to_string(), stand_in.remedy()));
    }
    let metadata = fs::metadata(path).map_err(|source| WeightsError::io(path, source))?;
    if metadata.is_dir() {
        return Err(not_weights("a folder", "give the weight file inside it"));
    }
    if !metadata.is_file() {
        return Err(not_weights("a device or pipe", "give a regular file"));
    }
    let mut head = Vec::with_capacity(HEAD);
    let file = File::open(path).map_err(|source| WeightsError::io(path, source))?;
    file.take(HEAD as u64).read_to_end(&mut head).map_err(|source| WeightsError::io(path, source))?;
    recognise(&head).map_err(|(found, remedy)| not_weights(found, remedy))
}

/// The container that starts with `head`, or what it is instead and what to do.
fn recognise(head: &[u8]) -> Result<Container, (&'static str, &'static str)> {
    const CONVERT: &str = "convert it to safetensors or a PyTorch state dict first";
    const AGAIN: &str = "download it again";
    if head.is_empty() {
        return Err(("an empty file", AGAIN));
    }
    if head.starts_with(b"PK\x03\x04") {
        return Ok(Container::PthZip);
    }
    if is_legacy(head) {
        return Ok(Container::PthLegacy);
    }
    // A header length below 2^40 and the start of a JSON object.
    if head.len() > 8 && head[5..8] == [0; 3] && head[8] == b'{' {
        return Ok(Container::Safetensors);
    }
    let named: [(&[u8], &str, &str); 8] = [
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras)", CONVERT),
        (b"\x93NUMPY", "a NumPy array", CONVERT),
        (b"GGUF", "a GGUF file", CONVERT),
        (b"\x1f\x8b", "gzip data", "unpack it first"),
        (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
        (b"Rar!", "a RAR archive", "unpack it first"),
        (b"BZh", "bzip2 data", "unpack it first"),
        (b"\xfd7zXZ", "xz data", "unpack it first"),
    ];
    if let Some((_, found, remedy)) = named.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Err((found, remedy));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err((
            "a tar archive (the layout of PyTorch before 0.1.10, or unpacked downloads)",
            "unpack it, or load it with an old PyTorch and save its state dict again",
        ));
    }
    if head.get(4..8) == Some(b"TFL3") {
        return Err(("a TensorFlow Lite model", CONVERT));
    }
    // Protobuf: field 1 (the IR version, a small number), then the producer's name, a domain, a version or the graph.
    if head.len() > 2 && head[0] == 0x08 && head[1] < 0x20 && matches!(head[2], 0x12 | 0x1a | 0x22 | 0x28 | 0x3a) {
        return Err(("an ONNX model", CONVERT));
    }
    if head.len() > 1 && head[0] == 0x80 && head[1] <= 5 {
        return Err(("a pickle that torch.save did not write", "load it in Python and torch.save its state dict"));
    }
    let start = head.trim_ascii_start();
    if start.starts_with(b"<") {
        return Err(("a web page or XML", AGAIN));
    }
    if head.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..)) && !head.contains(&0x7f) {
        return Err(("text", "give a .safetensors or .pth file"));
    }
    Err(("unknown data", "give a .safetensors or .pth file"))
}

/// Whether a pickle starts that holds PyTorch's magic number; from protocol 4 on a frame's header precedes it.
fn is_legacy(head: &[u8]) -> bool {
    const FRAME: u8 = 0x95;
    let number = match head {
        [0x80, _, FRAME, frame @ ..] => frame.get(8..),
        [0x80, _, number @ ..] => Some(number),
        _ => None,
    };
    number.is_some_and(|number| number.starts_with(&legacy::MAGIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_told_apart() {
        let mut tar = vec![b'a'; HEAD];
        tar[257..262].copy_from_slice(b"ustar");
        let cases: [(&[u8], Result<Container, &str>); 16] = [
            (b"PK\x03\x04rest", Ok(Container::PthZip)),
            (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80", Ok(Container::PthLegacy)),
            (b"\x80\x04\x95\x0d\0\0\0\0\0\0\0\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80", Ok(Container::PthLegacy)),
            (b"\x28\0\0\0\0\0\0\0{\"__metadata__\"", Ok(Container::Safetensors)),
            // A header of 8 bytes: also the first bytes of an ONNX model's.
            (b"\x08\0\0\0\0\0\0\0{}      ", Ok(Container::Safetensors)),
            (b"", Err("empty")),
            (b"\x89HDF\r\n\x1a\nrest", Err("HDF5")),
            (b"\x08\x07\x12\x07pytorch\x1a", Err("ONNX")),
            (b"\x1c\0\0\0TFL3", Err("TensorFlow Lite")),
            (b"\x80\x04\x95\x10\0\0\0\0\0\0\0}", Err("torch.save did not")),
            (b"<!DOCTYPE html><html>", Err("web page")),
            (b"hello, weights\n", Err("text")),
            ("Gewichte für später\n".as_bytes(), Err("text")),
            (&tar, Err("tar")),
            (b"\x1f\x8b\x08", Err("gzip")),
            (&[1, 2, 3], Err("unknown")),
        ];
        for (head, expected) in cases {
            match (recognise(head), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err((found, remedy)), Err(expected)) => {
                    assert!(found.contains(expected), "{found}, not {expected}");
                    assert!(!remedy.is_empty());
                }
                (found, expected) => panic!("{found:?}, not {expected:?}"),
            }
        }
        // Every prefix of every case is recognised as something.
        for (head, _) in cases {
            for length in 0..head.len() {
                let _ = recognise(&head[..length]);
            }
        }
    }
}
