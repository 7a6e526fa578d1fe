//! Any file that is given as weights: ours, safetensors, both layouts of PyTorch; and a checkpoint of three files: an index
//! and two parts.
#![no_main]

use est::{ImportOptions, Model};
use est_fuzz::{file, parts};
use est_nets::weights::{Wanted, load, load_tensors};
use est_nets::{Feed, Graph, Op, Preprocessing};
use libfuzzer_sys::fuzz_target;

/// A network of a few tensors, so that inputs of a few hundred bytes hold one.
fn small() -> Wanted<'static> {
    let mut graph = Graph::new();
    let x = graph.input("x", Feed::Values, 1, &[1]);
    let x = graph.push("a", Op::linear(1, 1), &[x]);
    let x = graph.push("b.0", Op::linear(1, 1), &[x]);
    graph.output("y", x);
    Wanted::network("small one", &graph)
}

fuzz_target!(|bytes: &[u8]| {
    let [index, first, second] = parts(bytes);
    let path = match second.is_empty() {
        true => file("weights", bytes),
        false => {
            file("w-00001-of-00002.safetensors", first);
            file("w-00002-of-00002.safetensors", second);
            file("w.safetensors.index.json", index)
        }
    };
    let _ = load_tensors(&path);
    for prefix in [None, Some("ema"), Some(".")] {
        if let Ok(found) = load(&path, &small(), prefix) {
            assert_eq!(found.tensors.keys().filter(|name| name.starts_with(['a', 'b'])).count(), 4);
            let _ = found.origin.ignored_parts();
        }
    }
    let _ = Model::preprocessing(&path);
    if let Ok(model) = Model::open(&path) {
        // What opens, shrinks.
        let _ = model.shrunk();
    }
    let (note, prefix) = (String::new(), None);
    let options = ImportOptions { config: None, classes: None, preprocessing: Preprocessing::PAPER, note, prefix };
    let _ = Model::import(&path, options);
});
