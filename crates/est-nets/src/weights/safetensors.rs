//! Safetensors, streamed: one pass for the hashes and the tensors, so that memory stays at the size of the tensors.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle};

use ::safetensors::tensor::{Dtype as FileDtype, Metadata};
use half::f16;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::Listed;
use super::dtype::Dtype;
use super::error::WeightsError;
use crate::hash;
use crate::tensor::Tensor;
use crate::whole_file;

/// The longest header read or written; that of the largest preset is under 100 kB.
const MAX_HEADER: u64 = 8 << 20;
const METADATA: &str = "__metadata__";
/// Bytes moved at a time; a multiple of every element size.
const CHUNK: usize = 1 << 18;

/// A whole file.
pub(super) struct Contents {
    pub metadata: BTreeMap<String, String>,
    pub tensors: BTreeMap<String, Tensor>,
    /// Of all bytes of the file, in hexadecimal.
    pub sha256: String,
    /// Of the bytes of the tensors alone, see [`data_sha256`].
    pub data_sha256: String,
}

pub(super) fn read(path: &Path) -> Result<Contents, WeightsError> {
    let (file, length) = open(path)?;
    read_from(file, length, path)
}

/// The metadata alone, which stand before the tensors.
pub(super) fn read_metadata(path: &Path) -> Result<BTreeMap<String, String>, WeightsError> {
    let (mut file, length) = open(path)?;
    let (_, header) = read_header(&mut file, length, path)?;
    Ok(metadata(&header))
}

/// The metadata, and names and shapes of all tensors.
pub(super) fn list(path: &Path) -> Result<(BTreeMap<String, String>, Listed), WeightsError> {
    let (mut file, length) = open(path)?;
    let (_, header) = read_header(&mut file, length, path)?;
    let shape = |key: String| {
        let shape = header.info(&key).expect("a key of this header").shape.clone();
        (key, shape)
    };
    Ok((metadata(&header), header.offset_keys().into_iter().map(shape).collect()))
}

/// The tensors that `keep` names, without any hash.
pub(super) fn read_some(path: &Path, keep: &dyn Fn(&str) -> bool) -> Result<BTreeMap<String, Tensor>, WeightsError> {
    let (mut file, length) = open(path)?;
    let (_, header) = read_header(&mut file, length, path)?;
    read_tensors(&mut file, &header, path, &[], keep)
}

/// A file and its length.
fn open(path: &Path) -> Result<(File, u64), WeightsError> {
    let failed = |source| WeightsError::io(path, source);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    Ok((file, length))
}

