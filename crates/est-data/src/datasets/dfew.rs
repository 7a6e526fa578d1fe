//! DFEW: the clips in one of the folders that its README names, `Clip/clip_original` (videos), `Clip/clip_224x224`
//! (pictures of faces) and `Clip/clip_224x224_16f` (16 of those of each clip), or as `Clip/original/1.mp4`; the official
//! folds of its single-label part in `EmoLabel_DataSplit`.

use super::annotation::Table;
use super::gather::{Gather, Statement};
use super::labels::{Classes, Codes};
use super::numbered::{NumberedClips, five_digits};
use super::walk::check_root;
use super::{DataSet, Protocol, Published, Request, official_folds};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "dfew",
    title: "DFEW",
    // Of 16,372 clips in all, those that the folds have.
    published: &[Published::Clips(11_697)],
    protocol: Protocol::OfficialFolds(FOLDS),
    fps: None,
    list,
};

const FOLDS: usize = 5;
const SPLITS: &str = "EmoLabel_DataSplit";
/// From the best to the last resort: 16 pictures of a clip leave its rate unknown.
const CLIPS: &[&str] = &[
    "Clip/original",
    "Clip/clip_original",
    "clip_original",
    "original",
    "Clip/clip_224x224",
    "clip_224x224",
    "Clip",
    ".",
    SAMPLED[0],
    SAMPLED[1],
];
const SAMPLED: [&str; 2] = ["Clip/clip_224x224_16f", "clip_224x224_16f"];
const LABELS: Codes = &[
    ("1", "happy"),
    ("2", "sad"),
    ("3", "neutral"),
    ("4", "angry"),
    ("5", "surprise"),
    ("6", "disgust"),
    ("7", "fear"),
];

fn list(request: &Request) -> Result<Listing, DataError> {
    let root = request.root;
    check_root(root, "folder EmoLabel_DataSplit", |root| root.join(SPLITS).is_dir())?;
    let mut clips = NumberedClips::find(root, CLIPS)?;
    let mut gather = Gather::coded(root, Classes::usual(7), LABELS);
    official_folds::add(&mut gather, FOLDS, |side, fold| {
        let path = root.join(SPLITS).join(format!("{side}(single-labeled)")).join(format!("set_{fold}.csv"));
        let table = Table::csv(&path)?;
        let [name, label] = [table.required("video_name")?, table.required("label")?];
        let said = table.rows.into_iter().map(|(place, row)| {
            let id = five_digits(&row[name]);
            let source = clips.source(&id);
            Statement::new(id, source, &row[label], place)
        });
        Ok((path, said.collect()))
    })?;
    gather.check_disk(&clips.folder, &clips.disk)?;
    if let Some(choice) = clips.choice(root) {
        gather.note(root, &choice);
    }
    if SAMPLED.iter().any(|place| clips.folder.starts_with(root.join(place))) {
        gather.note(
            &clips.folder,
            "holds 16 pictures of each clip, from which nobody can tell its rate; --fps says how many of them are a \
             second, and clip_224x224 or clip_original has all",
        );
    }
    gather.finish()
}
