//! Data sets, prepared and generated.

mod datasets_folders;
mod datasets_lists;
mod files;
mod listings;
mod protocol;
mod set;
mod synth_heads;
mod trees;
