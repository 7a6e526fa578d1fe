//! One file per command.

pub mod ablate;
pub mod calibrate;
pub mod compare;
pub mod completions;
pub mod complexity;
pub mod config;
pub mod crossval;
pub mod decoder;
pub mod doctor;
pub mod eval;
pub mod explain;
mod faces;
pub mod import;
pub mod join;
pub mod licenses;
pub mod merge;
mod model;
pub mod predict;
pub mod prepare;
pub mod purge;
mod result_names;
mod scope;
#[cfg(feature = "train")]
mod series;
pub mod synth;
mod table;
#[cfg(feature = "train")]
mod told;
pub mod train;
pub mod weights;

/// What the commands that train say in a program that cannot.
#[cfg(not(feature = "train"))]
fn without_training() -> anyhow::Error {
    anyhow::anyhow!("this est was built without training; `make train-build` builds one with it")
}
