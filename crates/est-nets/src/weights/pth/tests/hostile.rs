//! Bytes made to hurt: whatever they are, the answer is a state dict or an error, within bounded memory.

use std::process::Command;

use super::super::super::error::WeightsError;
use super::super::StateDict;
use super::forge::*;
use crate::noise::Noise;

/// Address space of the process that runs these tests: the 256 MiB that any file may ask for, twice (a storage's
/// bytes and a vector that grows), and the test binary itself.
const LIMIT_KIB: usize = 1 << 20;
const IN_LIMITED: &str = "EST_TEST_LIMITED";

/// Reads `file` with every byte changed in several ways, and cut short at every length.
fn damage(file: &[u8], read: impl Fn(&[u8]) -> Result<StateDict, WeightsError>) {
    let mut damaged = file.to_vec();
    for position in 0..file.len() {
        let flips = (0..8).map(|bit| file[position] ^ 1 << bit);
        // An end, a mark, a call, a recall, a persistent id: what changes a pickle's course the most.
        for byte in flips.chain([0, 0xff, b'.', b'(', b'R', b'h', b'Q', b'1', b't', 0x8b]) {
            damaged[position] = byte;
            let _ = read(&damaged);
        }
        damaged[position] = file[position];
        assert!(read(&file[..position]).is_err(), "cut at {position}");
    }
}

/// A legacy file is all that is read, so every cut is an error. A zip file's table of contents is at its end.
#[test]
fn damaged_files_never_panic() {
    let (body, values, counters) = checkpoint();
    let legacy = legacy_file(&body, &[("0", 12, &values), ("1", 2, &counters)]);
    read_legacy(&legacy).unwrap();
    damage(&legacy, read_legacy);
    let zip = zip_file(&body, &[("0", &values), ("1", &counters)]);
    read_zip(&zip).unwrap();
    damage(&zip, read_zip);
}

#[test]
fn heavily_damaged_pickles_never_panic() {
    let (body, values, counters) = checkpoint();
    let noise = Noise::new(1, "hostile");
    let mut draws = 0..;
    let mut below = |limit: usize| noise.uniform(draws.next().unwrap(), 0.0, limit as f64) as usize;
    let mut good = 0;
    for _ in 0..20_000 {
        let mut damaged = body.clone();
        for _ in 0..1 + below(4) {
            let (from, to, length) = (below(damaged.len()), below(damaged.len()), below(24));
            match below(3) {
                0 => damaged[to] = below(256) as u8,
                // Move valid pieces about: opcodes meet operands of other kinds.
                1 => {
                    let last = damaged.len() - length;
                    damaged.copy_within(from.min(last)..from.min(last) + length, to.min(last));
                }
                _ => drop(damaged.drain(to..(to + length / 4).min(damaged.len()))),
            }
        }
        good += usize::from(read_zip(&zip_file(&damaged, &[("0", &values), ("1", &counters)])).is_ok());
    }
    // The test would be worthless if nothing got past the first opcodes.
    assert!(good > 100, "{good} of 20000 were readable");
}

fn one_tensor(elements: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    tensor(storage("FloatStorage", "0", elements), 0, shape, strides)
}

fn refused(body: &[u8], reason: &str) {
    let floats = floats(&[1.5, 2.5]);
    for error in [
        read_zip(&zip_file(body, &[("0", &floats)])).unwrap_err(),
        read_legacy(&legacy_file(body, &[("0", 2, &floats)])).unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(message.starts_with("w.pth: ") && message.contains(reason), "{message}, not {reason}");
    }
}

#[test]
fn pickles_that_grow_are_refused() {
    let good = || dict(&[("w", one_tensor(2, &[2], &[1]))]);
    let floats = floats(&[1.5, 2.5]);
    let reads = |body: Vec<u8>| read_zip(&zip_file(&body, &[("0", &floats)])).unwrap();

    // A million tuples in each other, a list in itself: no recursion, so no harm.
    let deep = [b")".to_vec(), vec![0x85; 1_000_000]].concat();
    let cyclic = b"]q\x01h\x01a".to_vec();
    for value in [deep, cyclic] {
        reads([value, b"0".to_vec(), good()].concat());
        reads(dict(&[("model", good()), ("x", b"]q\x01h\x01a".to_vec())]));
    }
    reads([vec![b'('; 4_000_000], good()].concat());
    // A million lists in each other below the root, and one list of a hundred thousand of them.
    let nest = |depth: usize| [b"]".repeat(depth), b"a".repeat(depth - 1)].concat();
    reads(dict(&[("x", nest(500_000)), ("w", one_tensor(2, &[2], &[1]))]));
    let many = [b"](".to_vec(), b"]\x85".repeat(100_000), b"e".to_vec()].concat();
    let body = dict(&[("x", many), ("w", one_tensor(2, &[2], &[1]))]);
    refused(&body, "nests more than 65536");

    refused(&vec![b')'; 4_000_000], "more than 2097152 values");
    let long = vec![b'('; 9_000_000];
    assert!(read_legacy(&legacy_file(&long, &[])).unwrap_err().to_string().contains("longer than 8 MiB"));
    assert!(read_zip(&zip_file(&long, &[])).unwrap_err().to_string().contains("data.pkl has 9000003 bytes"));
    // One list of 100,000 pairs, made into a dictionary again and again.
    let pairs = [b"]q\x00(".to_vec(), b"NN\x86".repeat(100_000), b"e".to_vec()].concat();
    let again = [global("collections", "OrderedDict"), b"h\x00\x85R".to_vec()].concat();
    refused(&[pairs, again.repeat(1000)].concat(), "more than 2097152 values");
    // Lengths that the file does not have.
    for length in [b"X\xff\xff\xff\xff".as_slice(), b"\x8b\xff\xff\xff\x7f", b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff"] {
        refused(length, "an impossible length");
    }
    refused(b"X\xff\xff\x6f\x00", "it ends inside the pickle");
}

