//! What can go wrong between a path and a face.

use std::path::PathBuf;

/// Each message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    #[error("{path}: no such file or folder; check the path")]
    NotFound { path: PathBuf },

    #[error("{path}: cannot be read ({source}); check its permissions")]
    Unreadable { path: PathBuf, source: std::io::Error },

    #[error("{path}: not the file itself but {what}; {}", what.remedy())]
    StandIn { path: PathBuf, what: est_nets::StandIn },

    #[error("{path}: the file is empty (0 bytes); copy or record it again")]
    EmptyFile { path: PathBuf },

    #[error("{path}: no images in this folder (read are {extensions}); name another folder, or a video file in it")]
    EmptyFolder { path: PathBuf, extensions: String },

    #[error(
        "{path}: not a video or image that FFmpeg can read ({reason}); give a video, an image or a folder of images"
    )]
    NotMedia { path: PathBuf, reason: String },

    #[error(
        "{path}: an MP4 or MOV file without its index (moov), as a broken-off recording or copy leaves it; copy it again, or mend it with a repair tool and another file of the same camera"
    )]
    NoIndex { path: PathBuf },

    #[error("{name}: cannot be watched ({reason}); {advice}")]
    NotLive { name: String, reason: String, advice: &'static str },

    #[error("{path}: no video in this file, only {found}; give a file with a video stream")]
    NoVideo { path: PathBuf, found: String },

    #[error(
        "{path}: the installed FFmpeg cannot decode {codec} ({reason}); convert the file to H.264, or install a fuller FFmpeg"
    )]
    UnsupportedCodec { path: PathBuf, codec: String, reason: String },

    #[error("{path}: no frame could be decoded, {damaged} damaged packets ({reason}); copy or record it again")]
    DecodedNothing { path: PathBuf, damaged: u64, reason: String },

    #[error(
        "{path}: frames of {width} x {height} pixels are too large (at most {limit} a side, 2^27 in all); scale it down, or copy it again if its header is damaged"
    )]
    TooLarge { path: PathBuf, width: u32, height: u32, limit: u32 },

    #[error("{path}: no video stream {wanted}; it has {found}: name one of these with --stream")]
    NoSuchStream { path: PathBuf, wanted: u32, found: String },

    #[error("{path}: --start {start_s} s lies beyond its end, {end_s:.3} s; begin earlier")]
    BeyondEnd { path: PathBuf, start_s: f64, end_s: f64 },

    #[error("{path}: no frame between {start_s} s and {to_s:.3} s; name a longer part with --start and --end")]
    NoFrameBetween { path: PathBuf, start_s: f64, to_s: f64 },
    #[error(
        "{path}: an animated WebP, which the installed FFmpeg cannot decode; convert it first, for example with ImageMagick to \
         a folder of pictures (`magick FILE.webp -coalesce frames/%04d.png`)"
    )]
    AnimatedWebp { path: PathBuf },

    #[error(
        "{path}: its pictures cannot be placed in time by the numbers in their names ({problem}); leave --numbering out, or \
         say --numbering order"
    )]
    NoNumbers { path: PathBuf, problem: String },

    #[error("{fps} frames per second cannot be the rate of a list of images; give a number above 0")]
    BadRate { fps: f64 },

    /// What the decoder says that works in a process of its own.
    #[error("{0}")]
    Told(String),

    #[error(
        "{path}: the decoder crashed ({how}), so the file is damaged or made to do harm; leave it out, or convert it with \
         FFmpeg where a crash does no harm. If it is sound and large, --decode-memory allows more"
    )]
    Crashed { path: PathBuf, how: String },

    #[error(
        "{path}: the decoder gave nothing for {seconds} s and was ended; leave the file out or convert it, or allow more \
         with --decode-patience"
    )]
    Stuck { path: PathBuf, seconds: u64 },

    #[error("{path}: no process to decode it can be started ({source}); --decode-in-process does without")]
    NoDecoder { path: PathBuf, source: std::io::Error },

    #[error("the face detector: {0}")]
    Detector(#[from] est_engine::EngineError),
}
