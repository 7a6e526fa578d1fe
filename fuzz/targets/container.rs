//! Any file that is given as a video: containers, codecs, times, rotations.
#![no_main]

use est_fuzz::file;
use est_media::{DecodeOptions, TimeRange, Video};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = file("video", bytes);
    let Ok(mut video) = Video::open(&path, &DecodeOptions::default()) else { return };
    let mut last = f64::NEG_INFINITY;
    let mut frames = 0;
    while frames < 100
        && let Ok(Some(frame)) = video.next_frame()
    {
        assert!(frame.pts_s > last, "times increase: {last}, then {}", frame.pts_s);
        assert_eq!(frame.image.data.len(), 3 * frame.image.width * frame.image.height);
        last = frame.pts_s;
        frames += 1;
    }
    assert_eq!(video.report().decoded, frames);
    // From a later place on.
    let range = TimeRange { start_s: Some(2.0), end_s: Some(3.0) };
    let Ok(mut video) = Video::open(&path, &DecodeOptions { range, ..DecodeOptions::default() }) else { return };
    for _ in 0..20 {
        let Ok(Some(frame)) = video.next_frame() else { break };
        assert!((2.0..3.0).contains(&frame.pts_s), "{}", frame.pts_s);
    }
});
