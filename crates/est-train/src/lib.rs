//! Training of the networks of est-nets on prepared sets, with libtorch.
//!
//! The way of the data: `corpus` (windows of a set's clips) -> `sampler` (which frames, which order) -> `augment` ->
//! `loader` (batches ahead in threads) -> `autodiff` (gradients; the only folder that knows libtorch) -> `objective` ->
//! Adam. [`fit`] walks it, with `checkpoint` and `journal` beside it.
#![forbid(unsafe_code)]

mod augment;
pub mod autodiff;
mod checkpoint;
mod config;
mod corpus;
mod encoder;
mod error;
mod fit;
mod journal;
mod loader;
mod network;
mod objective;
mod parts;
mod sampler;
pub mod series;
mod targets;
mod validation;

pub use augment::{Augment, Change};
pub use checkpoint::CHECKPOINT;
pub use config::{Optimiser, Stage, TrainConfig};
pub use corpus::{Corpus, Frames};
pub use error::TrainError;
pub use fit::{Event, Outcome, WEIGHTS, fit};
pub use journal::Entry;
pub use loader::{Batch, Loader};
pub use objective::{Objective, Term};
pub use parts::Parts;
pub use sampler::{Draw, Sample, Sampler, orders};
pub use validation::Validation;

/// The revision of this program's source.
pub const GIT: &str = env!("EST_GIT");

fn created_by() -> String {
    concat!("est ", env!("CARGO_PKG_VERSION")).to_string()
}
