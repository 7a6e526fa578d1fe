//! Scripts drawn by a source into a prepared set.

use std::path::PathBuf;

use est_media::JpegColour;
use serde_json::{Map, Value, json};

use super::facs::{Au, Intensities};
use super::nuisance::PictureNuisance;
use super::script::{ClipScript, Profile, Truth};
use super::video::VideoFile;
use super::{Source, Subject};
use crate::error::DataError;
use crate::listing::ClipEntry;
use crate::protocol::{Clip, Split};
use crate::set::{ClipMaker, ClipRow, ClipStatus, MadeClip, Scratch, SetPlan};

/// JPEG quality of the pictures: what a script does not spoil stays.
const QUALITY: u8 = 95;

/// What is to be generated.
#[derive(Debug, Clone)]
pub struct SynthOptions {
    pub profile: Profile,
    pub subjects: usize,
    pub clips_per_subject: usize,
    pub seed: u64,
    /// Side of the pictures in pixels.
    pub size: usize,
    /// Person-independent folds that are drawn.
    pub folds: usize,
    pub shard_clips: usize,
    /// Only the frames of [`ClipScript::stills`] are drawn: many different faces to learn from, not their course.
    pub stills: bool,
    /// Folder for an mp4 of every clip.
    pub videos: Option<PathBuf>,
}

/// The set that `options` ask for.
///
/// # Errors
/// When the source has fewer subjects, or there are fewer than folds.
pub fn plan(source: &dyn Source, options: &SynthOptions) -> Result<SetPlan, DataError> {
    if let Some(there) = source.subjects().filter(|&there| there < options.subjects) {
        let problem = format!("{there} subjects are there, {} are asked for; lower --subjects", options.subjects);
        return Err(DataError::set(source.name(), problem));
    }
    let classes: Vec<String> = options.profile.classes().into_iter().map(String::from).collect();
    let mut clips = vec![];
    for subject in 0..options.subjects {
        for clip in 0..options.clips_per_subject {
            let script = ClipScript::new(&options.profile, options.seed, subject, clip);
            let entry = ClipEntry {
                id: format!("{}-{subject:04}-{clip:03}", source.name()),
                source: est::Source::File(PathBuf::new()),
                label: classes.iter().position(|class| class == script.label),
                subject: Some(format!("{}-{subject:04}", source.name())),
                part: None,
                note: None,
            };
            clips.push(ClipRow::new(&entry, &classes, String::new()));
        }
    }
    let asked: Vec<Clip> = clips
        .iter()
        .map(|row| Clip {
            id: &row.clip,
            label: row.label.expect("every script has a class"),
            subject: row.subject.as_deref(),
            part: None,
        })
        .collect();
    let split = match source.mixes_faces() {
        true => None,
        false => Some(Split::by_subject("synth", &asked, options.folds, options.seed)?),
    };
    let mut settings = json!({
        "source": source.name(), "profile": options.profile, "seed": options.seed, "size": options.size,
        "subjects": options.subjects, "clips_per_subject": options.clips_per_subject, "jpeg_quality": QUALITY,
        "videos": options.videos.is_some(), "mixes_faces": source.mixes_faces(),
    });
    // Left out where it is off: sets that were made before there was this choice stay the same sets.
    if options.stills {
        settings["stills"] = json!(true);
    }
    Ok(SetPlan { name: "synth".to_string(), classes, settings, clips, split, shard_clips: options.shard_clips })
}

/// Draws the clips of a plan.
pub struct ScriptMaker<'a> {
    source: &'a dyn Source,
    options: &'a SynthOptions,
    plan: &'a SetPlan,
    /// The one that was drawn last: most clips are of the same subject as the one before.
    subject: Option<(usize, Box<dyn Subject>)>,
}

impl<'a> ScriptMaker<'a> {
    pub fn new(source: &'a dyn Source, options: &'a SynthOptions, plan: &'a SetPlan) -> Self {
        ScriptMaker { source, options, plan, subject: None }
    }

