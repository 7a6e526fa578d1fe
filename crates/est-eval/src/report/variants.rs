//! Several networks, each under several seeds, beside each other: the shape of the paper's ablation tables.

use std::path::{Path, PathBuf};

use est_data::protocol::Selection;
use est_nets::{Convention, Network, macs};
use serde::{Deserialize, Serialize};

use super::markdown::{between, percent, table};
use super::{Report, SeedScores, over_seeds};
use crate::error::EvalError;
use crate::intervals::{self, OverSeeds, ScoreIntervals};
use crate::predictions::{Part, SetStamp, SplitStamp, put};

/// One network's row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    pub name: String,
    pub network: Network,
    /// Learned ones.
    pub parameters: usize,
    /// Of prediction, which does not read the SSOP head.
    pub parameters_without_ssop: usize,
    /// Of one clip through all of it, in the convention of Table 5.
    pub macs: u64,
    /// Over the seeds.
    pub scores: SeedScores,
    /// What WAR gains over the row above, seed by seed; None in the first row.
    pub war_gain: Option<OverSeeds>,
    pub seeds: Vec<SeedRow>,
}

/// The pooled scores of one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedRow {
    pub seed: Option<u64>,
    pub clips: u64,
    pub faceless: usize,
    pub war: Option<f64>,
    pub uar: Option<f64>,
    /// By the bootstrap over subjects.
    pub intervals: ScoreIntervals,
    /// Of each round.
    pub weights_sha256: Vec<String>,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variants {
    pub title: String,
    pub est_version: String,
    pub notice: String,
    /// The command line.
    pub command: String,
    pub set: SetStamp,
    pub split: Option<SplitStamp>,
    pub rounds: Vec<String>,
    pub part: Part,
    pub selection: Selection,
    pub encoder_arithmetic: String,
    pub variants: Vec<Variant>,
}

impl Variants {
    /// `rows`: a name, and one report a seed, in the same order of the seeds.
    ///
    /// # Errors
    /// When there are no rows, one has no report, or they are of different sets, splits, rounds, seeds or selection
    /// protocols.
    pub fn new(title: &str, command: &str, rows: &[(String, Vec<Report>)]) -> Result<Variants, EvalError> {
        let none = || EvalError::Different("there are no rows to put beside each other".to_string());
        let first = rows.first().and_then(|(_, reports)| reports.first()).ok_or_else(none)?;
        let record = first.record();
        let mut variants: Vec<Variant> = vec![];
        for (k, (name, reports)) in rows.iter().enumerate() {
            let scores = over_seeds(reports)?;
            // Of a report each, the first row's and this one's must be as alike as those of one row.
            over_seeds(&[first.clone(), reports[0].clone()])?;
            if let Some(before) = variants.first()
                && before.scores.seeds != scores.seeds
            {
                return Err(EvalError::Different(format!("row {name} has other seeds than the rows above")));
            }
            let war_gain = k.checked_sub(1).and_then(|above| {
                let pairs = reports.iter().zip(&rows[above].1);
                let gain = |(a, b): (&Report, &Report)| Some(a.pooled.metrics.war? - b.pooled.metrics.war?);
                intervals::over_seeds(&pairs.map(gain).collect::<Option<Vec<f64>>>()?)
            });
            let network = reports[0].record().model.config.clone();
            let graph = network.graph();
            variants.push(Variant {
                name: name.clone(),
                parameters: graph.parameter_count(""),
                parameters_without_ssop: network.prediction().parameter_count(""),
                macs: macs(&graph, Convention::Full),
                network,
                scores,
                war_gain,
                seeds: reports.iter().map(SeedRow::of).collect(),
            });
        }
        Ok(Variants {
            title: title.to_string(),
            est_version: first.est_version.clone(),
            notice: first.notice.clone(),
            command: command.to_string(),
            set: record.set.clone(),
            split: record.split.clone(),
            rounds: first.rounds.iter().map(|round| round.record.round_name().to_string()).collect(),
            part: record.part,
            selection: record.selection,
            encoder_arithmetic: record.encoder_arithmetic.clone(),
            variants,
        })
    }

