//! Pictures as an mp4 file, by the program ffmpeg.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use est_media::Image;
use est_nets::whole_file;
use tempfile::NamedTempFile;

/// H.264's quality number: 18 is near what the eye cannot tell from the original.
const QUALITY: &str = "18";

/// A video that is being written; it appears when it is finished.
pub(super) struct VideoFile {
    file: NamedTempFile,
    encoder: Child,
}

impl VideoFile {
    /// Begins a video of square pictures of `size` pixels, an even number, in the folder `scratch`.
    pub(super) fn begin(scratch: &Path, size: usize, fps: f64) -> io::Result<Self> {
        let file = whole_file::begin(&scratch.join("video"))?;
        let encoder = Command::new("ffmpeg")
            .args(["-loglevel", "error", "-nostdin", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"])
            .args(["-s", &format!("{size}x{size}"), "-r", &fps.to_string(), "-i", "-"])
            // One thread and no version strings: the same pictures give the same bytes.
            .args(["-c:v", "libx264", "-threads", "1", "-crf", QUALITY, "-pix_fmt", "yuv420p"])
            .args(["-fflags", "+bitexact", "-flags", "+bitexact", "-movflags", "+faststart", "-f", "mp4"])
            .arg(file.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("videos need the program ffmpeg: {error}")))?;
        Ok(VideoFile { file, encoder })
    }

    pub(super) fn frame(&mut self, image: &Image) -> io::Result<()> {
        self.encoder.stdin.as_mut().expect("open until the end").write_all(&image.data)
    }

    /// Puts the whole video at `path`; makes its folder.
    pub(super) fn finish(mut self, path: &Path) -> io::Result<()> {
        drop(self.encoder.stdin.take());
        let done = self.encoder.wait_with_output()?;
        if !done.status.success() {
            return Err(io::Error::other(format!("ffmpeg: {}", String::from_utf8_lossy(&done.stderr).trim())));
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        whole_file::place(self.file, path)
    }
}
