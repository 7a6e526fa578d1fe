//! Video file, image or folder of images -> upright RGB frames with true times, one at a time.
//!
//! Time is the presentation timestamp times the stream's time base, in seconds from the container's start (the
//! earlier of first picture and first sound), as players show it; it rises strictly. Rotation and mirroring that the
//! container or the camera noted are applied, and pixels that are not square are made so. Not applied: deinterlacing.
//! Colour follows the tags of each picture: matrix and range; HDR (PQ, HLG) becomes SDR, with white at 203 cd/m2; wider
//! primaries become those of BT.709. All else is taken as it is.

mod aspect;
mod child;
mod clock;
mod colour;
mod container;
mod density;
mod exif;
#[cfg(fuzzing)]
pub mod fuzzing;
mod live;
mod numbering;
mod opening;
mod own;
mod png;
mod range;
mod stills;
mod stream;
mod turn;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;

use est_nets::StandIn;
use ffmpeg_next as ff;
use serde::{Deserialize, Serialize};

use crate::Frame;
use crate::error::MediaError;
pub use child::DecoderProcess;
use child::Remote;
pub use child::serve::decode_child;
pub use colour::{ColourInfo, Conversion};
pub use live::{Live, LiveOptions, Stop};
pub use numbering::Numbering;
use numbering::Places;
use range::Pulse;
pub use range::TimeRange;
use stills::Stills;
pub use stills::{IMAGE_EXTENSIONS, natural_order, of_folder as images_of_folder};
use stream::Stream;
pub(crate) use turn::Turn;

/// Longest side and most pixels of a frame; more is an error, since a broken header can ask for any memory.
pub const MAX_SIDE: u32 = 16_384;
pub const MAX_PIXELS: u64 = 1 << 27;

#[derive(Debug, Clone)]
pub struct DecodeOptions {
    /// Frames per second of images, which have no clock.
    pub fps: f64,
    /// What places images in time.
    pub numbering: Numbering,
    /// Who decodes: another process, or without one this one.
    pub decoder: Option<DecoderProcess>,
    /// How a source without an end is watched; this process decodes it.
    pub live: LiveOptions,
    /// The part that is read, of a source that ends.
    pub range: TimeRange,
    /// Which of a file's video streams, from 1; without a number FFmpeg's choice.
    pub stream: Option<u32>,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        DecodeOptions {
            fps: 25.0,
            numbering: Numbering::Auto,
            decoder: None,
            live: LiveOptions::default(),
            range: TimeRange::default(),
            stream: None,
        }
    }
}

/// What a source says of itself. Sizes are those of the first frame: as it is shown, upright and of square pixels, and as
/// it is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VideoInfo {
    pub width: usize,
    pub height: usize,
    /// Frames that the container announces.
    pub frames: Option<u64>,
    pub duration_s: Option<f64>,
    /// FFmpeg's name of the container format, or `images`.
    pub container: String,
    pub codec: String,
    /// Degrees clockwise by which stored frames were turned (0, 90, 180, 270), after mirroring left-right.
    pub rotation: u16,
    pub mirrored: bool,
    /// Average rate, frames per second.
    pub fps: Option<f64>,
    pub stored_width: usize,
    pub stored_height: usize,
    /// Width of a stored pixel over its height; 1 where unknown or ignored.
    #[serde(with = "range::bits")]
    pub pixel_aspect: f64,
    pub colour: ColourInfo,
    /// The container's own time where ours is 0, seconds.
    #[serde(with = "range::bits")]
    pub start_s: f64,
    /// Which of the file's video streams this is, from 1, and how many there are; covers are none. 0 of pictures.
    pub stream: u32,
    pub streams: u32,
}

impl VideoInfo {
    const IMAGES: &str = "images";

    /// What players add to our times. ISO 14496-12, Matroska and HTML count from the beginning of the container's own clock;
    /// the clocks of MPEG's streams begin anywhere, and players set them to 0.
    pub fn player_offset_s(&self) -> f64 {
        let begins_anywhere = ["mpeg", "mpegts", "rtsp", "rtp", "sdp", "hls"].contains(&self.container.as_str());
        if begins_anywhere { 0.0 } else { self.start_s }
    }

