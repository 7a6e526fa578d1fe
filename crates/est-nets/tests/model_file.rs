//! Our own model files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use est_nets::weights::{FileKind, Loaded, ModelFile, Provenance, file, load_tensors};
use est_nets::{Preprocessing, Tensor};
use serde_json::{Value, json};

fn model() -> ModelFile {
    let tensors = [
        ("fc.weight".to_owned(), Tensor::new(vec![2, 3], vec![1.0, -0.5, 0.1, f32::MIN_POSITIVE, 1e30, 0.0])),
        ("bn1.num_batches_tracked".to_owned(), Tensor::new(vec![], vec![7.0])),
        ("empty".to_owned(), Tensor::new(vec![0, 4], vec![])),
    ];
    ModelFile {
        architecture: json!({"network": "est", "snippets": 7, "a": {"z": 1, "b": 0.1}}),
        classes: ["Angry", "Disgust \"\n\u{e9}"].map(String::from).to_vec(),
        preprocessing: Preprocessing::PAPER,
        provenance: Provenance {
            source: "authors_tiny.pth".into(),
            trained: true,
            note: "a note".into(),
            created_by: "est 0.1.0".into(),
            scalars: BTreeMap::from([("epoch".into(), json!(137)), ("prec1".into(), json!(54.26))]),
        },
        temperature: Some(1.3),
        tensors: tensors.into(),
        sha256: String::new(),
    }
}

/// A safetensors file of one tensor `w` of two bytes per element.
fn safetensors(metadata: Option<&Value>, dtype: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = json!({"w": {"dtype": dtype, "shape": [bytes.len() / 2], "data_offsets": [0, bytes.len()]}});
    if let Some(metadata) = metadata {
        header["__metadata__"] = metadata.clone();
    }
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), bytes].concat()
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_model_comes_back_as_it_was_with_the_hash_of_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let written = model().write(&path).unwrap();
    let read = file::read(&path).unwrap();
    assert_eq!(read, ModelFile { sha256: written.clone(), ..model() });
    assert_eq!(file::read_preprocessing(&path).unwrap(), model().preprocessing);
    assert_eq!(file::sha256(&path).unwrap(), written);
    let loaded = load_tensors(&path).unwrap();
    assert_eq!((loaded.tensors, loaded.kind), (model().tensors, FileKind::Est));

    // Without the optional entry.
    let uncalibrated = ModelFile { temperature: None, ..model() };
    uncalibrated.write(&path).unwrap();
    assert_eq!(file::read(&path).unwrap().temperature, None);
}

/// More chunks than may wait for the hashers, the last of them short.
#[test]
fn large_tensors_come_back_and_their_hashes_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let large = |count: usize| Tensor::new(vec![count], (0..count).map(|i| i as f32).collect());
    let tensors = [("a".to_string(), large(3_000_001)), ("b".to_string(), large(100_003))];
    let large = ModelFile { tensors: tensors.into(), ..model() };
    let sha256 = large.write(&path).unwrap();
    assert_eq!(file::read(&path).unwrap(), ModelFile { sha256, ..large });
}

#[test]
fn the_hash_is_sha256() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc");
    fs::write(&path, "abc").unwrap();
    // FIPS 180-2, appendix B.1.
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(file::sha256(&path).unwrap(), expected);
}

#[test]
fn equal_models_give_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [folder.path().join("a"), folder.path().join("b")];
    let hashes = paths.each_ref().map(|path| model().write(path).unwrap());
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
    // The tensors' bytes start at a multiple of 8 in the file.
    let bytes = fs::read(&paths[0]).unwrap();
    assert_eq!(u64::from_le_bytes(bytes[..8].try_into().unwrap()) % 8, 0);
}

