//! Clips that are called by a number, as DFEW and MAFW do: `1`, `00001` and `1.mp4` are the same clip.

use std::path::{Path, PathBuf};

use est::Source;

use super::walk::{OnDisk, inside};
use crate::error::DataError;

/// Five digits; what is no number stays as it is.
pub(super) fn five_digits(name: &str) -> String {
    let stem = match name.rsplit_once('.') {
        Some((stem, extension)) if !extension.is_empty() && !extension.contains(' ') => stem,
        _ => name,
    };
    match stem.parse::<u64>() {
        Ok(number) => format!("{number:05}"),
        Err(_) => stem.to_string(),
    }
}

/// Where the clips of a set are: all videos, or all folders of pictures.
pub(super) struct NumberedClips {
    pub folder: PathBuf,
    pub disk: OnDisk,
    videos: bool,
}

impl NumberedClips {
    /// Looks in the first of `places` under `root` that holds videos, else in the first that holds numbered folders.
    pub fn find(root: &Path, places: &[&str]) -> Result<Self, DataError> {
        let is_number = |source: &Source| source.name().parse::<u64>().is_ok();
        for videos in [true, false] {
            for place in places {
                let folder = root.join(place);
                if !folder.is_dir() {
                    continue;
                }
                let inside = inside(&folder)?;
                let clips: Vec<Source> = match videos {
                    true => inside.videos.into_iter().map(Source::File).collect(),
                    false => inside.folders.into_iter().map(Source::Folder).filter(is_number).collect(),
                };
                if !clips.is_empty() {
                    let disk = OnDisk::new(clips.into_iter().map(|clip| (five_digits(&clip.name()), clip)));
                    return Ok(NumberedClips { folder, disk, videos });
                }
            }
        }
        let places = places.join(" or ");
        Err(DataError::set(root, format!("holds no clips in {places}; unpack the videos or folders of pictures there")))
    }

    /// Where clip `name` (of [`five_digits`]) is or would be.
    pub fn source(&mut self, name: &str) -> Source {
        self.disk.find(name).unwrap_or_else(|| match self.videos {
            true => Source::File(self.folder.join(format!("{name}.mp4"))),
            false => Source::Folder(self.folder.join(name)),
        })
    }
}
