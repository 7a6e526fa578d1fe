//! `est calibrate`: fits the temperature of weights on held-out clips.

use std::process::ExitCode;

use anyhow::bail;
use est_eval::calibration::{Temperature, fit_temperature};
use est_eval::{EvaluateOptions, Part, evaluate_scope};
use serde_json::json;

use super::{model, scope, table};
use crate::args::CalibrateArgs;
use crate::log::Log;

pub fn run(args: &CalibrateArgs) -> anyhow::Result<ExitCode> {
    let log = Log::new(args.json);
    if args.out.exists() {
        bail!("{}: is there already; choose another --out", args.out.display());
    }
    if args.scope.restrict_classes {
        bail!("a temperature is of all the model's classes: calibrate on a set that has them all");
    }
    let (set, clips) = scope::open(&args.scope, args.part)?;
    if clips.part != Part::Validation {
        log.warning("a temperature that is fitted on clips of the training or the test makes their calibration look better than it is");
    }
    let mut model = model::open(args.scope.weights.as_deref(), log)?;
    let mut recogniser = scope::recogniser(model.clone(), &args.scope)?;
    let mut progress = log.scoring(&set.record().name);
    let options = EvaluateOptions::default();
    let predictions = evaluate_scope(&mut recogniser, &set, &clips, &options, &mut |at| progress.at(at))?;
    drop(progress);
    let found = fit_temperature(&predictions.clips, model.temperature)?;
    model.temperature = found.temperature;
    let scalars = &mut model.provenance.scalars;
    scalars.insert("calibrated_on".to_string(), json!(set.record().hash()));
    scalars.insert("calibrated_round".to_string(), json!(clips.round));
    scalars.insert("calibrated_part".to_string(), json!(clips.part));
    model.save(&args.out)?;
    if args.json {
        println!("{}", json!({ "fit": found, "weights": args.out, "weights_sha256": model.sha256 }));
    } else {
        tell(&found, predictions.clips.len(), clips.part);
        println!("-> {} ({})", args.out.display(), model.sha256);
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(found: &Temperature, clips: usize, part: Part) {
    println!("temperature {:.4}, fitted on the {clips} clips of the part {part}", found.temperature);
    let row = |name: &str, value: fn(&est_eval::calibration::Calibration) -> f64| {
        let number = |calibration| format!("{:.4}", value(calibration));
        vec![name.to_string(), number(&found.before), number(&found.after)]
    };
    let rows = [
        row("negative log-likelihood", |calibration| calibration.nll),
        row("ECE", |calibration| calibration.ece),
        row("Brier score", |calibration| calibration.brier),
    ];
    table::print(&["on these clips", "before", "after"], &rows);
}
