//! Several runs: one for each round of a split (`est crossval`), and those for each row of the paper's tables and sweeps
//! (`est ablate`), each with every seed. Each run has a folder of its own and goes on by itself after a kill; the features
//! of a frozen encoder are computed once for all of them. Scoring is not done here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use est_data::set::PreparedSet;
use est_nets::{Backbone, EstConfig, Network, PRESETS, Preset};

use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::fit::{Event, Outcome, fit_sharing};
use crate::network;
use crate::parts::Parts;
use crate::sampler::most_orders;

/// A line of a table: one network, trained in every round with every seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Also of its folder; empty in a series of one row.
    pub name: String,
    /// Without round and seed.
    pub config: TrainConfig,
}

/// A run of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Below the series' folder: `ROW/seed-1/fold-1`.
    pub folder: PathBuf,
    pub round: String,
    pub config: TrainConfig,
}

/// Rows, seeds and rounds: a run for each combination.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub rows: Vec<Row>,
    pub seeds: Vec<u64>,
    /// All of one split of the set.
    pub rounds: Vec<String>,
}

impl Series {
    /// `config` in each round of the split that the set in `data` has; no seeds: the config's own.
    ///
    /// # Errors
    /// When the config has a round of its own, and as [`Series::ablation`].
    pub fn crossval(config: &TrainConfig, data: &Path, seeds: &[u64]) -> Result<Series, TrainError> {
        if let Some(round) = &config.round {
            let problem =
                format!("the config has round = \"{round}\", but a cross-validation trains every round: leave it out");
            return Err(TrainError::Series(problem));
        }
        Series::new(vec![Row { name: String::new(), config: config.clone() }], config, data, seeds)
    }

    /// The rows that `names` name, tables of [`Ablation`] or presets, each once, as changes of `base`; in its round, or else
    /// in each round of the set's split.
    ///
    /// # Errors
    /// An unknown name; a row that cannot be trained; a set that cannot be read or has no split; a seed that comes twice;
    /// and what [`Parts::of`] finds wrong with a round.
    pub fn ablation(names: &[String], base: &TrainConfig, data: &Path, seeds: &[u64]) -> Result<Series, TrainError> {
        Series::new(rows(names, base)?, base, data, seeds)
    }

    fn new(rows: Vec<Row>, base: &TrainConfig, data: &Path, seeds: &[u64]) -> Result<Series, TrainError> {
        let seeds = if seeds.is_empty() { vec![base.seed] } else { seeds.to_vec() };
        if let Some(k) = (0..seeds.len()).find(|&k| seeds[..k].contains(&seeds[k])) {
            return Err(TrainError::Series(format!("seed {} is named twice: it would count twice", seeds[k])));
        }
        let set = PreparedSet::open(data)?;
        if set.record().splits.is_empty() {
            return Err(TrainError::input(data, "has no split to go through; prepare it with --folds"));
        }
        let rounds = match &base.round {
            Some(round) => vec![round.clone()],
            None => set.split(None)?.rounds().iter().map(|round| round.name.to_string()).collect(),
        };
        let series = Series { rows, seeds, rounds };
        series.check(&set, data)?;
        Ok(series)
    }

    /// Finds what would end a run before the first begins: the rows before it may take days.
    fn check(&self, set: &PreparedSet, data: &Path) -> Result<(), TrainError> {
        // Of networks of one name the trunks are alike.
        let mut read = vec![];
        for row in &self.rows {
            let Row { name, config } = row;
            if let Some(problem) = config.problem() {
                return Err(TrainError::Row { row: name.clone(), problem });
            }
            if let Some(path) = &config.initial
                && !read.contains(&config.network.name())
            {
                network::with_trunk(path, config.initial_prefix.as_deref(), &config.network)?;
                read.push(config.network.name());
            }
        }
        // Rows differ in nothing that parts depend on, and seeds only in who validates.
        for member in self.rows.first().into_iter().flat_map(|row| self.members(row, self.seeds[0])) {
            if Parts::of(set, &member.config)?.test.is_empty() {
                return Err(TrainError::input(data, format!("round {} has no test part to score", member.round)));
            }
        }
        Ok(())
    }

    /// The runs of `row` with `seed`, one a round.
    pub fn members(&self, row: &Row, seed: u64) -> Vec<Member> {
        let member = |round: &String| Member {
            folder: self.folder(row, seed).join(round),
            round: round.clone(),
            config: TrainConfig { seed, round: Some(round.clone()), ..row.config.clone() },
        };
        self.rounds.iter().map(member).collect()
    }

