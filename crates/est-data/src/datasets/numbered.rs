//! Clips that are called by a number, as DFEW and MAFW do: `1`, `00001` and `1.mp4` are the same clip.

use std::path::{Path, PathBuf};

use est::Source;
use est_nets::StandIn;

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
    /// Other places with clips, which are not read.
    others: Vec<PathBuf>,
}

impl NumberedClips {
    /// Looks in the first of `places` under `root` that holds videos, else in the first that holds numbered folders. An
    /// archive may have unpacked into a folder of its own name there: `clip_original/clip_original`.
    pub fn find(root: &Path, places: &[&str]) -> Result<Self, DataError> {
        let mut found: Vec<NumberedClips> = vec![];
        for videos in [true, false] {
            for place in places {
                let folder = root.join(place);
                let nested = folder.file_name().map(|name| folder.join(name));
                for folder in [Some(folder), nested].into_iter().flatten().filter(|folder| folder.is_dir()) {
                    let clips = clips(&folder, videos)?;
                    if clips.is_empty() {
                        continue;
                    }
                    match found.first_mut() {
                        Some(first) => first.others.push(folder),
                        None => {
                            let disk = OnDisk::new(clips.into_iter().map(|clip| (five_digits(&clip.name()), clip)));
                            found.push(NumberedClips { folder, disk, videos, others: vec![] });
                        }
                    }
                }
            }
        }
        found.pop().ok_or_else(|| {
            // The archive itself, as version control leaves it.
            let in_place = |place: &str| std::fs::read_dir(root.join(place)).into_iter().flatten().flatten();
            let files = [""].iter().chain(places).flat_map(|place| in_place(place)).map(|entry| entry.path());
            if let Some((file, what)) = files.filter_map(|file| StandIn::at(&file).map(|what| (file, what))).next() {
                return DataError::set(&file, format!("is not the file itself but {what}; {}", what.remedy()));
            }
            let places = places.join(" or ");
            DataError::set(root, format!("holds no clips in {places}; unpack the videos or folders of pictures there"))
        })
    }

    /// Where clip `name` (of [`five_digits`]) is or would be.
    pub fn source(&mut self, name: &str) -> Source {
        self.disk.find(name).unwrap_or_else(|| match self.videos {
            true => Source::File(self.folder.join(format!("{name}.mp4"))),
            false => Source::Folder(self.folder.join(name)),
        })
    }

    /// What is to be said of the choice, where there was one.
    pub fn choice(&self, root: &Path) -> Option<String> {
        let within = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
        let others: Vec<String> = self.others.iter().map(|path| within(path)).collect();
        (!others.is_empty()).then(|| {
            format!(
                "clips are read from {}; so could be those in {}: move away what shall not be read",
                within(&self.folder),
                others.join(", ")
            )
        })
    }
}

fn clips(folder: &Path, videos: bool) -> Result<Vec<Source>, DataError> {
    let is_number = |source: &Source| source.name().parse::<u64>().is_ok();
    let inside = inside(folder)?;
    Ok(match videos {
        true => inside.videos.into_iter().map(Source::File).collect(),
        false => inside.folders.into_iter().map(Source::Folder).filter(is_number).collect(),
    })
}
