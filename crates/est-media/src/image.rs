//! Pictures as the path passes them on.

/// An 8-bit RGB picture, rows from the top, three bytes a pixel, no padding: `data.len() == width * height * 3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub width: usize,
    pub height: usize,
    pub data: Vec<u8>,
}

impl Image {
    /// # Panics
    /// When `data` is not `width * height * 3` bytes.
    pub fn new(width: usize, height: usize, data: Vec<u8>) -> Self {
        assert_eq!(data.len(), width * height * 3, "an RGB picture of {width} x {height}");
        Image { width, height, data }
    }
}

/// A decoded frame. `index` counts decoded frames from 0; of a list of images it is the place in the list, so that one
/// that cannot be read leaves a gap. `pts_s` is the presentation time in seconds from the container's start, strictly
/// increasing within a video.
#[derive(Debug, Clone)]
pub struct Frame {
    pub index: u64,
    pub pts_s: f64,
    pub image: Image,
}