    /// Of the runs of `row` with `seed`, below the series' folder.
    pub fn folder(&self, row: &Row, seed: u64) -> PathBuf {
        Path::new(&row.name).join(format!("seed-{seed}"))
    }
}

impl Member {
    /// Runs it in its folder below `out`, or goes on with it; of a finished run nothing is done again.
    ///
    /// # Errors
    /// As [`fit`](crate::fit()).
    pub fn run(&self, data: &Path, out: &Path, tell: &mut dyn FnMut(Event)) -> Result<Outcome, TrainError> {
        fit_sharing(&self.config, data, &out.join(&self.folder), true, Some(out), tell)
    }
}

/// What is varied: a table of the paper, or a sweep of its supplement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ablation {
    /// Transformer; + AA-SFE; + SSOP.
    Table5,
    /// Without attention (Table 5's first row, as the paper's figures say); self-attention alone; SE-like; hierarchical.
    Table6,
    /// J, frames of a snippet (supplement, Fig. 2a).
    Lengths,
    /// n, snippets of a clip (supplement, Fig. 2b).
    Snippets,
    /// P, orders of the SSOP head.
    Orders,
    /// The config's own, as row `paper`, and each other.
    Backbone,
}

impl Ablation {
    pub const ALL: [Ablation; 6] = [
        Ablation::Table5,
        Ablation::Table6,
        Ablation::Lengths,
        Ablation::Snippets,
        Ablation::Orders,
        Ablation::Backbone,
    ];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Ablation::Table5 => "5",
            Ablation::Table6 => "6",
            Ablation::Lengths => "lengths",
            Ablation::Snippets => "snippets",
            Ablation::Orders => "orders",
            Ablation::Backbone => "backbone",
        }
    }

    /// The rows with their changes of `base`, in the paper's order. The sweeps' steps are ours: the figures' axes are not
    /// told in the text.
    ///
    /// # Errors
    /// When `base` trains another network: the tables are EST's.
    fn rows(self, base: &TrainConfig) -> Result<Vec<Row>, TrainError> {
        let Network::Est(network) = &base.network else {
            let problem = format!("table `{}` varies EST, and the config trains {}", self.name(), base.network.name());
            return Err(TrainError::Series(problem));
        };
        let presets = |names: &[&str]| -> Vec<Row> {
            names.iter().map(|name| of_preset(Preset::named(name).expect("a preset of ours"), base)).collect()
        };
        let row = |name: String, network: EstConfig| Row { name, config: with(network.into(), base) };
        let sweep = |steps: &[usize], change: fn(&mut EstConfig, usize)| -> Vec<Row> {
            let step = |&step: &usize| {
                let mut network = network.clone();
                change(&mut network, step);
                row(format!("{}-{step}", self.name()), network)
            };
            steps.iter().map(step).collect()
        };
        Ok(match self {
            Ablation::Table5 => presets(&["transformer", "transformer+aasfe", "paper"]),
            Ablation::Table6 => presets(&["transformer", "self-attention", "squeeze-excite", "paper"]),
            Ablation::Backbone => {
                let own = EstConfig::PAPER.applied_to(network);
                let others = Backbone::ALL.into_iter().filter(|&backbone| backbone != own.backbone);
                let others = others.map(|backbone| row(backbone.name(), EstConfig { backbone, ..own.clone() }));
                presets(&["paper"]).into_iter().chain(others).collect()
            }
            Ablation::Lengths => sweep(&[1, 3, 5, 7, 9], |network, frames| network.frames = frames),
            // More than nine sub-videos of 15 frames, 10 apart, leave no room for a drawn start in a window of 105.
            Ablation::Snippets => sweep(&[3, 5, 7, 9], |network, snippets| {
                network.snippets = snippets;
                // Three snippets have five orders besides their own.
                network.orders = network.orders.min(most_orders(snippets));
            }),
            Ablation::Orders => sweep(&[5, 10, 20, 50], |network, orders| network.orders = orders),
        })
    }
}

/// `base` with a preset's network: EST with the preset's parts, or another network with its own sampling.
fn of_preset(preset: &Preset, base: &TrainConfig) -> Row {
    let config = match (&preset.config, &base.network) {
        (Network::Est(parts), Network::Est(network)) => with(parts.applied_to(network).into(), base),
        (other, _) => TrainConfig { sampling: other.sampling(), ..with(other.clone(), base) },
    };
    Row { name: preset.name.to_string(), config }
}

