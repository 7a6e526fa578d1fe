//! Standard output and standard error, which whoever reads them may close at any moment (`est doctor | head -1`).
//!
//! `println!` and its kin of the standard library panic then. Those of this module, which replace them in the whole program,
//! do as the system's own tools: a command that only prints ends without a word, with the code of a program that SIGPIPE
//! ended. A command that makes files goes on, for what it makes does not depend on who watches. A message that nobody
//! reads is lost and stops nothing.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// 128 and the number of SIGPIPE: what a shell shows of `seq 100000 | head -1` for `seq`.
pub const CLOSED: u8 = 141;

const OPEN: u8 = 0;
/// Nobody reads any more.
const UNREAD: u8 = 1;
/// A full disk, for example.
const BROKEN: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(OPEN);
static MAKES_FILES: AtomicBool = AtomicBool::new(false);

macro_rules! print {
    ($($text:tt)*) => { $crate::stdio::out(format_args!($($text)*), "") };
}

macro_rules! println {
    () => { $crate::stdio::out(format_args!(""), "\n") };
    ($($text:tt)*) => { $crate::stdio::out(format_args!($($text)*), "\n") };
}

macro_rules! eprint {
    ($($text:tt)*) => { $crate::stdio::err(format_args!($($text)*), "") };
}

macro_rules! eprintln {
    ($($text:tt)*) => { $crate::stdio::err(format_args!($($text)*), "\n") };
}

/// From here on a closed standard output ends nothing.
pub fn makes_files() {
    MAKES_FILES.store(true, Ordering::Relaxed);
}

/// Writes to standard output.
pub fn out(text: Arguments, end: &str) {
    if STATE.load(Ordering::Relaxed) != OPEN {
        return;
    }
    let mut output = io::stdout().lock();
    if let Err(error) = output.write_fmt(text).and_then(|()| output.write_all(end.as_bytes())) {
        drop(output);
        failed(&error);
    }
}

/// Writes to standard error.
pub fn err(text: Arguments, end: &str) {
    let mut output = io::stderr().lock();
    let _ = output.write_fmt(text).and_then(|()| output.write_all(end.as_bytes()));
}

/// Standard output did not take what was printed.
pub fn failed(error: &io::Error) {
    let code = if error.kind() == io::ErrorKind::BrokenPipe {
        STATE.store(UNREAD, Ordering::Relaxed);
        CLOSED.into()
    } else {
        STATE.store(BROKEN, Ordering::Relaxed);
        eprintln!("error: standard output cannot be written to ({error})");
        1
    };
    if !MAKES_FILES.load(Ordering::Relaxed) {
        std::process::exit(code);
    }
}

/// The program's code when `code` is how its command ended.
pub fn ended(code: ExitCode) -> ExitCode {
    if let Err(error) = io::stdout().flush() {
        failed(&error);
    }
    if STATE.load(Ordering::Relaxed) == BROKEN && code == ExitCode::SUCCESS { ExitCode::FAILURE } else { code }
}
