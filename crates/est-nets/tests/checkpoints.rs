//! A network in checkpoints of every make: what stands before and inside its names, beside it, and in how many files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use est_nets::weights::{Found, Wanted, WeightsError, load};
use est_nets::{Feed, Graph, Op, WeightInit};
use serde_json::{Value, json};

/// A convolution with its norm, a module of two layers, a head.
fn network() -> Graph {
    let mut graph = Graph::new();
    let frames = graph.input("frames", Feed::Values, 1, &[1, 4, 4]);
    let (kernel, stride, padding, init) = ([1; 2], [1; 2], [0; 2], WeightInit::Default);
    let conv = Op::Conv2d { inputs: 1, outputs: 2, kernel, stride, padding, groups: 1, bias: false, init };
    let x = graph.push("conv1", conv, &[frames]);
    let x = graph.push("bn1", Op::BatchNorm { channels: 2, eps: 1e-5 }, &[x]);
    let x = graph.push("pool", Op::GlobalAveragePool, &[x]);
    let x = graph.push("layer1.0.conv1", Op::linear(2, 2), &[x]);
    let x = graph.push("layer1.1.conv1", Op::linear(2, 2), &[x]);
    let x = graph.push("head", Op::linear(2, 3), &[x]);
    graph.output("logits", x);
    graph
}

const NAMES: [&str; 12] = [
    "bn1.bias",
    "bn1.num_batches_tracked",
    "bn1.running_mean",
    "bn1.running_var",
    "bn1.weight",
    "conv1.weight",
    "head.bias",
    "head.weight",
    "layer1.0.conv1.bias",
    "layer1.0.conv1.weight",
    "layer1.1.conv1.bias",
    "layer1.1.conv1.weight",
];

type Tensors = BTreeMap<String, (Vec<usize>, f32)>;

/// The network's tensors, each filled with its number and `offset`, under names that `rename` makes.
fn tensors(offset: f32, rename: impl Fn(&str) -> String) -> Tensors {
    let specs = network().parameters().into_iter();
    let shapes: BTreeMap<_, _> = specs.map(|spec| (spec.name, spec.shape)).collect();
    assert!(shapes.keys().eq(NAMES));
    let numbered = shapes.into_iter().zip(1u8..);
    numbered.map(|((name, shape), number)| (rename(&name), (shape, f32::from(number) + offset))).collect()
}

fn under(prefix: &str) -> Tensors {
    tensors(0.0, |name| format!("{prefix}{name}"))
}

fn one(name: &str, shape: &[usize]) -> Tensors {
    Tensors::from([(name.to_owned(), (shape.to_vec(), 9.0))])
}

fn joined(parts: impl IntoIterator<Item = Tensors>) -> Tensors {
    parts.into_iter().flatten().collect()
}

/// A safetensors file, written here byte by byte.
fn write(path: &Path, tensors: &Tensors) {
    let (mut header, mut data) = (serde_json::Map::new(), vec![]);
    for (name, (shape, value)) in tensors {
        let start = data.len();
        data.extend(value.to_le_bytes().repeat(shape.iter().product()));
        header.insert(name.clone(), json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]}));
    }
    let header = Value::Object(header).to_string();
    std::fs::write(path, [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()).unwrap();
}

fn read(path: &Path, prefix: Option<&str>) -> Result<Found, WeightsError> {
    load(path, &Wanted::network("network of ours", &network()), prefix)
}

fn of(tensors: &Tensors, prefix: Option<&str>) -> Result<Found, WeightsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    write(&path, tensors);
    read(&path, prefix)
}

/// The network's own names, and the values plus `offset`.
fn is_whole(found: &Found, offset: f32) {
    assert!(found.tensors.keys().eq(NAMES), "{:?}", found.tensors.keys());
    for (tensor, number) in found.tensors.values().zip(1u8..) {
        assert!(tensor.data.iter().all(|&value| value == f32::from(number) + offset));
    }
}

