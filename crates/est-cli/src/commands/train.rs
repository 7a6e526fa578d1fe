//! `est train`: a prepared set in, a weights file out. Built in with the feature `train` alone.

use std::process::ExitCode;

use crate::args::TrainArgs;

#[cfg(not(feature = "train"))]
pub fn run(_: &TrainArgs) -> anyhow::Result<ExitCode> {
    Err(super::without_training())
}

#[cfg(feature = "train")]
pub fn run(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    use serde_json::json;

    use super::told::{Teller, config};
    use crate::log::Log;

    let log = Log::new(args.json);
    let config = config(args.config.as_deref(), log)?;
    let mut teller = Teller::new(log, args.json);
    let outcome = est_train::fit(&config, &args.data, &args.out, args.resume, &mut |event| teller.tell(event))?;
    let (epoch, war) = outcome.best.unzip();
    if args.json {
        let (epoch, selection) = (epoch.map(|epoch| epoch + 1), config.selection.name());
        println!("{}", json!({ "weights": outcome.weights, "selection": selection, "epoch": epoch, "war": war }));
        return Ok(ExitCode::SUCCESS);
    }
    let score = match (epoch, war) {
        (Some(epoch), Some(war)) => format!("epoch {}, {:.2} % right", epoch + 1, 100.0 * war),
        _ => format!("epoch {}", config.optimiser.epochs),
    };
    println!("-> {} ({score}; selection: {})", outcome.weights.display(), config.selection.name());
    Ok(ExitCode::SUCCESS)
}
