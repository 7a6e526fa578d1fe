//! FERV39k: pictures in `2_ClipsforFaceCrop/Action/Sad/0010/`; the official parts in `4_setups/All_scenes`, files that
//! are called CSV but hold lines `Action/Sad/0010 Sad`.

use std::path::Path;

use est::Source;

use super::annotation::pairs;
use super::gather::{Gather, Statement};
use super::labels::Classes;
use super::walk::{OnDisk, check_root, inside, name};
use super::{DataSet, Protocol, Published, Request};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "ferv39k",
    title: "FERV39k",
    published: &[Published::Clips(38_935)],
    protocol: Protocol::OfficialParts,
    fps: None,
    list,
};

const CLIPS: &str = "2_ClipsforFaceCrop";
const SETUP: &str = "4_setups/All_scenes";
const LISTS: &[(&str, &str)] = &[("train_All.csv", "train"), ("test_All.csv", "test")];

fn list(request: &Request) -> Result<Listing, DataError> {
    let root = request.root;
    check_root(root, "folder 4_setups", |root| root.join("4_setups").is_dir())?;
    let folder = root.join(CLIPS);
    let mut disk = on_disk(&folder)?;
    let mut gather = Gather::new(root, Classes::usual(7));
    for (file, part) in LISTS {
        let path = root.join(SETUP).join(file);
        for (place, clip, word) in pairs(&path)? {
            if clip.split('/').count() != 3 {
                return Err(place.problem(format!("names clip `{clip}`, expected `Action/Sad/0010 Sad`; correct it")));
            }
            let source = disk.find(&clip).unwrap_or_else(|| Source::Folder(folder.join(&clip)));
            let said = Statement::new(clip, source, word, place);
            gather.add(Statement { part: Some(part.to_string()), ..said })?;
        }
    }
    gather.check_disk(&folder, &disk)?;
    gather.finish()
}

/// Clips by scene, class and number: `Action/Sad/0010`.
fn on_disk(folder: &Path) -> Result<OnDisk, DataError> {
    if !folder.is_dir() {
        return Err(DataError::set(folder, "is missing; unpack the clips there"));
    }
    let mut clips = vec![];
    for scene in inside(folder)?.folders {
        for class in inside(&scene)?.folders {
            let named = |clip: Source| (format!("{}/{}/{}", name(&scene), name(&class), clip.name()), clip);
            clips.extend(inside(&class)?.clips().map(named));
        }
    }
    Ok(OnDisk::new(clips.into_iter()))
}
