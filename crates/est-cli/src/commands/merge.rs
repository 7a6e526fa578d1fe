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
    let strays = merge.strays()?;
    if !strays.is_empty() {
        let first: Vec<&str> = strays.iter().take(3).map(String::as_str).collect();
        let more = if strays.len() > first.len() { ", ..." } else { "" };
        log.warning(&format!(
            "{} of an earlier list joined as well, since the folders hold results of: {}{more}; the parts' last list no longer \
             has what is named here; to leave it out, run the parts into new folders",
            counted(strays.len(), "video"),
            first.join(", ")
        ));
    }
    let merged = merge.go()?;
    if args.json {
        let (videos, failed) = (merged.videos, merged.failed);
        let missing: Vec<&str> = gaps.iter().map(|gap| gap.problem.as_str()).collect();
        let line = json!({
            "videos": videos, "failed": failed, "up_to_date": merged.up_to_date, "missing": missing, "not_listed": strays,
            "out": args.out,
        });
        println!("{line}");
    } else {
        println!(
            "{} of {}: {} copied, {} were there, {} had failed",
            counted(merged.videos, "video"),
            counted(args.shards.len(), "folder"),
            counted(merged.files, "file"),
            merged.up_to_date,
            merged.failed
        );
        println!("-> {}", args.out.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
