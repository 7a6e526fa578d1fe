//! One file per command.

pub mod calibrate;
pub mod compare;
pub mod complexity;
pub mod doctor;
pub mod eval;
pub mod explain;
mod faces;
pub mod join;
mod model;
pub mod predict;
pub mod prepare;
mod scope;
pub mod synth;
mod table;
pub mod train;
pub mod weights;
