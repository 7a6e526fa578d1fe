//! Several prepared sets made one, so that a network trains on all of them.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::build::{ClipMaker, SetPlan};
use super::part::{MadeClip, Scratch};
use super::reader::PreparedSet;
use super::row::{ClipRow, ClipStatus};
use crate::error::DataError;
use crate::protocol::{Clip, Split};

/// Settings that must be the same in all sets: pictures that a network can read together.
const SHARED: [&str; 3] = ["size", "crop", "upright_beyond"];
/// What the writer of a clip's JSON member knows itself.
const OWN: [&str; 7] = ["clip", "label", "class", "subject", "part", "source", "pts_s"];

/// A set that becomes part of another.
pub struct Joined {
    /// Goes before its clips' and subjects' names, with a `-`; letters, digits, `_` and `-`.
    pub name: String,
    /// `train`, `validation` or `test`, for all of its clips.
    pub part: Option<&'static str>,
    pub set: PreparedSet,
}

/// The set of all clips of `sets`, in their order. Classes are joined by name; a set without a class that another has
/// simply has no clip of it. When sets have parts, the split is by them; otherwise none is made.
///
/// # Errors
/// When two sets have one name, pictures of different sizes or crops, or only some have a part.
pub fn join_plan(sets: &[Joined], shard_clips: usize) -> Result<SetPlan, DataError> {
    let first = &sets.first().expect("a set to join").set;
    let mut classes: Vec<String> = vec![];
    for (k, Joined { name, set, .. }) in sets.iter().enumerate() {
        if let Some(other) = sets[..k].iter().find(|other| other.name == *name) {
            let problem =
                format!("would have the same name as {}: {name}; rename a folder", other.set.folder().display());
            return Err(DataError::set(set.folder(), problem));
        }
        let differ = |what: &str, [one, other]: [String; 2]| {
            let problem = format!("has {what} {other}, {} has {one}; prepare one again", first.folder().display());
            DataError::set(set.folder(), problem)
        };
        let sizes = [first, set].map(|set| set.record().settings.get("size"));
        if sizes[0] != sizes[1] {
            return Err(differ("`size`", sizes.map(|size| size.unwrap_or(&Value::Null).to_string())));
        }
        let crops = [first, set].map(PreparedSet::crop);
        if crops[0] != crops[1] {
            return Err(differ("faces cropped as", crops.map(|crop| crop.to_string())));
        }
        // Generated faces and sets of before there was this choice say nothing of it, and fit both.
        let said = sets[..k].iter().find_map(|joined| joined.set.upright_beyond());
        if let Some((one, other)) = said.zip(set.upright_beyond()).filter(|(one, other)| one != other) {
            return Err(differ("crops turned upright beyond degrees", [one, other].map(|degrees| degrees.to_string())));
        }
        classes
            .extend(set.record().classes.iter().filter(|class| !classes.contains(class)).cloned().collect::<Vec<_>>());
    }
    classes.sort();
    let mut clips = vec![];
    for Joined { name, part, set } in sets {
        for row in set.clips() {
            let label = row.class.as_ref().and_then(|class| classes.iter().position(|other| other == class));
            clips.push(ClipRow {
                clip: format!("{name}-{}", row.clip),
                label,
                subject: row.subject.as_ref().map(|subject| format!("{name}-{subject}")),
                part: part.map(String::from),
                frames: 0,
                start_s: None,
                end_s: None,
                shard: None,
                first_frame: None,
                sha256: None,
                ..row.clone()
            });
        }
    }
    let labelled: Vec<Clip> = clips
        .iter()
        .filter_map(|row| {
            let (subject, part) = (row.subject.as_deref(), row.part.as_deref());
            Some(Clip { id: &row.clip, label: row.label?, subject, part })
        })
        .collect();
    let split = match sets.iter().filter(|joined| joined.part.is_some()).count() {
        0 => None,
        count if count == sets.len() => Some(Split::official("join", &labelled)?),
        _ => {
            let without = sets.iter().find(|joined| joined.part.is_none()).expect("not all have one");
            let problem = "has no part and others have; write PART=DIR for all or for none";
            return Err(DataError::set(without.set.folder(), problem));
        }
    };
    let of: Vec<Value> = sets
        .iter()
        .map(|Joined { name, part, set }| {
            json!({ "name": name, "part": part, "sha256": set.record().hash(), "set": set.record().name,
                "settings": set.record().settings })
        })
        .collect();
    let mut settings = json!({ "joined": of });
    for setting in SHARED {
        if let Some(value) = sets.iter().find_map(|joined| joined.set.record().settings.get(setting)) {
            settings[setting] = value.clone();
        }
    }
    Ok(SetPlan { name: "join".to_string(), classes, settings, clips, split, shard_clips })
}

/// Copies clips, each compared with its hash before.
pub struct JoinMaker<'a> {
    sets: &'a [Joined],
}

impl<'a> JoinMaker<'a> {
    pub fn new(sets: &'a [Joined]) -> Self {
        JoinMaker { sets }
    }
}

impl ClipMaker for JoinMaker<'_> {
    fn make(&mut self, number: usize, scratch: &Scratch) -> Result<MadeClip, DataError> {
        let mut number = number;
        let joined = self.sets.iter().find(|joined| {
            let there = joined.set.clips().len();
            let within = number < there;
            number -= if within { 0 } else { there };
            within
        });
        let set = &joined.expect("the plan has the sets' clips").set;
        let row = &set.clips()[number];
        if row.status != ClipStatus::Ok {
            return Ok(MadeClip { decoded: row.decoded, tracks: row.tracks, ..MadeClip::without(row.status, None) });
        }
        set.verify(row)?;
        let mut frames = scratch.frames();
        for (k, pts_s) in set.times(row).into_iter().enumerate() {
            frames.push(pts_s, set.jpeg(row, k as u64)?).map_err(DataError::write(scratch.folder()))?;
        }
        let mut details = set.details(row)?;
        if let Some(details) = details.as_object_mut() {
            OWN.iter().for_each(|key| _ = details.remove(*key));
            let from: PathBuf = set.folder().file_name().map(PathBuf::from).unwrap_or_default();
            details.insert("joined_from".to_string(), json!({ "set": from, "clip": row.clip }));
        }
        let (decoded, tracks) = (row.decoded, row.tracks);
        Ok(MadeClip { status: row.status, frames: Some(frames), decoded, tracks, note: None, details })
    }
}
