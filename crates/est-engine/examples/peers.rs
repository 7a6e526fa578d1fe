//! What tools/bench/peers.py needs of est: networks as data for other engines, answers on given pictures, and the
//! processor's peak.
//!
//! - `export NETWORK FOLDER` writes NETWORK.json (nodes and where each tensor lies) and NETWORK.bin (f32, little-endian).
//! - `run NETWORK PRECISION BATCH INPUT OUTPUT` runs the network on a file of f32, channels-last, and writes its outputs.
//! - `peak` prints the multiply-adds a second of one thread, by instruction set.
//!
//! NETWORK is resnet18 (with the goldens' weights) or retinaface640x480 (with the detector's own).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use est_engine::{Options, Precision, Session};
use est_kernels::{Isa, peak};
use est_nets::weights::load_tensors;
use est_nets::{Activation, Backbone, Graph, Op, Tensor, retinaface};
use serde_json::{Map, Value, json};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["export", network, folder] => export(network, Path::new(folder)),
        ["run", network, precision, batch, input, output] => {
            let precision = if precision == "exact" { Precision::Exact } else { Precision::Default };
            run(network, precision, batch.parse().expect("a batch"), Path::new(input), Path::new(output));
        }
        ["peak"] => {
            let peaks = Isa::available().map(|isa| (isa.to_string(), peak::multiply_adds_per_second(isa).into()));
            println!("{}", Value::Object(peaks.collect()));
        }
        _ => panic!("arguments: see the first lines of this file"),
    }
}

fn network(name: &str) -> (Graph, BTreeMap<String, Tensor>) {
    match name {
        "resnet18" => {
            let graph = Backbone::ResNet18.graph(224);
            let tensors = est_goldens::weights(&graph, est_goldens::SEED);
            (graph, tensors)
        }
        "retinaface640x480" => {
            let file = est_goldens::download("retinaface_mobilenet0.25.pth");
            (retinaface::graph(480, 640), load_tensors(&file).expect("the detector's weights").tensors)
        }
        other => panic!("`{other}` is no network here"),
    }
}

fn export(name: &str, folder: &Path) {
    let (graph, tensors) = network(name);
    let mut data: Vec<u8> = vec![];
    let mut nodes = vec![];
    for node in graph.nodes() {
        let (op, attributes) = describe(&node.op);
        let mut parameters = vec![];
        for spec in node.op.parameters(&node.name, &node.shape.item) {
            // Step counters are in no computation, and a file may lack them.
            if let Some(tensor) = tensors.get(&spec.name).filter(|_| spec.role != est_nets::Role::Counter) {
                parameters.push(json!({ "name": spec.name, "shape": tensor.shape, "offset": data.len() / 4 }));
                data.extend(tensor.data.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
        let mut entry = Map::new();
        entry.insert("name".into(), node.name.clone().into());
        entry.insert("op".into(), op.into());
        entry.insert("inputs".into(), node.inputs.clone().into());
        entry.insert("shape".into(), node.shape.item.clone().into());
        entry.insert("parameters".into(), parameters.into());
        entry.insert("attributes".into(), attributes);
        nodes.push(Value::Object(entry));
    }
    let outputs: Vec<Value> = graph.outputs().iter().map(|(name, id)| json!({ "name": name, "node": id })).collect();
    let text = json!({ "nodes": nodes, "outputs": outputs }).to_string();
    fs::write(folder.join(format!("{name}.json")), text).expect("a folder that can be written to");
    fs::write(folder.join(format!("{name}.bin")), data).expect("a folder that can be written to");
}

/// The operations that these networks are made of, and what a reader has to know about each.
fn describe(op: &Op) -> (&'static str, Value) {
    // tools/bench/networks.py reads one number of a window.
    let side = |[high, wide]: [usize; 2]| {
        assert_eq!(high, wide, "{op:?}: windows of these networks are square");
        high
    };
    match *op {
        Op::Input(_) => ("input", json!({})),
        Op::Conv2d { kernel, stride, padding, groups, .. } => {
            let [kernel, stride, padding] = [kernel, stride, padding].map(side);
            ("conv", json!({ "kernel": kernel, "stride": stride, "padding": padding, "groups": groups }))
        }
        Op::BatchNorm { eps, .. } => ("batch_norm", json!({ "eps": eps })),
        Op::Activation(Activation::Relu) => ("leaky_relu", json!({ "slope": 0.0 })),
        Op::Activation(Activation::LeakyRelu(slope)) => ("leaky_relu", json!({ "slope": slope })),
        Op::MaxPool2d { kernel, stride, padding } => {
            let [kernel, stride, padding] = [kernel, stride, padding].map(side);
            ("max_pool", json!({ "kernel": kernel, "stride": stride, "padding": padding }))
        }
        Op::GlobalAveragePool => ("global_average_pool", json!({})),
        Op::UpsampleLike => ("upsample_like", json!({})),
        Op::Add => ("add", json!({})),
        Op::Concat => ("concat", json!({})),
        Op::Softmax => ("softmax", json!({})),
        Op::CellsToRows { last } => ("cells_to_rows", json!({ "last": last })),
        ref other => panic!("{other:?}: neither network has it"),
    }
}

fn run(name: &str, precision: Precision, batch: usize, input: &Path, output: &Path) {
    let (graph, tensors) = network(name);
    let options = Options { threads: 0, precision };
    let mut session = Session::new(&graph, &tensors, &options).expect("weights that fit");
    let bytes = fs::read(input).expect("an input file");
    let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("four bytes")));
    let outputs = session.run(batch, &[&values.collect::<Vec<f32>>()]).expect("an input that fits");
    let bytes: Vec<u8> = outputs.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(output, bytes).expect("an output file");
}
