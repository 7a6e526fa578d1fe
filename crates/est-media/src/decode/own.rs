//! Frames that a caller has, described as a video is.

use super::{ColourInfo, DecodeReport, VideoInfo};

impl VideoInfo {
    /// Of frames that no decoder gave: upright RGB with square pixels, without a container.
    pub fn of_frames(width: usize, height: usize) -> Self {
        VideoInfo {
            width,
            height,
            frames: None,
            duration_s: None,
            container: "frames".to_string(),
            codec: "rgb24".to_string(),
            rotation: 0,
            mirrored: false,
            fps: None,
            stored_width: width,
            stored_height: height,
            pixel_aspect: 1.0,
            colour: ColourInfo::default(),
            start_s: 0.0,
            stream: 0,
            streams: 0,
        }
    }
}

impl DecodeReport {
    /// Of so many frames that no decoder gave.
    pub fn of_frames(count: u64) -> Self {
        DecodeReport { decoded: count, ..DecodeReport::default() }
    }
}
