//! Where frames come from: a video that is decoded, or whatever a caller has.

use std::path::{Path, PathBuf};

use est_media::{DecodeOptions, DecodeReport, Frame, Image, VideoInfo};

use crate::decoding::Decoding;
use crate::error::EstError;
use crate::source::Source;
use crate::timings::Timings;

/// Gives RGB frames with their times, in order.
pub trait FrameSource: Send {
    /// The next frame; None at the end. Its index is its place in the whole source, its time in seconds is above that of the
    /// frame before.
    fn next_frame(&mut self) -> Result<Option<Frame>, EstError>;

    /// What it shows, as far as that is known before it is read.
    fn info(&self) -> VideoInfo;

    /// What a user would recognise: the file, the folder or a name.
    fn path(&self) -> PathBuf;

    /// What was met so far.
    fn report(&self) -> DecodeReport;

    /// The time that its stages take.
    fn timings(&self) -> Timings {
        Timings::default()
    }
}

impl FrameSource for Box<dyn FrameSource> {
    fn next_frame(&mut self) -> Result<Option<Frame>, EstError> {
        (**self).next_frame()
    }

    fn info(&self) -> VideoInfo {
        (**self).info()
    }

    fn path(&self) -> PathBuf {
        (**self).path()
    }

    fn report(&self) -> DecodeReport {
        (**self).report()
    }

    fn timings(&self) -> Timings {
        (**self).timings()
    }
}

/// A caller's own frames: seconds, increasing, and an RGB picture for each.
pub struct OwnFrames<I: Iterator> {
    frames: std::iter::Peekable<I>,
    info: VideoInfo,
    given: Given,
}

impl<I: Iterator<Item = (f64, Image)> + Send> OwnFrames<I> {
    /// Takes the first frame to learn its size.
    pub fn new(frames: impl IntoIterator<IntoIter = I>) -> Self {
        let mut frames = frames.into_iter().peekable();
        let (width, height) = frames.peek().map_or((0, 0), |(_, image)| (image.width, image.height));
        OwnFrames { frames, info: VideoInfo::of_frames(width, height), given: Given::default() }
    }
}

impl<I: Iterator<Item = (f64, Image)> + Send> FrameSource for OwnFrames<I> {
    fn next_frame(&mut self) -> Result<Option<Frame>, EstError> {
        self.frames.next().map(|(pts_s, image)| self.given.frame(pts_s, image)).transpose()
    }

    fn info(&self) -> VideoInfo {
        self.info.clone()
    }

    fn path(&self) -> PathBuf {
        PathBuf::from("frames")
    }

    fn report(&self) -> DecodeReport {
        DecodeReport::of_frames(self.given.count)
    }
}

/// Frames that a caller gave: their number, and the time of the last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Given {
    pub count: u64,
    latest_s: Option<f64>,
}

impl Given {
    /// The next frame, numbered.
    ///
    /// # Errors
    /// When its time is no number, or not after that of the frame before.
    pub fn frame(&mut self, pts_s: f64, image: Image) -> Result<Frame, EstError> {
        let index = self.count;
        if !pts_s.is_finite() || self.latest_s.is_some_and(|latest_s| pts_s <= latest_s) {
            return Err(EstError::FrameTime { frame: index, pts_s, before_s: self.latest_s });
        }
        self.count += 1;
        self.latest_s = Some(pts_s);
        Ok(Frame { index, pts_s, image, picture: None })
    }
}

/// What frames can be had from: a path or a [`Source`], decoded by FFmpeg, or any [`FrameSource`].
pub trait IntoFrames {
    /// Opens it; `options` are for what is decoded.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn into_frames(self, options: &DecodeOptions) -> Result<Box<dyn FrameSource>, EstError>;
}

impl<F: FrameSource + 'static> IntoFrames for F {
    fn into_frames(self, _: &DecodeOptions) -> Result<Box<dyn FrameSource>, EstError> {
        Ok(Box::new(self))
    }
}

impl IntoFrames for &Source {
    fn into_frames(self, options: &DecodeOptions) -> Result<Box<dyn FrameSource>, EstError> {
        Ok(Box::new(Decoding::open(self, options)?))
    }
}

impl IntoFrames for &Path {
    fn into_frames(self, options: &DecodeOptions) -> Result<Box<dyn FrameSource>, EstError> {
        let source = if self.is_dir() { Source::Folder(self.to_owned()) } else { Source::File(self.to_owned()) };
        source.into_frames(options)
    }
}

impl IntoFrames for &str {
    fn into_frames(self, options: &DecodeOptions) -> Result<Box<dyn FrameSource>, EstError> {
        Path::new(self).into_frames(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_frames_are_numbered_and_their_times_grow() {
        let picture = || Image::new(4, 2, vec![0; 24]);
        let mut frames = OwnFrames::new([(0.5, picture()), (0.6, picture()), (0.6, picture())]);
        assert_eq!((frames.info().width, frames.info().height), (4, 2));
        let first = frames.next_frame().unwrap().unwrap();
        assert_eq!((first.index, first.pts_s), (0, 0.5));
        assert_eq!(frames.next_frame().unwrap().unwrap().index, 1);
        let error = frames.next_frame().unwrap_err().to_string();
        assert_eq!(error, "frame 2 is at 0.6 s, not after the frame before (0.6 s); give frames in order of time");
        assert_eq!(frames.report().decoded, 2);
        assert!(frames.next_frame().unwrap().is_none());
        let mut frames = OwnFrames::new([(f64::NAN, picture())]);
        assert!(frames.next_frame().unwrap_err().to_string().starts_with("frame 0 is at NaN s"));
    }
}
