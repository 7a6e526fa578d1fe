//! From what a user names to the videos that are meant.

mod list;
mod streams;

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use est_media::{IMAGE_EXTENSIONS, Live, MediaError, images_of_folder, natural_order};
use est_nets::StandIn;
use serde_json::{Map, Value};

use crate::error::EstError;
use crate::run;
pub use list::read_list;

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
    /// One of the video streams of such a file, from 1.
    Stream { file: PathBuf, number: u32 },
    /// A folder of pictures, in natural order of their names.
    Folder(PathBuf),
    /// Pictures that match a pattern, in natural order.
    Images { pattern: PathBuf, images: Vec<PathBuf> },
    /// A camera, a stream or standard input; `name` is what it is called in messages.
    Live { live: Live, name: PathBuf },
}

impl Source {
    /// What the user would recognise: the file, the folder or the pattern.
    pub fn path(&self) -> &Path {
        match self {
            Source::File(path) | Source::Folder(path) | Source::Stream { file: path, .. } => path,
            Source::Images { pattern, .. } => pattern,
            Source::Live { name, .. } => name,
        }
    }

    /// The file, of what is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Source::File(path) | Source::Stream { file: path, .. } => Some(path),
            Source::Folder(_) | Source::Images { .. } | Source::Live { .. } => None,
        }
    }

    /// The name of the results: the file's or folder's own name without extension; for a pattern, that of its folder.
    pub fn name(&self) -> String {
        let name = match self {
            Source::File(path) | Source::Stream { file: path, .. } => path.file_stem(),
            Source::Folder(path) => path.file_name(),
            Source::Images { pattern, .. } => pattern.parent().and_then(Path::file_name),
            Source::Live { live, .. } => return recording(live),
        };
        // `.` and `..` have no name of their own.
        name.map_or_else(|| "video".to_string(), |name| name.to_string_lossy().into_owned())
    }
}

/// A video that is asked for, and what its results are called.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub source: Source,
    /// A path below the folder of results, without extension and with `/` between its parts: `a/x` of `a/x.mp4` in a
    /// folder that was named.
    pub name: String,
    /// What a list says about it in columns of its own.
    pub columns: Map<String, Value>,
}

impl Input {
    fn named(source: Source, name: String) -> Self {
        Input { source, name, columns: Map::new() }
    }

    /// Names the results after what the video holds, given by its hash, so that they do not say what its file is called. A
    /// live source, which has none yet, keeps its name, and so does what cannot be read: the decoder tells why.
    pub fn pseudonymise(&mut self, content_sha256: Option<String>) {
        if let Some(hash) = content_sha256 {
            self.name = format!("v-{}", &hash[..10]);
        }
    }

    fn of(source: Source) -> Self {
        let name = source.name();
        Self::named(source, name)
    }

    /// The absolute path of the source, as text.
    pub fn absolute(&self) -> String {
        let path = self.source.path();
        std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
    }

    /// The videos that `argument` stands for: a file is itself; a folder that holds videos, in itself or in folders below
    /// it, is each of them, one that holds pictures is one video, one whose folders hold pictures is each of these; a pattern with `*`, `?` or `[..]` is each video that
    /// matches, and all pictures that match are one.
    ///
    /// `cam:0`, an address and `-` are live sources ([`Live::named`]).
    pub fn expand(argument: &Path) -> Result<Vec<Input>, EstError> {
        if let Some(live) = argument.to_str().and_then(Live::named) {
            let name = live.path();
            return Ok(vec![Input::of(Source::Live { live, name })]);
        }
        if argument.is_dir() {
            return folder(argument);
        }
        if !argument.exists()
            && let Some(pattern) = argument.to_str()
            && pattern.contains(WILDCARDS)
        {
            return matches(pattern);
        }
        // A file that is not there is found missing when it is opened.
        Ok(vec![Input::of(Source::File(argument.to_owned()))])
    }
}

