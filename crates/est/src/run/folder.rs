//! The folder that results are in.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::claim::{self, Claim};
use super::log::Runs;
use super::manifest::{self, Entry, Lines};
use super::part::Parts;
use super::{MANIFEST, PARTS, RUNS, TABLE, content, table};
use crate::error::EstError;
use crate::report::probe_folder;
use crate::source::Input;

/// A folder of results and what its manifest says.
pub struct OutputFolder {
    path: PathBuf,
    lines: Lines,
    entries: BTreeMap<String, Entry>,
    /// Stamps and hashes of videos that were read for it, by path.
    hashes: BTreeMap<String, (String, String)>,
    at_work: usize,
}

impl OutputFolder {
    /// Makes the folder if it is not there, and removes what dead runs left in work.
    pub fn open(path: &Path) -> Result<Self, EstError> {
        let wrong = |error| EstError::Output { path: path.to_owned(), error };
        fs::create_dir_all(path).and_then(|()| probe_folder(path)).map_err(wrong)?;
        let ours = [MANIFEST, RUNS, PARTS].iter().any(|name| path.join(name).exists());
        if !ours && path.join(TABLE).exists() {
            let problem = format!("holds a {TABLE} that est did not write and would replace; choose another --out");
            return Err(EstError::Source { pattern: path.display().to_string(), problem });
        }
        let at_work = claim::clear(path).map_err(wrong)?;
        Self::with(path, at_work)
    }

    /// A folder that est has written results into.
    pub fn existing(path: &Path) -> Result<Self, EstError> {
        if ![MANIFEST, RUNS, PARTS].iter().any(|name| path.join(name).is_file()) {
            let problem = format!("no folder of results: it has no {MANIFEST}; name one that `est predict` wrote");
            return Err(EstError::Source { pattern: path.display().to_string(), problem });
        }
        let at_work = claim::clear(path).map_err(|error| EstError::Output { path: path.to_owned(), error })?;
        Self::with(path, at_work)
    }

    /// What is there, perhaps nothing; writes nothing.
    pub fn look(path: &Path) -> Result<Self, EstError> {
        Self::with(path, 0)
    }

