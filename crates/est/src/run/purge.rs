//! Deletes what est wrote into a folder, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::{OutputFolder, below};
use super::log::{self, RunLine};
use super::manifest::Entry;
use super::{MANIFEST, PARTS, RUNS, TABLE};
use crate::error::EstError;

/// What would be deleted.
pub struct Purge {
    folder: OutputFolder,
    /// Lines of videos that stay; None where everything goes.
    stays: Option<Vec<Entry>>,
    files: Vec<PathBuf>,
    videos: usize,
}

/// What was deleted, and what was not.
#[derive(Debug, Default)]
pub struct Purged {
    pub videos: usize,
    pub files: usize,
    /// Files in the folder that est did not write; of a purge of what is past its time, none.
    pub left: Vec<PathBuf>,
}

impl Purge {
    /// Looks at what est wrote into `path`; with `expired` only at videos whose retention is over.
    pub fn plan(path: &Path, expired: bool) -> Result<Self, EstError> {
        let folder = OutputFolder::existing(path)?;
        if folder.at_work() > 0 {
            let problem = "another est is at work here; wait for it, or end it".to_string();
            return Err(EstError::Source { pattern: path.display().to_string(), problem });
        }
        let is_over = |entry: &Entry| !expired || entry.keep_until.as_deref().is_some_and(log::is_over);
        let gone: BTreeSet<&str> =
            folder.entries().values().filter(|entry| is_over(entry)).map(|entry| entry.video_id.as_str()).collect();
        // Earlier results of a video may have had other files.
        let (goes, stays): (Vec<Entry>, Vec<Entry>) =
            folder.history()?.into_iter().partition(|entry| gone.contains(entry.video_id.as_str()));
        let kept: BTreeSet<&String> = stays.iter().flat_map(|entry| &entry.files).collect();
        let files: BTreeSet<&String> = goes.iter().flat_map(|entry| &entry.files).collect();
        let files = files.difference(&kept).filter_map(|file| below(path, file)).filter(|file| file.is_file());
        let (files, videos) = (files.collect(), gone.len());
        Ok(Purge { stays: expired.then_some(stays), files, videos, folder })
    }

    pub fn videos(&self) -> usize {
        self.videos
    }

    /// Results; the manifest, the run log and the table go with them when nothing stays.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Deletes. The manifest goes last, so that what is interrupted can be done again.
    pub fn go(mut self) -> Result<Purged, EstError> {
        let path = self.folder.path().to_owned();
        let mut purged = Purged { videos: self.videos, ..Purged::default() };
        let root = path.canonicalize().map_err(|error| wrong(&path, error))?;
        for file in &self.files {
            // Behind a link that someone put here are no files of ours.
            let inside = file.parent().and_then(|folder| folder.canonicalize().ok());
            if !inside.is_some_and(|folder| folder.starts_with(&root)) {
                continue;
            }
            remove(file)?;
            purged.files += 1;
            let folders = file.ancestors().skip(1).take_while(|folder| *folder != path);
            // One that is not empty stays.
            folders.for_each(|folder| _ = fs::remove_dir(folder));
        }
        match self.stays.take() {
            Some(stays) => {
                if self.videos > 0 {
                    self.folder.write_own(MANIFEST, |_, path| {
                        rewrite(path, &stays).map_err(|error| EstError::Output { path: path.to_owned(), error })
                    })?;
                    // It names the videos that are gone.
                    remove(&path.join(PARTS))?;
                    let mut folder = OutputFolder::existing(&path)?;
                    folder.write_table()?;
                    folder.runs().add(&RunLine::purge(self.videos))?;
                }
            }
            None => {
                for name in [TABLE, RUNS, PARTS, MANIFEST] {
                    purged.files += usize::from(path.join(name).is_file());
                    remove(&path.join(name))?;
                }
                purged.left = left(&path).map_err(|error| wrong(&path, error))?;
                if purged.left.is_empty() {
                    // Empty folders in it are not ours to judge: then it stays.
                    let _ = fs::remove_dir(&path);
                }
            }
        }
        Ok(purged)
    }
}

fn wrong(path: &Path, error: io::Error) -> EstError {
    let problem = format!("cannot be deleted ({error}); check its permissions");
    EstError::Source { pattern: path.display().to_string(), problem }
}

fn remove(path: &Path) -> Result<(), EstError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(wrong(path, error)),
        _ => Ok(()),
    }
}

fn rewrite(path: &Path, entries: &[Entry]) -> io::Result<()> {
    let mut file = io::BufWriter::new(fs::File::create(path)?);
    for entry in entries {
        serde_json::to_writer(&mut file, entry)?;
        io::Write::write_all(&mut file, b"\n")?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

fn left(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = vec![];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { files.extend(left(&entry.path())?) } else { files.push(entry.path()) }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(video_id: &str, files: &[&str], keep_until: Option<&str>) -> Entry {
        Entry {
            video_id: video_id.to_string(),
            source: format!("/{video_id}.mp4"),
            stamp: None,
            content_sha256: None,
            config_sha256: "1".to_string(),
            at: "2026-01-01T00:00:00Z".to_string(),
            keep_until: keep_until.map(String::from),
            failure: None,
            files: files.iter().map(ToString::to_string).collect(),
            classes: vec![],
            summary: serde_json::Value::Null,
            columns: serde_json::Map::new(),
        }
    }

    #[test]
    fn only_what_is_listed_goes() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out");
        fs::create_dir_all(out.join("s")).unwrap();
        for file in ["out/a.csv", "out/a.json", "out/s/b.csv", "out/notes.txt", "outside.csv"] {
            fs::write(place.path().join(file), "x").unwrap();
        }
        let mut folder = OutputFolder::open(&out).unwrap();
        folder.add(entry("a", &["a.csv", "a.json"], None)).unwrap();
        folder.add(entry("a", &["a.csv", "../outside.csv"], Some("2020-01-01T00:00:00Z"))).unwrap();
        folder.add(entry("s/b", &["s/b.csv"], Some("2999-01-01T00:00:00Z"))).unwrap();

        let expired = Purge::plan(&out, true).unwrap();
        assert_eq!((expired.videos(), expired.files().len()), (1, 2));
        assert_eq!(expired.go().unwrap().files, 2);
        assert!(!out.join("a.json").exists() && out.join("s/b.csv").exists());
        assert_eq!(OutputFolder::existing(&out).unwrap().entries().len(), 1);

        let purged = Purge::plan(&out, false).unwrap().go().unwrap();
        assert_eq!(purged.left, [out.join("notes.txt")]);
        assert!(!out.join("s").exists() && place.path().join("outside.csv").exists());
        assert!(Purge::plan(&out, false).is_err(), "nothing of est is left");
    }
}
