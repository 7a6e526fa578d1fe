//! Clips for the decoder's tests, made by the ffmpeg command in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use est_media::error::MediaError;
use est_media::{DecodeOptions, DecodeReport, Frame, Image, Video, VideoInfo};

pub struct Clips(tempfile::TempDir);

impl Clips {
    pub fn new() -> Clips {
        Clips(tempfile::tempdir().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs ffmpeg in the folder; arguments are split at blanks.
    pub fn ffmpeg(&self, arguments: &str) -> &Self {
        self.run("ffmpeg", &format!("-v error -nostdin -y {arguments}"));
        self
    }

    /// Runs ffmpeg, whose output goes through a pipe into the file `name`: nothing can be written back into its head.
    pub fn pipe(&self, arguments: &str, name: &str) {
        let arguments = format!("-v error -nostdin {arguments} -");
        let out = Command::new("ffmpeg").args(arguments.split_whitespace()).current_dir(self.0.path()).output();
        let out = out.expect("the tests need the ffmpeg command");
        assert!(out.status.success(), "ffmpeg {arguments}: {}", String::from_utf8_lossy(&out.stderr));
        self.write(name, &out.stdout);
    }

    pub fn run(&self, program: &str, arguments: &str) -> String {
        let out = Command::new(program).args(arguments.split_whitespace()).current_dir(self.0.path()).output();
        let out = out.unwrap_or_else(|error| panic!("the tests need the {program} command: {error}"));
        assert!(out.status.success(), "{program} {arguments}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("text")
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).expect("write a clip");
        self.path(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("read a clip")
    }

    /// `count` frames at 25 per second, frame n all of luma 20 + 4 n; further output arguments and name in `output`.
    pub fn counting(&self, count: usize, output: &str) -> &Self {
        let source =
            format!("color=black:s=64x48:r=25,format=yuv420p,geq=lum=20+4*N:cb=128:cr=128,trim=end_frame={count}");
        self.ffmpeg(&format!("-f lavfi -i {source} {output}"))
    }

    pub fn decode(&self, name: &str) -> Decoded {
        decode(&self.path(name))
    }

    pub fn error(&self, name: &str) -> MediaError {
        error(&self.path(name))
    }
}

pub struct Decoded {
    pub frames: Vec<Frame>,
    pub info: VideoInfo,
    pub report: DecodeReport,
}

impl Decoded {
    pub fn times(&self) -> Vec<f64> {
        self.frames.iter().map(|frame| frame.pts_s).collect()
    }

    /// The numbers of [`Clips::counting`] read back from the frames' gray levels (two or more frames apart by 4.66).
    pub fn numbers(&self) -> Vec<usize> {
        let level = |image: &Image| f64::from(image.data[image.data.len() / 2]) * 219.0 / 255.0 + 16.0;
        self.frames.iter().map(|frame| ((level(&frame.image) - 20.0) / 4.0).round() as usize).collect()
    }
}

pub fn decode(path: &Path) -> Decoded {
    decode_with(path, &DecodeOptions::default())
}

pub fn decode_with(path: &Path, options: &DecodeOptions) -> Decoded {
    let mut video = Video::open(path, options).unwrap_or_else(|error| panic!("{error}"));
    let info = video.info().clone();
    let mut frames: Vec<Frame> = Vec::new();
    while let Some(frame) = video.next_frame().expect("a frame or the end") {
        assert!(frames.last().is_none_or(|last| last.pts_s < frame.pts_s), "time rises");
        frames.push(frame);
    }
    assert!(video.next_frame().expect("still the end").is_none());
    let report = video.report();
    assert_eq!(report.decoded, frames.len() as u64);
    Decoded { frames, info, report }
}

/// Of opening `path`, which must fail; its message names the file.
pub fn error(path: &Path) -> MediaError {
    let error = match Video::open(path, &DecodeOptions::default()) {
        Ok(_) => panic!("{} opened", path.display()),
        Err(error) => error,
    };
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    error
}

pub fn pixel(image: &Image, x: usize, y: usize) -> [u8; 3] {
    let at = (y * image.width + x) * 3;
    [image.data[at], image.data[at + 1], image.data[at + 2]]
}

/// Whether two colours differ by at most `tolerance` levels in each channel.
pub fn near(a: [u8; 3], b: [u8; 3], tolerance: u8) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= tolerance)
}
