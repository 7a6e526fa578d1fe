//! A prepared set on disk: one folder that holds every clip's face crops and all that is known about them.
//!
//! ```text
//! set.json           what made it: classes, settings, counts, hashes
//! clips.csv          the manifest: one row a clip, those without a face too
//! frames.idx         where each frame's JPEG lies and when it is shown
//! shards/000000.tar  the JPEGs; WebDataset reads them: CLIP.json, CLIP.cls, CLIP.000000.jpg, CLIP.000001.jpg ...
//! splits/            who is trained on and who is tested on, see `protocol`
//! ```

mod build;
mod index;
mod join;
mod part;
mod reader;
mod recrop;
mod row;

pub use build::{BuildProgress, ClipMaker, SetPlan, build};
pub use index::FramePlace;
pub use join::{JoinMaker, Joined, join_plan};
pub use part::{Frames, MadeClip, Scratch};
pub use reader::{PreparedSet, SetRecord};
pub use recrop::Recrop;
pub use row::{ClipRow, ClipStatus, StatusCounts};

/// Names within the folder.
pub(crate) const RECORD: &str = "set.json";
pub(crate) const MANIFEST: &str = "clips.csv";
pub(crate) const INDEX: &str = "frames.idx";
pub(crate) const SHARDS: &str = "shards";
/// The folder of the official or drawn splits.
pub const SPLITS: &str = "splits";

/// The name of shard `number` within `shards/`.
pub(crate) fn shard_name(number: usize) -> String {
    format!("{number:06}.tar")
}
