//! What may be done to the probabilities of a face before they are reported: smoothing over time, correction by a stretch
//! in which the person is known to look neutral, and abstention. The model's own probabilities stay in every row.
//!
//! Rows pass through and wait no longer than they must: for smoothing until the track's windows reach [`smooth::REACH`]
//! deviations ahead, for a baseline until its stretch is over or the track is. So a stretch that ends late in a video holds
//! the rows up to there in memory.

mod baseline;
mod smooth;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use est_media::TrackId;
use serde::Serialize;

pub use baseline::Baseline;

use crate::emotion::Emotion;
use crate::row::{Row, Scored, Status};
use baseline::Rest;
use smooth::Smoother;

/// Nothing is done by default.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SignalOptions {
    /// Deviation in seconds of the Gaussian over a track's windows.
    pub smooth_s: Option<f64>,
    /// When people look neutral. Of several that name no track the first counts.
    pub baseline: Vec<Baseline>,
    /// Labels whose probability is below this are `uncertain`.
    pub abstain: Option<f32>,
}

impl SignalOptions {
    /// Whether rows get probabilities beside the model's own.
    pub fn changes_probabilities(&self) -> bool {
        self.smooth_s.is_some() || !self.baseline.is_empty()
    }

    /// The stretch for `track`: its own, or the one for all.
    fn baseline_of(&self, track: TrackId) -> Option<&Baseline> {
        let own = self.baseline.iter().find(|baseline| baseline.track == Some(track));
        own.or_else(|| self.baseline.iter().find(|baseline| baseline.track.is_none()))
    }
}

/// Takes the rows of one video in their order and gives them back in it.
pub struct Signal {
    options: SignalOptions,
    /// Place of the class `neutral`, where the model has it.
    neutral: Option<usize>,
    waiting: VecDeque<Row>,
    tracks: BTreeMap<TrackId, Track>,
    frame: Option<u64>,
    ready: VecDeque<Row>,
}

struct Track {
    smoother: Option<Smoother>,
    rest: Option<Rest>,
    frame: u64,
    pts_s: f64,
    over: bool,
    latest: Option<(Arc<Scored>, Arc<Emotion>)>,
}

impl Signal {
    pub fn new(options: SignalOptions, classes: &[String]) -> Self {
        let neutral = classes.iter().position(|class| class == "neutral");
        let (waiting, tracks, ready) = (VecDeque::new(), BTreeMap::new(), VecDeque::new());
        Signal { options, neutral, waiting, tracks, frame: None, ready }
    }

    /// The next row.
    pub fn push(&mut self, row: Row) {
        if self.options.changes_probabilities() {
            self.note(&row);
            self.waiting.push_back(row);
            self.release();
        } else {
            self.give(row);
        }
    }

    /// The video is over.
    pub fn end(&mut self) {
        self.tracks.values_mut().for_each(|track| track.over = true);
        self.release();
    }

    /// Takes the next row that is final.
    pub fn next(&mut self) -> Option<Row> {
        self.ready.pop_front()
    }

    /// Tracks that were to be corrected and could not be, in words.
    pub fn warning(&self) -> Option<String> {
        let lacks = |track: &Track| track.rest.as_ref().is_some_and(|rest| rest.faces() == 0);
        let without: Vec<String> =
            self.tracks.iter().filter(|(_, track)| lacks(track)).map(|(id, _)| id.to_string()).collect();
        if without.is_empty() {
            return None;
        }
        let word = if without.len() == 1 { "track" } else { "tracks" };
        let which = without.join(", ");
        Some(format!("{word} {which}: no usable face in the baseline stretch, so the probabilities are not corrected"))
    }

    /// Learns from a row what later and earlier ones need.
    fn note(&mut self, row: &Row) {
        if self.frame.is_some_and(|frame| frame != row.frame) {
            // A track has a row in each frame of its life, and rows come frame by frame.
            let complete = self.frame;
            let ends = |track: &&mut Track| Some(track.frame) < complete;
            self.tracks.values_mut().filter(ends).for_each(|track| track.over = true);
        }
        self.frame = Some(row.frame);
        let Some(id) = row.track else { return };
        let options = &self.options;
        let track = self.tracks.entry(id).or_insert_with(|| Track {
            smoother: options.smooth_s.map(Smoother::new),
            rest: options.baseline_of(id).map(|baseline| Rest::new(*baseline)),
            frame: row.frame,
            pts_s: row.pts_s,
            over: false,
            latest: None,
        });
        (track.frame, track.pts_s) = (row.frame, row.pts_s);
        let Some(face) = &row.face else { return };
        if let Some(smoother) = &mut track.smoother {
            smoother.note(&face.scored);
        }
        if let Some(rest) = &mut track.rest
            && row.status != Status::LowQuality
        {
            rest.note(row.pts_s, &face.scored.emotion);
        }
    }

    fn release(&mut self) {
        while let Some(front) = self.waiting.front() {
            let known = match (front.track, &front.face) {
                (Some(id), Some(face)) => self.tracks[&id].knows(&face.scored),
                _ => true,
            };
            if !known {
                return;
            }
            let mut row = self.waiting.pop_front().expect("there is a front");
            if let (Some(id), Some(face)) = (row.track, &mut row.face) {
                let track = self.tracks.get_mut(&id).expect("noted when its row came");
                face.processed = Some(track.process(&face.scored, self.neutral));
            }
            self.give(row);
        }
    }

    fn give(&mut self, mut row: Row) {
        if let (Some(threshold), Some(face)) = (self.options.abstain, &mut row.face) {
            let emotion = face.emotion();
            face.uncertain = emotion.probabilities[emotion.label()] < threshold;
        }
        self.ready.push_back(row);
    }
}

impl Track {
    /// Whether all is known that the row of this window needs.
    fn knows(&self, scored: &Scored) -> bool {
        let smooth = self.smoother.as_ref().is_none_or(|smoother| smoother.knows(scored));
        self.over || (smooth && self.rest.as_ref().is_none_or(|rest| rest.is_past(self.pts_s)))
    }

    fn process(&mut self, scored: &Arc<Scored>, neutral: Option<usize>) -> Arc<Emotion> {
        if let Some((of, emotion)) = &self.latest
            && Arc::ptr_eq(of, scored)
        {
            return emotion.clone();
        }
        let smoothed = match &mut self.smoother {
            Some(smoother) => smoother.smooth(scored),
            None => scored.emotion.clone(),
        };
        let emotion = Arc::new(match &mut self.rest {
            Some(rest) => rest.correct(&smoothed, neutral),
            None => smoothed,
        });
        self.latest = Some((scored.clone(), emotion.clone()));
        emotion
    }
}

#[cfg(test)]
mod tests;
