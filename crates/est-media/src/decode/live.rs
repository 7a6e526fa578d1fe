//! Sources without an end: a camera, a stream of the network, standard input.

use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ff::format::context::{Input, StreamIo};
use ffmpeg_next as ff;

use crate::error::MediaError;

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// `cam:N`: the camera that the system counts as number N.
    Camera(u32),
    /// An address that FFmpeg reads: `rtsp://`, `http://`, `udp://` and so on.
    Url(String),
    /// `-`: a container that another program writes, which must make sense without seeking (Matroska, MPEG-TS, not MP4).
    Stdin,
}

/// Schemes that are taken for live; anything else is a file.
const SCHEMES: [&str; 9] = ["rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "udp", "tcp", "srt"];

/// FFmpeg's options for every live source: it looks at a second of it, not at five, before it starts. Only the network's
/// protocols are open to it, so that a play list cannot read files.
const OPTIONS: [(&str, &str); 2] = [
    ("analyzeduration", "1000000"),
    ("protocol_whitelist", "rtsp,rtsps,rtp,srtp,rtmp,rtmps,http,https,httpproxy,tcp,tls,udp,srt,crypto,data"),
];

/// Nothing arrives for this long: the source is lost.
const SILENCE: Duration = Duration::from_secs(15);

impl Live {
    /// Whether a user who wrote `text` means a live source.
    pub fn named(text: &str) -> Option<Live> {
        if text == "-" {
            return Some(Live::Stdin);
        }
        if let Some(number) = text.strip_prefix("cam:") {
            return number.parse().ok().map(Live::Camera);
        }
        let (scheme, _) = text.split_once("://")?;
        SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()).then(|| Live::Url(text.to_string()))
    }

    /// The name in messages. A password in an address is not shown.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(self.to_string())
    }
}

impl fmt::Display for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Live::Camera(number) => write!(f, "cam:{number}"),
            Live::Stdin => f.write_str("-"),
            Live::Url(url) => {
                match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
                    Some((scheme, (user, rest))) if !user.contains('/') => write!(f, "{scheme}://***@{rest}"),
                    _ => f.write_str(url),
                }
            }
        }
    }
}

/// Asks a live source to end, from any thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a live source is watched.
#[derive(Debug, Clone, Default)]
pub struct LiveOptions {
    /// FFmpeg's options for the address, like `rtsp_transport` = `tcp`.
    pub options: Vec<(String, String)>,
    pub stop: Stop,
}

/// An open source, and the program that feeds it.
pub(super) struct Opened {
    pub input: Input,
    /// Ended when the source is dropped.
    pub feeder: Option<Feeder>,
    pub watch: Watch,
    /// The first bytes, where they could be kept.
    pub head: Option<Vec<u8>>,
}

/// A reader whose first bytes are kept: what a container says of itself cannot be read twice here.
struct Keeping<R> {
    from: R,
    /// None once they were taken.
    kept: Arc<Mutex<Option<Vec<u8>>>>,
}

/// More than any head of a live container has.
const KEPT: usize = 1 << 18;

impl<R: Read> Read for Keeping<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.from.read(buffer)?;
        if let Some(kept) = &mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner) {
            let room = KEPT.saturating_sub(kept.len()).min(got);
            kept.extend_from_slice(&buffer[..room]);
        }
        Ok(got)
    }
}

/// When the last packet came: a source that says nothing is broken off.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    since: Arc<Mutex<Instant>>,
    stop: Stop,
}

impl Watch {
    fn new(stop: Stop) -> Self {
        Watch { since: Arc::new(Mutex::new(Instant::now())), stop }
    }

