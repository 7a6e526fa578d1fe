//! Any file that is given as weights: ours, safetensors, both layouts of PyTorch.
#![no_main]

use est::{ImportOptions, Model};
use est_fuzz::file;
use est_nets::Preprocessing;
use est_nets::weights::load_tensors;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = file("weights", bytes);
    let _ = load_tensors(&path);
    let _ = Model::preprocessing(&path);
    if let Ok(model) = Model::open(&path) {
        // What opens, shrinks.
        let _ = model.shrunk();
    }
    let note = String::new();
    let options = ImportOptions { config: None, classes: None, preprocessing: Preprocessing::PAPER, note };
    let _ = Model::import(&path, options);
});
