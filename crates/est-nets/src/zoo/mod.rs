//! Networks beside EST, one file each.

mod tiny3d;

pub use tiny3d::Tiny3d;
