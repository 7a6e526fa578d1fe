//! What a data set's files and annotations say, before anything is decoded.

use est::Source;

/// One clip of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipEntry {
    /// Unlike any other's in the set; letters, digits, `_` and `-` (see [`clip_id`]).
    pub id: String,
    /// Where its pictures are. It need not exist: a clip that is listed and not there stays in the manifest as `missing`.
    pub source: Source,
    /// Index into the set's classes. None: the label is none of them, and `note` says what it is; such a clip stays in the
    /// manifest as `unlabelled` and is not decoded.
    pub label: Option<usize>,
    /// Whoever is seen, by the set's own name for them; None when the set does not tell.
    pub subject: Option<String>,
    /// The official part: `train`, `validation`, `test`, or the fold in which the clip is tested, `fold-1` and so on.
    pub part: Option<String>,
    /// Anything that a reader of the manifest should know.
    pub note: Option<String>,
}

/// A whole set.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Names of the classes, in the order of the labels.
    pub classes: Vec<String>,
    /// Clips in the order of the manifest: by identifier, or as the set lists them.
    pub clips: Vec<ClipEntry>,
    /// What is odd but stops nothing, one sentence each, with the file it is about.
    pub warnings: Vec<String>,
}

/// An identifier from any text: letters, digits, `_` and `-` stay, anything else becomes `_`. Without a dot: WebDataset
/// reads a member's name up to its first dot as the clip's.
pub fn clip_id(text: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    text.chars().map(keep).collect()
}
