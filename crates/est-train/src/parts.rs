//! Who trains, who validates, who tests; and what in a set keeps it from being trained on.

use std::collections::BTreeSet;
use std::path::PathBuf;

use est_data::protocol::{Clip, Round, Selection, Split};
use est_data::set::{ClipRow, ClipStatus, PreparedSet, SPLITS};

use crate::config::TrainConfig;
use crate::error::TrainError;

/// Clips by their place in [`PreparedSet::clips`], only those with frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The round, or `all`.
    pub name: String,
    pub train: Vec<usize>,
    /// What the selection looks at: empty for [`Selection::LastEpoch`].
    pub validation: Vec<usize>,
    /// Never trained on.
    pub test: Vec<usize>,
    /// Training clips by class.
    pub counts: Vec<usize>,
    /// Labelled training clips in which no face was found, or that could not be read.
    pub without_frames: usize,
}

impl Parts {
    /// The parts that `config` asks for.
    ///
    /// # Errors
    /// A round that is not there; a label outside the classes; a subject in two parts; a class without a training clip;
    /// fewer clips than a batch. The message names the file.
    pub fn of(set: &PreparedSet, config: &TrainConfig) -> Result<Self, TrainError> {
        let manifest = set.folder().join("clips.csv");
        let classes = set.record().classes.len();
        if let Some(clip) = set.clips().iter().find(|clip| clip.label.is_some_and(|label| label >= classes)) {
            let label = clip.label.unwrap_or_default();
            let problem = format!(
                "clip {} has the label {label}; the set has {classes} classes (0 to {})",
                clip.clip,
                classes.saturating_sub(1)
            );
            return Err(TrainError::input(manifest, problem));
        }
        let splits = set.splits()?;
        let (source, name, [train, validation, test]) = match &config.round {
            None => {
                let labelled = (0..set.clips().len()).filter(|&clip| set.clips()[clip].label.is_some()).collect();
                (manifest, "all".to_string(), [labelled, vec![], vec![]])
            }
            Some(name) => {
                let (path, round) = find(set, &splits, name)?;
                let places = |ids: &[&str]| {
                    let ids: BTreeSet<&str> = ids.iter().copied().collect();
                    let named = |clip: &usize| {
                        let row = &set.clips()[*clip];
                        row.label.is_some() && ids.contains(row.clip.as_str())
                    };
                    (0..set.clips().len()).filter(named).collect::<Vec<_>>()
                };
                (path, name.clone(), [places(&round.train), places(&round.validation), places(&round.test)])
            }
        };
        if !config.allow_shared_subjects {
            let apart = [("training", &train), ("validation", &validation), ("test", &test)];
            for (k, (first, some)) in apart.iter().enumerate() {
                for (second, others) in &apart[k + 1..] {
                    if let Some(subject) = shared(set, some, others) {
                        let problem = format!(
                            "subject {subject} is in the {first} part and in the {second} part of {name}: the score would \
                             not be that of an unknown person; draw folds by subject (`est prepare --folds`), or set \
                             allow_shared_subjects = true"
                        );
                        return Err(TrainError::input(source, problem));
                    }
                }
            }
        }
        let (train, validation) = match config.selection {
            Selection::LastEpoch => (train, vec![]),
            Selection::Unstated => return Err(TrainError::input(source, "cannot be trained on without a `selection`")),
            Selection::BestOnTest if test.is_empty() => {
                let problem = "has no test part to select on; set `round`, or selection = \"inner-validation\"";
                return Err(TrainError::input(source, problem));
            }
            Selection::BestOnTest => (train, test.clone()),
            Selection::InnerValidation if !validation.is_empty() => (train, validation),
            Selection::InnerValidation => hold_out(set, train, config, &source)?,
        };
        let labelled = train.len();
        let [train, validation, test] = [train, validation, test].map(|clips| with_frames(set, clips));
        let mut counts = vec![0; classes];
        train.iter().filter_map(|&clip| set.clips()[clip].label).for_each(|label| counts[label] += 1);
        if let Some(class) = counts.iter().position(|&count| count == 0) {
            let problem = format!(
                "no training clip of class `{}` in {name}; prepare the set without that class, or choose another split",
                set.record().classes[class]
            );
            return Err(TrainError::input(source, problem));
        }
        let update = config.optimiser.batch * config.optimiser.accumulate;
        if train.len() < update {
            let problem =
                format!("{} training clips in {name} make no update of {update}; lower optimiser.batch", train.len());
            return Err(TrainError::input(source, problem));
        }
        Ok(Parts { name, without_frames: labelled - train.len(), train, validation, test, counts })
    }
}

