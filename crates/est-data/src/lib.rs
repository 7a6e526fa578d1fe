//! Prepared sets of face clips: the field's data sets brought into one form, their protocols, and a generator that makes
//! labelled expression video.
#![forbid(unsafe_code)]

pub mod datasets;
mod error;
mod listing;
pub mod prepare;
pub mod protocol;
pub mod set;
pub mod synth;

pub use error::DataError;
pub use listing::{ClipEntry, Listing, clip_id};
