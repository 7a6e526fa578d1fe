//! The commands about the program itself, and the one that reads other programs' results.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use est::foreign::Peer;

use super::positive;

#[derive(Debug, clap::Args)]
pub struct ImportRowsArgs {
    /// The program that wrote the table: OpenFace 2 or 3, or py-feat
    #[arg(value_name = "PROGRAM", value_parser = peers())]
    pub program: Peer,
    /// Its CSV
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The CSV to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The video's name in the rows [default: the table's, without extension]
    #[arg(long, value_name = "NAME")]
    pub video_id: Option<String>,
    /// Of pyfeat and OpenFace 3: the video's frames per second, for they write no times
    #[arg(long, value_name = "N", value_parser = positive)]
    pub fps: Option<f64>,
}

fn peers() -> impl TypedValueParser<Value = Peer> {
    let parse = |name: String| Peer::ALL.into_iter().find(|peer| peer.name() == name).expect("a possible value");
    PossibleValuesParser::new(Peer::ALL.map(Peer::name)).map(parse)
}

#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the settings that a command would run with, and where each comes from, as a config file
    Show {
        /// Only this command's, like predict
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
    /// Print where the config file is looked for
    Path,
}

#[derive(Debug, clap::Args)]
pub struct LicensesArgs {
    /// Every crate that is linked in, with its licence
    #[arg(long)]
    pub crates: bool,
}

#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// Folder for est.1 and one page a command
    #[arg(value_name = "DIR")]
    pub out: PathBuf,
}
