//! Frames to H.264 in MP4, by the program `ffmpeg`. Its raw video formats have no times, but IVF gives each frame one, and
//! may hold raw I420: so a video's variable frame rate stays what it is.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use est_media::Image;
use est_nets::whole_file;
use tempfile::NamedTempFile;

use crate::error::EstError;

/// Units of time in a second: what rates like 30000 / 1001 and times in ms both fall on closely.
const CLOCK: u32 = 90_000;

/// Whether `ffmpeg` is there and can encode.
///
/// # Errors
/// When not: says how to get it.
pub fn find_encoder() -> Result<(), EstError> {
    let says = |argument: &str| {
        let output = Command::new("ffmpeg").args(["-hide_banner", argument]).stdin(Stdio::null()).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    match says("-encoders") {
        Err(_) => Err(EstError::Encoder("is not installed".to_string())),
        Ok(encoders) if !encoders.contains(" libx264 ") => Err(EstError::Encoder("has no encoder libx264".to_string())),
        Ok(_) => Ok(()),
    }
}

/// The option that keeps the frames' own times; it had another name before 5.1.
fn keep_times() -> &'static str {
    let version = Command::new("ffmpeg").arg("-version").stdin(Stdio::null()).output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let number = version.split_whitespace().nth(2).and_then(|word| {
        let mut parts = word.split(['.', '-']).map(str::parse::<u32>);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    });
    if number.is_some_and(|number| number < (5, 1)) { "-vsync" } else { "-fps_mode" }
}

/// A file whose sound is taken along, where it has any: from and to this time of it.
pub struct Sound {
    pub file: PathBuf,
    pub from_s: f64,
    pub to_s: Option<f64>,
}

/// A file that is being encoded. Dropped before it is finished, it is gone.
pub struct Encoder {
    path: PathBuf,
    file: Option<NamedTempFile>,
    messages: File,
    child: Child,
    frames: Option<BufWriter<ChildStdin>>,
    width: usize,
    height: usize,
}

