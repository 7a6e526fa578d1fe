//! Decoding in a thread of its own, a few frames ahead of the rest.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use est_media::{DecodeOptions, DecodeReport, Frame, MediaError, Video, VideoInfo};

use crate::error::EstError;
use crate::frames::FrameSource;
use crate::source::Source;
use crate::timings::{Stage, Timings};

/// Decoded frames that may wait: half a second at 30 fps, 45 MB of 1280 x 720.
const AHEAD: usize = 16;

enum Message {
    Opened(Box<VideoInfo>),
    Frame(Frame, DecodeReport),
    /// The video is over, by its end or by an error.
    Done(Result<DecodeReport, MediaError>),
}

/// A video that is being decoded.
pub struct Decoding {
    path: PathBuf,
    info: VideoInfo,
    messages: Receiver<Message>,
    report: DecodeReport,
    thread: Option<JoinHandle<()>>,
    timings: Timings,
}

impl Decoding {
    /// Opens `source` and begins to decode it.
    pub fn open(source: &Source, options: &DecodeOptions) -> Result<Self, EstError> {
        let (sender, messages) = sync_channel(AHEAD);
        let (source, options) = (source.clone(), options.clone());
        let path = source.path().to_owned();
        let timings = Timings::default();
        let clock = timings.clone();
        let thread = std::thread::spawn(move || {
            // A send fails when nobody reads any more: then there is nothing left to do.
            let done = decode(&source, &options, &clock, |message| sender.send(message).is_ok());
            let _ = sender.send(Message::Done(done));
        });
        let mut thread = Some(thread);
        let info = match receive(&messages, &mut thread) {
            Message::Opened(info) => *info,
            Message::Done(Err(error)) => return Err(error.into()),
            Message::Frame(..) | Message::Done(Ok(_)) => unreachable!("a video is opened before it is read"),
        };
        Ok(Decoding { path, info, messages, report: DecodeReport::default(), thread, timings })
    }
}

impl FrameSource for Decoding {
    fn next_frame(&mut self) -> Result<Option<Frame>, EstError> {
        if self.thread.is_none() {
            return Ok(None);
        }
        match receive(&self.messages, &mut self.thread) {
            Message::Frame(frame, report) => {
                self.report = report;
                Ok(Some(frame))
            }
            Message::Done(done) => {
                self.thread = None;
                self.report = done?;
                Ok(None)
            }
            Message::Opened(_) => unreachable!("a video is opened once"),
        }
    }

    fn info(&self) -> VideoInfo {
        self.info.clone()
    }

    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// What was decoded up to the frame that was given last.
    fn report(&self) -> DecodeReport {
        self.report.clone()
    }

    /// The time that this video takes: decoding, and whatever else of its path counts here.
    fn timings(&self) -> Timings {
        self.timings.clone()
    }
}

/// The next message; a panic of the thread goes on here.
fn receive(messages: &Receiver<Message>, thread: &mut Option<JoinHandle<()>>) -> Message {
    messages.recv().unwrap_or_else(|_| match thread.take().map(JoinHandle::join) {
        Some(Err(panic)) => std::panic::resume_unwind(panic),
        _ => unreachable!("the thread sends `Done` last"),
    })
}

fn decode(
    source: &Source,
    options: &DecodeOptions,
    timings: &Timings,
    mut send: impl FnMut(Message) -> bool,
) -> Result<DecodeReport, MediaError> {
    let mut video = timings.time(Stage::Decode, || match source {
        Source::File(path) | Source::Folder(path) => Video::open(path, options),
        Source::Stream { file, number } => {
            Video::open(file, &DecodeOptions { stream: Some(*number), ..options.clone() })
        }
        Source::Images { images, .. } => Video::images(images.clone(), options),
        Source::Live { live, .. } => Video::watch(live, options),
    })?;
    let mut wanted = send(Message::Opened(Box::new(video.info().clone())));
    while wanted {
        let Some(frame) = timings.time(Stage::Decode, || video.next_frame())? else { break };
        wanted = send(Message::Frame(frame, video.report()));
    }
    Ok(video.report())
}
