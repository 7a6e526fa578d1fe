//! Whether a video is still the one that it was.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use est_nets::hash;

use crate::source::Source;

/// Size and time of change of a source's files: while they stay, its content is taken to be the same. None of what is no
/// plain file (a pipe, a camera), which nobody can look at twice.
pub fn stamp(source: &Source) -> Option<String> {
    let files = files(source).ok()?;
    let mut text = String::new();
    for file in &files {
        let metadata = fs::metadata(file).ok().filter(fs::Metadata::is_file)?;
        let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        if files.len() > 1 {
            let _ = write!(text, "{}\t", file.file_name()?.to_string_lossy());
        }
        let _ = writeln!(text, "{}@{changed}", metadata.len());
    }
    Some(if files.len() == 1 { text.trim_end().to_string() } else { hash::of(text.as_bytes()) })
}

/// SHA-256 of a file; of several, of their names and hashes.
pub fn sha256(source: &Source) -> io::Result<String> {
    match &files(source)?[..] {
        [file] => hash::of_file(file),
        files => {
            let mut text = String::new();
            for file in files {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                let _ = writeln!(text, "{}  {name}", hash::of_file(file)?);
            }
            Ok(hash::of(text.as_bytes()))
        }
    }
}

fn files(source: &Source) -> io::Result<Vec<PathBuf>> {
    match source {
        Source::File(path) | Source::Stream { file: path, .. } => Ok(vec![path.clone()]),
        Source::Folder(path) => est_media::images_of_folder(path).map_err(io::Error::other),
        Source::Images { images, .. } => Ok(images.clone()),
        // What was live cannot be read again: each recording is its own.
        Source::Live { .. } => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// In a few hundred kilobytes of memory, however large the file.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_follows_the_content_and_the_stamp_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.mp4");
        fs::write(&path, "abc").unwrap();
        let source = Source::File(path.clone());
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&source).unwrap(), abc);
        let before = stamp(&source).unwrap();
        assert!(before.starts_with("3@"), "{before}");
        fs::write(&path, "abcd").unwrap();
        assert_ne!(stamp(&source).unwrap(), before);
        assert_eq!(stamp(&Source::File(folder.path().join("missing"))), None);
        assert_eq!(stamp(&Source::File("/dev/null".into())), None);

        let pictures = Source::Images { pattern: "*.png".into(), images: vec![path.clone(), path] };
        assert_ne!(sha256(&pictures).unwrap(), sha256(&source).unwrap());
        assert_eq!(stamp(&pictures).unwrap().len(), 64);
    }
}
