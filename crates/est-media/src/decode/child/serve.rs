//! The process that decodes.

use std::io::{self, Write};
use std::iter;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use super::super::range::Pulse;
use super::super::{DecodeOptions, DecodeReport, Video};
use super::wire::{self, Request};
use crate::error::MediaError;

/// Decodes what standard input asks for, one source after the other, and answers on standard output, for a program that
/// was started as a [`DecoderProcess`](super::DecoderProcess). Ends the process when standard input ends: who asked is
/// gone then.
///
/// # Errors
/// Standard input holds no request. Whoever runs this by hand should be told so.
pub fn decode_child() -> io::Result<()> {
    let first = wire::read_request(&mut io::stdin().lock())?;
    limit(&first);
    let (asked, more) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok(request) = wire::read_request(&mut io::stdin().lock()) {
            let _ = asked.send(request);
        }
        std::process::exit(0)
    });
    let mut output = output()?;
    for request in iter::once(first).chain(more) {
        let answered = match decode(&request, &mut output) {
            Ok(Ok(report)) => wire::write_json(&mut output, wire::DONE, &report),
            Ok(Err(error)) => wire::write_json(&mut output, wire::FAILED, &error.to_string()),
            Err(error) => Err(error),
        };
        // A write fails when nobody reads any more: then there is nothing left to do.
        if answered.is_err() {
            break;
        }
    }
    Ok(())
}

fn decode(request: &Request, output: &mut impl Write) -> io::Result<Result<DecodeReport, MediaError>> {
    let Request { fps, numbering, range, stream, .. } = *request;
    let options = DecodeOptions { fps, numbering, range, stream, ..DecodeOptions::default() };
    let mut paths = request.paths.iter().map(PathBuf::from);
    let opened = match paths.next() {
        None => return Err(io::ErrorKind::InvalidInput.into()),
        Some(path) if !request.images => Video::open_pulsed(&path, &options, pulse()?),
        Some(path) => Video::images(std::iter::once(path).chain(paths).collect(), &options),
    };
    let mut video = match opened {
        Ok(video) => video,
        Err(error) => return Ok(Err(error)),
    };
    wire::write_json(output, wire::OPENED, video.info())?;
    let mut told = DecodeReport::default();
    loop {
        match video.next_frame() {
            Ok(Some(frame)) => {
                let mut report = video.report();
                tests_hook(request, report.decoded);
                // The other side counts frames itself, and gets what else is new.
                report.decoded -= 1;
                if !report.same_but_for_decoded(&told) {
                    wire::write_json(output, wire::REPORT, &report)?;
                    told = report;
                }
                wire::write_frame(output, &frame)?;
            }
            Ok(None) => return Ok(Ok(video.report())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// Says that work goes on while frames before the range are passed over. A write that fails tells the next one too.
fn pulse() -> io::Result<Pulse> {
    #[cfg(unix)]
    let to = std::sync::Mutex::new(output()?);
    Ok(Pulse(Some(Arc::new(move || {
        #[cfg(unix)]
        let mut to = to.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        #[cfg(not(unix))]
        let mut to = io::stdout().lock();
        let _ = wire::write_json(&mut *to, wire::WAITING, &());
    }))))
}

/// Standard output without a buffer that looks for line ends.
#[cfg(unix)]
fn output() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    // A frame of 640 x 480 in one go; 64 kB are what a pipe holds otherwise. More than a user may have is refused.
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&output, 1 << 20);
    Ok(output.into())
}

#[cfg(not(unix))]
fn output() -> io::Result<io::StdoutLock<'static>> {
    Ok(io::stdout().lock())
}

/// What the process may take from here on: memory, a few open files, no file written, no core dump. Time is the other
/// side's to measure.
#[cfg(unix)]
fn limit(request: &Request) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // Memory that can be written to; address space would count the program's own files and what threads only reserve.
    let limits = [(Resource::Data, request.memory), (Resource::Nofile, 64), (Resource::Fsize, 0), (Resource::Core, 0)];
    for (resource, most) in limits {
        // Refused is what raises a limit that the process already has.
        let _ = setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
}

#[cfg(not(unix))]
fn limit(_: &Request) {}

/// Crashes on demand, for the tests of those who must survive it: `EST_TEST_DECODER` is `KIND:TEXT`, and a path that
/// holds TEXT ends so at its third frame.
#[cfg(unix)]
fn tests_hook(request: &Request, decoded: u64) {
    use rustix::process::{Signal, getpid, kill_process};
    let Some(wish) = std::env::var("EST_TEST_DECODER").ok().filter(|_| decoded == 3) else { return };
    let Some((kind, text)) = wish.split_once(':') else { return };
    if !request.paths[0].to_string_lossy().contains(text) {
        return;
    }
    match kind {
        // The first is taken by Rust's own handler, which looks for stack overflows.
        "segv" => loop {
            let _ = kill_process(getpid(), Signal::SEGV);
            std::thread::sleep(std::time::Duration::from_millis(10));
        },
        "abort" => std::process::abort(),
        "hang" => std::thread::sleep(std::time::Duration::from_secs(3600)),
        "memory" => {
            let mut blocks: Vec<Vec<u8>> = vec![];
            loop {
                blocks.push(vec![1; 1 << 24]);
            }
        }
        "write" => {
            let path = std::env::temp_dir().join(format!("est-test-{}", std::process::id()));
            let file = std::fs::File::create(&path);
            let _ = std::fs::remove_file(&path);
            let _ = file.and_then(|mut file| file.write_all(b"x"));
        }
        _ => {}
    }
}

#[cfg(not(unix))]
fn tests_hook(_: &Request, _: u64) {}