#[test]
fn tensors_that_grow_are_refused() {
    let cases: [(Vec<u8>, &str); 8] = [
        (one_tensor(2, &[i32::MAX], &[0]), "more memory than its size allows"),
        (one_tensor(2, &[i32::MAX, i32::MAX, i32::MAX], &[0, 0, 0]), "an impossible shape"),
        (one_tensor(2, &[3], &[1]), "element 2 of a storage of 2"),
        (one_tensor(2, &[2], &[i32::MAX]), "of a storage of 2"),
        (one_tensor(2, &[2], &[-1]), "description is damaged"),
        (one_tensor(2, &[1; 65], &[1; 65]), "65 sizes"),
        (one_tensor(1_000_000, &[1_000_000], &[1]), "storage"),
        (one_tensor(i32::MAX, &[1], &[1]), "storage"),
    ];
    for (tensor, reason) in cases {
        refused(&dict(&[("w", tensor)]), reason);
    }
    // Each tensor alone would be allowed.
    let repeated: Vec<(String, Vec<u8>)> =
        (0..100).map(|index| (format!("w{index}"), one_tensor(2, &[1 << 20], &[0]))).collect();
    let repeated: Vec<(&str, Vec<u8>)> = repeated.iter().map(|(key, tensor)| (key.as_str(), tensor.clone())).collect();
    refused(&dict(&repeated), "more memory than its size allows");
    // A shape of a million sizes, used again and again: refused at the first, not copied.
    let shape = ints(&vec![0; 1_000_000]);
    let arguments = [storage("FloatStorage", "0", 2), int(0), [shape, b"2".to_vec()].concat()].concat();
    let call = [global("torch._utils", "_rebuild_tensor_v2"), b"(".to_vec(), arguments, b"tR".to_vec()].concat();
    refused(&dict(&[("w", call)]), "256 sizes");
}

#[test]
fn archives_that_lie_about_lengths_are_refused() {
    let body = dict(&[("w", one_tensor(2, &[2], &[1]))]);
    for elements in [i64::MAX, i64::MIN, -1, 3, 1] {
        assert!(read_legacy(&legacy_file(&body, &[("0", elements, &floats(&[1.5, 2.5]))])).is_err(), "{elements}");
    }
    // The end of a zip64 archive that claims 2^36 entries in a table of 2^60 bytes, at every kind of place.
    let mut entry = zip_file(&body, &[("0", &floats(&[1.5, 2.5]))]);
    // Without its own end, which would be found as the true one.
    entry.truncate(entry.len() - 22);
    for start in [0u64, 64, 1 << 40, u64::MAX - 64] {
        for (entries, size) in [(1u64 << 36, 1u64 << 60), (u64::MAX, u64::MAX), (1 << 20, 1 << 40)] {
            let mut file = entry.clone();
            let end = file.len() as u64;
            file.extend(b"PK\x06\x06");
            file.extend(44u64.to_le_bytes());
            file.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            file.extend([entries, entries, size, start].map(u64::to_le_bytes).concat());
            file.extend(b"PK\x06\x07\0\0\0\0");
            file.extend(end.to_le_bytes());
            file.extend(b"\x01\0\0\0PK\x05\x06\0\0\0\0");
            file.extend([0xff; 12]);
            file.extend([0, 0]);
            assert!(read_zip(&file).is_err(), "{start} {entries} {size}");
        }
    }
}

/// Runs the tests of this file again where an allocation beyond the limit aborts.
#[test]
#[cfg(target_os = "linux")]
fn hostile_files_stay_within_a_memory_limit() {
    if std::env::var_os(IN_LIMITED).is_some() {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let filter = module_path!().split_once("::").unwrap().1;
    let script = format!("ulimit -v {LIMIT_KIB} && exec \"$0\" --test-threads=1 \"$1\"");
    let run = Command::new("sh").arg("-c").arg(script).arg(this).arg(filter).env(IN_LIMITED, "1").output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && stdout.contains("6 passed"), "{stdout}{stderr}");
}
