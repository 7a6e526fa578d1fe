//! AFEW 8.0: `Train_AFEW/Angry/000046280.avi`, `Val_AFEW/..`. The labels of its test part were never published.

use std::path::Path;

use super::gather::Gather;
use super::labels::Classes;
use super::walk::check_root;
use super::{DataSet, Protocol, Published, Request, class_folders};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "afew",
    title: "AFEW 8.0",
    published: &[Published::Part("train", 773), Published::Part("validation", 383)],
    protocol: Protocol::OfficialParts,
    fps: None,
    list,
};

const PARTS: &[(&str, &str)] = &[("Train_AFEW", "train"), ("Val_AFEW", "validation")];

fn list(request: &Request) -> Result<Listing, DataError> {
    let fits = |root: &Path| PARTS.iter().any(|(folder, _)| root.join(folder).is_dir());
    check_root(request.root, "folders Train_AFEW and Val_AFEW", fits)?;
    let mut gather = Gather::new(request.root, Classes::usual(7));
    class_folders::add(&mut gather, PARTS)?;
    gather.finish()
}
