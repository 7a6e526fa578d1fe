//! `est config`: what a command would run with, and where each setting comes from.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Arg, Command};

use crate::args::{self, ConfigArgs, ConfigCommand};
use crate::config::{Config, is_switch, places};

pub fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        ConfigCommand::Path => {
            for path in places() {
                println!("{}{}", path.display(), if path.is_file() { "  (is there)" } else { "" });
            }
        }
        ConfigCommand::Show { command } => show(command.as_deref())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a file that would set what is set now: as it is, or to be changed.
fn show(only: Option<&str>) -> anyhow::Result<()> {
    let mut program = args::program();
    program.build();
    let config = Config::read(&program)?;
    match &config {
        Some(config) => println!("# {}", config.path.display()),
        None => println!("# no config file; `est config path` prints where one may be"),
    }
    let commands: Vec<&Command> = match only {
        None => program.get_subcommands().filter(|command| options(command).next().is_some()).collect(),
        Some(name) => {
            vec![program.find_subcommand(name).ok_or_else(|| anyhow!("no command `{name}`; `est help` lists them"))?]
        }
    };
    for command in commands {
        println!("\n[{}]", command.get_name());
        for (key, arg) in options(command) {
            match config.as_ref().and_then(|config| config.sets(command.get_name(), key)) {
                Some(value) => println!("{key} = {value}  # from the file"),
                None => println!("{}", default(key, arg)),
            }
        }
    }
    Ok(())
}

fn options(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let options = command.get_arguments().filter_map(|arg| Some((arg.get_long()?, arg)));
    options.filter(|(key, _)| !matches!(*key, "help" | "version"))
}

/// The line of an option that the file does not set.
fn default(key: &str, arg: &Arg) -> String {
    let values: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    // A number stays one; anything else is quoted as TOML quotes it.
    let written = |value: &String| match value.parse::<f64>() {
        Ok(number) if number.is_finite() => value.clone(),
        _ => toml::Value::from(value.as_str()).to_string(),
    };
    match &values[..] {
        _ if is_switch(arg) => format!("# {key} = true  # off"),
        [] => format!("# {key} =  # not set"),
        [value] => format!("{key} = {}  # default", written(value)),
        values => format!("{key} = [{}]  # default", values.iter().map(written).collect::<Vec<_>>().join(", ")),
    }
}
