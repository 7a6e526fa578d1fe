//! From what a user names to the videos that are meant.

use std::path::{Path, PathBuf};

use est_media::{IMAGE_EXTENSIONS, natural_order};

use crate::error::EstError;

/// Files of a folder that are taken for videos. A file that is named itself may have any name.
const VIDEO_EXTENSIONS: &[&str] = &[
    "3gp", "asf", "avi", "flv", "gif", "m2ts", "m4v", "mjpeg", "mkv", "mov", "mp4", "mpeg", "mpg", "mts", "ogv", "ts",
    "webm", "wmv",
];

/// One video: it gets one set of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file that FFmpeg reads; a still picture is a video of one frame.
    File(PathBuf),
    /// A folder of pictures, in natural order of their names.
    Folder(PathBuf),
    /// Pictures that match a pattern, in natural order.
    Images { pattern: PathBuf, images: Vec<PathBuf> },
}

impl Source {
    /// What the user would recognise: the file, the folder or the pattern.
    pub fn path(&self) -> &Path {
        match self {
            Source::File(path) | Source::Folder(path) => path,
            Source::Images { pattern, .. } => pattern,
        }
    }

    /// The name of the results: the file's or folder's own name without extension; for a pattern, that of its folder.
    pub fn name(&self) -> String {
        let name = match self {
            Source::File(path) => path.file_stem(),
            Source::Folder(path) => path.file_name(),
            Source::Images { pattern, .. } => pattern.parent().and_then(Path::file_name),
        };
        // `.` and `..` have no name of their own.
        name.map_or_else(|| "video".to_string(), |name| name.to_string_lossy().into_owned())
    }

    /// The videos that `argument` stands for: a file is itself; a folder that holds videos is each of them, one that
    /// holds pictures is one video; a pattern with `*`, `?` or `[..]` is each video that matches, and all pictures that
    /// match are one.
    pub fn expand(argument: &Path) -> Result<Vec<Source>, EstError> {
        if argument.is_dir() {
            return folder(argument);
        }
        if !argument.exists()
            && let Some(pattern) = argument.to_str()
            && pattern.contains(['*', '?', '['])
        {
            return matches(pattern);
        }
        // A file that is not there is found missing when it is opened.
        Ok(vec![Source::File(argument.to_owned())])
    }
}

fn folder(path: &Path) -> Result<Vec<Source>, EstError> {
    let unreadable = |error: std::io::Error| EstError::Source {
        pattern: path.display().to_string(),
        problem: format!("the folder cannot be read ({error}); check its permissions"),
    };
    let mut entries = vec![];
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    let files = entries.into_iter().filter(|entry| entry.is_file());
    let mut videos: Vec<PathBuf> = files.filter(|file| is_video(file)).collect();
    videos.sort();
    if videos.is_empty() {
        // Pictures or nothing: the decoder tells, and names what it would have read.
        return Ok(vec![Source::Folder(path.to_owned())]);
    }
    Ok(videos.into_iter().map(Source::File).collect())
}

fn matches(pattern: &str) -> Result<Vec<Source>, EstError> {
    let problem = |problem: String| EstError::Source { pattern: pattern.to_string(), problem };
    let paths = glob::glob(pattern).map_err(|error| problem(format!("not a pattern ({error}); put it in quotes")))?;
    let files: Vec<PathBuf> = paths.filter_map(Result::ok).filter(|path| path.is_file()).collect();
    if files.is_empty() {
        return Err(problem("no file matches; check the pattern and the folder".to_string()));
    }
    let (images, others): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|file| has_extension(file, &IMAGE_EXTENSIONS));
    let mut sources: Vec<Source> = others.into_iter().map(Source::File).collect();
    if !images.is_empty() {
        let pattern = PathBuf::from(pattern);
        let mut images = images;
        images.sort_by(|a, b| natural_order(a, b));
        sources.push(Source::Images { pattern, images });
    }
    Ok(sources)
}

/// Whether a file of this name is taken for a video in a folder.
pub fn is_video(path: &Path) -> bool {
    has_extension(path, VIDEO_EXTENSIONS)
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
}

/// A name for each source's results, unlike any other's: a name that comes again gets `-2`, `-3` and so on.
pub fn unique_names(sources: &[Source]) -> Vec<String> {
    let mut taken = std::collections::BTreeSet::new();
    let name = |source: &Source| {
        let name = source.name();
        let numbered = (1..).map(|k| if k == 1 { name.clone() } else { format!("{name}-{k}") });
        numbered.into_iter().find(|name| taken.insert(name.clone())).expect("numbers do not end")
    };
    sources.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let file = |path: &str| Source::File(PathBuf::from(path));
        let sources = [file("a/x.mp4"), file("b/x.mp4"), file("b/y.mov"), file("c/x.avi")];
        assert_eq!(unique_names(&sources), ["x", "x-2", "y", "x-3"]);
        assert_eq!(Source::Folder(PathBuf::from("clips/007/")).name(), "007");
    }

    #[test]
    fn folders_and_patterns() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b.mp4", "a.mov", "notes.txt"] {
            std::fs::write(path(name), "x").unwrap();
        }
        let videos = [Source::File(path("a.mov")), Source::File(path("b.mp4"))];
        assert_eq!(Source::expand(folder.path()).unwrap(), videos);
        assert_eq!(Source::expand(&path("*.mp4")).unwrap(), [Source::File(path("b.mp4"))]);
        assert!(Source::expand(&path("*.mkv")).unwrap_err().to_string().contains("no file matches"));

        let pictures = path("pictures");
        std::fs::create_dir(&pictures).unwrap();
        std::fs::write(pictures.join("0.png"), "x").unwrap();
        assert_eq!(Source::expand(&pictures).unwrap(), [Source::Folder(pictures.clone())]);
        let by_pattern = Source::expand(&pictures.join("*.png")).unwrap();
        assert_eq!(by_pattern.len(), 1);
        assert_eq!(by_pattern[0].name(), "pictures");
    }
}
