//! Files forged here, so that each test shows the bytes it is about. Files that PyTorch wrote: `tests/weights.rs`.

mod forge;
mod hostile;

use std::fs;
use std::path::Path;

use forge::*;
use serde_json::json;

use super::super::error::WeightsError;
use super::super::sniff::Container;
use super::{StateDict, list_from};

/// The one tensor `w` of a file whose pickle is `body` and whose storage `0` holds `bytes`, in both layouts.
fn read_both(body: &[u8], elements: i64, bytes: &[u8]) -> StateDict {
    let from_zip = read_zip(&zip_file(body, &[("0", bytes)])).unwrap();
    let from_legacy = read_legacy(&legacy_file(body, &[("0", elements, bytes)])).unwrap();
    assert_eq!(from_zip, from_legacy);
    from_zip
}

fn names(state: &StateDict) -> Vec<&str> {
    state.tensors.iter().map(|(name, _)| name.as_str()).collect()
}

/// A tensor of one element of storage `0` of one float.
fn one() -> Vec<u8> {
    tensor(storage("FloatStorage", "0", 1), 0, &[1], &[1])
}

fn read_one(body: &[u8]) -> Result<StateDict, WeightsError> {
    read_zip(&zip_file(body, &[("0", &floats(&[1.5]))]))
}

#[test]
fn a_checkpoint_is_read_in_both_layouts() {
    let (body, values, counters) = checkpoint();
    let from_zip = read_zip(&zip_file(&body, &[("0", &values), ("1", &counters)])).unwrap();
    // The order of the storages is the file's own.
    let from_legacy = read_legacy(&legacy_file(&body, &[("1", 2, &counters), ("0", 12, &values)])).unwrap();
    assert_eq!(from_zip, from_legacy);

    let keys = ["conv1.weight", "conv1.transposed", "bn1.num_batches_tracked"];
    assert_eq!(names(&from_zip), keys.map(|key| format!("state_dict.module.{key}")));
    let tensors: Vec<_> = from_zip.tensors.iter().map(|(_, tensor)| (tensor.shape.as_slice(), &tensor.data)).collect();
    assert_eq!(tensors[0], ([2, 3].as_slice(), &vec![2.25, 3.25, 4.25, 5.25, 6.25, 7.25]));
    assert_eq!(tensors[1].0, [3, 4]);
    assert_eq!(tensors[1].1[..5], [0.25, 3.25, 6.25, 9.25, 1.25]);
    assert_eq!(tensors[2], ([].as_slice(), &vec![400.0]));
    let scalars = json!({"epoch": 137, "prec1": 5.25, "best": 54.26});
    assert_eq!(json!(from_zip.scalars), scalars);
}

#[test]
fn every_element_type_is_read() {
    let cases: [(&str, &[u8], f32); 10] = [
        ("DoubleStorage", &(-2.5f64).to_le_bytes(), -2.5),
        ("FloatStorage", &0.1f32.to_le_bytes(), 0.1),
        ("HalfStorage", &0x3e00u16.to_le_bytes(), 1.5),
        ("BFloat16Storage", &0xc040u16.to_le_bytes(), -3.0),
        ("LongStorage", &(-7i64).to_le_bytes(), -7.0),
        ("IntStorage", &70_000i32.to_le_bytes(), 70_000.0),
        ("ShortStorage", &(-300i16).to_le_bytes(), -300.0),
        ("CharStorage", &[0xfd], -3.0),
        ("ByteStorage", &[200], 200.0),
        ("BoolStorage", &[1], 1.0),
    ];
    for (class, bytes, expected) in cases {
        let body = dict(&[("w", tensor(storage(class, "0", 3), 0, &[3], &[1]))]);
        let state = read_both(&body, 3, &bytes.repeat(3));
        assert_eq!(state.tensors[0].1.data, [expected; 3], "{class}");
    }
}

