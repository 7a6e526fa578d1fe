//! Weight files that PyTorch wrote (goldens/pth.py), read without it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use est_goldens::{fill, load};
use est_nets::weights::{self, FileKind, Loaded, Wanted, check, file, load_tensors};
use est_nets::{Preset, Tensor};
use serde_json::json;

fn golden(name: &str) -> PathBuf {
    est_goldens::file(name)
}

/// The part of `pth_reader.safetensors` under `prefix`, without it.
fn expected(prefix: &str) -> BTreeMap<String, Tensor> {
    let all = load("pth_reader.safetensors").into_iter();
    let part = all.filter_map(|(key, tensor)| Some((key.strip_prefix(prefix)?.to_owned(), tensor)));
    part.filter(|(key, _)| !key.starts_with("wrapped.")).collect()
}

#[test]
fn every_element_type_and_layout_is_read_exactly() {
    let expected = expected("");
    assert_eq!(expected.len(), 17);
    for (name, kind) in [("plain_zip.pth", FileKind::PthZip), ("plain_legacy.pth", FileKind::PthLegacy)] {
        let Loaded { tensors, kind: found, .. } = load_tensors(&golden(name)).unwrap();
        assert_eq!(found, kind);
        for (key, tensor) in &expected {
            assert_eq!(tensors.get(key), Some(tensor), "{name}: {key}");
        }
        assert_eq!(tensors.len(), expected.len());
    }
}

#[test]
fn a_state_dict_is_found_beside_an_optimiser() {
    let expected = expected("wrapped.");
    let shapes: Vec<_> = expected.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect();
    let wanted = Wanted::any("of these", &shapes[0].0, &[], |_| Ok(shapes.clone())).and(expected.keys().cloned());
    let found = weights::load(&golden("wrapped_legacy.pth"), &wanted, None).unwrap();
    assert_eq!(found.tensors, expected);
    assert_eq!(json!(found.scalars), json!({"epoch": 3, "prec1": 54.26}));
    assert_eq!(found.origin.prefix, "state_dict.module.");
    assert!(found.origin.ignored.iter().all(|name| name.starts_with("optimizer.")), "{:?}", found.origin.ignored);
}

/// 244 tensors, 171 MB when spread out, as overlapping views of half a megabyte.
#[test]
fn the_authors_layout_fits_the_paper_preset() {
    let path = golden("authors_tiny.pth");
    let Loaded { tensors, scalars, .. } = load_tensors(&path).unwrap();
    assert_eq!(json!(scalars), json!({"epoch": 137, "prec1": 54.26}));
    assert_eq!(tensors.len(), 244);
    let graph = Preset::named("paper").unwrap().config.graph();
    let specs: Vec<_> = graph.parameters().into_iter().map(|spec| (spec.name, spec.shape)).collect();
    check(&tensors, &specs, &path).unwrap();

    let key = "query_embed.weight".to_owned();
    assert_eq!(tensors[&key], fill([(key.clone(), vec![1, 512])], 2)[&key]);

    let mut six = Preset::named("paper").unwrap().config.clone();
    six.set_classes(6);
    let six = six.graph().parameters();
    let specs: Vec<_> = six.into_iter().map(|spec| (spec.name, spec.shape)).collect();
    let message = check(&tensors, &specs, &path).unwrap_err().to_string();
    assert!(message.contains("misshapen (") && message.contains("is [7, 64], not [6, 64]"), "{message}");
}

#[test]
fn pickles_that_run_something_are_refused_and_do_not() {
    for (name, global) in [
        ("malicious_zip.pth", "posix.system"),
        ("malicious_legacy.pth", "posix.system"),
        ("whole_module.pth", "torch.nn.modules.container.Sequential"),
    ] {
        let path = golden(name);
        let message = load_tensors(&path).unwrap_err().to_string();
        let start = format!("{}: the pickle refers to {global}, which is not plain weights", path.display());
        assert!(message.starts_with(&start), "{message}");
    }
    assert!(!Path::new("est-pickle-was-executed").exists());
}

#[test]
fn each_reader_names_the_file_and_the_other_kind() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.pth");
    std::fs::write(&text, "not weights\n").unwrap();
    let missing = folder.path().join("missing.pth");
    let cut = folder.path().join("cut.pth");
    let whole = std::fs::read(golden("plain_zip.pth")).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let safetensors = golden("pth_reader.safetensors");
    let pickle = golden("plain_zip.pth");

    let cases: [(&Path, String, &str); 5] = [
        (
            folder.path(),
            load_tensors(folder.path()).unwrap_err().to_string(),
            "a folder of several (cut.pth, notes.pth)",
        ),
        (&text, load_tensors(&text).unwrap_err().to_string(), "text"),
        (&missing, load_tensors(&missing).unwrap_err().to_string(), "check the path"),
        (&cut, load_tensors(&cut).unwrap_err().to_string(), "damaged or truncated"),
        (&pickle, file::read(&pickle).unwrap_err().to_string(), "est weights import"),
    ];
    for (path, message, reason) in cases {
        assert!(message.starts_with(&path.display().to_string()) && message.contains(reason), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    assert_eq!(load_tensors(&safetensors).unwrap().kind, FileKind::Safetensors);
}
