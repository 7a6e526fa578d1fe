//! SHA-256 as hexadecimal text.

use std::fs::File;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

pub(crate) fn text(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn of(bytes: &[u8]) -> String {
    text(Sha256::new_with_prefix(bytes))
}

pub(crate) fn of_file(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(text(hash))
}
