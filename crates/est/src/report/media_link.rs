//! How a result names the video that it belongs to, for programs that open both.

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::source::Source;

pub struct MediaLink {
    /// Absolute, `file:///..`.
    pub url: String,
    /// From the folder of the results.
    pub relative: Option<String>,
    pub mime: &'static str,
}

impl MediaLink {
    /// None for pictures, which are no one file.
    /// `name`: of the results in the folder `home`, with folders of its own where it has some.
    pub fn of(source: &Source, home: &Path, name: &str) -> Option<Self> {
        let path = source.file()?;
        let video = path.canonicalize().ok()?;
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_ascii_lowercase();
        let mime = match &*extension {
            "mp4" | "m4v" => "video/mp4",
            "mov" => "video/quicktime",
            "mpg" | "mpeg" => "video/mpeg",
            "avi" => "video/x-msvideo",
            "mkv" => "video/x-matroska",
            "webm" => "video/webm",
            _ => "video/*",
        };
        // Folders within it may not be there yet.
        let within = Path::new(name).parent().unwrap_or(Path::new(""));
        let relative = home.canonicalize().ok().and_then(|home| relative(&video, &home.join(within)));
        Some(MediaLink { url: format!("file:///{}", percent_encoded(&parts(&video)?)), relative, mime })
    }
}

/// The names on the way to `path`, which must be text.
fn parts(path: &Path) -> Option<Vec<&str>> {
    let names = path.components().filter(|part| *part != Component::RootDir);
    names.map(|part| part.as_os_str().to_str()).collect()
}

fn relative(video: &Path, folder: &Path) -> Option<String> {
    let (to, from) = (parts(video)?, parts(folder)?);
    let shared = to.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let up = vec![".."; from.len() - shared];
    let way: Vec<&str> = up.into_iter().chain(to[shared..].iter().copied()).collect();
    Some(format!("./{}", percent_encoded(&way)))
}

/// RFC 3986: all but the unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn percent_encoded(parts: &[&str]) -> String {
    let encoded: Vec<String> = parts.iter().map(|part| utf8_percent_encode(part, RESERVED).to_string()).collect();
    encoded.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let relative = |video, folder| relative(Path::new(video), Path::new(folder)).unwrap();
        assert_eq!(relative("/a/b/c d.mp4", "/a/out/x"), "./../../b/c%20d.mp4");
        assert_eq!(relative("/a/b.mp4", "/a"), "./b.mp4");
        assert_eq!(percent_encoded(&["a", "\u{e9}&.mp4"]), "a/%C3%A9%26.mp4");
    }
}
