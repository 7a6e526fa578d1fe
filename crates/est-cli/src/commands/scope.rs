//! The clips that a command reads and how, as the arguments have it.

use anyhow::bail;
use est::{Model, Recogniser, RecogniserOptions};
use est_data::protocol::Selection;
use est_data::set::PreparedSet;
use est_eval::intervals::BootstrapOptions;
use est_eval::lineage::Lineage;
use est_eval::subgroups::Attributes;
use est_eval::{EvaluateOptions, Faceless, Part, Predictions, Report, ReportOptions, Scope};

use crate::args::{BootstrapArgs, FacelessKind, PartKind, ReportArgs, ScopeArgs};
use crate::log::Log;

/// The set, and the clips of it that are read.
pub fn open(args: &ScopeArgs, part: PartKind) -> anyhow::Result<(PreparedSet, Scope)> {
    let set = PreparedSet::open(&args.data)?;
    if args.split.is_none() && args.round.is_none() {
        let scope = Scope::whole(&set);
        return Ok((set, scope));
    }
    let split = set.split(args.split.as_deref())?;
    let rounds = split.rounds();
    let round = match (&args.round, &rounds[..]) {
        (Some(round), _) => round.clone(),
        (None, [only]) => only.name.to_string(),
        (None, rounds) => {
            let names: Vec<&str> = rounds.iter().map(|round| round.name).collect();
            bail!(
                "the split {} has {} rounds and one file of weights can be tested in one: name it with --round ({})",
                split.kind.name(),
                rounds.len(),
                names.join(", ")
            )
        }
    };
    let part = match part {
        PartKind::Train => Part::Train,
        PartKind::Validation => Part::Validation,
        PartKind::Test => Part::Test,
    };
    let scope = Scope::round(&set, &split, &round, part)?;
    Ok((set, scope))
}

pub fn recogniser(model: Model, args: &ScopeArgs) -> anyhow::Result<Recogniser> {
    Ok(Recogniser::new(model, RecogniserOptions { engine: engine(args), ..RecogniserOptions::default() })?)
}

pub fn engine(args: &ScopeArgs) -> est_engine::Options {
    est_engine::Options { threads: args.threads.unwrap_or(0), ..est_engine::Options::default() }
}

/// What is stamped on the predictions; a warning where the weights were trained on the clips.
pub fn stamp(
    args: &ScopeArgs,
    selection: Option<Selection>,
    model: &Model,
    (set, scope): (&PreparedSet, &Scope),
    log: Log,
) -> EvaluateOptions {
    let lineage = Lineage::of(model);
    if let Some(seen) = lineage.seen(set, scope) {
        log.warning(&seen);
    }
    EvaluateOptions {
        part: scope.part,
        selection: selection.unwrap_or(lineage.selection),
        seed: lineage.seed,
        command: command(),
        restrict_classes: args.restrict_classes,
        classes: vec![],
    }
}

/// The command line, with the program by its plain name.
pub fn command() -> String {
    let quoted = |argument: String| match argument.contains(' ') {
        true => format!("'{argument}'"),
        false => argument,
    };
    let arguments = std::env::args_os().skip(1).map(|argument| quoted(argument.to_string_lossy().into_owned()));
    ["est".to_string()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

pub fn bootstrap(args: &BootstrapArgs) -> BootstrapOptions {
    BootstrapOptions { resamples: args.resamples as usize, seed: args.bootstrap_seed, ..BootstrapOptions::default() }
}

/// The groups that are scored too.
pub fn attributes(args: &ReportArgs) -> anyhow::Result<Option<Attributes>> {
    Ok(args.subgroups.as_deref().map(Attributes::read).transpose()?)
}

/// The scores of all `rounds` together.
pub fn report(rounds: Vec<Predictions>, args: &ReportArgs, attributes: Option<&Attributes>) -> anyhow::Result<Report> {
    let options = ReportOptions {
        faceless: match args.faceless {
            FacelessKind::Error => Faceless::Error,
            FacelessKind::Skip => Faceless::Skip,
        },
        bootstrap: bootstrap(&args.bootstrap),
        bins: args.bins as usize,
        allow_empty_classes: args.allow_empty_classes,
        subgroup_minimum: args.subgroup_minimum as usize,
    };
    let report = Report::pooled(rounds, options)?;
    Ok(match attributes {
        Some(attributes) => report.with_subgroups(attributes),
        None => report,
    })
}
