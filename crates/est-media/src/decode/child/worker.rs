//! A process that decodes what it is asked for, one source after the other.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::DecoderProcess;
use super::wire::{self, Message, Request};

/// Who has answered well and waits for more: starting a process for each of a thousand pictures takes longer than all the
/// rest (0.28 s where the program loads libtorch). They end with this process, for their input does.
static IDLE: Mutex<Vec<(DecoderProcess, Worker)>> = Mutex::new(vec![]);
/// Kept at most; more sources at once are rare.
const IDLE_MOST: usize = 4;
/// One that has answered so often makes room for a new one, should decoders leak.
const ANSWERS_MOST: u32 = 200;

pub struct Worker {
    process: Child,
    input: ChildStdin,
    output: Patient,
    answers: u32,
}

impl Worker {
    /// One that waits, or a new one.
    pub fn take(decoder: &DecoderProcess) -> io::Result<Self> {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = idle.iter().position(|(of, _)| of == decoder) {
            return Ok(idle.swap_remove(place).1);
        }
        drop(idle);
        let mut process = Command::new(&decoder.program)
            .args(&decoder.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().expect("piped");
        let output = Patient { pipe: process.stdout.take().expect("piped"), patience: decoder.patience };
        Ok(Worker { process, input, output, answers: 0 })
    }

    /// It has decoded other sources before.
    pub fn is_used(&self) -> bool {
        self.answers > 0
    }

    pub fn ask(&mut self, request: &Request) {
        // One that cannot take the request has ended: reading tells how.
        let _ = wire::write_json(&mut self.input, wire::REQUEST, request).and_then(|()| self.input.flush());
    }

    pub fn read(&mut self) -> io::Result<Message> {
        wire::read(&mut self.output)
    }

    /// Waits for its end, which has come or is about to.
    pub fn ended(&mut self) -> String {
        self.process.wait().map_or_else(|error| error.to_string(), how)
    }

    /// It has answered to the end: may somebody else ask it.
    pub fn rest(mut self, decoder: DecoderProcess) {
        self.answers += 1;
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        if self.answers < ANSWERS_MOST && idle.len() < IDLE_MOST {
            idle.push((decoder, self));
        }
    }
}

impl Drop for Worker {
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
        25 if cfg!(target_os = "linux") => " SIGXFSZ, it wrote to a file",
        _ => "",
    };
    format!("signal {signal}{name}")
}

#[cfg(not(unix))]
fn how(status: ExitStatus) -> String {
    status.to_string()
}
