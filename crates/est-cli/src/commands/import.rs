//! `est import`: other programs' results in our columns.

use std::process::ExitCode;

use crate::args::ImportRowsArgs;

pub fn run(args: &ImportRowsArgs) -> anyhow::Result<ExitCode> {
    let stem = || args.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let video_id = args.video_id.clone().unwrap_or_else(stem);
    let imported = args.program.import(&args.file, &args.out, &video_id, args.fps)?;
    println!("{} rows, {} with a face\n-> {}", imported.rows, imported.faces, imported.path.display());
    Ok(ExitCode::SUCCESS)
}
