//! DFEW: `Clip/original/1.mp4` or folders of pictures `00001/00001_00001.jpg`; the official folds of its single-label
//! part in `EmoLabel_DataSplit`.

use super::annotation::Table;
use super::gather::{Gather, Statement};
use super::labels::{Classes, decode};
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
const CLIPS: &[&str] = &["Clip/original", "Clip/clip_224x224", "Clip", "."];
const LABELS: &[(&str, &str)] = &[
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
    let mut gather = Gather::new(root, Classes::usual(7));
    official_folds::add(&mut gather, FOLDS, |side, fold| {
        let path = root.join(SPLITS).join(format!("{side}(single-labeled)")).join(format!("set_{fold}.csv"));
        let table = Table::csv(&path)?;
        let [name, label] = [table.required("video_name")?, table.required("label")?];
        let said = table.rows.into_iter().map(|(place, row)| {
            let id = five_digits(&row[name]);
            let source = clips.source(&id);
            Statement::new(id, source, decode(LABELS, &row[label]), place)
        });
        Ok((path, said.collect()))
    })?;
    gather.check_disk(&clips.folder, &clips.disk)?;
    gather.finish()
}