    /// For people. Shares in percent.
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n\nOutputs are {}.\n\n", self.title, self.notice);
        let split = self.split.as_ref().map_or("no split".to_string(), |split| format!("split {}", split.name));
        text += &format!(
            "Set {}, {split}, {}, part `{}`; selection protocol `{}`.\n\n",
            self.set.name,
            self.rounds.join(" + "),
            self.part,
            self.selection
        );
        let header = [
            "",
            "parameters, M",
            "without SSOP, M",
            "G MACs",
            "WAR",
            "over seeds",
            "over subjects",
            "gain over the row above",
            "UAR",
            "over seeds",
        ];
        table(&mut text, &header, self.variants.iter().map(Variant::cells));
        text += "WAR and UAR: mean over the seeds of the pooled rounds. *over seeds*: 95 % interval of that mean, Student's t; \
                 it says how much chance in the training moves it. *over subjects*: 95 % interval of the first seed's WAR by a \
                 bootstrap over subjects; it says how much the choice of people moves it. *gain*: difference in WAR seed by \
                 seed, mean and interval. G MACs of one clip as Table 5 counts them.\n\n";
        table(&mut text, &["", "seed", "clips", "no face", "WAR", "UAR", "weights"], self.seed_rows());
        let split =
            self.split.as_ref().map_or("none".to_string(), |split| format!("{} `{}`", split.name, split.sha256));
        let made = [
            ("est", self.est_version.clone()),
            ("command", format!("`{}`", self.command)),
            ("set", format!("{} `{}`", self.set.name, self.set.sha256)),
            ("split", split),
            ("encoder arithmetic", self.encoder_arithmetic.clone()),
        ];
        table(&mut text, &["made with", ""], made.map(|(what, value)| vec![what.to_string(), value]));
        text +=
            "Each run's whole configuration is in its folder (`config.toml`), each seed's report beside its runs.\n";
        text
    }

    /// One line a variant and seed.
    fn seed_rows(&self) -> Vec<Vec<String>> {
        let cells = |variant: &Variant, row: &SeedRow| {
            let hashes: Vec<String> =
                row.weights_sha256.iter().map(|hash| hash.chars().take(8).collect::<String>()).collect();
            vec![
                variant.name.clone(),
                row.seed.map_or("-".to_string(), |seed| seed.to_string()),
                row.clips.to_string(),
                row.faceless.to_string(),
                percent(row.war),
                percent(row.uar),
                format!("`{}`", hashes.join(" ")),
            ]
        };
        self.variants.iter().flat_map(|variant| variant.seeds.iter().map(|row| cells(variant, row))).collect()
    }

    /// Writes `STEM.md` and `STEM.json` into `folder`; returns the two.
    pub fn write(&self, folder: &Path, stem: &str) -> Result<Vec<PathBuf>, EvalError> {
        let json = serde_json::to_string_pretty(self).expect("a table is plain data") + "\n";
        let file = |(ending, text): (&str, String)| {
            let path = folder.join(format!("{stem}.{ending}"));
            put(&path, text.as_bytes()).map(|()| path)
        };
        [("md", self.markdown()), ("json", json)].into_iter().map(file).collect()
    }
}

impl Variant {
    fn cells(&self) -> Vec<String> {
        let millions = |count: usize| format!("{:.2}", count as f64 / 1e6);
        let mean = |score: &Option<OverSeeds>| percent(score.as_ref().map(|over| over.mean));
        let interval = |score: &Option<OverSeeds>| between(score.as_ref().and_then(|over| over.interval));
        let gain = self.war_gain.as_ref().map_or("-".to_string(), |gain| {
            let interval = gain.interval.map_or(String::new(), |interval| format!(" ({})", between(Some(interval))));
            format!("{:+.2}{interval}", 100.0 * gain.mean)
        });
        vec![
            self.name.clone(),
            millions(self.parameters),
            millions(self.parameters_without_ssop),
            format!("{:.2}", self.macs as f64 / 1e9),
            mean(&self.scores.war),
            interval(&self.scores.war),
            between(self.seeds.first().and_then(|row| row.intervals.war)),
            gain,
            mean(&self.scores.uar),
            interval(&self.scores.uar),
        ]
    }
}

impl SeedRow {
    fn of(report: &Report) -> SeedRow {
        let pooled = &report.pooled;
        SeedRow {
            seed: report.record().seed,
            clips: pooled.metrics.clips,
            faceless: pooled.faceless,
            war: pooled.metrics.war,
            uar: pooled.metrics.uar,
            intervals: pooled.intervals.clone(),
            weights_sha256: report.rounds.iter().map(|round| round.record.model.weights_sha256.clone()).collect(),
        }
    }
}
