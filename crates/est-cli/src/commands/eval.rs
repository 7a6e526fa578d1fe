//! `est eval`: weights and a prepared set in, scores out.

use std::path::PathBuf;
use std::process::ExitCode;

use est_eval::{EvaluateOptions, Faceless, Report, evaluate_scope};

use super::table::{between, percent};
use super::{model, scope, table};
use crate::args::EvalArgs;
use crate::log::Log;

pub fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let log = Log::new(args.json);
    let (set, clips) = scope::open(&args.scope, args.part)?;
    let attributes = scope::attributes(&args.report)?;
    let model = model::open(args.scope.weights.as_deref(), log)?;
    let stamped = scope::stamp(&args.scope, args.selection, &model, (&set, &clips), log);
    let options = EvaluateOptions { classes: args.classes.clone(), ..stamped };
    let mut recogniser = scope::recogniser(model, &args.scope)?;
    let mut progress = log.scoring(&set.record().name);
    let predictions = evaluate_scope(&mut recogniser, &set, &clips, &options, &mut |at| progress.at(at))?;
    drop(progress);
    let report = scope::report(vec![predictions], &args.report, attributes.as_ref())?;
    let written = report.write(&args.out)?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        tell(&report, &written);
    }
    Ok(ExitCode::SUCCESS)
}

/// The scores, class by class, and where the rest is.
pub fn tell(report: &Report, written: &[PathBuf]) {
    let (record, pooled) = (report.record(), &report.pooled);
    let untrained = if record.model.trained { "" } else { "  (untrained)" };
    let how = match report.options.faceless {
        Faceless::Error => "counted as errors",
        Faceless::Skip => "left out",
    };
    println!("{} on {}, {}{untrained}", record.model.id, record.set.name, rounds(report));
    println!(
        "{} clips; {} without a face, {how}; selection: {}",
        pooled.metrics.clips, pooled.faceless, record.selection
    );
    if !record.left_out.is_empty() {
        println!("clips of other classes are left out: {}", record.left_out.join(", "));
    }
    let (metrics, intervals) = (&pooled.metrics, &pooled.intervals);
    let scores = [
        ("WAR", metrics.war, intervals.war),
        ("UAR", metrics.uar, intervals.uar),
        ("macro F1", metrics.macro_f1, intervals.macro_f1),
        ("kappa x 100", metrics.kappa, intervals.kappa),
    ];
    let row = |(name, score, interval): (&str, _, _)| vec![name.to_string(), percent(score), between(interval)];
    table::print(&["score", "%", "95 % interval"], &scores.map(row));
    println!();
    let class = |k: usize| {
        let mut cells = vec![report.classes[k].clone(), metrics.support[k].to_string()];
        cells.extend([metrics.recall[k], metrics.precision[k], metrics.f1[k]].map(percent));
        cells
    };
    let classes: Vec<Vec<String>> = (0..report.classes.len()).map(class).collect();
    table::print(&["class", "clips", "recall", "precision", "F1"], &classes);
    if let Some(calibration) = &pooled.calibration {
        println!("\nECE {:.4} on {} clips with a face", calibration.ece, calibration.clips);
    }
    for path in written {
        println!("-> {}", path.display());
    }
}

/// A line a round.
#[cfg(feature = "train")]
pub fn tell_rounds(report: &Report) {
    let row = |round: &est_eval::report::Round| {
        let metrics = &round.metrics;
        let mut cells = vec![round.record.round_name().to_string(), metrics.clips.to_string()];
        cells.push(round.faceless.to_string());
        cells.extend([metrics.war, metrics.uar, metrics.macro_f1, metrics.kappa].map(percent));
        cells
    };
    let rows: Vec<Vec<String>> = report.rounds.iter().map(row).collect();
    table::print(&["round", "clips", "no face", "WAR", "UAR", "macro F1", "kappa x 100"], &rows);
    println!();
}

fn rounds(report: &Report) -> String {
    let record = report.record();
    match &record.split {
        None => "all labelled clips".to_string(),
        Some(split) => {
            let rounds: Vec<&str> = report.rounds.iter().map(|round| round.record.round_name()).collect();
            format!("split {}, {}, part {}", split.name, rounds.join(" + "), record.part)
        }
    }
}
