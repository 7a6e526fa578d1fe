//! The shipped recogniser over clips of a prepared set.

use std::collections::BTreeMap;

use est::report::ModelRecord;
use est::{CropId, Emotion, Recogniser, Window, centre_window, test_places};
use est_data::protocol::{Selection, Split};
use est_data::set::{ClipRow, ClipStatus, PreparedSet, Recrop};
use est_media::Image;

use super::classes::ClassMap;
use super::{ClipPrediction, Encoded, Part, Predictions, Record, Scope, SetStamp};
use crate::error::EvalError;

/// What is stamped on the predictions, and what is scored.
#[derive(Debug, Clone, Default)]
pub struct EvaluateOptions {
    /// Of the round; the default is the test part.
    pub part: Part,
    pub selection: Selection,
    /// Of the training, where it is known.
    pub seed: Option<u64>,
    /// The command line.
    pub command: String,
    /// The model may have more classes than the set, and chooses among the set's.
    pub restrict_classes: bool,
    /// Of the set, those that are scored: clips of others are left out, and the model chooses among these. Empty: all.
    pub classes: Vec<String>,
}

/// Clips done, of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: usize,
    pub total: usize,
}

/// What the model says of a part of the round called `round` of `split`: of each clip the middle window of its crops at
/// the model's rate, as SPEC section 1 has it (test sampling, no augmentation), by the program that users run.
///
/// # Errors
/// [`Scope::round`]'s; classes that are not the same by name; nothing to score; a label that is none of the set's classes;
/// a shard that is not what the manifest names.
pub fn evaluate(
    recogniser: &mut Recogniser,
    set: &PreparedSet,
    split: &Split,
    round: &str,
    options: &EvaluateOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Predictions, EvalError> {
    let scope = Scope::round(set, split, round, options.part)?;
    evaluate_scope(recogniser, set, &scope, options, progress)
}

/// As [`evaluate`]; crops that `encoded` knows are not encoded again, and those that are encoded it knows from then on.
/// [`Encoded::begin`] comes first.
pub fn evaluate_encoded(
    recogniser: &mut Recogniser,
    set: &PreparedSet,
    split: &Split,
    round: &str,
    options: &EvaluateOptions,
    encoded: &mut Encoded,
    progress: &mut dyn FnMut(Progress),
) -> Result<Predictions, EvalError> {
    let scope = Scope::round(set, split, round, options.part)?;
    let encoded = recogniser.model().config.encoder().map(|_| encoded);
    predict(recogniser, set, &scope, options, encoded, progress, &mut |_| Ok(()))
}

/// As [`evaluate`], of the clips of `scope`.
pub fn evaluate_scope(
    recogniser: &mut Recogniser,
    set: &PreparedSet,
    scope: &Scope,
    options: &EvaluateOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Predictions, EvalError> {
    predict(recogniser, set, scope, options, None, progress, &mut |_| Ok(()))
}

/// As [`evaluate_scope`]; `look` sees each clip, in order, as the network reads it: None where it has no crops.
pub(crate) fn predict(
    recogniser: &mut Recogniser,
    set: &PreparedSet,
    scope: &Scope,
    options: &EvaluateOptions,
    mut encoded: Option<&mut Encoded>,
    progress: &mut dyn FnMut(Progress),
    look: &mut dyn FnMut(Option<&ReadClip>) -> Result<(), EvalError>,
) -> Result<Predictions, EvalError> {
    let record = set.record();
    let classes = scored(set, &options.classes)?;
    let restrict = options.restrict_classes || !options.classes.is_empty();
    let map = ClassMap::new(&record.name, &classes, &recogniser.model().classes, restrict)?;
    let rows = rows(set, scope, &classes)?;
    let preprocessing = &recogniser.model().preprocessing;
    let recrop = set.recrop(preprocessing.crop, preprocessing.size)?;
    let mut clips = Vec::with_capacity(rows.len());
    let mut resized = None;
    for (done, (row, label)) in rows.iter().enumerate() {
        progress(Progress { done, total: rows.len() });
        let read = read_clip(recogniser, set, row, recrop, encoded.as_deref_mut())?;
        look(read.as_ref())?;
        if let Some(read) = &read {
            resized = resized.or(read.resized);
        }
        let emotion = match &read {
            Some(read) => Some(read.emotion(recogniser)?),
            None => None,
        };
        clips.push(ClipPrediction {
            clip: row.clip.clone(),
            subject: row.subject.clone(),
            label: *label,
            status: row.status,
            probabilities: emotion.map(|emotion| map.probabilities(&emotion.probabilities)),
            window_s: read.as_ref().map(|read| (read.window.start_s, read.window.end_s)),
            stretched: read.as_ref().is_some_and(|read| read.window.stretched),
        });
    }
    progress(Progress { done: rows.len(), total: rows.len() });
    let record = Record {
        est_version: env!("CARGO_PKG_VERSION").to_string(),
        command: options.command.clone(),
        model: ModelRecord::of(recogniser.model()),
        encoder_arithmetic: recogniser.encoder_arithmetic().to_string(),
        set: SetStamp { name: record.name.clone(), sha256: record.hash() },
        split: scope.split.clone(),
        round: scope.round.clone(),
        part: scope.part,
        selection: options.selection,
        seed: options.seed,
        left_out: record.classes.iter().filter(|class| !classes.contains(class)).cloned().collect(),
        classes,
        restricted: map.restricted,
        resized,
        middle: (recrop.share < 1.0).then_some(recrop.share),
    };
    Ok(Predictions { record, clips })
}

/// The `chosen` classes in the set's order; of none, all of them.
fn scored(set: &PreparedSet, chosen: &[String]) -> Result<Vec<String>, EvalError> {
    let record = set.record();
    let wrong = |problem| EvalError::Classes { set: record.name.clone(), problem };
    if chosen.is_empty() {
        return Ok(record.classes.clone());
    }
    if let Some(unknown) = chosen.iter().find(|&class| !record.classes.contains(class)) {
        return Err(wrong(format!("`{unknown}` is none of its classes: {}", record.classes.join(" "))));
    }
    let classes: Vec<String> = record.classes.iter().filter(|&class| chosen.contains(class)).cloned().collect();
    match &classes[..] {
        [only] => Err(wrong(format!("`{only}` alone is no choice; name two classes or more"))),
        _ => Ok(classes),
    }
}

/// The clips of the scope that show one of `classes`, and which, in the order of the manifest.
fn rows<'a>(set: &'a PreparedSet, scope: &Scope, classes: &[String]) -> Result<Vec<(&'a ClipRow, usize)>, EvalError> {
    let record = set.record();
    let mut rows = vec![];
    for row in set.clips().iter().filter(|row| scope.clips.contains(&row.clip)) {
        let Some(label) = row.label else { continue };
        let Some(name) = record.classes.get(label) else {
            let problem = format!(
                "clip {} has the label {label}, but there are {} classes; prepare the set again",
                row.clip,
                record.classes.len()
            );
            return Err(EvalError::Classes { set: record.name.clone(), problem });
        };
        if let Some(label) = classes.iter().position(|class| class == name) {
            rows.push((row, label));
        }
    }
    if rows.is_empty() {
        let of = scope.round.as_deref().map(|round| format!(" of round {round}")).unwrap_or_default();
        let problem = format!("the part {}{of} has no labelled clip: there is nothing to score", scope.part);
        return Err(EvalError::Empty { set: record.name.clone(), problem });
    }
    Ok(rows)
}

/// A clip as the network reads it.
pub(crate) struct ReadClip {
    window: Window,
    /// The n J crops that the network reads, snippet by snippet.
    pub crops: Vec<CropId>,
    /// Features of each crop, once.
    features: BTreeMap<CropId, Vec<f32>>,
    /// Side of the set's crops and of the model's, where they differ.
    resized: Option<(usize, usize)>,
}

impl ReadClip {
    /// Features of the n J crops, snippet by snippet.
    pub fn features(&self) -> Vec<&[f32]> {
        self.crops.iter().map(|crop| self.features[crop].as_slice()).collect()
    }

    fn emotion(&self, recogniser: &mut Recogniser) -> Result<Emotion, EvalError> {
        Ok(recogniser.emotions(&[self.features()])?.remove(0))
    }
}

/// Reads the middle window of a clip; None where it has no crops.
fn read_clip(
    recogniser: &mut Recogniser,
    set: &PreparedSet,
    row: &ClipRow,
    recrop: Recrop,
    encoded: Option<&mut Encoded>,
) -> Result<Option<ReadClip>, EvalError> {
    if row.status != ClipStatus::Ok {
        return Ok(None);
    }
    // Before a flipped bit becomes a score.
    set.verify(row)?;
    let preprocessing = &recogniser.model().preprocessing;
    let (rate, sampling) = (preprocessing.rate, preprocessing.sampling);
    let Some(window) = centre_window(rate, sampling.window, &set.times(row)) else {
        return Ok(None);
    };
    let places = test_places(sampling, recogniser.model().config.layout()).expect("the recogniser was made with them");
    let crops: Vec<CropId> = places.iter().map(|&place| window.crops[place]).collect();
    let mut wanted = crops.clone();
    wanted.sort_unstable();
    wanted.dedup();
    let mut own = Encoded::default();
    let known = encoded.unwrap_or(&mut own).clips.entry(row.clip.clone()).or_default();
    let mut pictures = vec![];
    let unknown: Vec<CropId> = wanted.iter().copied().filter(|crop| !known.features.contains_key(crop)).collect();
    for &crop in &unknown {
        let image = set.image(row, crop)?;
        if (image.width, image.height) != (recrop.size, recrop.size) {
            known.resized = Some((image.width, recrop.size));
        }
        pictures.push(recrop.apply(image));
    }
    let features = recogniser.features(&pictures.iter().collect::<Vec<&Image>>())?;
    known.features.extend(unknown.into_iter().zip(features));
    let features = wanted.into_iter().map(|crop| (crop, known.features[&crop].clone())).collect();
    Ok(Some(ReadClip { window, crops, features, resized: known.resized }))
}
