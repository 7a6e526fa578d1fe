//! `cargo run --release -p est --example weights_file FILE`: a weights file of the preset `paper` that has every tensor,
//! drawn at random: 171 MB, to measure with.

use std::path::Path;

use est::{EstError, Model};
use est_nets::random_weights;

fn main() -> Result<(), EstError> {
    let file = std::env::args().nth(1).expect("argument: the file to write");
    let mut model = Model::random(1);
    model.tensors = random_weights(&model.config.graph(), 1);
    model.save(Path::new(&file))
}
