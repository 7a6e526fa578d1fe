//! `est purge`: deletes what est wrote, and says what it left.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::bail;
use est::run::Purge;

use crate::args::PurgeArgs;

pub fn run(args: &PurgeArgs) -> anyhow::Result<ExitCode> {
    let purge = Purge::plan(&args.folder, args.expired)?;
    let folder = args.folder.display();
    let what = format!("{} files of {} videos in {folder}", purge.files().len(), purge.videos());
    if args.dry_run {
        purge.files().iter().for_each(|file| println!("{}", file.display()));
        println!("{what} would be deleted");
        return Ok(ExitCode::SUCCESS);
    }
    if args.expired && purge.videos() == 0 {
        println!("{folder}: nothing is past its retention");
        return Ok(ExitCode::SUCCESS);
    }
    if !args.yes && !confirmed(&what)? {
        println!("nothing was deleted");
        return Ok(ExitCode::SUCCESS);
    }
    let purged = purge.go()?;
    println!("{} files of {} videos deleted", purged.files, purged.videos);
    if !purged.left.is_empty() {
        println!("left, since est did not write them:");
        purged.left.iter().for_each(|file| println!("  {}", file.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks who sits at the terminal.
fn confirmed(what: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("{what} would be deleted: nobody is there to ask, so say --yes (or --dry-run to see the list)");
    }
    print!("Delete {what}? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
