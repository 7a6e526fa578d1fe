//! Decoding in a process of its own. Decoders are large, old C programs, and a video may come from anywhere: one that
//! crashes them, fills the memory or never ends costs itself and nothing else.
//!
//! The other process is a program that calls [`decode_child`](super::decode_child), as a rule this one. It gets the
//! request on its standard input, which stays open as long as somebody waits, and answers on its standard output with
//! the messages of `wire`.

pub mod serve;
mod wire;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::{DecodeOptions, DecodeReport, VideoInfo};
use crate::Frame;
use crate::error::MediaError;
use wire::{Message, Request};

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

/// A video that another process decodes.
pub struct Remote {
    path: PathBuf,
    patience: Duration,
    process: Child,
    /// Closed, it tells the process to end.
    _input: ChildStdin,
    output: Patient,
    info: VideoInfo,
    report: DecodeReport,
    done: bool,
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
        let unstarted = |source| MediaError::NoDecoder { path: name.to_owned(), source };
        let mut process = Command::new(&decoder.program)
            .args(&decoder.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(unstarted)?;
        let mut input = process.stdin.take().expect("piped");
        let output = Patient { pipe: process.stdout.take().expect("piped"), patience: decoder.patience };
        let paths = paths.iter().map(|path| path.clone().into_os_string()).collect();
        let request = Request { paths, images, fps: options.fps, memory: decoder.memory };
        // One that cannot take the request has ended: reading tells how.
        let _ = wire::write_json(&mut input, wire::REQUEST, &request).and_then(|()| input.flush());
        let mut remote = Remote {
            path: name.to_owned(),
            patience: decoder.patience,
            process,
            _input: input,
            output,
            info: VideoInfo::default(),
            report: DecodeReport::default(),
            done: false,
        };
        match remote.receive()? {
            Message::Opened(info) => remote.info = *info,
            other => return Err(remote.broken(&format!("{} before it opened the file", other.name()))),
        }
        Ok(remote)
    }

    pub fn info(&self) -> &VideoInfo {
        &self.info
    }

    pub fn report(&self) -> &DecodeReport {
        &self.report
    }

    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        while !self.done {
            match self.receive()? {
                Message::Frame(frame) => {
                    self.report.decoded += 1;
                    return Ok(Some(frame));
                }
                Message::Report(report) => self.report = *report,
                Message::Done(report) => {
                    self.report = *report;
                    self.done = true;
                    let _ = self.process.wait();
                }
                Message::Opened(_) => return Err(self.broken("it opened the file twice")),
                Message::Failed(_) => unreachable!("an error"),
            }
        }
        Ok(None)
    }

    /// The next message; an error is the end.
    fn receive(&mut self) -> Result<Message, MediaError> {
        let read = wire::read(&mut self.output);
        self.done |= !matches!(read, Ok(Message::Opened(_) | Message::Frame(_) | Message::Report(_)));
        match read {
            Ok(Message::Failed(text)) => Err(MediaError::Told(text)),
            Ok(message) => Ok(message),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                let _ = self.process.kill();
                Err(MediaError::Stuck { path: self.path.clone(), seconds: self.patience.as_secs() })
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(self.broken(&error.to_string())),
            // It is gone, or about to go.
            Err(_) => {
                let how = self.process.wait().map_or_else(|error| error.to_string(), how);
                Err(MediaError::Crashed { path: self.path.clone(), how })
            }
        }
    }

    fn broken(&mut self, what: &str) -> MediaError {
        self.done = true;
        let _ = self.process.kill();
        MediaError::Crashed { path: self.path.clone(), how: format!("its answer makes no sense: {what}") }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // One that has ended is not there any more: no matter.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A pipe that is waited for just so long.
struct Patient {
    pipe: ChildStdout,
    patience: Duration,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        {
            use rustix::event::{PollFd, PollFlags, Timespec, poll};
            let timeout = Timespec { tv_sec: self.patience.as_secs() as i64, tv_nsec: 0 };
            if poll(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(&timeout))? == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        self.pipe.read(buffer)
    }
}

/// How a process ended, in the system's words.
#[cfg(unix)]
fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    let Some(signal) = status.signal() else { return status.to_string() };
    let name = match signal {
        4 => " SIGILL",
        6 => " SIGABRT",
        7 => " SIGBUS",
        8 => " SIGFPE",
        9 => " SIGKILL",
        11 => " SIGSEGV",
        _ => "",
    };
    format!("signal {signal}{name}")
}

#[cfg(not(unix))]
fn how(status: ExitStatus) -> String {
    status.to_string()
}