fn metadata(header: &Metadata) -> BTreeMap<String, String> {
    header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What stands before the tensors, as bytes and as what they say.
fn read_header(reader: &mut impl Read, length: u64, path: &Path) -> Result<(Vec<u8>, Metadata), WeightsError> {
    let mut size = [0; 8];
    reader.read_exact(&mut size).map_err(|source| WeightsError::reading(path, "the header", source))?;
    let count = u64::from_le_bytes(size);
    if count > MAX_HEADER || count > length.saturating_sub(8) {
        return Err(WeightsError::damaged(path, format!("a header of {count} bytes")));
    }
    let mut text = vec![0; count as usize];
    reader.read_exact(&mut text).map_err(|source| WeightsError::reading(path, "the header", source))?;
    // Checks that the tensors follow each other without gap or overlap and that shapes and sizes agree.
    let header: Metadata =
        serde_json::from_slice(&text).map_err(|error| WeightsError::damaged(path, format!("the header: {error}")))?;
    let data = header.data_len() as u64;
    if data != length - 8 - count {
        return Err(WeightsError::damaged(path, format!("{} bytes of tensors, not {data}", length - 8 - count)));
    }
    Ok(([&size[..], &text].concat(), header))
}

/// `length`: how many bytes `reader` has.
pub(super) fn read_from(mut reader: impl Read, length: u64, path: &Path) -> Result<Contents, WeightsError> {
    let (bytes, header) = read_header(&mut reader, length, path)?;
    let (tensors, [sha256, data_sha256]) = std::thread::scope(|scope| {
        let hashers = [&bytes[..], &[]].map(|before| Hasher::start(scope, before));
        let tensors = read_tensors(&mut reader, &header, path, &hashers, &|_| true)?;
        Ok::<_, WeightsError>((tensors, hashers.map(Hasher::finish)))
    })?;
    Ok(Contents { metadata: metadata(&header), tensors, sha256, data_sha256 })
}

fn read_tensors(
    reader: &mut impl Read,
    header: &Metadata,
    path: &Path,
    hashers: &[Hasher],
    keep: &dyn Fn(&str) -> bool,
) -> Result<BTreeMap<String, Tensor>, WeightsError> {
    let mut tensors = BTreeMap::new();
    let mut chunks = Chunks::default();
    for key in header.offset_keys() {
        let info = header.info(&key).expect("a key of this header");
        if !keep(&key) {
            let length = (info.data_offsets.1 - info.data_offsets.0) as u64;
            io::copy(&mut reader.take(length), &mut io::sink())
                .map_err(|source| WeightsError::reading(path, &format!("tensor {key}"), source))?;
            continue;
        }
        let dtype = dtype_of(info.dtype)
            .ok_or_else(|| WeightsError::tensor(path, &key, format!("element type {} is not supported", info.dtype)))?;
        let mut left = info.data_offsets.1 - info.data_offsets.0;
        let mut values = Vec::with_capacity(left / dtype.size());
        while left > 0 {
            let chunk = chunks
                .filled(left.min(CHUNK), |chunk| reader.read_exact(chunk))
                .map_err(|source| WeightsError::reading(path, &format!("tensor {key}"), source))?;
            hashers.iter().for_each(|hasher| hasher.update(&chunk));
            dtype.decode_into(&chunk, &mut values);
            left -= chunk.len();
        }
        tensors.insert(key, Tensor::new(info.shape.clone(), values));
    }
    Ok(tensors)
}

/// Chunks on their way to the hashers. Each is used again as soon as they have let go of it: memory that is new takes as
/// long to be mapped and zeroed as the hash of it.
#[derive(Default)]
struct Chunks(VecDeque<Arc<Vec<u8>>>);

impl Chunks {
    /// A chunk of `len` bytes that `fill` has written.
    fn filled(&mut self, len: usize, fill: impl FnOnce(&mut [u8]) -> io::Result<()>) -> io::Result<Arc<Vec<u8>>> {
        // The oldest comes back first.
        let free = self.0.front_mut().is_some_and(|oldest| Arc::get_mut(oldest).is_some());
        let mut chunk = if free { self.0.pop_front().expect("just seen") } else { Arc::default() };
        let bytes = Arc::get_mut(&mut chunk).expect("nobody else has it");
        bytes.resize(len, 0);
        fill(bytes)?;
        self.0.push_back(chunk.clone());
        Ok(chunk)
    }
}

/// A hash that is computed in a thread of its own: two of them over 171 MB would take longer than the reading.
struct Hasher<'scope> {
    chunks: SyncSender<Arc<Vec<u8>>>,
    thread: ScopedJoinHandle<'scope, Sha256>,
}

impl<'scope> Hasher<'scope> {
    fn start(scope: &'scope Scope<'scope, '_>, before: &[u8]) -> Self {
        let mut hash = Sha256::new_with_prefix(before);
        // 4 MB ahead at most.
        let (chunks, receiver) = sync_channel::<Arc<Vec<u8>>>(16);
        let thread = scope.spawn(move || {
            receiver.iter().for_each(|chunk| hash.update(&chunk[..]));
            hash
        });
        Hasher { chunks, thread }
    }

    fn update(&self, chunk: &Arc<Vec<u8>>) {
        self.chunks.send(chunk.clone()).expect("the thread takes chunks until it is finished");
    }

    fn finish(self) -> String {
        drop(self.chunks);
        hash::text(self.thread.join().expect("hashing does not panic"))
    }
}

fn dtype_of(dtype: FileDtype) -> Option<Dtype> {
    Some(match dtype {
        FileDtype::F64 => Dtype::F64,
        FileDtype::F32 => Dtype::F32,
        FileDtype::F16 => Dtype::F16,
        FileDtype::BF16 => Dtype::Bf16,
        FileDtype::I64 => Dtype::I64,
        FileDtype::I32 => Dtype::I32,
        FileDtype::I16 => Dtype::I16,
        FileDtype::I8 => Dtype::I8,
        FileDtype::U8 => Dtype::U8,
        FileDtype::BOOL => Dtype::Bool,
        _ => return None,
    })
}

/// Writes f32 tensors so that `path` is either its old self or the whole new file, and returns the SHA-256. Equal
/// contents give equal bytes; the safetensors crate's own writer would shuffle the metadata.
pub(super) fn write(
    path: &Path,
    metadata: &BTreeMap<String, String>,
    tensors: &BTreeMap<String, Tensor>,
) -> Result<String, WeightsError> {
    let header = header(path, metadata, tensors)?;
    write_whole(path, &header, tensors).map_err(|source| WeightsError::io(path, source))
}

fn write_whole(path: &Path, header: &[u8], tensors: &BTreeMap<String, Tensor>) -> io::Result<String> {
    let mut file = whole_file::begin(path)?;
    let mut writer = Hashing { inner: file.as_file_mut(), hash: Sha256::new() };
    writer.write_all(header)?;
    write_data(&mut writer, tensors)?;
    let sha256 = hash::text(writer.hash);
    whole_file::place(file, path)?;
    Ok(sha256)
}

