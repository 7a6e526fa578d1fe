//! `est merge`: the folders of several shards become one.

use std::process::ExitCode;

use est::run::Merge;
use serde_json::json;

use crate::args::MergeArgs;
use crate::log::Log;

pub fn run(args: &MergeArgs) -> anyhow::Result<ExitCode> {
    let log = Log::new(args.json);
    let merge = Merge::plan(&args.out, &args.shards)?;
    let gaps = merge.gaps()?;
    for gap in &gaps {
        let text = gap.to_string();
        if args.partial { log.warning(&text) } else { log.problem(&text) }
    }
    if !gaps.is_empty() && !args.partial {
        log.problem("nothing was joined, since not all is there; --partial joins what is");
        return Ok(ExitCode::FAILURE);
    }
    let merged = merge.go()?;
    if args.json {
        let (videos, failed) = (merged.videos, merged.failed);
        let missing: Vec<&str> = gaps.iter().map(|gap| gap.problem.as_str()).collect();
        let line = json!({
            "videos": videos, "failed": failed, "up_to_date": merged.up_to_date, "missing": missing, "out": args.out,
        });
        println!("{line}");
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
