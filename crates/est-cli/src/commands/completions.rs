//! `est completions` and `est man`: made from the same definition that parses the command line.

use std::process::ExitCode;

use anyhow::Context;

use crate::args::{self, CompletionsArgs, ManArgs};

pub fn run(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut args::program(), "est", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}

pub fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    let write = || {
        std::fs::create_dir_all(&args.out)?;
        clap_mangen::generate_to(args::program(), &args.out)
    };
    write().with_context(|| format!("{}: cannot be written to; choose another folder", args.out.display()))?;
    println!("-> {}", args.out.display());
    Ok(ExitCode::SUCCESS)
}
