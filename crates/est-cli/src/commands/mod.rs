//! One file per command.

pub mod complexity;
pub mod doctor;
pub mod predict;
mod table;
pub mod weights;