fn with(network: Network, base: &TrainConfig) -> TrainConfig {
    TrainConfig { network, ..base.clone() }
}

/// The rows that `names`, tables or presets, name: each once.
fn rows(names: &[String], base: &TrainConfig) -> Result<Vec<Row>, TrainError> {
    let mut rows = vec![];
    for name in names {
        let table = Ablation::ALL.into_iter().find(|table| table.name() == name);
        match (table, Preset::named(name)) {
            (Some(table), _) => rows.extend(table.rows(base)?),
            (None, Some(preset)) => rows.push(of_preset(preset, base)),
            (None, None) => {
                let tables: Vec<&str> = Ablation::ALL.iter().map(|table| table.name()).collect();
                let presets: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
                let (tables, presets) = (tables.join(", "), presets.join(", "));
                let problem = format!("no table or preset called `{name}`; tables: {tables}; presets: {presets}");
                return Err(TrainError::Series(problem));
            }
        }
    }
    let mut seen = BTreeSet::new();
    rows.retain(|row: &Row| seen.insert(row.name.clone()));
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str], base: &TrainConfig) -> Result<Vec<Row>, TrainError> {
        rows(&names.iter().map(|name| name.to_string()).collect::<Vec<_>>(), base)
    }

    #[test]
    fn the_papers_tables() {
        let parameters = |rows: Vec<Row>| -> Vec<usize> {
            rows.iter().map(|row| row.config.network.graph().parameter_count("")).collect()
        };
        // SPEC section 2: 33,322,695 (the paper counts an unused part), 34,374,343, 42,775,761. Table 6 prints 43.30 M for
        // the SE-like row, and for the one without attention Table 5's first row again.
        let five = parameters(named(&["5"], &TrainConfig::PAPER).unwrap());
        assert_eq!(five, [33_322_695, 34_374_343, 42_775_761]);
        let six = parameters(named(&["6"], &TrainConfig::PAPER).unwrap());
        assert_eq!([six[0], six[1], six[3]], [33_322_695, 42_775_761, 42_775_761]);
        assert_eq!(six[2] / 10_000, 4330);
    }

    #[test]
    fn every_row_can_be_trained_and_is_there_once() {
        let all: Vec<&str> = Ablation::ALL.iter().map(|table| table.name()).chain(["average", "paper"]).collect();
        let rows = named(&all, &TrainConfig::PAPER).unwrap();
        assert_eq!(rows.len(), 3 + 2 + 5 + 4 + 4 + 3 + 1, "Table 6 and the backbones share rows with Table 5");
        for (k, row) in rows.iter().enumerate() {
            assert_eq!(row.config.problem(), None, "{}", row.name);
            assert!(rows[..k].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }

    /// A small network stays small in every row, and its number of orders is kept.
    #[test]
    fn rows_change_what_they_name_and_nothing_else() {
        let base = TrainConfig::parse("[network]\norders = 6\nencoder_layers = 1\nfeed_forward = 64").unwrap();
        let rows = named(&["average", "5"], &base).unwrap();
        let orders: Vec<usize> = rows.iter().map(|row| row.config.network.orders()).collect();
        assert_eq!(orders, [0, 0, 0, 6]);
        let est = |row: &Row| row.config.network.est().unwrap().clone();
        assert!(rows.iter().all(|row| est(row).feed_forward == 64 && row.config.optimiser == base.optimiser));
        assert_eq!(rows[3].config, base);
        let small = TrainConfig::parse("[network]\nbackbone = \"separable16\"").unwrap();
        let backbones = |names: &[&str]| -> Vec<String> {
            named(names, &small).unwrap().iter().map(|row| est(row).backbone.name()).collect()
        };
        assert_eq!(backbones(&["average", "5", "6"]), ["separable16"; 6]);
        assert_eq!(backbones(&["backbone", "resnet34"]), ["separable16", "resnet18", "resnet34", "resnet50"]);
        let without = TrainConfig::parse("[network]\norders = 0").unwrap();
        assert_eq!(named(&["paper"], &without).unwrap()[0].config.network.orders(), 10);
        let error = named(&["7"], &base).unwrap_err().to_string();
        assert!(error.contains("`7`") && error.contains("lengths") && error.contains("transformer+aasfe"), "{error}");
    }
}
