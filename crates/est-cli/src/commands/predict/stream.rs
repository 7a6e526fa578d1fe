//! `est predict --format jsonl --out -`: rows on standard output as soon as they are final, and nothing on the disk.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::ensure;
use est::report::{Format, STANDARD_OUTPUT, Summary};
use est::run::{Event, Work};
use est::{EstError, Input};
use serde_json::json;

use super::{Ended, Run};
use crate::args::PredictArgs;
use crate::hints;

/// Whether what is asked for can be done without a folder of results.
pub(super) fn check(args: &PredictArgs) -> anyhow::Result<()> {
    if !args.to_standard_output() {
        return Ok(());
    }
    let formats = args.output.formats();
    ensure!(formats == [Format::Jsonl], "--out - is standard output, which takes one format: --format jsonl");
    let noted = args.run.purpose.is_some() || args.run.retain.is_some();
    ensure!(!noted, "--purpose and --retain are noted in a folder of results; --out - keeps none");
    Ok(())
}

/// Reads one video after the other, whatever happens to the others, until nobody reads the rows.
pub(super) fn go(run: &mut Run, inputs: &[Input], ended: &mut Ended) {
    for (input, number) in inputs.iter().zip(1..) {
        run.tell(Event::Begins { input, number, of: inputs.len() });
        let opened = run.opened(input);
        match run.one(input, None, opened) {
            Ok(summary) => {
                tell(run, &summary);
                ended.right += 1;
            }
            Err(EstError::Output { path, error }) if path == Path::new(STANDARD_OUTPUT) => {
                if error.kind() == ErrorKind::BrokenPipe {
                    ended.unread = true;
                } else {
                    ended.failed(run.log, &format!("{STANDARD_OUTPUT} cannot be written to ({error})"));
                }
                return;
            }
            Err(error) => ended.failed(run.log, &hints::said(&error)),
        }
    }
}

/// On standard error: what else would stand in the table and in the record.
fn tell(run: &Run, summary: &Summary) {
    run.warn(summary);
    let text = format!(
        "{}: {} frames decoded, {} rows, {} tracks",
        summary.video_id,
        summary.frames_decoded,
        summary.rows,
        summary.tracks.len()
    );
    run.log.note(&text, json!({ "video": summary }));
}
