//! `est join`: one prepared set of several.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use est_data::protocol::PARTS;
use est_data::set::{self, JoinMaker, Joined, PreparedSet};
use est_data::{DataError, clip_id};
use serde_json::json;

use crate::args::JoinArgs;
use crate::log::Log;

pub fn run(args: &JoinArgs) -> anyhow::Result<ExitCode> {
    let log = Log::new(args.json);
    let sets = args.sets.iter().map(|text| open(text)).collect::<anyhow::Result<Vec<_>>>()?;
    let plan = set::join_plan(&sets, args.shard_clips as usize)?;
    let progress = log.clips("join");
    let maker = || Ok::<_, DataError>(JoinMaker::new(&sets));
    let joined = set::build(&plan, &args.out, 0, maker, |at| progress.at(at))?;
    drop(progress);
    if args.json {
        println!("{}", json!({ "out": args.out, "clips": joined.clips().len(), "frames": joined.frames() }));
    } else {
        println!("{} clips of {} sets, {} frames", joined.clips().len(), sets.len(), joined.frames());
        println!("classes: {}", joined.record().classes.join(", "));
        println!("-> {}", args.out.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn open(text: &str) -> anyhow::Result<Joined> {
    let (part, folder) = match text.split_once('=') {
        Some((part, folder)) if !Path::new(text).exists() => match PARTS.iter().find(|known| **known == part) {
            Some(part) => (Some(*part), folder),
            None => bail!("{text}: a part is {}", PARTS.join(", ")),
        },
        _ => (None, text),
    };
    let set = PreparedSet::open(Path::new(folder))?;
    let name = Path::new(folder).canonicalize()?;
    let name = clip_id(&name.file_name().unwrap_or_default().to_string_lossy());
    Ok(Joined { name, part, set })
}
