//! Any file that is given as a picture, under each name that a picture may have.
#![no_main]

use est_fuzz::file;
use est_media::{DecodeOptions, IMAGE_EXTENSIONS, Video};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    let extension = IMAGE_EXTENSIONS[usize::from(kind) % IMAGE_EXTENSIONS.len()];
    let path = file(&format!("picture.{extension}"), bytes);
    if let Ok(mut video) = Video::images(vec![path], &DecodeOptions::default())
        && let Ok(Some(frame)) = video.next_frame()
    {
        assert_eq!(frame.image.data.len(), 3 * frame.image.width * frame.image.height);
    }
});