    pub fn heard(&self) {
        *self.since.lock().expect("nothing panics while it is locked") = Instant::now();
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    fn is_over(&self) -> bool {
        self.stop.is_stopped() || self.since.lock().expect("nothing panics while it is locked").elapsed() > SILENCE
    }
}

/// A process that writes the camera's pictures.
pub(super) struct Feeder(Child);

impl Drop for Feeder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn open(live: &Live, options: &LiveOptions) -> Result<Opened, MediaError> {
    let watch = Watch::new(options.stop.clone());
    let interrupt = {
        let watch = watch.clone();
        move || watch.is_over()
    };
    let settings = || {
        let given = options.options.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        OPTIONS.into_iter().chain(given).collect::<ff::Dictionary>()
    };
    let unreadable = |reason: ff::Error| {
        let reason = match reason {
            ff::Error::Exit => format!("nothing came within {} seconds", SILENCE.as_secs()),
            reason => reason.to_string(),
        };
        MediaError::NotLive { name: live.to_string(), reason, advice: advice(live) }
    };
    let piped = |stream: Result<StreamIo, ff::Error>| {
        stream.and_then(|stream| {
            ff::format::input_from_stream_with_interrupt(stream, None, Some(settings()), interrupt.clone())
        })
    };
    let kept = Arc::new(Mutex::new(Some(vec![])));
    let (input, feeder) = match live {
        Live::Url(url) => {
            let input = ff::format::input_with_interrupt_and_dictionary(url, interrupt.clone(), settings());
            (input.map_err(unreadable)?, None)
        }
        Live::Stdin => {
            let input = Keeping { from: io::stdin(), kept: kept.clone() };
            (piped(StreamIo::from_read(input)).map_err(unreadable)?, None)
        }
        Live::Camera(number) => {
            let (feeder, pictures) = camera(*number)?;
            (piped(StreamIo::from_read(pictures)).map_err(unreadable)?, Some(feeder))
        }
    };
    let head = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(Opened { input, feeder, watch, head: head.filter(|head| !head.is_empty()) })
}

fn advice(live: &Live) -> &'static str {
    match live {
        Live::Camera(_) => "check that the camera is plugged in and that no other program has it",
        Live::Url(_) => "check the address and the network; --stream-option rtsp_transport=tcp helps with some cameras",
        Live::Stdin => "pipe Matroska or MPEG-TS: ffmpeg -i VIDEO -c copy -f matroska -",
    }
}

/// The camera through the program ffmpeg, which knows the devices of every system; its pictures arrive as they are.
fn camera(number: u32) -> Result<(Feeder, ChildStdout), MediaError> {
    let (format, device) = if cfg!(target_os = "macos") {
        ("avfoundation", number.to_string())
    } else {
        ("v4l2", format!("/dev/video{number}"))
    };
    let failed = |reason: String| MediaError::NotLive {
        name: Live::Camera(number).to_string(),
        reason,
        advice: advice(&Live::Camera(number)),
    };
    let child = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", format, "-i", &device, "-c:v", "copy", "-an", "-f", "nut", "pipe:1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child
        .map_err(|error| failed(format!("cameras are read by the program ffmpeg, which does not start: {error}")))?;
    let pictures = child.stdout.take().expect("piped");
    Ok((Feeder(child), pictures))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(Live::named("cam:1"), Some(Live::Camera(1)));
        assert_eq!(Live::named("-"), Some(Live::Stdin));
        for url in ["rtsp://10.0.0.1/a", "HTTP://x/y.ts", "udp://127.0.0.1:9"] {
            assert_eq!(Live::named(url), Some(Live::Url(url.to_string())));
        }
        for file in ["video.mp4", "cam:x", "a/b://c", "file:///x", "concat:a"] {
            assert_eq!(Live::named(file), None, "{file}");
        }
    }

    #[test]
    fn passwords_stay_hidden() {
        let shown = |url: &str| Live::Url(url.to_string()).to_string();
        assert_eq!(shown("rtsp://me:secret@10.0.0.1/a"), "rtsp://***@10.0.0.1/a");
        assert_eq!(shown("http://x/a@b"), "http://x/a@b");
    }
}
