//! Runs of a series one after the other, each scored by the recogniser that ships as soon as it is trained.

use std::path::{Path, PathBuf};

use est::{Model, Recogniser, RecogniserOptions};
use est_data::set::PreparedSet;
use est_eval::intervals::OverSeeds;
use est_eval::lineage::Lineage;
use est_eval::report::{PREDICTIONS, Variant, Variants};
use est_eval::subgroups::Attributes;
use est_eval::{Encoded, EvaluateOptions, Part, Predictions, Report, evaluate_encoded, predictions};
use est_nets::weights;
use est_train::TrainConfig;
use est_train::series::{Member, Row, Series};

use super::scope;
use super::table::{between, percent};
use super::told::{self, Teller};
use crate::args::SeriesArgs;
use crate::log::Log;

/// What the config says, or the paper.
pub fn config(args: &SeriesArgs) -> anyhow::Result<TrainConfig> {
    told::config(args.config.as_deref(), Log::new(args.json))
}

/// All rounds of a row under a seed.
pub struct Scored<'a> {
    pub row: &'a str,
    pub seed: u64,
    pub report: &'a Report,
    /// Its files.
    pub written: &'a [PathBuf],
}

/// Every run of `series`: for each row one report a seed, in the series' order. `scored` is told each.
pub fn run(
    series: &Series,
    args: &SeriesArgs,
    scored: &mut dyn FnMut(Scored),
) -> anyhow::Result<Vec<(String, Vec<Report>)>> {
    let attributes = scope::attributes(&args.report)?;
    let log = Log::new(args.json);
    let (teller, set) = (Teller::new(log, args.json), PreparedSet::open(&args.data)?);
    let mut runner = Runner { args, log, teller, set, encoded: Encoded::default() };
    let mut rows = vec![];
    for row in &series.rows {
        let mut reports = vec![];
        for &seed in &series.seeds {
            let report = runner.seed(series, row, seed, attributes.as_ref())?;
            let written = report.write(&args.out.join(series.folder(row, seed)))?;
            scored(Scored { row: &row.name, seed, report: &report, written: &written });
            reports.push(report);
        }
        rows.push((row.name.clone(), reports));
    }
    Ok(rows)
}

struct Runner<'a> {
    args: &'a SeriesArgs,
    log: Log,
    teller: Teller,
    set: PreparedSet,
    encoded: Encoded,
}

impl Runner<'_> {
    fn seed(&mut self, series: &Series, row: &Row, seed: u64, groups: Option<&Attributes>) -> anyhow::Result<Report> {
        let mut rounds = vec![];
        for member in series.members(row, seed) {
            let name = member.folder.display().to_string();
            self.teller.begin(name.clone());
            let Runner { args, teller, .. } = self;
            let outcome = member.run(&args.data, &args.out, &mut |event| teller.tell(event))?;
            rounds.push(self.score(&member, &name, &outcome.weights)?);
        }
        scope::report(rounds, &self.args.report, groups)
    }

    /// What the weights say of the round's test part: what they said before, where nothing has changed since.
    fn score(&mut self, member: &Member, name: &str, weights: &Path) -> anyhow::Result<Predictions> {
        let table = self.args.out.join(&member.folder).join(PREDICTIONS);
        if let Some(known) = known(&table, weights, &self.set) {
            return Ok(known);
        }
        let split = self.set.splits()?.into_iter().find(|split| split.round(&member.round).is_ok());
        let split = split.expect("the series has the set's rounds");
        let model = Model::open(weights)?;
        // Runs with a frozen encoder have it in common.
        self.encoded.begin(&model, &self.set);
        let Lineage { selection, seed, .. } = Lineage::of(&model);
        let engine = est_engine::Options { threads: self.args.threads.unwrap_or(0), ..est_engine::Options::default() };
        let mut recogniser = Recogniser::new(model, RecogniserOptions { engine, ..RecogniserOptions::default() })?;
        let command = scope::command();
        let options = EvaluateOptions { part: Part::Test, selection, seed, command, ..EvaluateOptions::default() };
        let mut progress = self.log.scoring(name);
        let progress = &mut |at| progress.at(at);
        let said =
            evaluate_encoded(&mut recogniser, &self.set, &split, &member.round, &options, &mut self.encoded, progress)?;
        predictions::write(&table, std::slice::from_ref(&said))?;
        Ok(said)
    }
}

/// The predictions in `table`, where this program made them with these weights on this set.
fn known(table: &Path, weights: &Path, set: &PreparedSet) -> Option<Predictions> {
    let [known] = <[Predictions; 1]>::try_from(predictions::read(table).ok()?).ok()?;
    let record = &known.record;
    let alike = record.est_version == env!("CARGO_PKG_VERSION")
        && record.set.sha256 == set.record().hash()
        && record.model.weights_sha256 == weights::file::sha256(weights).ok()?;
    alike.then_some(known)
}

/// Of the table on standard output; the files say more.
pub const HEADER: [&str; 8] = ["", "seeds", "parameters, M", "G MACs", "WAR", "95 %", "UAR", "95 %"];

pub fn rows(variants: &Variants) -> Vec<Vec<String>> {
    let row = |variant: &Variant| {
        let mean = |score: &Option<OverSeeds>| percent(score.as_ref().map(|over| over.mean));
        let interval = |score: &Option<OverSeeds>| between(score.as_ref().and_then(|over| over.interval));
        let scores = &variant.scores;
        vec![
            variant.name.clone(),
            variant.seeds.len().to_string(),
            format!("{:.2}", variant.parameters as f64 / 1e6),
            format!("{:.2}", variant.macs as f64 / 1e9),
            mean(&scores.war),
            interval(&scores.war),
            mean(&scores.uar),
            interval(&scores.uar),
        ]
    };
    variants.variants.iter().map(row).collect()
}
