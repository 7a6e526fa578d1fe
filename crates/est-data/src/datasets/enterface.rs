//! eNTERFACE'05: `subject 1/anger/sentence 1/s1_an_1.avi`. Folders tell subject and label, file names do not: those of
//! subject 11 begin with `s12`, and others are misspelt.

use std::path::{Path, PathBuf};

use est::Source;

use super::gather::{Gather, Statement};
use super::labels::Classes;
use super::walk::{check_root, inside, name};
use super::{DataSet, Protocol, Published, Request};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "enterface",
    title: "eNTERFACE'05",
    published: &[Published::Clips(1_287)],
    protocol: Protocol::FoldsBySubject(5),
    fps: None,
    list,
};

/// `subject 1`; copies without blanks in the names have `-` or `_`.
fn is_subject(folder: &Path) -> bool {
    let name = name(folder).to_lowercase();
    let number = name.strip_prefix("subject").map(|rest| rest.trim_start_matches([' ', '-', '_']));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}

fn holds_subjects(root: &Path) -> bool {
    inside(root).is_ok_and(|inside| inside.folders.iter().any(|folder| is_subject(folder)))
}

fn list(request: &Request) -> Result<Listing, DataError> {
    let root = request.root;
    check_root(root, "folders `subject 1`, `subject 2` ..", holds_subjects)?;
    let mut gather = Gather::new(root, Classes::usual(6));
    let here = inside(root)?;
    let (subjects, others): (Vec<_>, Vec<_>) = here.folders.into_iter().partition(|folder| is_subject(folder));
    let mut others: Vec<String> =
        others.iter().chain(&here.videos).chain(&here.others).map(|path| name(path)).collect();
    let within = |path: &PathBuf| path.strip_prefix(root).unwrap_or(path).display().to_string();
    for subject in subjects {
        let here = inside(&subject)?;
        others.extend(here.videos.iter().chain(&here.others).map(within));
        for class in here.folders {
            let here = inside(&class)?;
            // Subject 6 has one video for each class, a whole session of about a minute with five sentences and all
            // that is between them. Without its six the set has the 1,287 clips that are published.
            let session = here.folders.is_empty() && here.videos.len() == 1;
            others.extend(here.others.iter().map(within));
            let mut videos = here.videos;
            for sentence in here.folders {
                let here = inside(&sentence)?;
                others.extend(here.folders.iter().chain(&here.others).map(within));
                videos.extend(here.videos);
            }
            for video in videos {
                let word = if session { String::new() } else { name(&class) };
                let note = session.then(|| format!("a whole session of {}, not cut into sentences", name(&class)));
                let said = Statement::of_file(root, Source::File(video), word);
                gather.add(Statement { subject: Some(name(&subject)), note, ..said })?;
            }
        }
    }
    gather.warn(root, &others, "files and folders that are neither a subject nor a clip, passed over");
    gather.finish()
}
