//! `est crossval`: every round of a split trained and scored. Built in with the feature `train` alone.

use std::process::ExitCode;

use crate::args::CrossvalArgs;

#[cfg(not(feature = "train"))]
pub fn run(_: &CrossvalArgs) -> anyhow::Result<ExitCode> {
    Err(super::without_training())
}

#[cfg(feature = "train")]
pub fn run(args: &CrossvalArgs) -> anyhow::Result<ExitCode> {
    use est_eval::report::Variants;
    use est_train::series::Series;
    use serde_json::json;

    use super::{eval, scope, series, table};

    let args = &args.series;
    let plan = Series::crossval(&series::config(args)?, &args.data, &args.seeds)?;
    let mut reports = vec![];
    let mut rows = series::run(&plan, args, &mut |series::Scored { seed, report, written, .. }| {
        if args.json {
            reports.push(serde_json::to_value(report).expect("reports are plain data"));
            return;
        }
        println!("seed {seed}");
        eval::tell_rounds(report);
        eval::tell(report, written);
        println!();
    })?;
    rows[0].0 = "all rounds".to_string();
    let title = format!("Cross-validation on {}", rows[0].1[0].record().set.name);
    let seeds = Variants::new(&title, &scope::command(), &rows)?;
    let written = seeds.write(&args.out, "crossval")?;
    if args.json {
        println!("{}", json!({ "seeds": seeds, "reports": reports }));
        return Ok(ExitCode::SUCCESS);
    }
    table::print(&series::HEADER, &series::rows(&seeds));
    written.iter().for_each(|path| println!("-> {}", path.display()));
    Ok(ExitCode::SUCCESS)
}
