//! BU-4DFE (the paper calls it BU-3DFE): `F001/Angry/000.jpg`; six classes acted by each subject.

use std::path::Path;

use super::gather::{Gather, Statement};
use super::labels::Classes;
use super::walk::{check_root, inside, name};
use super::{DataSet, Protocol, Published, Request};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "bu-4dfe",
    title: "BU-4DFE",
    published: &[Published::Clips(606), Published::Subjects(101)],
    protocol: Protocol::FoldsBySubject(10),
    // The rate of its cameras.
    fps: Some(25.0),
    list,
};

/// `F001`, `M043`.
fn is_subject(folder: &Path) -> bool {
    let name = name(folder);
    let digits = name.strip_prefix(['F', 'M', 'f', 'm']);
    folder.is_dir() && digits.is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn holds_subjects(root: &Path) -> bool {
    inside(root).is_ok_and(|inside| inside.folders.iter().any(|folder| is_subject(folder)))
}

fn list(request: &Request) -> Result<Listing, DataError> {
    check_root(request.root, "subject folders F001, F002 .. M043", holds_subjects)?;
    let mut gather = Gather::new(request.root, Classes::usual(6));
    let here = inside(request.root)?;
    let (subjects, others): (Vec<_>, Vec<_>) = here.folders.into_iter().partition(|folder| is_subject(folder));
    for folder in subjects {
        for clip in inside(&folder)?.clips() {
            let word = clip.name();
            let said = Statement::of_file(request.root, clip, word);
            gather.add(Statement { subject: Some(name(&folder)), ..said })?;
        }
    }
    let others: Vec<String> = others.iter().chain(&here.videos).chain(&here.others).map(|path| name(path)).collect();
    gather.warn(request.root, &others, "files and folders that are no subject, passed over");
    gather.finish()
}
