//! The field's data sets: where each keeps its clips, labels, subjects and official parts (SPEC section 4).

mod afew;
mod annotation;
mod bu4dfe;
mod caer;
mod class_folders;
mod crema_d;
mod dfew;
mod enterface;
mod ferv39k;
mod frames;
mod gather;
mod labels;
mod mafw;
mod mmi;
mod numbered;
mod official_folds;
mod own;
mod parquet;
mod ravdess;
mod unknown;
mod walk;

use std::path::Path;

use crate::error::DataError;
use crate::listing::Listing;

/// How a set is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// The set's own parts: train and validation and/or test.
    OfficialParts,
    /// The set's own folds; each clip is tested in one.
    OfficialFolds(usize),
    /// Folds by subject that we draw.
    FoldsBySubject(usize),
}

/// A figure that the set's authors publish, for the comparison with what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    Clips(usize),
    Subjects(usize),
    /// Clips of one official part.
    Part(&'static str, usize),
}

/// Where to look.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub root: &'a Path,
    /// The list file, of the sets that need one (`frames`, `own`).
    pub list: Option<&'a Path>,
}

/// One of the field's sets.
pub struct DataSet {
    /// As on the command line: `bu-4dfe`.
    pub name: &'static str,
    /// As in print: `BU-4DFE`.
    pub title: &'static str,
    pub published: &'static [Published],
    pub protocol: Protocol,
    /// Frames per second of clips that are folders of pictures; None when they are videos, or the user must say.
    pub fps: Option<f64>,
    /// Reads names and annotations, no pictures.
    pub list: fn(&Request) -> Result<Listing, DataError>,
}

impl DataSet {
    /// Whether a request must name a list file.
    pub fn needs_list(&self) -> bool {
        matches!(self.name, "frames" | "own")
    }
}

/// All of them, in the order of SPEC section 4.
pub const DATA_SETS: &[DataSet] = &[
    bu4dfe::SET,
    mmi::SET,
    afew::SET,
    dfew::SET,
    ferv39k::SET,
    mafw::SET,
    crema_d::SET,
    ravdess::SET,
    enterface::SET,
    caer::SET,
    frames::SET,
    own::SET,
];

/// The set called `name`.
pub fn find(name: &str) -> Option<&'static DataSet> {
    DATA_SETS.iter().find(|set| set.name == name)
}

/// The list file of a request that needs one.
fn list_of<'a>(request: &Request<'a>) -> Result<&'a Path, DataError> {
    request.list.ok_or_else(|| DataError::set(request.root, "is read by a list of its clips; name it with --list"))
}
