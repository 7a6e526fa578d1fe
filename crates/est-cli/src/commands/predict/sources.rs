//! Which videos are read: what the command line names, and which part of it.

use anyhow::{anyhow, ensure};
use est::run::{Part, ShardChoice, divided_before, list_sha256};
use est::{Input, Source};
use est_media::Live;

use super::Ended;
use crate::args::PredictArgs;
use crate::hints;
use crate::log::Log;

/// The part of `all` videos that is to be done.
pub(super) fn part(choice: &ShardChoice, args: &PredictArgs, all: &[Input]) -> anyhow::Result<Part> {
    let known = || divided_before(&args.out, &list_sha256(all));
    let chosen = choice.resolve(|name| std::env::var(name).ok(), known);
    if chosen.is_err() && !args.dry_run && !args.to_standard_output() {
        // The folder was just made, if it is empty: `est merge` would take it for a part that is there.
        let _ = std::fs::remove_dir(&args.out);
    }
    let (shard, numbering) = chosen.map_err(|problem| anyhow!("--shard {choice}: {problem}"))?;
    Ok(Part::new(shard, numbering, all, command_line()))
}

/// The words that this program was called with. A name that is no text is noted as nearly as text can be.
pub(super) fn command_line() -> Vec<String> {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The live source, if there is one: then it is alone, for it need not end.
pub(super) fn the_live(inputs: &mut [Input], args: &PredictArgs) -> anyhow::Result<Option<Live>> {
    let place = inputs.iter().position(|input| matches!(input.source, Source::Live { .. }));
    let Some(place) = place else { return Ok(None) };
    ensure!(inputs.len() == 1, "a camera, a stream or standard input is read alone: it need not end");
    if let Some(name) = &args.live.name {
        inputs[place].name.clone_from(name);
    }
    Ok(live_of(&inputs[place]).cloned())
}

pub(super) fn live_of(input: &Input) -> Option<&Live> {
    match &input.source {
        Source::Live { live, .. } => Some(live),
        _ => None,
    }
}

/// The videos of the command line. Those that are none are told, and counted in `ended`.
pub(super) fn inputs(args: &PredictArgs, log: Log, ended: &mut Ended) -> Vec<Input> {
    let listed = args.run.list.iter().map(|list| est::read_list(list));
    let named = args.sources.iter().map(|argument| Input::expand(argument));
    let mut inputs = vec![];
    for found in listed.chain(named) {
        match found {
            Ok(found) => inputs.extend(found),
            Err(error) => ended.failed(log, &hints::said(&error)),
        }
    }
    inputs
}
