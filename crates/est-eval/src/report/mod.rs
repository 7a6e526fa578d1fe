//! The scores of one or several rounds, with everything that they depend on.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::EvalError;
use crate::intervals::{BootstrapOptions, ScoreIntervals, bootstrap};
use crate::metrics::{Confusion, Metrics};
use crate::outcome::{Faceless, Outcome};
use crate::predictions::{self, Predictions, Record};

/// Names within the folder of a report.
pub const PREDICTIONS: &str = "predictions.csv";
pub const REPORT_JSON: &str = "report.json";

/// How predictions become scores.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReportOptions {
    pub faceless: Faceless,
    pub bootstrap: BootstrapOptions,
    /// Classes of the set may be without a clip; they are left out of UAR and macro F1.
    pub allow_empty_classes: bool,
}

/// One round's scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    #[serde(flatten)]
    pub record: Record,
    /// Clips without a face, counted or left out as the options say.
    pub faceless: usize,
    pub metrics: Metrics,
    pub confusion: Confusion,
}

/// The scores of all rounds' clips together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pooled {
    pub faceless: usize,
    pub metrics: Metrics,
    pub intervals: ScoreIntervals,
    pub confusion: Confusion,
}

/// Scores with everything that they depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub est_version: String,
    pub notice: String,
    pub options: ReportOptions,
    pub classes: Vec<String>,
    pub pooled: Pooled,
    pub rounds: Vec<Round>,
    #[serde(skip)]
    predictions: Vec<Predictions>,
}

impl Report {
    /// Scores each round and all of them together.
    ///
    /// # Errors
    /// No rounds; rounds of different sets, splits, classes or selection protocols; a round or a clip that comes twice; a
    /// class without a clip, unless the options allow it.
    pub fn pooled(predictions: Vec<Predictions>, options: ReportOptions) -> Result<Report, EvalError> {
        let Some(first) = predictions.first().map(|round| round.record.clone()) else {
            return Err(EvalError::Different("there are no predictions to report on".to_string()));
        };
        check(&predictions, &first)?;
        let classes = first.classes.len();
        let score = |rounds: &[Predictions]| {
            let outcomes = Outcome::of(rounds.iter().flat_map(|round| &round.clips), options.faceless);
            (Confusion::of(classes, &outcomes), outcomes)
        };
        let rounds = predictions.iter().map(|round| {
            let (confusion, _) = score(std::slice::from_ref(round));
            let (record, faceless) = (round.record.clone(), round.faceless());
            Round { record, faceless, metrics: confusion.metrics(), confusion }
        });
        let rounds: Vec<Round> = rounds.collect();
        let (confusion, outcomes) = score(&predictions);
        let metrics = confusion.metrics();
        if let Some(empty) = metrics.support.iter().position(|&clips| clips == 0)
            && !options.allow_empty_classes
        {
            let problem = format!(
                "class `{}` has no clip to score, so UAR and macro F1 would be of fewer classes; --allow-empty-classes \
                 leaves it out of them",
                first.classes[empty]
            );
            return Err(EvalError::Empty { set: first.set.name, problem });
        }
        let intervals = bootstrap(classes, &outcomes, &options.bootstrap);
        let faceless = rounds.iter().map(|round| round.faceless).sum();
        Ok(Report {
            est_version: env!("CARGO_PKG_VERSION").to_string(),
            notice: est::report::RunRecord::NOTICE.to_string(),
            options,
            classes: first.classes,
            pooled: Pooled { faceless, metrics, intervals, confusion },
            rounds,
            predictions,
        })
    }

    /// The predictions that were scored.
    pub fn predictions(&self) -> &[Predictions] {
        &self.predictions
    }

    /// Writes everything into `folder`, which is made if it is not there; returns the files.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
        std::fs::create_dir_all(folder).map_err(|error| EvalError::Write { path: folder.to_owned(), error })?;
        let table = folder.join(PREDICTIONS);
        predictions::write(&table, &self.predictions)?;
        let json = folder.join(REPORT_JSON);
        let text = serde_json::to_string_pretty(self).expect("reports are plain data") + "\n";
        predictions::put(&json, text.as_bytes())?;
        Ok(vec![table, json])
    }
}

/// That the rounds belong together.
fn check(rounds: &[Predictions], first: &Record) -> Result<(), EvalError> {
    let different = |what: String| Err(EvalError::Different(what));
    for (k, Predictions { record, .. }) in rounds.iter().enumerate() {
        let name = record.round_name();
        if record.set != first.set {
            return different(format!("round {name} is of another set ({} {})", record.set.name, record.set.sha256));
        }
        if record.split != first.split || record.part != first.part {
            return different(format!("round {name} is of another split or part of the set {}", record.set.name));
        }
        if record.classes != first.classes || record.restricted != first.restricted {
            return different(format!("round {name} has other classes: {}", record.classes.join(" ")));
        }
        if record.selection != first.selection {
            let (a, b) = (first.selection, record.selection);
            return different(format!("round {name} was selected by {b}, the others by {a}: one score must have one"));
        }
        if rounds[..k].iter().any(|other| other.record.round_name() == name) {
            return different(format!("round {name} is there twice; average seeds instead of pooling them"));
        }
    }
    let mut clips: Vec<&str> = rounds.iter().flat_map(|round| &round.clips).map(|clip| clip.clip.as_str()).collect();
    clips.sort_unstable();
    match clips.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(twice) => different(format!("clip {} is in two rounds", twice[0])),
        None => Ok(()),
    }
}