fn fails(tensors: &Tensors, prefix: Option<&str>, texts: &[&str]) {
    let message = of(tensors, prefix).unwrap_err().to_string();
    for text in texts {
        assert!(message.contains(text), "{message}\nlacks {text}");
    }
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[test]
fn whatever_all_names_begin_with_is_found() {
    let prefixes = [
        "",
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "model.",
        "state_dict.model.module.",
        "Ünïcode wörds.x y.",
        // Words that the network has too.
        "conv1.",
        "head.0.",
        "0.",
        "weight.bias.",
        "..",
        // Without a dot at its end.
        "net_",
        "module.net_",
        "re",
    ];
    for prefix in prefixes {
        let found = of(&under(prefix), None).unwrap();
        is_whole(&found, 0.0);
        assert_eq!((found.origin.prefix.as_str(), found.origin.ignored.len()), (prefix, 0));
    }
    let two = joined([under("a_"), tensors(100.0, |name| format!("b_{name}"))]);
    fails(&two, None, &["more than one network of ours", "--prefix b_"]);
    is_whole(&of(&two, Some("a_")).unwrap(), 0.0);
    is_whole(&of(&two, Some("b_")).unwrap(), 100.0);
}

#[test]
fn words_inside_names_are_left_out() {
    // FSDP wraps some modules, torch.compile one, a checkpoint of activations another.
    let wrap = |name: &str| {
        let name = name.replace("layer1.0.", "layer1.0._fsdp_wrapped_module._checkpoint_wrapped_module.");
        format!("_fsdp_wrapped_module.{}", name.replace("layer1.1.", "layer1._fsdp_wrapped_module.1._orig_mod."))
    };
    let found = of(&tensors(0.0, wrap), None).unwrap();
    is_whole(&found, 0.0);
    assert_eq!(found.origin.prefix, "_fsdp_wrapped_module.");
    let mut wrappers = found.origin.wrappers;
    wrappers.sort();
    assert_eq!(wrappers, ["_checkpoint_wrapped_module", "_fsdp_wrapped_module", "_orig_mod"]);
    // Right before the last word, and at the layer that marks the network.
    let last = |name: &str| name.replace(".weight", ".module.weight").replace(".bias", ".module.bias");
    is_whole(&of(&tensors(0.0, last), None).unwrap(), 0.0);
}

#[test]
fn an_adapter_is_no_wrapper() {
    let base = |name: &str| name.replace("head.weight", "head.base_layer.weight");
    let lora = ["A", "B"].map(|side| one(&format!("head.lora_{side}.default.weight"), &[3, 2]));
    let adapted = joined(lora.into_iter().chain([tensors(0.0, base)]));
    fails(&adapted, None, &["head.base_layer.weight", "head.lora_A.default.weight", "both are `head.weight`", "merge"]);
    // Beside the layer itself it is a tensor too many.
    fails(&joined([under(""), one("head.adapter.weight", &[3, 2])]), None, &["1 surplus (head.adapter.weight)"]);
}

#[test]
fn what_is_beside_the_network_is_named() {
    let beside = [
        one("n_averaged", &[]),
        one("optimizer_states.0.state.0.exp_avg", &[5]),
        one("optimizer_states.0.state.0.exp_avg_sq", &[5]),
        one("state_dict.criterion.weight", &[3]),
    ];
    let found = of(&joined(beside.into_iter().chain([under("state_dict.model.")])), None).unwrap();
    is_whole(&found, 0.0);
    let parts = found.origin.ignored_parts();
    let parts: Vec<(&str, usize)> = parts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(parts, [("n_averaged", 1), ("optimizer_states.", 2), ("state_dict.criterion.weight", 1)]);

    // AveragedModel.
    let found = of(&joined([under("module."), one("n_averaged", &[])]), None).unwrap();
    is_whole(&found, 0.0);
    assert_eq!((found.origin.prefix.as_str(), found.origin.ignored), ("module.", vec!["n_averaged".to_owned()]));
    // A module of its own, which is none of the network's.
    assert_eq!(of(&joined([under(""), one("loss.weight", &[3])]), None).unwrap().origin.ignored, ["loss.weight"]);
}

#[test]
fn of_several_networks_one_must_be_chosen() {
    let two = |a: &'static str, b: &'static str| joined([under(a), tensors(100.0, |name| format!("{b}{name}"))]);
    for (a, b) in [("model.", "ema."), ("student.module.", "teacher.module."), ("state_dict.", "state_dict_ema.")] {
        let both = two(a, b);
        fails(&both, None, &["more than one network of ours", &format!("12 tensors under `{a}`"), b, "--prefix"]);
        for (prefix, offset) in [(a, 0.0), (b, 100.0)] {
            for given in [prefix, prefix.trim_end_matches('.'), prefix.split('.').next().unwrap()] {
                let found = of(&both, Some(given)).unwrap();
                is_whole(&found, offset);
                assert_eq!((found.origin.prefix.as_str(), found.origin.ignored.len()), (prefix, 12));
            }
        }
        fails(&both, Some("swa"), &["no tensors of one under `swa`", a, b]);
        fails(&both, Some("."), &["no tensors of one under `.`"]);
    }
    // One at the root.
    let both = two("", "ema_model.");
    fails(&both, None, &["under `.`", "under `ema_model.`"]);
    is_whole(&of(&both, Some(".")).unwrap(), 0.0);
    is_whole(&of(&both, Some("")).unwrap(), 0.0);
    is_whole(&of(&both, Some("ema_model")).unwrap(), 100.0);
    // An average without its batch statistics is no whole network.
    let mut partial = two("model.", "ema.");
    partial.retain(|name, _| !name.starts_with("ema.bn1.running"));
    let found = of(&partial, None).unwrap();
    is_whole(&found, 0.0);
    assert_eq!(found.origin.ignored_parts(), [("ema.".to_owned(), 10)]);
    let message = of(&partial, Some("ema")).unwrap_err().to_string();
    assert!(message.contains("2 missing (bn1.running_mean, bn1.running_var)"), "{message}");
}

#[test]
fn other_networks_are_refused_by_what_differs() {
    let mut lacking = under("module.");
    lacking.remove("module.layer1.1.conv1.bias");
    fails(&lacking, None, &["1 missing (layer1.1.conv1.bias)"]);
    let larger = joined([under("module."), one("module.layer1.2.conv1.bias", &[2])]);
    fails(&larger, None, &["1 surplus (layer1.2.conv1.bias)"]);
    let shape = joined([under("module."), one("module.head.bias", &[4])]);
    fails(&shape, None, &["head.bias is [4], not [3]"]);
    fails(&joined([under(""), one("head.bias", &[0])]), None, &["ZeRO-3", "zero_to_fp32.py"]);
    fails(&one("x", &[1]), None, &["holds no network of ours", "`conv1.weight` is missing", "1 tensors: x"]);
    fails(&one("_fsdp_wrapped_module._flat_param", &[9]), None, &["FSDP", "full state dict"]);
}

#[test]
fn values_that_are_none_are_refused() {
    let with = |name: &str, value: f32| {
        let mut all = under("module.");
        all.get_mut(name).unwrap().1 = value;
        all
    };
    fails(&with("module.bn1.running_var", -0.5), None, &["`bn1.running_var`", "2 of its 2 variances", "-0.5"]);
    fails(&with("module.bn1.running_var", f32::NAN), None, &["`bn1.running_var`", "no finite numbers", "NaN"]);
    fails(&with("module.head.weight", f32::INFINITY), None, &["`head.weight`", "6 of its 6", "inf"]);
    // A variance of nothing is one; means may be below zero; what is ignored may be anything.
    of(&with("module.bn1.running_var", 0.0), None).unwrap();
    of(&with("module.bn1.running_mean", -1.0), None).unwrap();
    let mut beside = one("loss.running_var", &[1]);
    beside.get_mut("loss.running_var").unwrap().1 = f32::NAN;
    is_whole(&of(&joined([under("module."), beside]), None).unwrap(), 0.0);
}

/// A checkpoint in three parts with an index, in `folder`.
fn in_parts(folder: &Path, prefix: &str) -> [PathBuf; 3] {
    let parts = [1, 2, 3].map(|part| folder.join(format!("model-0000{part}-of-00003.safetensors")));
    let mut map = serde_json::Map::new();
    for (number, part) in parts.iter().enumerate() {
        let mine: Tensors = under(prefix).into_iter().skip(4 * number).take(4).collect();
        mine.keys().for_each(|key| drop(map.insert(key.clone(), json!(part.file_name().unwrap().to_str()))));
        write(part, &mine);
    }
    let index = json!({"metadata": {"total_size": 1}, "weight_map": map});
    std::fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    parts
}

#[test]
fn a_checkpoint_in_parts_is_read_from_any_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let parts = in_parts(folder.path(), "model.");
    std::fs::write(path("config.json"), "{}").unwrap();
    let given = [path("model.safetensors.index.json"), folder.path().to_owned(), parts[0].clone(), parts[2].clone()];
    for given in &given {
        let found = read(given, None).unwrap();
        is_whole(&found, 0.0);
        assert_eq!((found.origin.prefix.as_str(), &found.origin.files[..]), ("model.", &parts[..]));
    }
    let hash = est_nets::weights::sha256(&parts[1]).unwrap();
    assert_eq!(hash, est_nets::weights::sha256(folder.path()).unwrap());
    assert_ne!(hash, est_nets::weights::file::sha256(&parts[1]).unwrap());

    // By their names alone.
    let index = std::fs::read(path("model.safetensors.index.json")).unwrap();
    std::fs::remove_file(path("model.safetensors.index.json")).unwrap();
    is_whole(&read(&parts[1], None).unwrap(), 0.0);
    is_whole(&read(folder.path(), None).unwrap(), 0.0);
    // One is missing.
    let hidden = path("hidden");
    std::fs::rename(&parts[1], &hidden).unwrap();
    let lacks = |given: &Path| {
        let message = read(given, None).unwrap_err().to_string();
        assert!(message.contains("model-00002-of-00003.safetensors: missing, one of the 3 parts"), "{message}");
    };
    lacks(&parts[2]);
    std::fs::write(path("model.safetensors.index.json"), &index).unwrap();
    given.iter().for_each(|given| lacks(given));
    // A part of another checkpoint has its name.
    write(&parts[1], &one("x", &[1]));
    let message = read(folder.path(), None).unwrap_err().to_string();
    assert!(message.contains("00002-of-00003") && message.contains("the index says"), "{message}");
}

