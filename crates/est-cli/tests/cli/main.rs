//! The program `est` as its users call it. One program of tests: each of its own would be linked with libtorch, FFmpeg and all.

mod common;
#[path = "../../../est-data/tests/data/files.rs"]
mod files;
mod scored;
#[cfg(feature = "train")]
#[macro_use]
mod small_set;
#[path = "../../../est-data/tests/data/trees.rs"]
mod trees;

mod bad_input;
mod bids;
mod checkpoints;
mod commands;
mod crops;
#[cfg(target_os = "linux")]
mod decoder;
mod docs;
mod eval;
mod explain;
mod killed;
mod licenses;
mod live;
mod outputs;
mod part;
mod parts;
mod pictures;
mod pipes;
mod predict;
mod prepare;
mod runs;
#[cfg(feature = "train")]
mod series;
mod spec;
mod synth;
#[cfg(feature = "train")]
mod tilted;
mod time_axis;
#[cfg(feature = "train")]
mod train;
