//! What the targets share. Our readers take paths, so each input becomes a file in memory (`/dev/shm`).

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A folder of this process alone.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let above = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = above.join(format!("est-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the folder of temporary files can be written to");
        folder
    })
}

/// A file of these bytes.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, bytes).expect("there is room for an input");
    path
}

/// Parts of the input, split where it says `\n===\n`: for readers of several files. Missing ones are empty.
pub fn parts<const N: usize>(bytes: &[u8]) -> [&[u8]; N] {
    const MARK: &[u8] = b"\n===\n";
    let mut rest = bytes;
    std::array::from_fn(|k| {
        let cut = rest.windows(MARK.len()).position(|window| window == MARK).filter(|_| k + 1 < N);
        let part = &rest[..cut.unwrap_or(rest.len())];
        rest = cut.map_or(&[], |cut| &rest[cut + MARK.len()..]);
        part
    })
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