    /// Whether each frame is a file of its own.
    pub fn is_pictures(&self) -> bool {
        self.container == Self::IMAGES
    }
}

/// What decoding met so far. Complete after [`Video::next_frame`] has returned `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DecodeReport {
    /// Frames given out.
    pub decoded: u64,
    /// Frames that the container announces.
    pub announced: Option<u64>,
    /// Packets (or image files) skipped because they could not be read or decoded whole.
    pub damaged: u64,
    /// Frames dropped because their time was not after the last frame's.
    pub dropped: u64,
    /// What concerns the whole source; then at most [`MAX_WARNINGS`] as they came, and one that says how many more there
    /// were.
    pub warnings: Vec<String>,
    suppressed: u64,
}

/// Warnings kept of one source, so that a million broken images cost no memory.
pub const MAX_WARNINGS: usize = 20;

impl DecodeReport {
    fn warn(&mut self, warning: String) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(warning);
            return;
        }
        self.suppressed += 1;
        self.warnings.truncate(MAX_WARNINGS);
        self.warnings.push(format!("and {} more warnings", self.suppressed));
    }

    /// A warning about the whole source, at its end; never suppressed.
    fn conclude(&mut self, warning: String) {
        self.warnings.insert(0, warning);
    }

    fn same_but_for_decoded(&self, other: &Self) -> bool {
        let DecodeReport { decoded: _, announced, damaged, dropped, warnings, suppressed } = self;
        (announced, damaged, dropped, warnings, suppressed)
            == (&other.announced, &other.damaged, &other.dropped, &other.warnings, &other.suppressed)
    }

    fn warn_of_slant(&mut self, angle: f64) -> Turn {
        self.warn(format!("turned by {angle:.1} degrees, no multiple of 90: frames are left as stored"));
        Turn::NONE
    }
}

/// Frames of one source in the order of showing. Holds one frame and the decoder's few, however long the source.
pub struct Video {
    source: Source,
    /// Decoded while opening.
    first: Option<Frame>,
}

enum Source {
    Stream(Box<Stream>),
    Stills(Box<Stills>),
    Remote(Box<Remote>),
}

impl Video {
    /// Opens a video file, a single image, or a folder of images (natural order: 2 before 10), and decodes the first
    /// frame. Errors name the path and what to do about it.
    pub fn open(path: &Path, options: &DecodeOptions) -> Result<Video, MediaError> {
        Video::open_pulsed(path, options, Pulse::default())
    }

