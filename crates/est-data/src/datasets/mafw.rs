//! MAFW: `clips/00025.mp4`; the official folds of its single-label part in `single/no_caption/set_1/test.txt`.

use std::path::{Path, PathBuf};

use super::annotation::pairs;
use super::gather::{Gather, Statement};
use super::labels::Classes;
use super::numbered::{NumberedClips, five_digits};
use super::walk::check_root;
use super::{DataSet, Protocol, Published, Request, official_folds};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "mafw",
    title: "MAFW",
    published: &[Published::Clips(9_172)],
    protocol: Protocol::OfficialFolds(FOLDS),
    fps: None,
    list,
};

const FOLDS: usize = 5;
const CLIPS: &[&str] = &["clips", "data/clips"];
/// The second is how the archive unpacks.
const SPLITS: &[&str] = &["single/no_caption", "Train & Test Set/single/no_caption"];
/// After the usual seven: the order of the set's own paper, too.
const OTHER_CLASSES: &[&str] = &["contempt", "anxiety", "helplessness", "disappointment"];

fn splits(root: &Path) -> Option<PathBuf> {
    SPLITS.iter().map(|splits| root.join(splits)).find(|folder| folder.is_dir())
}

fn list(request: &Request) -> Result<Listing, DataError> {
    let root = request.root;
    check_root(root, "folder single/no_caption", |root| splits(root).is_some())?;
    let splits = splits(root).expect("the root was checked for it");
    let mut clips = NumberedClips::find(root, CLIPS)?;
    let mut gather = Gather::new(root, Classes::usual_and(OTHER_CLASSES));
    official_folds::add(&mut gather, FOLDS, |side, fold| {
        let path = splits.join(format!("set_{fold}")).join(format!("{side}.txt"));
        let said = pairs(&path)?.into_iter().map(|(place, name, word)| {
            let id = five_digits(&name);
            let source = clips.source(&id);
            Statement::new(id, source, word, place)
        });
        Ok((path, said.collect()))
    })?;
    gather.check_disk(&clips.folder, &clips.disk)?;
    if let Some(choice) = clips.choice(root) {
        gather.note(root, &choice);
    }
    gather.finish()
}