#[test]
fn tensors_are_found_however_deep_they_are() {
    let state = || dict(&[("w", one()), ("step", int(3))]);
    let list = |items: &[Vec<u8>]| [b"](".to_vec(), items.concat(), b"e".to_vec()].concat();
    let cases = [
        (state(), "w"),
        (dict(&[("ema", state())]), "ema.w"),
        (dict(&[("a", dict(&[("b.c", state())]))]), "a.b.c.w"),
        (dict(&[("models", list(&[int(1), state()]))]), "models.1.w"),
        (tuple(&[state(), int(7)]), "0.w"),
    ];
    for (body, name) in cases {
        let state = read_one(&body).unwrap();
        assert_eq!(names(&state), [name]);
        let listed = list_from(std::io::Cursor::new(zip_file(&body, &[])), Container::PthZip, 1000, Path::new("w.pth"));
        assert_eq!(listed.unwrap(), [(name.to_owned(), vec![1])]);
    }
    // Keys that are numbers, as in the state of an optimiser; others name nothing.
    let numbered = [b"}(".to_vec(), int(0), one(), b"N".to_vec(), one(), b"u".to_vec()].concat();
    let state = read_one(&dict(&[("state", numbered), ("lr", int(3))])).unwrap();
    assert_eq!((names(&state), json!(state.scalars)), (vec!["state.0"], json!({"lr": 3})));
    // The same dictionary under two names, and one that holds itself.
    let twice = [b"}(".to_vec(), text("a"), dict(&[("w", one())]), b"q\x05".to_vec(), text("b"), b"h\x05u".to_vec()];
    assert_eq!(names(&read_one(&twice.concat()).unwrap()), ["a.w"]);
    let itself = [b"}q\x05(".to_vec(), text("self"), b"h\x05".to_vec(), text("w"), one(), b"u".to_vec()].concat();
    assert_eq!(names(&read_one(&itself).unwrap()), ["w"]);

    for body in [dict(&[]), dict(&[("ema", dict(&[("w", int(1))]))]), one(), int(3)] {
        let message = read_one(&body).unwrap_err().to_string();
        assert!(message.contains("w.pth") && message.contains("holds no tensors"), "{message}");
    }
}

#[test]
fn only_what_is_asked_for_is_read() {
    // The storage of `b` is not in the file, and the elements of `c` are more than such a file may ask for.
    let missing = tensor(storage("FloatStorage", "7", 1), 0, &[1], &[1]);
    let large = tensor(storage("FloatStorage", "0", 1), 0, &[1 << 30], &[0]);
    let body = dict(&[("a", one()), ("b", missing), ("c", large)]);
    let file = zip_file(&body, &[("0", &floats(&[1.5]))]);
    let read = |keep: &dyn Fn(&str) -> bool| {
        let reader = std::io::Cursor::new(&file);
        super::read_from(reader, Container::PthZip, file.len() as u64, Path::new("w.pth"), keep)
    };
    assert_eq!(names(&read(&|name| name == "a").unwrap()), ["a"]);
    assert!(read(&|name| name == "b").unwrap_err().to_string().contains("data/7"));
    assert!(read(&|name| name == "c").unwrap_err().to_string().contains("more memory"));
}

#[test]
fn a_key_given_twice_has_its_last_value() {
    let other = tensor(storage("FloatStorage", "0", 1), 0, &[1, 1], &[1, 1]);
    let state = read_one(&dict(&[("a", one()), ("b", one()), ("a", other)])).unwrap();
    assert_eq!(names(&state), ["a", "b"]);
    assert_eq!(state.tensors[0].1.shape, [1, 1]);
}

#[test]
fn parameters_and_attributes_unwrap_to_their_tensors() {
    let parameter = call(global("torch._utils", "_rebuild_parameter"), &[one(), b"\x88".to_vec(), ordered_dict()]);
    let arguments = tuple(&[storage("FloatStorage", "0", 1), int(0), ints(&[1]), ints(&[1])]);
    let with_attributes = call(
        global("torch._tensor", "_rebuild_from_type_v2"),
        &[
            global("torch._utils", "_rebuild_tensor_v2"),
            global("torch.nn.parameter", "Parameter"),
            arguments,
            dict(&[("note", text("x"))]),
        ],
    );
    // Element type in the argument list, storage of bare bytes.
    let untyped = [storage("UntypedStorage", "0", 4), int(0), ints(&[1]), ints(&[1]), b"\x89".to_vec()];
    let third = [untyped.as_slice(), &[ordered_dict(), global("torch", "float32")]].concat();
    let third = call(global("torch._utils", "_rebuild_tensor_v3"), &third);
    for wrapped in [parameter, with_attributes, third] {
        // A BUILD, as for the attributes of an OrderedDict.
        let body = [dict(&[("w", wrapped)]), dict(&[("_metadata", int(1))]), b"b".to_vec()].concat();
        assert_eq!(read_one(&body).unwrap().tensors[0].1.data, [1.5]);
    }
}

#[test]
fn what_python_2_wrote_is_read() {
    let key = b"U\x06weight".to_vec();
    let pairs = [b"](".to_vec(), key, one(), b"\x86e".to_vec()].concat();
    let state = read_one(&call(global("collections", "OrderedDict"), &[pairs])).unwrap();
    assert_eq!(names(&state), ["weight"]);
}