#[test]
fn writing_replaces_whole_files_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    model().write(&path).unwrap();
    model().write(&path).unwrap();
    assert_eq!(names_in(folder.path()), ["m.safetensors"], "temporary files are gone");

    let before = fs::read(&path).unwrap();
    let mut bad = model();
    bad.tensors.insert("__metadata__".into(), Tensor::new(vec![1], vec![0.0]));
    assert!(bad.write(&path).unwrap_err().to_string().contains("`__metadata__`"));
    assert_eq!(fs::read(&path).unwrap(), before);

    // A folder where the file should be: the rename fails after everything was written.
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    let message = model().write(&taken).unwrap_err().to_string();
    assert!(message.starts_with(&taken.display().to_string()), "{message}");
    let nowhere = folder.path().join("no/such/folder/m");
    let message = model().write(&nowhere).unwrap_err().to_string();
    assert!(message.starts_with(&nowhere.display().to_string()) && message.contains("check the path"), "{message}");
    assert_eq!(names_in(folder.path()), ["m.safetensors", "taken"]);
}

#[test]
#[cfg(unix)]
fn a_written_file_is_as_readable_as_any_other() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (folder.path().join("m"), folder.path().join("other"));
    model().write(&ours).unwrap();
    fs::write(&other, "").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&other));
}

#[test]
fn foreign_files_give_their_tensors_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let half = [0x3e00u16, 0xc000].map(u16::to_le_bytes).concat();
    let brain = [0x3fc0u16, 0xc000].map(u16::to_le_bytes).concat();
    for (dtype, bytes) in [("F16", half), ("BF16", brain)] {
        for metadata in [None, Some(json!({"format": "pt"}))] {
            fs::write(&path, safetensors(metadata.as_ref(), dtype, &bytes)).unwrap();
            let Loaded { tensors, kind, .. } = load_tensors(&path).unwrap();
            assert_eq!((tensors["w"].data.as_slice(), kind), ([1.5, -2.0].as_slice(), FileKind::Safetensors));
            let message = file::read(&path).unwrap_err().to_string();
            assert_eq!(file::read_preprocessing(&path).unwrap_err().to_string(), message);
            assert!(
                message.contains("without est's metadata; make a model file of it: est weights import"),
                "{message}"
            );
        }
    }
    fs::write(&path, safetensors(None, "U16", &[0, 0])).unwrap();
    let message = load_tensors(&path).unwrap_err().to_string();
    assert!(message.contains("`w`: element type U16 is not supported"), "{message}");
}

#[test]
fn wrong_metadata_name_their_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let good = json!({
        "format": "est 1", "architecture": "{}", "classes": "[\"Happy\"]", "temperature": "1.5",
        "preprocessing": serde_json::to_string(&Preprocessing::PAPER).unwrap(),
        "provenance": serde_json::to_string(&Provenance::default()).unwrap(),
        // Of two zero bytes, by sha256sum.
        "tensors_sha256": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    });
    let read = |metadata: &Value| {
        fs::write(&path, safetensors(Some(metadata), "F16", &[0, 0])).unwrap();
        file::read(&path)
    };
    assert_eq!(read(&good).unwrap().classes, ["Happy"]);

    for key in ["architecture", "classes", "preprocessing", "provenance", "tensors_sha256"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(key);
        let message = read(&without).unwrap_err().to_string();
        assert!(message.contains(&format!("metadata entry `{key}`: it is missing")), "{message}");
    }
    let wrong = [
        ("architecture", "{"),
        ("classes", "7"),
        ("preprocessing", "{\"size\": 3}"),
        ("provenance", "[]"),
        ("temperature", "0"),
        ("temperature", "-1"),
        ("temperature", "1e999"),
        ("temperature", "\"warm\""),
    ];
    for (key, value) in wrong {
        let mut changed = good.clone();
        changed[key] = json!(value);
        let message = read(&changed).unwrap_err().to_string();
        assert!(message.contains(&format!("metadata entry `{key}`: ")), "{key} {value}: {message}");
    }
    let mut flipped = good.clone();
    flipped["tensors_sha256"] = json!("00");
    let message = read(&flipped).unwrap_err().to_string();
    assert!(message.contains("damaged") && message.contains("not those that were written"), "{message}");
    let mut newer = good.clone();
    newer["format"] = json!("est 2");
    let message = read(&newer).unwrap_err().to_string();
    assert!(message.contains("`est 2` is newer than this program; update est"), "{message}");
}
