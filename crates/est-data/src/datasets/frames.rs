//! The authors' frame lists: `--list` holds lines `<id> <LabelWord>`, the pictures are in `videos/<id>/` or `<id>/`.

use std::path::{Path, PathBuf};

use est::Source;

use super::annotation::pairs;
use super::gather::{Gather, Statement};
use super::labels::{Classes, usual_word};
use super::walk::{OnDisk, check_root, inside};
use super::{DataSet, Protocol, Request, list_of};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "frames",
    title: "EST frame lists",
    published: &[],
    // A list is one part and does not say which.
    protocol: Protocol::OfficialParts,
    fps: None,
    list,
};

/// The folder of the clips' folders.
fn clips(root: &Path) -> PathBuf {
    let videos = root.join("videos");
    if videos.is_dir() { videos } else { root.to_owned() }
}

fn list(request: &Request) -> Result<Listing, DataError> {
    let path = list_of(request)?;
    let lines = pairs(path)?;
    let Some((_, first, _)) = lines.first() else {
        return Err(DataError::set(path, "lists no clip; give each a line `<id> <label>`"));
    };
    let any_there = |root: &Path| lines.iter().any(|(_, id, _)| clips(root).join(id.trim_matches('/')).is_dir());
    check_root(request.root, &format!("pictures of the clips of {} (videos/{first}/ ..)", path.display()), any_there)?;
    let folder = clips(request.root);
    // Lists of BU-4DFE and MMI have no neutral clip: their networks have six classes.
    let neutral = lines.iter().any(|(_, _, word)| usual_word(word) == "neutral");
    let mut gather = Gather::new(request.root, Classes::usual(if neutral { 7 } else { 6 }));
    // An id may be a path: what is on the disk is compared by its first folder.
    let top = |id: &str| id.split('/').next().unwrap_or(id).to_string();
    let mut disk = OnDisk::new(inside(&folder)?.folders.into_iter().map(|path| {
        let source = Source::Folder(path);
        (source.name(), source)
    }));
    for (place, id, word) in lines {
        let id = id.trim_matches('/');
        disk.find(&top(id));
        gather.add(Statement::new(id, Source::Folder(folder.join(id)), word, place))?;
    }
    gather.check_disk(&folder, &disk)?;
    gather.finish()
}