/// A name for what a live source shows from now on: `cam0-2026-11-24T15-06-24Z`.
fn recording(live: &Live) -> String {
    let of = match live {
        Live::Camera(number) => format!("cam{number}"),
        Live::Stdin => "stdin".to_string(),
        Live::Url(_) => "stream".to_string(),
    };
    format!("{of}-{}", run::stamp().replace(':', "-"))
}

const WILDCARDS: [char; 3] = ['*', '?', '['];

fn folder(path: &Path) -> Result<Vec<Input>, EstError> {
    let mut videos = vec![];
    gather(path, &mut videos)?;
    if videos.is_empty() {
        let mut folders = vec![];
        gather_pictures(path, &mut folders)?;
        if folders.is_empty() || folders == [path] {
            // Pictures or nothing: the decoder tells, and names what it would have read.
            return Ok(vec![Input::of(Source::Folder(path.to_owned()))]);
        }
        folders.sort_by(|a, b| natural_order(a, b));
        let of = |folder: PathBuf| Input::named(Source::Folder(folder.clone()), name_below(path, &folder));
        return Ok(folders.into_iter().map(of).collect());
    }
    videos.sort();
    Ok(videos.into_iter().map(|video| below(path, video)).collect())
}

/// The videos of `folder` and the folders below it. Passed over are hidden files, as some systems put them beside
/// videos, links to folders, which may lead in circles, and folders of results that est wrote.
fn gather(folder: &Path, videos: &mut Vec<PathBuf>) -> Result<(), EstError> {
    let unreadable = |error: std::io::Error| EstError::Source {
        pattern: folder.display().to_string(),
        problem: format!("the folder cannot be read ({error}); check its permissions"),
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().map_err(unreadable)?.is_dir() {
            if !holds_results(&path) {
                gather(&path, videos)?;
            }
        } else if is_video(&path) && is_there(&path) {
            videos.push(path);
        }
    }
    Ok(())
}

/// Whether est wrote results into a folder.
fn holds_results(folder: &Path) -> bool {
    [run::MANIFEST, run::PARTS].iter().any(|name| folder.join(name).exists())
}

/// Whether there is a file, or a link in its place that the decoder can tell how to follow.
fn is_there(path: &Path) -> bool {
    path.is_file() || StandIn::at(path).is_some()
}