/// The tensors' bytes, one after the other in the order of their keys.
fn write_data(writer: &mut impl Write, tensors: &BTreeMap<String, Tensor>) -> io::Result<()> {
    let mut chunk = Vec::with_capacity(CHUNK);
    for tensor in tensors.values() {
        let halves = fits_halves(tensor);
        for values in tensor.data.chunks(CHUNK / 4) {
            chunk.clear();
            match halves {
                true => chunk.extend(values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes())),
                false => chunk.extend(values.iter().flat_map(|value| value.to_le_bytes())),
            }
            writer.write_all(&chunk)?;
        }
    }
    Ok(())
}

/// Whether a matrix or filter loses nothing as IEEE half precision, and is then stored as such ([`Tensor::halved`]).
fn fits_halves(tensor: &Tensor) -> bool {
    let exact = |&value: &f32| f16::from_f32(value).to_f32().to_bits() == value.to_bits();
    tensor.shape.len() > 1 && tensor.data.iter().all(exact)
}

/// The SHA-256 of the bytes that [`write`] makes of `tensors`, in hexadecimal: it can stand in the file's own header.
pub(super) fn data_sha256(tensors: &BTreeMap<String, Tensor>) -> String {
    let mut writer = Hashing { inner: io::sink(), hash: Sha256::new() };
    write_data(&mut writer, tensors).expect("a sink takes everything");
    hash::text(writer.hash)
}

/// The length of the header and the header, padded to 8 bytes.
fn header(
    path: &Path,
    metadata: &BTreeMap<String, String>,
    tensors: &BTreeMap<String, Tensor>,
) -> Result<Vec<u8>, WeightsError> {
    let mut entries = Map::new();
    entries.insert(METADATA.into(), json!(metadata));
    let mut offset = 0;
    for (key, tensor) in tensors {
        if key == METADATA {
            return Err(WeightsError::tensor(path, key, "the name is reserved; rename the tensor"));
        }
        let (dtype, size) = if fits_halves(tensor) { ("F16", 2) } else { ("F32", 4) };
        let end = offset + size * tensor.data.len();
        entries.insert(key.clone(), json!({"dtype": dtype, "shape": tensor.shape, "data_offsets": [offset, end]}));
        offset = end;
    }
    let mut json = Json::Object(entries).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(8), b' ');
    if json.len() as u64 > MAX_HEADER {
        return Err(WeightsError::unsupported(path, "its metadata is too long"));
    }
    Ok([&(json.len() as u64).to_le_bytes(), json.as_slice()].concat())
}

/// Hashes what passes.
struct Hashing<T> {
    inner: T,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(file: &[u8]) -> Result<Contents, WeightsError> {
        read_from(file, file.len() as u64, Path::new("w.safetensors"))
    }

    fn of_header(header: &str, data: usize) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
    }

    #[test]
    fn damaged_files_never_panic_and_never_pass_as_the_same() {
        let tensors = ["a", "b"].map(|key| (key.to_owned(), Tensor::new(vec![2, 2], vec![0.5; 4])));
        let metadata = BTreeMap::from([("format".to_owned(), "est 1".to_owned())]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let sha256 = write(&path, &metadata, &tensors.into()).unwrap();
        let file = std::fs::read(&path).unwrap();
        assert_eq!(parse(&file).unwrap().sha256, sha256);

        let mut damaged = file.clone();
        for position in 0..file.len() {
            for bit in 0..8 {
                damaged[position] = file[position] ^ 1 << bit;
                if let Ok(contents) = parse(&damaged) {
                    assert_ne!(contents.sha256, sha256);
                }
            }
            damaged[position] = file[position];
            assert!(parse(&file[..position]).is_err(), "cut at {position}");
        }
        assert!(parse(&[file.as_slice(), &[0]].concat()).is_err(), "a byte too many");
    }

    #[test]
    fn headers_that_lie_are_refused() {
        let headers = [
            // Overlapping, with a gap, too long, of another size than the shape, of an impossible shape.
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}"#,
            r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}"#,
            r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            r#"{"__metadata__":{"format":1}}"#,
            "[]",
            "{",
        ];
        for header in headers {
            let message = parse(&of_header(header, 8)).err().expect(header).to_string();
            assert!(message.starts_with("w.safetensors: damaged or truncated: "), "{message}");
        }
        // A nesting that would exhaust the stack of a recursive parser.
        for key in ["__metadata__", "a"] {
            let deep = format!(r#"{{"{key}":{}"#, "[".repeat(1_000_000));
            assert!(parse(&of_header(&deep, 0)).is_err());
        }
        for length in [u64::MAX, MAX_HEADER + 1, 100] {
            assert!(parse(&[length.to_le_bytes().as_slice(), b"{}"].concat()).is_err(), "{length}");
        }
    }
}
