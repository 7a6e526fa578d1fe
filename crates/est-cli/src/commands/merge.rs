//! `est merge`: the folders of several shards become one.

use std::process::ExitCode;

use serde_json::json;

use crate::args::MergeArgs;

pub fn run(args: &MergeArgs) -> anyhow::Result<ExitCode> {
    let merged = est::run::merge(&args.out, &args.shards)?;
    if args.json {
        let (videos, failed) = (merged.videos, merged.failed);
        println!("{}", json!({ "videos": videos, "failed": failed, "up_to_date": merged.up_to_date, "out": args.out }));
    } else {
        println!(
            "{} videos of {} folders: {} files copied, {} videos were there, {} had failed",
            merged.videos,
            args.shards.len(),
            merged.files,
            merged.up_to_date,
            merged.failed
        );
        println!("-> {}", args.out.display());
    }
    Ok(ExitCode::SUCCESS)
}
