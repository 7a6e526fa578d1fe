//! Readers of bytes that need no file: heads of pictures and containers, messages of a decoding process. The first byte says
//! which.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    est_media::fuzzing::headers(kind % 12, bytes);
});
