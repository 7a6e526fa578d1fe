//! What lies on the disk.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use est::{Source, is_video};
use est_media::natural_order;

use crate::error::DataError;

/// What a folder holds, in natural order of the names. Hidden files and folders are passed over: unpacked archives have
/// them in plenty.
pub(super) struct Inside {
    pub folders: Vec<PathBuf>,
    pub videos: Vec<PathBuf>,
    pub others: Vec<PathBuf>,
}

pub(super) fn inside(folder: &Path) -> Result<Inside, DataError> {
    let mut found = Inside { folders: vec![], videos: vec![], others: vec![] };
    for entry in folder.read_dir().map_err(DataError::read(folder))? {
        let path = entry.map_err(DataError::read(folder))?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        let kind = match path.is_dir() {
            true => &mut found.folders,
            false if is_video(&path) => &mut found.videos,
            false => &mut found.others,
        };
        kind.push(path);
    }
    for kind in [&mut found.folders, &mut found.videos, &mut found.others] {
        kind.sort_by(|a, b| natural_order(a, b));
    }
    Ok(found)
}

impl Inside {
    /// Videos and folders of pictures.
    pub fn clips(self) -> impl Iterator<Item = Source> {
        self.videos.into_iter().map(Source::File).chain(self.folders.into_iter().map(Source::Folder))
    }
}

/// A file's or folder's own name; what is not UTF-8 in it becomes U+FFFD.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Whether `root` is the folder that holds the set, by what `fits` sees in it; if not, says which one is.
pub(super) fn check_root(root: &Path, expected: &str, fits: impl Fn(&Path) -> bool) -> Result<(), DataError> {
    if !root.is_dir() {
        return Err(DataError::set(root, "there is no such folder; check --root"));
    }
    if fits(root) {
        return Ok(());
    }
    // Below before above: what was unpacked here belongs to the set more surely than what happens to lie around it.
    let mut nearby = inside(root)?.folders;
    nearby.extend(root.canonicalize().ok().and_then(|root| Some(root.parent()?.to_owned())));
    let hint = match nearby.iter().find(|folder| fits(folder)) {
        Some(folder) => format!("; {} looks right: use it as --root", folder.display()),
        None => "; --root is the folder into which the set was unpacked".to_string(),
    };
    Err(DataError::set(root, format!("holds no {expected}{hint}")))
}

/// The clips on the disk of a set that has lists, by the names that the lists have for them.
pub(super) struct OnDisk {
    clips: BTreeMap<String, Source>,
    listed: BTreeSet<String>,
    /// Files of a clip that has another file already.
    pub doubles: Vec<String>,
}

impl OnDisk {
    pub fn new(clips: impl Iterator<Item = (String, Source)>) -> Self {
        let mut on_disk = OnDisk { clips: BTreeMap::new(), listed: BTreeSet::new(), doubles: vec![] };
        for (name, source) in clips {
            match on_disk.clips.entry(name) {
                Entry::Vacant(place) => _ = place.insert(source),
                Entry::Occupied(_) => on_disk.doubles.push(self::name(source.path())),
            }
        }
        on_disk
    }

    /// Where the clip `name` is, if it is there. It counts as listed from now on.
    pub fn find(&mut self, name: &str) -> Option<Source> {
        let source = self.clips.get(name)?;
        self.listed.insert(name.to_string());
        Some(source.clone())
    }

    pub fn found_any(&self) -> bool {
        !self.listed.is_empty()
    }

    /// Those that nothing asked for.
    pub fn unlisted(&self) -> Vec<String> {
        self.clips.keys().filter(|name| !self.listed.contains(*name)).cloned().collect()
    }
}
