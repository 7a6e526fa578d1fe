//! CAER: `train/Anger/0001.avi`, `validation/..`, `test/..`.

use std::path::Path;

use super::gather::Gather;
use super::labels::Classes;
use super::walk::check_root;
use super::{DataSet, Protocol, Published, Request, class_folders};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "caer",
    title: "CAER",
    published: &[Published::Clips(13_201)],
    protocol: Protocol::OfficialParts,
    fps: None,
    list,
};

const PARTS: &[(&str, &str)] = &[("train", "train"), ("validation", "validation"), ("test", "test")];

fn list(request: &Request) -> Result<Listing, DataError> {
    let fits = |root: &Path| PARTS.iter().any(|(folder, _)| root.join(folder).is_dir());
    check_root(request.root, "folders train, validation and test", fits)?;
    let mut gather = Gather::new(request.root, Classes::usual(7));
    class_folders::add(&mut gather, PARTS)?;
    gather.finish()
}