#[test]
fn an_index_names_files_of_its_folder_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors.index.json");
    for name in ["../w.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", "."] {
        std::fs::write(&path, json!({"weight_map": {"x": name}}).to_string()).unwrap();
        let message = read(&path, None).unwrap_err().to_string();
        assert!(message.contains("which is not in its folder"), "{name}: {message}");
    }
    std::fs::write(&path, r#"{"weight_map": {}}"#).unwrap();
    assert!(read(&path, None).unwrap_err().to_string().contains("names no tensors"));
    std::fs::write(&path, r#"{"weight_map": 3}"#).unwrap();
    assert!(read(&path, None).unwrap_err().to_string().contains("text"));
}

#[test]
fn a_folder_holds_one_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let message = |folder: &Path| read(folder, None).unwrap_err().to_string();
    std::fs::write(path("config.json"), "{}").unwrap();
    assert!(message(folder.path()).contains("a folder without any"), "{}", message(folder.path()));
    std::fs::write(path("__0_0.distcp"), "x").unwrap();
    assert!(message(folder.path()).contains("dcp_to_torch"));
    // Safetensors before what else is there; of two neither.
    write(&path("model.safetensors"), &under(""));
    std::fs::write(path("optimizer.pt"), "x").unwrap();
    is_whole(&read(folder.path(), None).unwrap(), 0.0);
    write(&path("other.safetensors"), &under(""));
    assert!(message(folder.path()).contains("several (model.safetensors, other.safetensors)"));
}