    fn with(path: &Path, at_work: usize) -> Result<Self, EstError> {
        let lines = Lines::new(path.join(MANIFEST));
        let (entries, hashes) = (BTreeMap::new(), BTreeMap::new());
        let mut folder = OutputFolder { path: path.to_owned(), lines, entries, hashes, at_work };
        folder.refresh()?;
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last word on each video, by name.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    /// Videos that other processes were at when the folder was opened.
    pub fn at_work(&self) -> usize {
        self.at_work
    }

    pub fn runs(&self) -> Runs {
        Runs::new(&self.path)
    }

    pub fn parts(&self) -> Parts {
        Parts::new(&self.path)
    }

    /// Reads what other processes added.
    pub fn refresh(&mut self) -> Result<(), EstError> {
        let news = self.lines.news();
        let news = news.map_err(|error| EstError::Output { path: self.lines.path().to_owned(), error })?;
        manifest::latest(news, &mut self.entries);
        Ok(())
    }

    /// Every line of the manifest, those that later ones replaced too.
    pub fn history(&self) -> Result<Vec<Entry>, EstError> {
        let lines = Lines::new(self.path.join(MANIFEST)).news();
        lines.map_err(|error| EstError::Output { path: self.path.join(MANIFEST), error })
    }

    pub fn add(&mut self, entry: Entry) -> Result<(), EstError> {
        self.lines.add(&entry).map_err(|error| EstError::Output { path: self.lines.path().to_owned(), error })?;
        self.refresh()
    }

    /// Whether there seems to be a result of `input`: nothing is read for it.
    pub fn seems_done(&self, input: &Input) -> bool {
        self.entries.get(&input.name).is_some_and(|entry| {
            entry.failure.is_none() && entry.stamp.is_some() && entry.stamp == content::stamp(&input.source)
        })
    }

    /// The hash of the video, from the manifest or from before where the file is as it was then.
    pub fn content(&mut self, input: &Input) -> Option<String> {
        let stamp = content::stamp(&input.source)?;
        let entry = self.entries.get(&input.name).filter(|entry| entry.source == input.absolute());
        let known = entry.filter(|entry| entry.stamp.as_ref() == Some(&stamp));
        if let Some(hash) = known.and_then(|entry| entry.content_sha256.clone()) {
            return Some(hash);
        }
        if let Some((_, hash)) = self.hashes.get(&input.absolute()).filter(|(before, _)| *before == stamp) {
            return Some(hash.clone());
        }
        // Who cannot be read here is told by the decoder what to do about it.
        let hash = content::sha256(&input.source).ok()?;
        self.hashes.insert(input.absolute(), (stamp, hash.clone()));
        Some(hash)
    }

    /// Whether est wrote `file` here: a result, and no video to read.
    pub fn wrote(&self, file: &Path) -> bool {
        let (Ok(file), Ok(folder)) = (std::path::absolute(file), std::path::absolute(&self.path)) else { return false };
        let Ok(within) = file.strip_prefix(folder) else { return false };
        let mut files = self.entries.values().flat_map(|entry| &entry.files);
        files.any(|file| Path::new(file) == within)
    }

    pub fn has_files(&self, entry: &Entry) -> bool {
        entry.files.iter().all(|file| self.path.join(file).is_file())
    }

    /// Moves all files of `work`, an unfinished folder on the same disk, to the same places here. Returns the places.
    pub fn place(&self, work: &Path) -> Result<Vec<String>, EstError> {
        let mut files = vec![];
        gather(work, Path::new(""), &mut files).map_err(|error| EstError::Output { path: work.to_owned(), error })?;
        files.sort();
        let mut folders = std::collections::BTreeSet::new();
        for file in &files {
            let to = self.path.join(file);
            let folder = to.parent().expect("files are in folders");
            let moved = fs::create_dir_all(folder).and_then(|()| fs::rename(work.join(file), &to));
            moved.map_err(|error| EstError::Output { path: to.clone(), error })?;
            folders.insert(folder.to_owned());
        }
        for folder in folders {
            // Makes the new names durable; not every system lets a folder be opened for that.
            let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(files.iter().map(|file| slashed(file)).collect())
    }

    /// Writes the table of all videos, as the manifest has them now.
    pub fn write_table(&mut self) -> Result<PathBuf, EstError> {
        self.write_own(TABLE, |folder, path| {
            // Of a run without videos, so that the folder is known to be one of results.
            let lines = folder.lines.path();
            let there = fs::OpenOptions::new().create(true).append(true).open(lines);
            there.map_err(|error| EstError::Output { path: lines.to_owned(), error })?;
            folder.refresh()?;
            table::write(path, folder.entries.values())
        })
    }

    /// Has `write` write the file of ours called `name`; no other process does so meanwhile.
    pub(super) fn write_own(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Self, &Path) -> Result<(), EstError>,
    ) -> Result<PathBuf, EstError> {
        let wrong = |error| EstError::Output { path: self.path.join(name), error };
        let claim = Claim::wait(&self.path, name).map_err(wrong)?;
        let work = claim.work_folder().map_err(wrong)?;
        write(self, &work.join(name))?;
        self.place(work)?;
        Ok(self.path.join(name))
    }
}

fn gather(folder: &Path, within: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder.join(within))? {
        let entry = entry?;
        let path = within.join(entry.file_name());
        if entry.file_type()?.is_dir() { gather(folder, &path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn slashed(path: &Path) -> String {
    let parts = path.components().map(|part| part.as_os_str().to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

/// `file` of a manifest below `folder`; None where it would lead out of it, which no manifest of ours does.
pub fn below(folder: &Path, file: &str) -> Option<PathBuf> {
    let plain = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
    (plain && !file.is_empty()).then(|| folder.join(file))
}
