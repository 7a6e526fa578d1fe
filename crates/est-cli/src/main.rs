//! `est`: apparent facial expressions over time, from video. `args` parses, `main` dispatches, `commands` do.
//! Standard output is data, standard error is progress and problems. Exit codes: 0 everything worked, 1 nothing was done,
//! 2 the command line is wrong, 3 some videos failed and the others are done, 141 nobody reads what is printed.
#![forbid(unsafe_code)]

// Before all others, so that its `println!` is theirs.
#[macro_use]
mod stdio;

mod args;
mod assets;
mod commands;
mod config;
mod hints;
mod live;
mod log;
mod notice;

use std::ffi::OsString;
use std::process::ExitCode;

use args::{Args, Command};
use clap::FromArgMatches;
use config::Config;

/// A training step takes and gives back gigabytes. The system's allocator returns them to the kernel each time, which clears every
/// page anew for the next step; this one keeps them, for libtorch too: 8.4 s instead of 10.5 s a step of 280 crops in bf16,
/// on two cores. Its settings are in .cargo/config.toml.
#[cfg(feature = "train")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match parse() {
        // For the test of the documentation's commands.
        Ok(_) if std::env::var_os("EST_PARSE_ONLY").is_some() => ExitCode::SUCCESS,
        Ok(Args { command }) => {
            if !command.only_prints() {
                stdio::makes_files();
            }
            stdio::ended(run(command))
        }
        Err(error) => {
            log::Log::plain().error(&error);
            ExitCode::from(2)
        }
    }
}

/// The command line, and what the config file adds to it. Ends the program where the command line is wrong.
fn parse() -> anyhow::Result<Args> {
    let program = args::program();
    let mut line: Vec<OsString> = std::env::args_os().collect();
    // Which command, and what it is given: known even where the file has to complete it.
    let given = program.clone().ignore_errors(true).try_get_matches_from(&line).unwrap_or_else(|error| show(&error));
    // `est config` must be able to say what is wrong with the file.
    if let Some(command) = given.subcommand_name().filter(|&command| command != "config")
        && let Some(config) = Config::read(&program)?
        && let Some(place) = line.iter().position(|word| word == command)
    {
        line.splice(place + 1..place + 1, config.additions(&program, &given));
    }
    let matches = program.try_get_matches_from(line).unwrap_or_else(|error| show(&error));
    Ok(Args::from_arg_matches(&matches).unwrap_or_else(|error| show(&error)))
}

/// Ends the program with what the parser has to say: help, the version, or what is wrong.
fn show(error: &clap::Error) -> ! {
    if let Err(problem) = error.print()
        && !error.use_stderr()
    {
        stdio::failed(&problem);
    }
    std::process::exit(error.exit_code())
}

fn run(command: Command) -> ExitCode {
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
        Command::Import(args) => commands::import::run(&args),
        Command::Config(args) => commands::config::run(&args),
        Command::Licenses(args) => commands::licenses::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::completions::man(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            log::Log::plain().error(&error);
            ExitCode::FAILURE
        }
    }
}
