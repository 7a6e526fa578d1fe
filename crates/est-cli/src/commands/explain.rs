//! `est explain`: what weights attend to, as figures.

use std::path::Path;
use std::process::ExitCode;

use est::Model;
use est_data::set::PreparedSet;
use est_eval::Scope;
use est_eval::explain::{self, DrawOptions, Explained, Explainer};
use est_eval::figures::Curves;
use serde_json::json;

use super::{model, scope};
use crate::args::ExplainArgs;
use crate::log::Log;

pub fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let log = Log::new(args.json);
    let (set, clips) = scope::open(&args.scope, args.part)?;
    let curves = args.log.as_deref().map(Curves::read).transpose()?;
    let first = model::open(args.scope.weights.as_deref(), log)?;
    let second = args.against.as_deref().map(|weights| model::open(Some(weights), log)).transpose()?;
    let names = names(args, &first, second.as_ref());
    let mut models = vec![];
    for (model, name) in [Some(first), second].into_iter().flatten().zip(&names) {
        models.push(look(args, name, model, (&set, &clips), log)?);
    }
    let options = DrawOptions { clips: args.clip.clone(), count: args.clips as usize, seed: args.seed, curves };
    let written = explain::write(&models, &set, &options, &args.out)?;
    if args.json {
        let summaries: Vec<_> =
            models.iter().map(|model| json!({ "name": model.name, "attention": model.attention() })).collect();
        println!("{}", json!({ "models": summaries, "outputs": written }));
        return Ok(ExitCode::SUCCESS);
    }
    for model in &models {
        let Some(attention) = model.attention() else { continue };
        let shares: Vec<String> = attention.most_attended.iter().map(|share| format!("{:.1}", 100.0 * share)).collect();
        println!("{}: {} clips; most attended snippet, % of clips: {}", model.name, attention.clips, shares.join(" "));
        let most = (attention.mean.len() as f64).ln();
        println!("  mean entropy of the attention {:.3} nats, of at most {most:.3}", attention.entropy);
    }
    for path in written {
        println!("-> {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn look(
    args: &ExplainArgs,
    name: &str,
    model: Model,
    (set, clips): (&PreparedSet, &Scope),
    log: Log,
) -> anyhow::Result<Explained> {
    let options = scope::stamp(&args.scope, None, &model, (set, clips), log);
    let mut explainer = Explainer::new(&model, &scope::engine(&args.scope))?;
    let mut recogniser = scope::recogniser(model, &args.scope)?;
    let mut progress = log.scoring(name);
    let progress = &mut |at| progress.at(at);
    Ok(explain::explain(name, &mut recogniser, &mut explainer, set, clips, &options, progress)?)
}

/// With and without SSOP, where that is what tells the two apart; else the names of their files.
fn names(args: &ExplainArgs, first: &Model, second: Option<&Model>) -> Vec<String> {
    let ssop = |model: &Model| if model.config.orders() > 0 { "with SSOP" } else { "without SSOP" }.to_string();
    let Some(second) = second else { return vec![first.id()] };
    if (first.config.orders() > 0) != (second.config.orders() > 0) {
        return vec![ssop(first), ssop(second)];
    }
    let stem = |weights: &str| {
        let stem = Path::new(weights).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        stem.unwrap_or_else(|| weights.to_string())
    };
    let against = args.against.as_deref().unwrap_or_default();
    vec![args.scope.weights.as_deref().map_or("default".to_string(), stem), stem(against)]
}