    fn subject(&mut self, index: usize) -> Result<&dyn Subject, DataError> {
        if self.subject.as_ref().is_none_or(|(known, _)| *known != index) {
            self.subject = Some((index, self.source.subject(index, self.options.seed)?));
        }
        Ok(self.subject.as_ref().expect("just put there").1.as_ref())
    }
}

impl ClipMaker for ScriptMaker<'_> {
    fn make(&mut self, number: usize, scratch: &Scratch) -> Result<MadeClip, DataError> {
        let (options, row) = (self.options, &self.plan.clips[number]);
        let (index, clip) = (number / options.clips_per_subject, number % options.clips_per_subject);
        let script = ClipScript::new(&options.profile, options.seed, index, clip);
        let nuisance = PictureNuisance::new(&options.profile, options.seed, index, clip);
        let subject = self.subject(index)?;
        let mut frames = scratch.frames();
        let write = || DataError::write(scratch.folder());
        let begin = |_: &PathBuf| VideoFile::begin(scratch.folder(), options.size, f64::from(script.fps));
        let mut video = options.videos.as_ref().map(begin).transpose().map_err(write())?;
        let mut landmarks = vec![];
        let shown = if options.stills { script.stills() } else { (0..script.frames()).collect() };
        for (place, &frame) in shown.iter().enumerate() {
            let mut drawn = subject.draw(&script.state(frame), options.size);
            nuisance.apply(frame, &mut drawn.image);
            // Stills stand one behind the other, so that a window shows each for as long.
            let pts_s = place as f64 / f64::from(script.fps);
            frames.push(pts_s, &drawn.image.to_jpeg(QUALITY, JpegColour::Full)).map_err(write())?;
            if let Some(video) = &mut video {
                video.frame(&drawn.image).map_err(write())?;
            }
            landmarks.push(drawn.landmarks.map(|point| point.map(thousandths)));
        }
        if let (Some(video), Some(folder)) = (video, &options.videos) {
            let path = folder.join(format!("{}.mp4", row.clip));
            video.finish(&path).map_err(DataError::write(&path))?;
        }
        let decoded = shown.len() as u64;
        let details = json!({ "subject_id": subject.id(), "truth": truth(&script, &shown), "landmarks": landmarks });
        Ok(MadeClip { status: ClipStatus::Ok, frames: Some(frames), decoded, tracks: 1, note: None, details })
    }
}

/// What is known of a clip's frames that are `shown`: intensities as [left, right] for each, of the action units that
/// occur; poses as [yaw, pitch, roll] in degrees.
fn truth(script: &ClipScript, shown: &[usize]) -> Value {
    let frames: Vec<Truth> = shown.iter().map(|&frame| script.truth(frame)).collect();
    let apex = script.apex_frame();
    let over_time = |of: fn(&Truth) -> &Intensities| -> Map<String, Value> {
        let occurs = |au: &Au| frames.iter().any(|truth| of(truth).get(*au) != [0.0; 2]);
        let values = |au: Au| frames.iter().map(|truth| of(truth).get(au).map(thousandths)).collect::<Vec<_>>();
        Au::ALL.into_iter().filter(occurs).map(|au| (name(au), json!(values(au)))).collect()
    };
    let resting: Map<String, Value> = Au::ALL
        .into_iter()
        .map(|au| (au, frames[0].resting.get(au)))
        .filter(|(_, sides)| *sides != [0.0; 2])
        .map(|(au, sides)| (name(au), json!(sides.map(thousandths))))
        .collect();
    let pose = |truth: &Truth| [truth.pose.yaw, truth.pose.pitch, truth.pose.roll].map(thousandths);
    json!({
        "intensity": thousandths(script.intensity()),
        "apex_frame": shown.iter().position(|&frame| frame == apex),
        "phase": frames.iter().map(|truth| truth.phase.name()).collect::<Vec<_>>(),
        "pose": frames.iter().map(pose).collect::<Vec<_>>(),
        "resting": resting,
        "expression": over_time(|truth| &truth.expression),
        "rendered": over_time(|truth| &truth.rendered),
    })
}

fn name(au: Au) -> String {
    format!("AU{}", au.number())
}

fn thousandths(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}
