//! The official folds of DFEW and MAFW: a list of training clips and one of test clips for each. A clip's part is the
//! fold whose test list has it, and a fold trains on all clips of the others. The training lists say the same again:
//! they are read to see whether they do.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::gather::{Gather, Statement};
use crate::error::DataError;
use crate::listing::ClipEntry;

/// A list: its file, and what that says.
pub(super) type List = (PathBuf, Vec<Statement>);

/// Adds the clips of folds 1 to `folds`; `read` gives the list `train` or `test` of a fold.
pub(super) fn add(
    gather: &mut Gather,
    folds: usize,
    mut read: impl FnMut(&str, usize) -> Result<List, DataError>,
) -> Result<(), DataError> {
    let part = |fold: usize| format!("fold-{fold}");
    for fold in 1..=folds {
        let (path, list) = read("test", fold)?;
        if list.is_empty() {
            return Err(DataError::set(path, "lists no clip; get the file anew"));
        }
        let mut elsewhere = vec![];
        for said in list {
            if gather.part(&said.source).is_some_and(|earlier| earlier != part(fold)) {
                gather.agrees(&said)?;
                elsewhere.push(said.name);
            } else {
                gather.add(Statement { part: Some(part(fold)), ..said })?;
            }
        }
        gather.warn(
            &path,
            &elsewhere,
            "clips that an earlier fold tests; they are tested there alone, so these are not the official folds",
        );
    }

    let mut never_tested = vec![];
    for fold in 1..=folds {
        let (path, list) = read("train", fold)?;
        let mut trained = BTreeSet::new();
        let (mut twice, mut tested_too) = (vec![], vec![]);
        for said in list {
            let known = gather.agrees(&said)?;
            if !trained.insert(said.source.path().to_owned()) {
                twice.push(said.name);
            } else if gather.part(&said.source) == Some(&part(fold)) {
                tested_too.push(said.name);
            } else if !known {
                never_tested.push(said.name.clone());
                gather.insert(said);
            }
        }
        let trains = |clip: &&ClipEntry| clip.part.as_ref().is_some_and(|tested| *tested != part(fold));
        let left_out = gather.clips().filter(trains).filter(|clip| !trained.contains(clip.source.path()));
        let left_out: Vec<String> = left_out.map(|clip| clip.id.clone()).collect();
        gather.warn(&path, &twice, "clips listed twice");
        gather.warn(&path, &tested_too, "clips that the same fold tests; we only test them");
        gather.warn(&path, &left_out, "clips of other folds that this list leaves out; we train on them");
    }
    let root = gather.root().to_owned();
    gather.warn(&root, &never_tested, "clips that no fold tests; they are in no fold");
    Ok(())
}
