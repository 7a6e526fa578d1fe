//! Writes `.pth` files byte by byte, good ones and bad ones.

use std::io::{Cursor, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::super::error::WeightsError;
use super::super::super::sniff::Container;
use super::super::{StateDict, legacy, read_from};

pub fn text(text: &str) -> Vec<u8> {
    [b"X", (text.len() as u32).to_le_bytes().as_slice(), text.as_bytes()].concat()
}

pub fn int(value: i32) -> Vec<u8> {
    [b"J", value.to_le_bytes().as_slice()].concat()
}

pub fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

pub fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(", items.concat().as_slice(), b"t"].concat()
}

pub fn ints(values: &[i32]) -> Vec<u8> {
    tuple(&values.iter().map(|&value| int(value)).collect::<Vec<_>>())
}

pub fn call(function: Vec<u8>, arguments: &[Vec<u8>]) -> Vec<u8> {
    [function, tuple(arguments), b"R".to_vec()].concat()
}

pub fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items = entries.iter().flat_map(|(key, value)| [text(key), value.clone()]);
    [b"}(".to_vec(), items.collect::<Vec<_>>().concat(), b"u".to_vec()].concat()
}

pub fn ordered_dict() -> Vec<u8> {
    call(global("collections", "OrderedDict"), &[])
}

/// The persistent id of a storage of `elements`.
pub fn storage(class: &str, key: &str, elements: i32) -> Vec<u8> {
    let description = [text("storage"), global("torch", class), text(key), text("cuda:0"), int(elements)];
    [tuple(&description), b"Q".to_vec()].concat()
}

pub fn tensor(storage: Vec<u8>, offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let arguments = [storage, int(offset), ints(shape), ints(strides), b"\x89".to_vec(), ordered_dict()];
    call(global("torch._utils", "_rebuild_tensor_v2"), &arguments)
}

pub fn pickle(body: &[u8]) -> Vec<u8> {
    [b"\x80\x02", body, b"."].concat()
}

pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A file of the zip layout whose object is `body`; storages by key.
pub fn zip_file(body: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
    let pickle = pickle(body);
    let names: Vec<String> = storages.iter().map(|(key, _)| format!("archive/data/{key}")).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![("archive/data.pkl", &pickle), ("archive/byteorder", b"little")];
    entries.extend(names.iter().zip(storages).map(|(name, (_, bytes))| (name.as_str(), *bytes)));
    entries.push(("archive/version", b"3\n"));
    zip_of(&entries)
}

/// A file of the legacy layout; storages as key, elements, bytes.
pub fn legacy_file(body: &[u8], storages: &[(&str, i64, &[u8])]) -> Vec<u8> {
    let machine = dict(&[("protocol_version", int(1001)), ("little_endian", b"\x88".to_vec())]);
    let keys = storages.iter().map(|(key, ..)| text(key)).collect::<Vec<_>>().concat();
    let mut file = [
        b"\x80\x02".as_slice(),
        &legacy::MAGIC,
        &pickle(&int(1001)),
        &pickle(&machine),
        &pickle(body),
        &pickle(&[b"](", keys.as_slice(), b"e"].concat()),
    ]
    .concat();
    for (_, elements, bytes) in storages {
        file.extend(elements.to_le_bytes());
        file.extend(*bytes);
    }
    file
}

pub fn read_zip(file: &[u8]) -> Result<StateDict, WeightsError> {
    read_from(Cursor::new(file), Container::PthZip, file.len() as u64, Path::new("w.pth"), &|_| true)
}

pub fn read_legacy(file: &[u8]) -> Result<StateDict, WeightsError> {
    read_from(Cursor::new(file), Container::PthLegacy, file.len() as u64, Path::new("w.pth"), &|_| true)
}

/// Two storages, three tensors of them, a scalar and a one-element tensor beside the state dict; and the storages.
pub fn checkpoint() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let first = || storage("FloatStorage", "0", 12);
    let state = dict(&[
        ("module.conv1.weight", tensor(first(), 2, &[2, 3], &[3, 1])),
        ("module.conv1.transposed", tensor(first(), 0, &[3, 4], &[1, 3])),
        ("module.bn1.num_batches_tracked", tensor(storage("LongStorage", "1", 2), 1, &[], &[])),
    ]);
    let body = dict(&[
        ("epoch", int(137)),
        ("state_dict", state),
        ("prec1", tensor(first(), 5, &[], &[])),
        ("best", b"G\x40\x4b\x21\x47\xae\x14\x7a\xe1".to_vec()),
    ]);
    let values: Vec<f32> = (0..12).map(|value| value as f32 + 0.25).collect();
    let counters: Vec<u8> = [3i64, 400].iter().flat_map(|value| value.to_le_bytes()).collect();
    (body, floats(&values), counters)
}
