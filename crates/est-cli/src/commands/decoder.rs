//! Decoding in a process of its own: this program again, as the hidden command `decode-child`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use est_media::DecoderProcess;

use crate::args::DecoderArgs;

pub const COMMAND: &str = "decode-child";

/// The process that decodes; None where this one does.
pub fn process(args: &DecoderArgs) -> anyhow::Result<Option<DecoderProcess>> {
    if args.decode_in_process {
        return Ok(None);
    }
    let process = DecoderProcess::new(program()?, vec![OsString::from(COMMAND)]);
    let memory = (args.decode_memory * f64::from(1 << 30)) as u64;
    Ok(Some(DecoderProcess { memory, patience: Duration::from_secs(args.decode_patience.into()), ..process }))
}

/// What Linux calls this program stays right when its file is replaced by a newer one during a run.
fn program() -> anyhow::Result<PathBuf> {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() {
        return Ok(link);
    }
    std::env::current_exe().context("where this program lies cannot be told; --decode-in-process does without it")
}

pub fn run() -> anyhow::Result<ExitCode> {
    est_media::decode_child().context("est calls this command itself, to decode a video apart from the rest")?;
    Ok(ExitCode::SUCCESS)
}
