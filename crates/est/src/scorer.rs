//! From crops to rows: which crops of a video wait for the encoder, which windows for their crops.
//!
//! At a hop of 5 a window brings 5 crops that no earlier one had. The encoder is at its best with 35, so crops wait for
//! each other, windows for their crops, and rows for their windows, up to 1.4 s of video. What is encoded together is a
//! function of the frames alone, never of the threads' timing.

use std::collections::{BTreeMap, VecDeque};

use est_media::TrackId;

use crate::assemble::Assembler;
use crate::clip::{CropId, Layout, Window};
use crate::error::EstError;
use crate::faces::CroppedFrame;
use crate::recogniser::{Answer, ENCODER_BATCH, Recogniser};
use crate::row::{Row, Scored};
use crate::track::Track;

/// Events that wait at most. In slow video, whose windows share nearly all crops, they would otherwise wait for long.
const MOST_WAITING: usize = 64;

/// What happens to a track, in the order in which it does.
enum Event {
    Window(WaitingWindow),
    Ended(TrackId),
}

struct WaitingWindow {
    track: TrackId,
    /// Those that the network reads, in its order.
    crops: Vec<CropId>,
    start_s: f64,
    end_s: f64,
    stretched: bool,
}

/// An error about one of those that were given to the network, with where that is in the video.
fn placed(error: EstError, place: impl FnOnce(usize) -> String) -> EstError {
    match error {
        EstError::NotFinite { layer, nth, .. } => EstError::NotFinite { layer, place: place(nth), nth },
        error => error,
    }
}

/// The state of one video between its crops and its rows. The networks are a [`Recogniser`]'s, which each call is given:
/// one at a time can serve many videos, and it must be the same, or a clone, for all calls.
pub struct Scorer {
    assembler: Assembler,
    layout: Layout,
    tracks: BTreeMap<TrackId, Track>,
    events: VecDeque<Event>,
    /// Crops that wait for the encoder, each once, in the order of the windows.
    wanted: VecDeque<(TrackId, CropId)>,
}

impl Scorer {
    pub fn new(recogniser: &Recogniser) -> Self {
        Scorer {
            assembler: Assembler::new(recogniser.options().low_quality),
            layout: recogniser.layout(),
            tracks: BTreeMap::new(),
            events: VecDeque::new(),
            wanted: VecDeque::new(),
        }
    }

    /// The next frame.
    ///
    /// # Errors
    /// When the network has no answer to a crop or a window.
    pub fn push(&mut self, recogniser: &mut Recogniser, frame: CroppedFrame) -> Result<(), EstError> {
        for &track in &frame.ended {
            self.end(recogniser, track);
        }
        self.assembler.frame(frame.index, frame.pts_s, frame.file, &frame.faces);
        for (face, crop) in frame.faces.iter().zip(frame.crops) {
            let layout = self.layout;
            let track = self.tracks.entry(face.track).or_insert_with(|| Track::new(layout));
            let windows = track.push(crop, frame.pts_s);
            self.wait(recogniser, face.track, windows);
        }
        self.advance(recogniser, false)
    }

    /// The video is over: all its rows are final.
    ///
    /// # Errors
    /// As [`Scorer::push`].
    pub fn finish(&mut self, recogniser: &mut Recogniser) -> Result<(), EstError> {
        for track in self.assembler.active() {
            self.end(recogniser, track);
        }
        self.advance(recogniser, true)
    }

    /// Takes the rows that are final, in the order of frames and then tracks.
    pub fn rows(&mut self) -> Vec<Row> {
        self.assembler.take()
    }

    fn end(&mut self, recogniser: &Recogniser, id: TrackId) {
        if let Some(track) = self.tracks.get_mut(&id) {
            let windows = track.finish();
            self.wait(recogniser, id, windows);
        }
        self.events.push_back(Event::Ended(id));
    }

    fn wait(&mut self, recogniser: &Recogniser, id: TrackId, windows: Vec<Window>) {
        let track = self.tracks.get_mut(&id).expect("the track has had a crop");
        for Window { crops, start_s, end_s, stretched } in windows {
            let crops: Vec<CropId> = recogniser.places().iter().map(|&place| crops[place]).collect();
            self.wanted.extend(crops.iter().filter(|&&crop| track.want(crop)).map(|&crop| (id, crop)));
            self.events.push_back(Event::Window(WaitingWindow { track: id, crops, start_s, end_s, stretched }));
        }
    }

    /// Encodes full batches, or everything if it is the `last` call or much waits; scores the windows that are complete
    /// then.
    fn advance(&mut self, recogniser: &mut Recogniser, last: bool) -> Result<(), EstError> {
        let all = last || recogniser.options().prompt || self.events.len() >= MOST_WAITING;
        while self.wanted.len() >= ENCODER_BATCH || (all && !self.wanted.is_empty()) {
            let batch: Vec<(TrackId, CropId)> = self.wanted.drain(..self.wanted.len().min(ENCODER_BATCH)).collect();
            let pictures: Vec<_> = batch.iter().map(|(track, crop)| self.tracks[track].picture(*crop)).collect();
            let features = recogniser.features(&pictures).map_err(|error| {
                placed(error, |nth| {
                    let (track, crop) = batch[nth];
                    format!("face {track} at {:.3} s", self.tracks[&track].time_of(crop))
                })
            })?;
            for ((track, crop), features) in batch.into_iter().zip(features) {
                self.tracks.get_mut(&track).expect("it has pictures").encoded(crop, features);
            }
        }
        self.score(recogniser)?;
        let mut oldest: BTreeMap<TrackId, CropId> = BTreeMap::new();
        for event in &self.events {
            if let Event::Window(window) = event {
                let first = *window.crops.iter().min().expect("the network reads some");
                oldest.entry(window.track).and_modify(|oldest| *oldest = first.min(*oldest)).or_insert(first);
            }
        }
        self.tracks.iter_mut().for_each(|(id, track)| track.forget(oldest.get(id).copied()));
        Ok(())
    }

    /// Handles the events up to the first window that still lacks a crop.
    fn score(&mut self, recogniser: &mut Recogniser) -> Result<(), EstError> {
        let clip = |event: &Event| match event {
            Event::Window(window) => {
                let track = &self.tracks[&window.track];
                window.crops.iter().map(|&crop| track.features(crop)).collect::<Option<Vec<_>>>()
            }
            Event::Ended(_) => Some(vec![]),
        };
        let clips: Vec<Vec<&[f32]>> = self.events.iter().map_while(clip).collect();
        let ready = clips.len();
        let clips: Vec<Vec<&[f32]>> = clips.into_iter().filter(|clip| !clip.is_empty()).collect();
        let answers = recogniser.answers(&clips).map_err(|error| {
            placed(error, |nth| {
                let mut windows = self.events.iter().filter_map(|event| match event {
                    Event::Window(window) => Some(window),
                    Event::Ended(_) => None,
                });
                let WaitingWindow { track, start_s, end_s, .. } = windows.nth(nth).expect("one for each clip");
                format!("face {track} from {start_s:.3} to {end_s:.3} s")
            })
        })?;
        let mut answers = answers.into_iter();
        for event in self.events.drain(..ready) {
            match event {
                Event::Window(WaitingWindow { track, start_s, end_s, stretched, .. }) => {
                    let Answer { emotion, attention } = answers.next().expect("one for each window");
                    self.assembler.window(track, Scored { emotion, start_s, end_s, stretched, attention });
                }
                Event::Ended(track) => {
                    self.tracks.remove(&track);
                    self.assembler.ended(track);
                }
            }
        }
        Ok(())
    }
}