#[test]
fn a_storage_that_is_a_window_of_another_is_read() {
    let view = tuple(&[text("view"), int(1), int(2)]);
    let items = [text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), int(4), view];
    let window = || [tuple(&items), b"Q".to_vec()].concat();
    let body = dict(&[("w", tensor(window(), 0, &[2], &[1]))]);
    assert_eq!(read_both(&body, 4, &floats(&[0., 1., 2., 3.])).tensors[0].1.data, [1., 2.]);
    // The third element is in the storage, but not in its window.
    let body = dict(&[("w", tensor(window(), 0, &[3], &[1]))]);
    let message = read_zip(&zip_file(&body, &[("0", &floats(&[0.; 4]))])).unwrap_err().to_string();
    assert!(message.contains("`w`") && message.contains("storage of 2"), "{message}");
}

#[test]
fn plain_data_beside_the_weights_is_ignored() {
    let dtype = call(global("numpy", "dtype"), &[text("f8"), b"\x89".to_vec(), b"\x88".to_vec()]);
    let bytes = call(global("_codecs", "encode"), &[text("12345678"), text("latin1")]);
    let number = call(global("numpy.core.multiarray", "scalar"), &[dtype, bytes]);
    let namespace = [global("argparse", "Namespace"), b")\x81".to_vec(), dict(&[("lr", int(1))]), b"b".to_vec()];
    let long = b"\x8a\x0a0123456789".to_vec();
    let body = dict(&[
        ("net", dict(&[("w", one())])),
        ("best_acc", number),
        ("args", namespace.concat()),
        ("long", long),
        ("nothing", b"N".to_vec()),
        ("not a number", b"G\x7f\xf8\0\0\0\0\0\0".to_vec()),
    ]);
    let state = read_one(&body).unwrap();
    assert_eq!((names(&state), json!(&state.scalars)), (vec!["net.w"], json!({})));
}

#[test]
fn every_other_name_is_refused_and_never_run() {
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("executed");
    let command = text(&format!("touch {}", witness.display()));
    let names = [
        ("posix", "system"),
        ("os", "system"),
        ("builtins", "eval"),
        ("__builtin__", "getattr"),
        ("subprocess", "Popen"),
        ("torch.nn.modules.linear", "Linear"),
        ("torch", "load"),
        ("torch._utils", "_rebuild_sparse_tensor"),
        ("torch", "ComplexFloatStorage"),
        ("numpy", "load"),
        ("collections", "namedtuple"),
    ];
    for (module, name) in names {
        // In the pickle's three ways: by name and REDUCE, by name and NEWOBJ, by stack and REDUCE.
        let by_stack = [text(module), text(name), b"\x93".to_vec()].concat();
        let object = [global(module, name), tuple(std::slice::from_ref(&command)), b"\x81".to_vec()].concat();
        let reduced = [global(module, name), by_stack].map(|name| call(name, std::slice::from_ref(&command)));
        for evil in reduced.into_iter().chain([object]) {
            let body = dict(&[("state_dict", dict(&[("w", one())])), ("x", evil)]);
            let zip = read_one(&body).unwrap_err();
            let legacy = read_legacy(&legacy_file(&body, &[("0", 1, &floats(&[1.5]))])).unwrap_err();
            for error in [zip, legacy] {
                let message = error.to_string();
                assert!(message.starts_with(&format!("w.pth: the pickle refers to {module}.{name},")), "{message}");
                assert!(message.contains("nothing in the file was executed"), "{message}");
            }
        }
    }
    assert!(!fs::exists(witness).unwrap());
}

#[test]
fn programs_and_other_archives_are_refused() {
    let pickle = pickle(&dict(&[("w", one())]));
    for marker in ["m/constants.pkl", "m/code/__torch__.py"] {
        let message = read_zip(&zip_of(&[("m/data.pkl", &pickle), (marker, b"")])).unwrap_err().to_string();
        assert!(message.contains("TorchScript") && message.contains("state_dict()"), "{message}");
    }
    let message = read_zip(&zip_of(&[("w.npy", b"")])).unwrap_err().to_string();
    assert!(message.contains("PyTorch did not write"), "{message}");
    let message = read_zip(&zip_of(&[("m/data.pkl", &pickle), ("m/byteorder", b"big")])).unwrap_err().to_string();
    assert!(message.contains("little-endian"), "{message}");
    let lacking = read_zip(&zip_file(&dict(&[("w", one())]), &[])).unwrap_err().to_string();
    assert!(lacking.contains("it lacks archive/data/0"), "{lacking}");
}