/// `folder` if it holds pictures, else the folders below it that do, with the same passed over as among videos. What lies
/// below a folder of pictures (crops, small copies) is none of its own.
fn gather_pictures(folder: &Path, folders: &mut Vec<PathBuf>) -> Result<(), EstError> {
    match images_of_folder(folder) {
        Ok(_) => folders.push(folder.to_owned()),
        Err(MediaError::EmptyFolder { .. }) => {
            for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                if is_folder && !hidden && !holds_results(&entry.path()) {
                    gather_pictures(&entry.path(), folders)?;
                }
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// The video `file` of `folder`, called as its path from there.
fn below(folder: &Path, file: PathBuf) -> Input {
    let name = name_below(folder, &file.with_extension(""));
    Input::named(Source::File(file), name)
}

/// The path of `within` from `folder`, with `/` between its parts.
fn name_below(folder: &Path, within: &Path) -> String {
    let within = within.strip_prefix(folder).unwrap_or(within);
    let parts = within.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn matches(pattern: &str) -> Result<Vec<Input>, EstError> {
    let problem = |problem: String| EstError::Source { pattern: pattern.to_string(), problem };
    let paths = glob::glob(pattern).map_err(|error| problem(format!("not a pattern ({error}); put it in quotes")))?;
    let files: Vec<PathBuf> = paths.filter_map(Result::ok).filter(|path| is_there(path)).collect();
    if files.is_empty() {
        return Err(problem("no file matches; check the pattern and the folder".to_string()));
    }
    let (images, others): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|file| has_extension(file, &IMAGE_EXTENSIONS));
    // The part without wildcards is the folder that the names count from.
    let fixed: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(WILDCARDS))
        .collect();
    let mut inputs: Vec<Input> = others.into_iter().map(|file| below(&fixed, file)).collect();
    if !images.is_empty() {
        let pattern = PathBuf::from(pattern);
        let mut images = images;
        images.sort_by(|a, b| natural_order(a, b));
        inputs.push(Input::of(Source::Images { pattern, images }));
    }
    Ok(inputs)
}

/// Whether a file of this name is taken for a video in a folder.
pub fn is_video(path: &Path) -> bool {
    has_extension(path, VIDEO_EXTENSIONS)
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
}

/// Gives each input a name unlike any other's, and unlike est's own files beside the results: a name that comes again
/// gets `-2`, `-3` and so on.
pub fn tell_apart(inputs: &mut [Input]) {
    let mut taken: BTreeSet<String> = run::OWN_NAMES.iter().map(ToString::to_string).collect();
    for input in inputs {
        let name = &input.name;
        let mut numbered = (1..).map(|k| if k == 1 { name.clone() } else { format!("{name}-{k}") });
        input.name = numbered.find(|name| taken.insert(name.clone())).expect("numbers do not end");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(inputs: &[Input]) -> Vec<&str> {
        inputs.iter().map(|input| input.name.as_str()).collect()
    }

    fn sources(inputs: &[Input]) -> Vec<&Path> {
        inputs.iter().map(|input| input.source.path()).collect()
    }

    #[test]
    fn names_are_told_apart() {
        let file = |path: &str| Input::of(Source::File(PathBuf::from(path)));
        let mut inputs = ["a/x.mp4", "b/x.mp4", "b/y.mov", "c/x.avi", "summary.mp4"].map(file);
        tell_apart(&mut inputs);
        assert_eq!(names(&inputs), ["x", "x-2", "y", "x-3", "summary-2"]);
        assert_eq!(Source::Folder(PathBuf::from("clips/007/")).name(), "007");
    }

    #[test]
    fn folders_and_patterns() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let put = |name: &str| {
            std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            std::fs::write(path(name), "x").unwrap();
        };
        ["b.mp4", "a.mov", "notes.txt", "._a.mov"].into_iter().for_each(put);
        let found = Input::expand(folder.path()).unwrap();
        assert_eq!(sources(&found), [path("a.mov"), path("b.mp4")]);
        let found = Input::expand(&path("*.mp4")).unwrap();
        assert_eq!(found, [Input::of(Source::File(path("b.mp4")))]);
        assert!(Input::expand(&path("*.mkv")).unwrap_err().to_string().contains("no file matches"));

        put("pictures/0.png");
        let pictures = path("pictures");
        assert_eq!(Input::expand(&pictures).unwrap(), [Input::of(Source::Folder(pictures.clone()))]);
        let by_pattern = Input::expand(&pictures.join("*.png")).unwrap();
        assert_eq!(names(&by_pattern), ["pictures"]);

        // Folders of pictures below: each is a video of the folder's whole name; what lies in them is none.
        ["clips/s1.5/1.png", "clips/s10/1.png", "clips/s10/crops/1.png", "clips/a/s2/1.jpg", "clips/.x/1.png"]
            .into_iter()
            .for_each(put);
        let found = Input::expand(&path("clips")).unwrap();
        assert_eq!(names(&found), ["a/s2", "s1.5", "s10"]);
        assert_eq!(found[1].source, Source::Folder(path("clips/s1.5")));
        std::fs::remove_dir_all(path("clips")).unwrap();

        // Folders below, but neither hidden ones nor results.
        let more = ["s1/a.mov", "s1/t2/a.mov", ".hidden/c.mp4", "results/a.mp4", "results/est-manifest.jsonl"];
        more.into_iter().for_each(put);
        let found = Input::expand(folder.path()).unwrap();
        assert_eq!(names(&found), ["a", "b", "s1/a", "s1/t2/a"]);
        assert_eq!(names(&Input::expand(&path("*/*.mov")).unwrap()), ["s1/a"]);
    }
}