    fn open_pulsed(path: &Path, options: &DecodeOptions, pulse: Pulse) -> Result<Video, MediaError> {
        if let Some(decoder) = &options.decoder {
            let remote = Remote::start(decoder, &[path.into()], false, path, options)?;
            return Ok(Video { source: Source::Remote(Box::new(remote)), first: None });
        }
        if let Some(what) = StandIn::at(path) {
            return Err(MediaError::StandIn { path: path.into(), what });
        }
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => MediaError::NotFound { path: path.into() },
            _ => MediaError::Unreadable { path: path.into(), source },
        };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if metadata.is_dir() {
            return Video::images(stills::of_folder(path)?, options);
        }
        fs::File::open(path).map_err(unreadable)?;
        if metadata.is_file() && metadata.len() == 0 {
            return Err(MediaError::EmptyFile { path: path.into() });
        }
        if stills::is_still(path) {
            return Video::images(vec![path.into()], options);
        }
        quiet();
        let opened =
            Stream::open(path, options, &pulse).and_then(|stream| Video::start(Source::Stream(Box::new(stream)), path));
        // A later FFmpeg may do it.
        if opened.is_err() && stills::is_animated_webp(path) {
            return Err(MediaError::AnimatedWebp { path: path.into() });
        }
        opened
    }

    /// A source without an end, until it ends or is stopped. Its container counts from its own beginning.
    pub fn watch(live: &Live, options: &DecodeOptions) -> Result<Video, MediaError> {
        quiet();
        Video::start(Source::Stream(Box::new(Stream::watch(live, options)?)), &live.path())
    }

    /// Images in the given order, in time as [`DecodeOptions::numbering`] says. One that cannot be read is skipped with a
    /// warning; the others keep their times.
    ///
    /// # Panics
    /// When `paths` is empty.
    pub fn images(paths: Vec<PathBuf>, options: &DecodeOptions) -> Result<Video, MediaError> {
        assert!(!paths.is_empty(), "a video of no images");
        if !(options.fps.is_finite() && options.fps > 0.0) {
            return Err(MediaError::BadRate { fps: options.fps });
        }
        if let Some(wanted) = options.stream.filter(|&wanted| wanted != 1) {
            let (path, found) = (paths[0].clone(), "1: a picture".to_string());
            return Err(MediaError::NoSuchStream { path, wanted, found });
        }
        // The folder, or the one image, in messages about all of them.
        let name = if paths.len() == 1 { &paths[0] } else { paths[0].parent().unwrap_or(&paths[0]) };
        let name = name.to_owned();
        if let Some(decoder) = &options.decoder {
            let remote = Remote::start(decoder, &paths, true, &name, options)?;
            return Ok(Video { source: Source::Remote(Box::new(remote)), first: None });
        }
        quiet();
        let no_numbers = |problem| MediaError::NoNumbers { path: name.clone(), problem };
        let places = Places::of(&paths, options.numbering, options.fps).map_err(no_numbers)?;
        Video::start(Source::Stills(Box::new(Stills::new(paths, places, options))), &name)
    }

    fn start(source: Source, path: &Path) -> Result<Video, MediaError> {
        let mut video = Video { source, first: None };
        video.first = video.decode()?;
        if video.first.is_none() {
            let (reason, nothing) = match &video.source {
                Source::Stream(stream) => (stream.reason(), stream.nothing()),
                Source::Stills(stills) => (stills.reason(), stills.nothing()),
                Source::Remote(_) => unreachable!("its own process decodes the first frame"),
            };
            if let Some(nothing) = nothing {
                return Err(nothing);
            }
            return Err(MediaError::DecodedNothing {
                path: path.into(),
                damaged: video.progress().damaged,
                reason: reason.unwrap_or("it holds no pictures").into(),
            });
        }
        Ok(video)
    }

    /// The next frame; `None` at the end. Damage within the source is no error: see [`Video::report`].
    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        match self.first.take() {
            Some(frame) => Ok(Some(frame)),
            None => self.decode(),
        }
    }

    fn decode(&mut self) -> Result<Option<Frame>, MediaError> {
        match &mut self.source {
            Source::Stream(stream) => stream.next_frame(),
            Source::Stills(stills) => stills.next_frame(),
            Source::Remote(remote) => remote.next_frame(),
        }
    }

    pub fn info(&self) -> &VideoInfo {
        match &self.source {
            Source::Stream(stream) => stream.info(),
            Source::Stills(stills) => stills.info(),
            Source::Remote(remote) => remote.info(),
        }
    }

    pub fn report(&self) -> DecodeReport {
        let mut report = self.progress().clone();
        report.decoded -= u64::from(self.first.is_some());
        report
    }

    fn progress(&self) -> &DecodeReport {
        match &self.source {
            Source::Stream(stream) => stream.report(),
            Source::Stills(stills) => stills.report(),
            Source::Remote(remote) => remote.report(),
        }
    }
}

/// FFmpeg's version, for reports about an installation.
pub fn decoder_version() -> String {
    let version = ff::codec::version();
    format!("libavcodec {}.{}.{}", version >> 16, version >> 8 & 0xff, version & 0xff)
}

/// The licence that FFmpeg's libraries were built under, in its words.
pub fn decoder_license() -> &'static str {
    ff::codec::license()
}

/// Readies FFmpeg, whose messages would go to standard error.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        ff::log::set_level(ff::log::Level::Quiet);
        // It registers the texts of the error codes and cannot fail with the features in use.
        let _ = ff::init();
    });
}

fn too_large((width, height): (u32, u32)) -> bool {
    width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS
}
