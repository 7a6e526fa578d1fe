//! `est compare`: two evaluations in, one p out.

use std::process::ExitCode;

use est_eval::mcnemar::{Comparison, Side, compare};
use est_eval::predictions;

use super::{scope, table};
use crate::args::CompareArgs;

pub fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let (a, b) = (predictions::read(&args.a)?, predictions::read(&args.b)?);
    let comparison = compare(&a, &b, &scope::bootstrap(&args.bootstrap))?;
    if args.json {
        println!("{}", serde_json::to_string(&comparison)?);
    } else {
        tell(args, &comparison);
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(args: &CompareArgs, comparison: &Comparison) {
    let split = comparison.split.as_ref().map_or("all labelled clips".to_string(), |split| format!("split {split}"));
    println!(
        "{}, {split}: {} clips that both were scored on ({} without a face, wrong for both)",
        comparison.set, comparison.shared, comparison.faceless
    );
    if comparison.unshared > 0 {
        println!("{} clips that only one was scored on are left out", comparison.unshared);
    }
    let row = |name: &str, path: &std::path::Path, side: &Side, only: u64| {
        let war = format!("{:.2}", 100.0 * side.war);
        vec![name.to_string(), path.display().to_string(), war, only.to_string(), side.selection.to_string()]
    };
    let rows = [
        row("A", &args.a, &comparison.a, comparison.only_a_right),
        row("B", &args.b, &comparison.b, comparison.only_b_right),
    ];
    table::print(&["", "predictions", "WAR", "only it right", "selection"], &rows);
    let interval = comparison
        .difference_interval
        .map_or(String::new(), |interval| format!(" ({:.2} to {:.2})", 100.0 * interval.low, 100.0 * interval.high));
    println!("WAR of A minus B: {:.2}{interval}, 95 % by a bootstrap over subjects", 100.0 * comparison.difference);
    println!("McNemar's exact test, two-sided: p = {:.4}", comparison.p);
    if comparison.a.selection != comparison.b.selection {
        println!("The two were selected by different protocols: the test cannot tell that from a better model.");
    }
}