impl Encoder {
    /// Frames have this size, the first this time.
    pub fn start(
        path: &Path,
        (width, height): (usize, usize),
        first_s: f64,
        sound: Option<&Sound>,
    ) -> Result<Self, EstError> {
        let output = |error| EstError::Output { path: path.to_owned(), error };
        let file = whole_file::begin(path).map_err(output)?;
        let messages = tempfile::tempfile().map_err(output)?;
        // Chroma is shared by two pixels each way: an odd side repeats its last.
        let (width, height) = (width.next_multiple_of(2), height.next_multiple_of(2));
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-y"]);
        // It lets every input begin at 0, and pictures may begin after the sound.
        command.args(["-itsoffset", &format!("{:.6}", first_s.max(0.0)), "-f", "ivf", "-i", "pipe:0"]);
        if let Some(Sound { file, from_s, to_s }) = sound {
            if *from_s > 0.0 {
                command.args(["-ss", &format!("{from_s:.6}")]);
            }
            if let Some(to_s) = to_s {
                command.args(["-to", &format!("{to_s:.6}")]);
            }
            command.arg("-i").arg(file).args(["-map", "0:v", "-map", "1:a?", "-c:a", "aac", "-b:a", "160k"]);
        }
        let clock = CLOCK.to_string();
        command.args([keep_times(), "passthrough", "-enc_time_base", &format!("1/{clock}")]);
        command.args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]);
        command.args([
            "-colorspace",
            "bt709",
            "-color_primaries",
            "bt709",
            "-color_trc",
            "bt709",
            "-color_range",
            "tv",
        ]);
        command.args(["-map_metadata", "-1", "-video_track_timescale", &clock, "-movflags", "+faststart", "-f", "mp4"]);
        command.arg(file.path()).stdin(Stdio::piped()).stdout(Stdio::null());
        command.stderr(messages.try_clone().map_err(output)?);
        let mut child = command.spawn().map_err(|error| EstError::Encoder(format!("does not start ({error})")))?;
        let frames = child.stdin.take().map(BufWriter::new);
        let mut encoder = Encoder { path: path.to_owned(), file: Some(file), messages, child, frames, width, height };
        let mut header = b"DKIF\0\0\x20\0I420".to_vec();
        header.extend((width as u16).to_le_bytes());
        header.extend((height as u16).to_le_bytes());
        header.extend([CLOCK, 1, 0, 0].into_iter().flat_map(u32::to_le_bytes));
        encoder.write(&header)?;
        Ok(encoder)
    }

    /// The next frame, at its time.
    pub fn frame(&mut self, image: &Image, pts_s: f64) -> Result<(), EstError> {
        let picture = i420(image, self.width, self.height);
        let time = (pts_s.max(0.0) * f64::from(CLOCK)).round() as u64;
        self.write(&(picture.len() as u32).to_le_bytes())?;
        self.write(&time.to_le_bytes())?;
        self.write(&picture)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), EstError> {
        let frames = self.frames.as_mut().expect("open until it is finished");
        let written = frames.write_all(bytes);
        // A pipe that breaks says only that `ffmpeg` is over; why is in its messages.
        if written.is_err() { Err(self.failure()) } else { Ok(()) }
    }

    /// Puts the complete file in its place.
    pub fn finish(mut self) -> Result<PathBuf, EstError> {
        let flushed = self.frames.take().expect("finished once").into_inner().map(drop);
        let ended = self.child.wait();
        if flushed.is_err() || !ended.is_ok_and(|status| status.success()) {
            return Err(self.failure());
        }
        let file = self.file.take().expect("finished once");
        whole_file::place(file, &self.path).map_err(|error| EstError::Output { path: self.path.clone(), error })?;
        Ok(self.path.clone())
    }

    fn failure(&mut self) -> EstError {
        let _ = self.child.wait();
        let mut said = String::new();
        let read = self.messages.rewind().and_then(|()| self.messages.read_to_string(&mut said));
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).filter(|_| read.is_ok());
        let reason = last.unwrap_or("it does not say why").trim();
        EstError::Encoder(format!("cannot write {} ({reason})", self.path.display()))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if self.frames.take().is_some() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Planes of luma and of half-size chroma: BT.709 in the limited range, in 16-bit fixed point.
fn i420(image: &Image, width: usize, height: usize) -> Vec<u8> {
    let pixel = |x: usize, y: usize| {
        let at = 3 * (y.min(image.height - 1) * image.width + x.min(image.width - 1));
        [0, 1, 2].map(|c| i32::from(image.data[at + c]))
    };
    let mix = |[r, g, b]: [i32; 3], [a, c, d]: [i32; 3]| (a * r + c * g + d * b + (1 << 15)) >> 16;
    let mut planes = Vec::with_capacity(width * height * 3 / 2);
    for y in 0..height {
        planes.extend((0..width).map(|x| (16 + mix(pixel(x, y), [11_966, 40_254, 4_064])) as u8));
    }
    // The chroma of four pixels' mean.
    for row in [[-6_596, -22_189, 28_784], [28_784, -26_145, -2_639]] {
        for y in (0..height).step_by(2) {
            planes.extend((0..width).step_by(2).map(|x| {
                let four = [pixel(x, y), pixel(x + 1, y), pixel(x, y + 1), pixel(x + 1, y + 1)];
                let mean = [0, 1, 2].map(|c| (four.iter().map(|pixel| pixel[c]).sum::<i32>() + 2) / 4);
                (128 + mix(mean, row)) as u8
            }));
        }
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grays_and_primaries() {
        let of = |pixel: [u8; 3]| i420(&Image::new(1, 1, pixel.to_vec()), 2, 2);
        assert_eq!(of([0, 0, 0]), [16, 16, 16, 16, 128, 128]);
        assert_eq!(of([255, 255, 255]), [235, 235, 235, 235, 128, 128]);
        // BT.709: red is 63, 102, 240; blue 32, 240, 118.
        assert_eq!(of([255, 0, 0])[3..], [63, 102, 240]);
        assert_eq!(of([0, 0, 255])[3..], [32, 240, 118]);
    }
}
