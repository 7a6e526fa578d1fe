//! One file per command.

pub mod complexity;
pub mod doctor;
mod faces;
pub mod predict;
pub mod prepare;
pub mod synth;
mod table;
pub mod train;
pub mod weights;
