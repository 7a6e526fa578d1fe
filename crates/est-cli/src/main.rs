//! `est`: apparent facial expressions over time, from video. `args` parses, `main` dispatches, `commands` do.
//! Standard output is data, standard error is progress and problems. Exit codes: 0 everything worked, 1 nothing was done,
//! 2 the command line is wrong, 3 some videos failed and the others are done.
#![forbid(unsafe_code)]

mod args;
mod assets;
mod commands;
mod log;
mod notice;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;

fn main() -> ExitCode {
    let Args { command } = Args::parse();
    let done = match command {
        Command::Predict(args) => return commands::predict::run(&args),
        Command::Merge(args) => commands::merge::run(&args),
        Command::Purge(args) => commands::purge::run(&args),
        Command::DecodeChild => commands::decoder::run(),
        Command::Prepare(args) => commands::prepare::run(&args),
        Command::Synth(args) => commands::synth::run(&args),
        Command::Join(args) => commands::join::run(&args),
        Command::Eval(args) => commands::eval::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Calibrate(args) => commands::calibrate::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Train(args) => commands::train::run(&args),
        Command::Crossval(args) => commands::crossval::run(&args),
        Command::Ablate(args) => commands::ablate::run(&args),
        Command::Complexity(args) => commands::complexity::run(&args),
        Command::Weights(args) => commands::weights::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            log::Log::plain().error(&error);
            ExitCode::FAILURE
        }
    }
}
