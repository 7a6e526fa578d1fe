//! `est ablate`: variants of the network beside each other. Built in with the feature `train` alone.

use std::process::ExitCode;

use crate::args::AblateArgs;

#[cfg(not(feature = "train"))]
pub fn run(_: &AblateArgs) -> anyhow::Result<ExitCode> {
    Err(super::without_training())
}

#[cfg(feature = "train")]
pub fn run(args: &AblateArgs) -> anyhow::Result<ExitCode> {
    use est_eval::report::Variants;
    use est_train::series::Series;

    use super::{scope, series, table};

    let AblateArgs { table: names, series: args } = args;
    let plan = Series::ablation(names, &series::config(args)?, &args.data, &args.seeds)?;
    let rows = series::run(&plan, args, &mut |series::Scored { row, seed, report, .. }| {
        if !args.json {
            let metrics = &report.pooled.metrics;
            let [war, uar] = [metrics.war, metrics.uar].map(table::percent);
            println!("{row}, seed {seed}: WAR {war} UAR {uar}");
        }
    })?;
    let title = format!("Ablation on {}: {}", rows[0].1[0].record().set.name, names.join(", "));
    let variants = Variants::new(&title, &scope::command(), &rows)?;
    let written = variants.write(&args.out, "ablation")?;
    if args.json {
        println!("{}", serde_json::to_string(&variants)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!();
    table::print(&series::HEADER, &series::rows(&variants));
    println!("selection: {}; intervals: 95 % of the mean over seeds", variants.selection);
    written.iter().for_each(|path| println!("-> {}", path.display()));
    Ok(ExitCode::SUCCESS)
}
