//! Checkpoints as training programs write them, and weights whose answers would be none.

use std::collections::BTreeMap;
use std::path::Path;

use est::Model;
use est_nets::Tensor;
use serde_json::{Value, json};

use crate::common::{Done, WEIGHTS, est, ffmpeg, golden_frames, predict};

type Tensors = BTreeMap<String, Tensor>;

fn model() -> Model {
    Model::open(Path::new(WEIGHTS)).unwrap()
}

fn under(prefix: &str, tensors: &Tensors) -> Tensors {
    tensors.iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())).collect()
}

fn bytes(tensor: &Tensor) -> impl Iterator<Item = u8> {
    tensor.data.iter().flat_map(|value| value.to_le_bytes())
}

fn safetensors(path: &Path, tensors: &Tensors) {
    let (mut header, mut data) = (serde_json::Map::new(), vec![]);
    for (name, tensor) in tensors {
        let start = data.len();
        data.extend(bytes(tensor));
        header
            .insert(name.clone(), json!({"dtype": "F32", "shape": tensor.shape, "data_offsets": [start, data.len()]}));
    }
    let header = Value::Object(header).to_string();
    std::fs::write(path, [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()).unwrap();
}

/// A `.pth` file in PyTorch's older layout, of dictionaries in each other: what stands before the slash of a name is the
/// outer one's key. `beside` is the pickle of more entries.
fn pth(path: &Path, tensors: &Tensors, beside: &[u8]) {
    const MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let int = |value: usize| [b"J", &(value as i32).to_le_bytes()[..]].concat();
    let ints =
        |values: &[usize]| [b"(", &values.iter().flat_map(|&value| int(value)).collect::<Vec<_>>()[..], b"t"].concat();
    let strides = |shape: &[usize]| (1..=shape.len()).map(|k| shape[k..].iter().product()).collect::<Vec<usize>>();
    let mut dictionaries: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for (number, (name, tensor)) in tensors.iter().enumerate() {
        let (outer, inner) = name.split_once('/').unwrap();
        let storage =
            [text("storage"), b"ctorch\nFloatStorage\n".to_vec(), text(&number.to_string()), text("cpu")].concat();
        let storage = [b"(", &storage[..], &int(tensor.data.len()), b"tQ"].concat();
        let shape = [int(0), ints(&tensor.shape), ints(&strides(&tensor.shape))].concat();
        let rebuilt = [b"ctorch._utils\n_rebuild_tensor_v2\n(", &storage[..], &shape, b"tR"].concat();
        dictionaries.entry(outer).or_default().extend([text(inner), rebuilt].concat());
    }
    let entries =
        dictionaries.iter().flat_map(|(key, entries)| [text(key), b"}(".to_vec(), entries.clone(), b"u".to_vec()]);
    let pickle = |body: &[u8]| [b"\x80\x02", body, b"."].concat();
    let object = pickle(&[b"}(", &entries.collect::<Vec<_>>().concat()[..], beside, b"u"].concat());
    let keys: Vec<u8> = (0..tensors.len()).flat_map(|number| text(&number.to_string())).collect();
    let keys = pickle(&[b"](", &keys[..], b"e"].concat());
    let mut file = [b"\x80\x02", MAGIC, &pickle(&int(1001)), &pickle(b"}"), &object, &keys].concat();
    for tensor in tensors.values() {
        file.extend((tensor.data.len() as i64).to_le_bytes());
        file.extend(bytes(tensor));
    }
    std::fs::write(path, file).unwrap();
}

fn import(from: &Path, to: &Path, more: &[&str]) -> Done {
    est(&[&["weights", "import", from.to_str().unwrap(), to.to_str().unwrap()][..], more].concat())
}

#[test]
fn wrapped_checkpoints_are_imported_and_the_wrapper_named() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("checkpoint"), folder.path().join("model.est"));
    let own = model().tensors;
    let read = |more: &[&str], lines: &[&str]| {
        let done = import(&from, &to, more).succeeded();
        for line in lines {
            assert!(done.stdout.lines().any(|found| found == *line), "{}\nlacks {line}", done.stdout);
        }
        assert!(Model::open(&to).unwrap().tensors == own);
    };
    safetensors(&from, &own);
    read(&[], &[]);
    let count = own.len();
    for prefix in ["_orig_mod.", "module._orig_mod.", "x.y.z."] {
        safetensors(&from, &under(prefix, &own));
        read(&[], &[&format!("prefix: {prefix} ({count} tensors)")]);
    }
    // AveragedModel.
    let mut averaged = under("module.", &own);
    averaged.insert("n_averaged".to_string(), Tensor::new(vec![], vec![5.0]));
    safetensors(&from, &averaged);
    read(&[], &[&format!("prefix: module. ({count} tensors)"), "ignored: 1 other tensors: n_averaged"]);

    // Lightning: an optimiser and a path beside the network.
    let mut lightning = under("state_dict/model.", &own);
    for name in ["optimizer_states/exp_avg", "optimizer_states/exp_avg_sq", "state_dict/criterion.weight"] {
        lightning.insert(name.to_string(), Tensor::new(vec![3], vec![f32::NAN; 3]));
    }
    pth(&from, &lightning, b"X\x05\0\0\0epochK\x07X\x03\0\0\0dircpathlib\nPosixPath\n(X\x01\0\0\0atR");
    let ignored = "ignored: 3 other tensors: optimizer_states. (2), state_dict.criterion.weight";
    read(&[], &[&format!("prefix: state_dict.model. ({count} tensors)"), ignored]);
    assert_eq!(Model::open(&to).unwrap().provenance.scalars["epoch"], 7);
}

