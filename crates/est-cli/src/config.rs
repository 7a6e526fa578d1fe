//! The user's own defaults: a TOML file with a table for each command, whose keys are the command's long options.
//!
//! ```toml
//! [predict]
//! format = ["csv", "html"]
//! threads = 4
//! ```
//!
//! The command line wins over the file, the file over the built-in defaults. Nothing is read but the first file that is
//! there: `$EST_CONFIG`, `est.toml` in the working folder, `est/config.toml` in the user's folder for configurations.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command};
use toml::{Table, Value};

use crate::assets::user_folder;

/// A file that was read.
pub struct Config {
    pub path: PathBuf,
    tables: Table,
}

/// Where the file is looked for, in this order.
pub fn places() -> Vec<PathBuf> {
    let given = std::env::var_os("EST_CONFIG").map(PathBuf::from);
    let user = user_folder("XDG_CONFIG_HOME", ".config");
    given
        .into_iter()
        .chain([PathBuf::from("est.toml")])
        .chain(user.map(|folder| folder.join("est/config.toml")))
        .collect()
}

impl Config {
    /// The file, if there is one.
    ///
    /// # Errors
    /// When `$EST_CONFIG` names a file that is not there, or as [`Config::parse`].
    pub fn read(program: &Command) -> anyhow::Result<Option<Self>> {
        let named = std::env::var_os("EST_CONFIG").is_some();
        let Some(path) = places().into_iter().enumerate().find(|(k, path)| (named && *k == 0) || path.is_file()) else {
            return Ok(None);
        };
        let path = path.1;
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("{}: the config file cannot be read; EST_CONFIG or its permissions are wrong", path.display())
        })?;
        Config::parse(path, &text, program).map(Some)
    }

    /// The text of the file at `path`.
    ///
    /// # Errors
    /// When it is no TOML or holds anything but settings of the commands of `program`.
    fn parse(path: PathBuf, text: &str, program: &Command) -> anyhow::Result<Self> {
        let tables: Table = text.parse().with_context(|| format!("{}: no TOML", path.display()))?;
        let config = Config { path, tables };
        config.check(program)?;
        Ok(config)
    }

    fn check(&self, program: &Command) -> anyhow::Result<()> {
        for (name, settings) in &self.tables {
            let Some(command) = program.find_subcommand(name) else {
                bail!("{}: [{name}] is no command of est; `est help` lists them", self.path.display());
            };
            let Value::Table(settings) = settings else {
                bail!("{}: `{name}` stands outside of any table; settings stand below [command]", self.path.display());
            };
            for (key, value) in settings {
                if option(command, key).is_none() {
                    bail!("{}: [{name}] {key}: no option --{key}; `est {name} --help` lists them", self.path.display());
                }
                written(key, value).with_context(|| format!("{}: [{name}]", self.path.display()))?;
            }
        }
        Ok(())
    }

    /// The settings of a command, as they are written on a command line, each with its key.
    fn settings(&self, command: &str) -> Vec<(&str, Vec<OsString>)> {
        let table = self.tables.get(command).and_then(Value::as_table);
        let written = |(key, value)| (String::as_str(key), written(key, value).expect("checked when read"));
        table.into_iter().flatten().map(written).collect()
    }

    /// Of the command that `matches` has chosen: the file's settings that the command line does not give.
    pub fn additions(&self, program: &Command, matches: &ArgMatches) -> Vec<OsString> {
        let Some((name, matches)) = matches.subcommand() else { return vec![] };
        let command = program.find_subcommand(name).expect("it was parsed");
        let given = |key: &str| {
            let id = option(command, key).expect("checked when read").get_id();
            matches.value_source(id.as_str()) == Some(ValueSource::CommandLine)
        };
        self.settings(name).into_iter().filter(|(key, _)| !given(key)).flat_map(|(_, written)| written).collect()
    }

    /// Whether the file sets this option.
    pub fn sets(&self, command: &str, key: &str) -> Option<&Value> {
        self.tables.get(command)?.get(key)
    }
}

/// The option of this long name.
fn option<'a>(command: &'a Command, key: &str) -> Option<&'a clap::Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(key))
}

/// `--key=value`, as often as there are values; nothing for a switch that is off.
fn written(key: &str, value: &Value) -> anyhow::Result<Vec<OsString>> {
    let one = |value: &Value| {
        Ok(match value {
            Value::String(text) => format!("--{key}={text}"),
            Value::Integer(number) => format!("--{key}={number}"),
            Value::Float(number) => format!("--{key}={number}"),
            _ => bail!("{key}: want a text, a number, true, false, or a list of texts or numbers"),
        })
    };
    Ok(match value {
        Value::Boolean(false) => vec![],
        Value::Boolean(true) => vec![format!("--{key}").into()],
        Value::Array(values) => values.iter().map(|value| one(value).map(OsString::from)).collect::<Result<_, _>>()?,
        value => vec![one(value)?.into()],
    })
}

/// Whether an option is a switch, which takes no value.
pub fn is_switch(arg: &clap::Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use proptest::prelude::*;

    use super::*;
    use crate::args::Args;

    const FILE: &str =
        "[predict]\nformat = [\"csv\", \"json\"]\nthreads = 4\nquiet = true\nmin-score = 0.5\nblur = false\n";

    fn parse(text: &str) -> anyhow::Result<Config> {
        Config::parse(PathBuf::from("est.toml"), text, &Args::command())
    }

    fn additions(config: &Config, line: &[&str]) -> Vec<String> {
        let program = Args::command();
        let matches = program.clone().try_get_matches_from(line).unwrap();
        config.additions(&program, &matches).into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let config = parse(FILE).unwrap();
        let added = additions(&config, &["est", "predict", "a.mp4", "--threads", "2"]);
        assert_eq!(added, ["--format=csv", "--format=json", "--min-score=0.5", "--quiet"]);
        let added = additions(&config, &["est", "predict", "a.mp4", "--format", "vtt", "--quiet"]);
        assert_eq!(added, ["--min-score=0.5", "--threads=4"]);
        assert!(additions(&config, &["est", "doctor"]).is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, problem) in [
            ("[predict", "no TOML"),
            ("[predikt]\nthreads = 2", "[predikt] is no command"),
            ("threads = 2", "is no command"),
            ("predict = 2", "outside of any table"),
            ("[predict]\nthread = 2", "no option --thread"),
            ("[predict]\nformat = [[\"csv\"]]", "format: want a text"),
            ("[predict]\nthreads = 2026-11-24", "threads: want a text"),
        ] {
            let error = format!("{:#}", parse(text).err().unwrap());
            assert!(error.contains(problem) && error.contains("est.toml"), "{text}: {error}");
        }
    }

    proptest! {
        /// A file that was cut, spliced and scribbled into is read or refused, and what was read makes a command line that
        /// is taken or refused; nothing panics.
        #[test]
        fn any_file_is_read_or_refused(text in est_goldens::scribbled(FILE)) {
            if let Ok(config) = parse(&text) {
                let mut line = vec!["est".to_string(), "predict".into(), "a.mp4".into()];
                line.extend(additions(&config, &["est", "predict", "a.mp4"]));
                let _ = Args::command().try_get_matches_from(line);
            }
        }
    }
}