fn find<'a>(set: &PreparedSet, splits: &'a [Split], name: &str) -> Result<(PathBuf, Round<'a>), TrainError> {
    for split in splits {
        if let Some(round) = split.rounds().into_iter().find(|round| round.name == name) {
            let path = set.folder().join(SPLITS).join(format!("{}.csv", split.kind.name()));
            return Ok((path, round));
        }
    }
    let known: Vec<String> =
        splits.iter().flat_map(|split| split.rounds()).map(|round| round.name.to_string()).collect();
    let known = if known.is_empty() { "none".to_string() } else { known.join(", ") };
    Err(TrainError::input(set.folder().join(SPLITS), format!("no round called {name}; there are: {known}")))
}

/// Every clip of `set` that a round may read.
pub(crate) fn labelled(set: &PreparedSet) -> Vec<usize> {
    with_frames(set, (0..set.clips().len()).filter(|&clip| set.clips()[clip].label.is_some()).collect())
}

fn with_frames(set: &PreparedSet, clips: Vec<usize>) -> Vec<usize> {
    let fine = |clip: &usize| {
        let row = &set.clips()[*clip];
        row.status == ClipStatus::Ok && row.frames > 0
    };
    clips.into_iter().filter(fine).collect()
}

fn shared<'a>(set: &'a PreparedSet, some: &[usize], others: &[usize]) -> Option<&'a str> {
    let subject = |&clip: &usize| set.clips()[clip].subject.as_deref();
    let known: BTreeSet<&str> = some.iter().filter_map(subject).collect();
    others.iter().filter_map(subject).find(|subject| known.contains(subject))
}

/// Takes some of the subjects of `train` away to validate on.
fn hold_out(
    set: &PreparedSet,
    train: Vec<usize>,
    config: &TrainConfig,
    source: &std::path::Path,
) -> Result<(Vec<usize>, Vec<usize>), TrainError> {
    let clip = |row: &'_ ClipRow| -> Option<(String, usize, String)> {
        Some((row.clip.clone(), row.label?, row.subject.clone()?))
    };
    let rows: Vec<_> = train.iter().map(|&place| clip(&set.clips()[place])).collect();
    if let Some(place) = rows.iter().position(Option::is_none) {
        let problem = format!(
            "clip {} has no subject, so no subjects can be held out for validation; set selection = \"last-epoch\", or give \
             the set a validation part",
            set.clips()[train[place]].clip
        );
        return Err(TrainError::input(source, problem));
    }
    let rows: Vec<_> = rows.into_iter().flatten().collect();
    let subjects = rows.iter().map(|(_, _, subject)| subject).collect::<BTreeSet<_>>().len();
    if subjects < 2 {
        return Err(TrainError::input(
            source,
            "one subject cannot be divided for validation; set selection = \"last-epoch\"",
        ));
    }
    let folds = ((1.0 / config.validation_share).round() as usize).clamp(2, subjects);
    let clips: Vec<Clip> = rows
        .iter()
        .map(|(id, label, subject)| Clip { id, label: *label, subject: Some(subject), part: None })
        .collect();
    let split = Split::by_subject("validation", &clips, folds, config.seed)?;
    let validates =
        |place: &usize| split.assignment.get(&set.clips()[*place].clip).is_some_and(|fold| fold == "fold-1");
    let (validation, train) = train.into_iter().partition(validates);
    Ok((train, validation))
}