#[test]
fn of_a_model_and_its_average_one_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("both.pth"), folder.path().join("model.est"));
    let own = model().tensors;
    let mut average = own.clone();
    average.values_mut().for_each(|tensor| tensor.data.iter_mut().for_each(|value| *value *= 0.5));
    let both = under("model/", &own).into_iter().chain(under("ema/module.", &average)).collect();
    pth(&from, &both, b"");
    import(&from, &to, &[]).failed_with(&[
        "both.pth",
        "more than one est",
        "under `model.`",
        "`ema.module.`",
        "--prefix",
    ]);
    import(&from, &to, &["--prefix", "swa"]).failed_with(&["both.pth", "under `swa`", "ema.module., model."]);
    assert!(!to.exists());
    for (prefix, tensors) in [("model", &own), ("ema", &average), ("ema.module.", &average)] {
        import(&from, &to, &["--prefix", prefix]).succeeded();
        assert!(Model::open(&to).unwrap().tensors == *tensors);
    }
}

/// Three pictures of the size that est's own weights take.
fn crops(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let pattern = folder.join("%03d.png");
    ffmpeg(&["-f", "lavfi", "-i", "testsrc=size=112x112:rate=25:duration=0.12", pattern.to_str().unwrap()]);
}

#[test]
fn weights_without_an_answer_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["clip", "other"] {
        crops(&path(name));
    }
    let run = |weights: &Path| {
        let more = ["--crops", "--weights", weights.to_str().unwrap()];
        predict(&[&path("clip"), &path("other")], &path("out"), &more)
    };
    let with = |key: &str, value: f32| {
        let mut model = model();
        model.tensors.get_mut(key).unwrap().data[0] = value;
        model
    };
    let model = model();
    let variance = model.tensors.keys().find(|key| key.ends_with("running_var")).unwrap();
    for (key, value, text) in [
        (variance.as_str(), -0.5, "1 of its"),
        (variance.as_str(), f32::NAN, "no finite numbers"),
        ("classifier.5.0.weight", f32::INFINITY, "no finite numbers"),
    ] {
        let mut wrong = with(key, value);
        safetensors(&path("w.safetensors"), &wrong.tensors);
        import(&path("w.safetensors"), &path("w.est"), &[]).failed_with(&["w.safetensors", key, text]);
        assert!(!path("w.est").exists());
        wrong.save(&path("wrong.est")).unwrap();
        run(&path("wrong.est")).failed_with(&["wrong.est", key, text]);
    }
    // Finite, and their sums are not: in the frame encoder, and behind it.
    let first = model.tensors.keys().find(|key| key.starts_with("stage") && key.ends_with("conv.weight")).unwrap();
    for (key, layer) in [(first.as_str(), first.trim_end_matches(".weight")), ("classifier.2.weight", "classifier.2")] {
        let mut wrong = with(key, 1.0);
        wrong.tensors.get_mut(key).unwrap().data.fill(f32::MAX);
        wrong.save(&path("wrong.est")).unwrap();
        let done = run(&path("wrong.est"));
        assert_eq!(done.code, 1, "{}", done.stderr);
        for video in ["clip", "other"] {
            let line = done.stderr.lines().find(|line| line.contains(&format!("{video}: face 1")));
            let line = line.unwrap_or_else(|| panic!("{video} in {}", done.stderr));
            assert!(line.contains(&format!("layer `{layer}`")) && line.contains(" s: "), "{line}");
        }
        assert!(!path("out/clip.csv").exists());
    }
}

#[test]
fn a_detector_without_an_answer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    golden_frames(&path("clip"), 1);
    let mut tensors =
        est_nets::weights::load_tensors(&est_goldens::download("retinaface_mobilenet0.25.pth")).unwrap().tensors;
    let run = |tensors: &Tensors| {
        safetensors(&path("detector"), &under("module.", tensors));
        let more = ["--detector", &path("detector").display().to_string(), "--weights", WEIGHTS].map(String::from);
        predict(&[&path("clip")], &path("out"), &more.each_ref().map(String::as_str))
    };
    run(&tensors).succeeded();
    std::fs::remove_dir_all(path("out")).unwrap();
    let right = tensors.clone();
    tensors.get_mut("fpn.output1.1.running_var").unwrap().data[5] = -1.0;
    run(&tensors).failed_with(&["detector", "`fpn.output1.1.running_var`", "1 of its 64 variances"]);
    tensors = right;
    tensors.get_mut("ClassHead.0.conv1x1.weight").unwrap().data.fill(f32::MAX);
    run(&tensors).failed_with(&["face detector", "`ClassHead.0.conv1x1`", "no finite numbers"]);
    assert!(!path("out/clip.csv").exists());
}
