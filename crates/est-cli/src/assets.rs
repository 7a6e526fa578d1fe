//! Files beside est that the command line knows of.

pub use est::assets::{Asset, DETECTOR, WEIGHTS, user_folder};
use est_data::synth::mesh::{MESH_FILE, MESH_SHA256};

/// What only `est synth` asks for.
pub const MESH: Asset = Asset { what: "the head mesh", file: MESH_FILE, sha256: Some(MESH_SHA256) };
