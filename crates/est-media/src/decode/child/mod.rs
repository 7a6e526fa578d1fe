//! Decoding in a process of its own. Decoders are large, old C programs, and a video may come from anywhere: one that
//! crashes them, fills the memory or never ends costs itself and nothing else.
//!
//! The other process is a program that calls [`decode_child`](super::decode_child), as a rule this one. It gets the
//! request on its standard input, which stays open as long as somebody waits, and answers on its standard output with
//! the messages of `wire`. One that has given a short source to its end is asked for the next (`worker`): a set may have
//! thousands of pictures. Errors and long sources end it.

pub mod serve;
pub(super) mod wire;
mod worker;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{DecodeOptions, DecodeReport, VideoInfo};
use crate::Frame;
use crate::error::MediaError;
use wire::{Message, Request};
use worker::Worker;

/// The program that decodes, and what it may take.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderProcess {
    pub program: PathBuf,
    /// Arguments with which it calls [`decode_child`](super::decode_child).
    pub arguments: Vec<OsString>,
    /// Bytes of memory that it may write to.
    pub memory: u64,
    /// It is ended when it gives nothing for so long while it is waited for.
    pub patience: Duration,
}

impl DecoderProcess {
    /// 4 GiB: 8K video takes one and a half.
    pub const MEMORY: u64 = 4 << 30;
    pub const PATIENCE: Duration = Duration::from_secs(60);

    /// Enough for any sound video.
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        DecoderProcess { program, arguments, memory: Self::MEMORY, patience: Self::PATIENCE }
    }
}

/// A process that gave more for a source, in bytes of pixels, is not asked again: its memory may be large, and starting
/// another takes little of such a source's time.
const LITTLE: usize = 256 << 20;

/// A video that another process decodes.
pub struct Remote {
    path: PathBuf,
    decoder: DecoderProcess,
    /// None when it is done.
    worker: Option<Worker>,
    taken: usize,
    info: VideoInfo,
    report: DecodeReport,
}

impl Remote {
    /// Has the program of `options` open `paths`: one of any kind, or with `images` a list of pictures.
    pub fn start(
        decoder: &DecoderProcess,
        paths: &[PathBuf],
        images: bool,
        name: &Path,
        options: &DecodeOptions,
    ) -> Result<Self, MediaError> {
        let paths = paths.iter().map(|path| path.clone().into_os_string()).collect();
        let DecodeOptions { fps, numbering, range, stream, .. } = *options;
        let request = Request { paths, images, fps, numbering, range, stream, memory: decoder.memory };
        loop {
            let unstarted = |source| MediaError::NoDecoder { path: name.to_owned(), source };
            let mut worker = Worker::take(decoder).map_err(unstarted)?;
            let used = worker.is_used();
            worker.ask(&request);
            let mut remote = Remote {
                path: name.to_owned(),
                decoder: decoder.clone(),
                worker: Some(worker),
                taken: 0,
                info: VideoInfo::default(),
                report: DecodeReport::default(),
            };
            match remote.open() {
                Ok(()) => return Ok(remote),
                Err(error @ MediaError::Stuck { .. }) => return Err(error),
                // What came before may be the cause: an error is believed of a new process alone.
                Err(_) if used => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the first answer.
    fn open(&mut self) -> Result<(), MediaError> {
        match self.receive()? {
            Some(Message::Opened(info)) => {
                self.info = *info;
                Ok(())
            }
            other => {
                let what = other.as_ref().map_or("nothing", Message::name);
                Err(self.broken(&format!("{what} before it opened the file")))
            }
        }
    }

    pub fn info(&self) -> &VideoInfo {
        &self.info
    }

    pub fn report(&self) -> &DecodeReport {
        &self.report
    }

    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        while let Some(message) = self.receive()? {
            match message {
                Message::Frame(frame) => {
                    self.report.decoded += 1;
                    self.taken += frame.image.data.len();
                    return Ok(Some(frame));
                }
                Message::Report(report) => self.report = *report,
                Message::Done(report) => {
                    self.report = *report;
                    let worker = self.worker.take().filter(|_| self.taken <= LITTLE);
                    worker.into_iter().for_each(|worker| worker.rest(self.decoder.clone()));
                }
                Message::Opened(_) => return Err(self.broken("it opened the file twice")),
                Message::Failed(_) | Message::Waiting => unreachable!("an error, or passed over"),
            }
        }
        Ok(None)
    }

    /// The next message, None after the last; an error is the end.
    fn receive(&mut self) -> Result<Option<Message>, MediaError> {
        let Some(worker) = &mut self.worker else { return Ok(None) };
        let answer = loop {
            match worker.read() {
                Ok(Message::Waiting) => {}
                answer => break answer,
            }
        };
        let error = match answer {
            Ok(Message::Failed(text)) => MediaError::Told(text),
            Ok(message) => return Ok(Some(message)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                MediaError::Stuck { path: self.path.clone(), seconds: self.decoder.patience.as_secs() }
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => self.broken(&error.to_string()),
            // It is gone, or about to go.
            Err(_) => MediaError::Crashed { path: self.path.clone(), how: worker.ended() },
        };
        self.worker = None;
        Err(error)
    }

    fn broken(&mut self, what: &str) -> MediaError {
        self.worker = None;
        MediaError::Crashed { path: self.path.clone(), how: format!("its answer makes no sense: {what}") }
    }
}
