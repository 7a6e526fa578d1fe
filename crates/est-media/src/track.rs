//! Which faces belong together over time: detection on some frames, tracks with stable numbers, boxes in between.

mod associate;
mod change;
mod look;

use std::collections::VecDeque;

use crate::cut::CutDetector;
use crate::detect::Detector;
use crate::error::MediaError;
use crate::quality::quality;
use crate::{Detection, Face, Frame, Image, Landmarks, Rect, TrackId};
use associate::{Motion, associate};
use change::{cut_of_part, differs};
use look::{Look, OTHER};

/// How faces are followed.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackOptions {
    /// The detector sees every this many-th frame (1: each), and at least four a second; boxes in between are
    /// interpolated. On real talking heads the points of every third frame's interpolation are 0.2 to 0.7 % of the
    /// face's size from the detector's own (median; 95th percentile 0.9 to 2.2 %), hardly more than with every second.
    pub detect_every: usize,
    /// A face that was missing for at most this long keeps its track; seconds of presentation time.
    pub max_gap_s: f64,
    /// A face of at least this score may start a track; one of a lower score can only continue it.
    pub min_score: f32,
}

impl Default for TrackOptions {
    fn default() -> Self {
        TrackOptions { detect_every: 3, max_gap_s: 1.0, min_score: 0.6 }
    }
}

/// Seconds of presentation time that may pass without a detection, whatever `detect_every` says: in a video of few
/// frames a second, a face moves too far from one detected frame to the third next.
const DETECT_WITHIN_S: f64 = 0.25;

/// A frame with its faces, sorted by track. `ended` are the tracks whose last face came before this frame and that
/// will never continue; tracks alive at the end of the video end there without being listed. `cut` is true for the
/// first frame of a new scene: no track goes across, since nothing here tells whether it is the same person. So it is
/// where more pictures of a list are missing than a face may be.
#[derive(Debug, Clone)]
pub struct FrameFaces {
    pub frame: Frame,
    pub faces: Vec<Face>,
    pub ended: Vec<TrackId>,
    pub cut: bool,
}

/// Follows faces through the frames of one video, given in order. Holds at most `detect_every` + 1 frames.
///
/// The detector sees every k-th frame and the first and last of each scene, and both sides of a cut of a part, where the
/// picture about a face cuts but not the whole: there a track ends too. A track has a face in every frame between
/// two successive detections that both find it; one that misses it leaves the frames up to the detections before and
/// after without. What only one detection finds and the next does not is taken for a mistake and starts no track,
/// unless its scene is one frame long.
pub struct FaceTracker<D> {
    detector: D,
    options: TrackOptions,
    cuts: CutDetector,
    /// The frame that the detector saw last, once there is one, then those that it has not seen.
    waiting: VecDeque<Held>,
    /// Frames of this scene that the detector has seen.
    looks: usize,
    /// Older ones first, those of one frame from left to right.
    tracks: Vec<Track>,
    next_id: TrackId,
}

/// A frame that waits, with what the detector found in it, once that was asked.
struct Held {
    out: FrameFaces,
    seen: Option<Vec<Detection>>,
}

/// A face over time. It has no number until a second detection has confirmed it.
struct Track {
    id: Option<TrackId>,
    face: Detection,
    motion: Motion,
    /// Whether the latest detection found it.
    found: bool,
}

impl<D: Detector> FaceTracker<D> {
    /// # Panics
    /// When `detect_every` is 0.
    pub fn new(detector: D, options: TrackOptions) -> Self {
        assert!(options.detect_every > 0, "detect_every counts frames from 1");
        FaceTracker {
            detector,
            options,
            cuts: CutDetector::default(),
            waiting: VecDeque::new(),
            looks: 0,
            tracks: vec![],
            next_id: 1,
        }
    }

    /// Takes the next frame; gives those frames whose faces are now known, in order, each exactly once over all calls
    /// and at most `detect_every` frames late.
    ///
    /// # Panics
    /// When the frame is not later than the one before.
    pub fn push(&mut self, frame: Frame) -> Result<Vec<FrameFaces>, MediaError> {
        let before = self.waiting.back().map(|newest| newest.out.frame.pts_s);
        assert!(before.is_none_or(|before| before < frame.pts_s), "frames in the order of time");
        let cut = self.cuts.is_cut(&frame.image) || self.is_after_gap(&frame, before);
        let (mut ready, ended) = if cut { self.close()? } else { (self.resize(&frame.image)?, vec![]) };
        let seen_at = self.waiting.front().map(|seen| seen.out.frame.pts_s);
        let due = seen_at.is_none_or(|seen_at| frame.pts_s - seen_at >= DETECT_WITHIN_S);
        self.waiting.push_back(Held { out: FrameFaces { frame, faces: vec![], ended, cut }, seen: None });
        if due || self.waiting.len() > self.options.detect_every {
            ready.extend(self.look(false)?);
        }
        Ok(ready)
    }

    /// A stream whose pictures get another size, as WebRTC sends when the line gets worse, shows the same at the same
    /// share of the picture: the tracks go on there. Gives the frames of the old size.
    fn resize(&mut self, image: &Image) -> Result<Vec<FrameFaces>, MediaError> {
        let Some(newest) = self.waiting.back() else { return Ok(vec![]) };
        let old = &newest.out.frame.image;
        let scale = [image.width as f32 / old.width as f32, image.height as f32 / old.height as f32];
        if scale == [1.0; 2] || !scale.iter().all(|scale| scale.is_finite() && *scale > 0.0) {
            return Ok(vec![]);
        }
        let mut ready = if self.waiting.len() > 1 { self.look(true)? } else { vec![] };
        ready.extend(self.release(self.waiting.len()));
        self.tracks.retain(|track| track.id.is_some());
        for track in &mut self.tracks {
            track.found = false;
            track.motion.scale(scale);
        }
        Ok(ready)
    }

    /// Nobody saw what a face did between two pictures of which those in between are missing. In a video, a frame stands
    /// until the next.
    fn is_after_gap(&self, frame: &Frame, before: Option<f64>) -> bool {
        let missing = frame.picture.as_ref().is_some_and(|picture| picture.missing > 0);
        missing && before.is_some_and(|before| frame.pts_s - before > self.options.max_gap_s)
    }

    /// Ends the video: gives the frames still held.
    pub fn finish(&mut self) -> Result<Vec<FrameFaces>, MediaError> {
        Ok(self.close()?.0)
    }

    /// Ends the scene: its remaining frames, and the tracks that end with it.
    fn close(&mut self) -> Result<(Vec<FrameFaces>, Vec<TrackId>), MediaError> {
        let mut ready = if self.waiting.len() > 1 { self.look(true)? } else { vec![] };
        let mut tracks = std::mem::take(&mut self.tracks);
        if self.looks == 1 {
            for track in &mut tracks {
                self.confirm(track);
            }
        }
        let mut ended: Vec<TrackId> = tracks.iter().filter_map(|track| track.id).collect();
        ended.sort_unstable();
        self.looks = 0;
        ready.extend(self.release(self.waiting.len()));
        Ok((ready, ended))
    }

    /// The first `count` frames that wait, with the quality of their faces.
    fn release(&mut self, count: usize) -> Vec<FrameFaces> {
        let mut ready: Vec<FrameFaces> = self.waiting.drain(..count).map(|held| held.out).collect();
        for FrameFaces { frame, faces, .. } in &mut ready {
            faces.sort_by_key(|face| face.track);
            for face in faces {
                face.quality = quality(&frame.image, face);
            }
        }
        ready
    }

    /// Shows the newest frame to the detector, and those on both sides of a cut of a part; gives the frames before the
    /// last that was followed. A cut at the newest frame waits for the next look, since a flash would be over then,
    /// unless the scene ends or no frame may wait.
    fn look(&mut self, ends: bool) -> Result<Vec<FrameFaces>, MediaError> {
        let mut ready = vec![];
        self.detect(self.waiting.len() - 1)?;
        if self.waiting.len() == 1 {
            self.follow(0, false);
        }
        while self.waiting.len() > 1 {
            let newest = self.waiting.len() - 1;
            let Some(place) = self.first_change() else {
                self.follow(newest, false);
                ready.extend(self.release(newest));
                break;
            };
            if place > 1 {
                self.detect(place - 1)?;
                self.follow(place - 1, false);
                ready.extend(self.release(place - 1));
                if place == newest && !ends {
                    break;
                }
            }
            self.detect(1)?;
            self.follow(1, true);
            ready.extend(self.release(1));
        }
        Ok(ready)
    }

    fn detect(&mut self, place: usize) -> Result<(), MediaError> {
        let Held { out, seen } = &mut self.waiting[place];
        if seen.is_none() {
            let mut detections = self.detector.detect(&out.frame.image)?;
            detections.sort_by(|a, b| a.rect.x.total_cmp(&b.rect.x));
            *seen = Some(detections);
            self.looks += 1;
        }
        Ok(())
    }

    /// The first frame that waits at which the picture of a track's place cuts, if the face looks another at the newest
    /// or is not where it was.
    fn first_change(&self) -> Option<usize> {
        let newest = self.waiting.back()?;
        let detections = newest.seen.as_ref()?;
        let motions: Vec<Motion> = self.tracks.iter().map(|track| track.motion).collect();
        let partners = associate(&motions, detections, newest.out.frame.pts_s, self.options.min_score);
        let pairs = self.tracks.iter().zip(partners).filter(|(track, _)| track.found);
        let changed = pairs.filter(|(track, partner)| {
            partner.is_none_or(|place| self.is_other(track, self.waiting.len() - 1, &detections[place]))
        });
        let images: Vec<&Image> = self.waiting.iter().map(|held| &held.out.frame.image).collect();
        changed.filter_map(|(track, _)| cut_of_part(&images, &track.face.rect)).min()
    }

    /// Whether `detection` in the frame at `place` looks another than the face of `track` did when the detector saw it last.
    fn is_other(&self, track: &Track, place: usize, detection: &Detection) -> bool {
        let look = |place: usize, face: &Detection| Look::of(&self.waiting[place].out.frame.image, &face.landmarks);
        let looks = look(0, &track.face).zip(look(place, detection));
        looks.is_some_and(|(before, now)| before.apart(&now) > OTHER)
    }

    /// Continues, starts and ends tracks by what the detector found in the frame at `place`; `changes` when the picture of a
    /// part cuts there: then a face that looks another is a new one.
    fn follow(&mut self, place: usize, changes: bool) {
        let Held { out, seen } = &self.waiting[place];
        let now = out.frame.pts_s;
        let detections = seen.clone().expect("detected before");

        let (mut over, tracks): (Vec<Track>, Vec<Track>) = std::mem::take(&mut self.tracks)
            .into_iter()
            .partition(|track| !track.found && now - track.motion.at_s() > self.options.max_gap_s);

        let motions: Vec<Motion> = tracks.iter().map(|track| track.motion).collect();
        let mut partners = associate(&motions, &detections, now, self.options.min_score);
        for (mut track, partner) in tracks.into_iter().zip(&mut partners) {
            if changes && track.found && partner.is_some_and(|found| self.is_cut(&track, place, &detections[found])) {
                *partner = None;
                over.push(track);
                continue;
            }
            match partner {
                Some(found) => self.carry_on(&mut track, place, &detections[*found]),
                None => track.found = false,
            }
            // A track that its second chance has not confirmed was a mistake.
            if track.id.is_some() {
                self.tracks.push(track);
            }
        }
        let ended = &mut self.waiting[place].out.ended;
        ended.extend(over.iter().filter_map(|track| track.id));
        ended.sort_unstable();
        let fresh =
            |place: &usize| !partners.contains(&Some(*place)) && detections[*place].score >= self.options.min_score;
        let fresh = (0..detections.len()).filter(fresh).map(|place| Track {
            id: None,
            face: detections[place].clone(),
            motion: Motion::new(&detections[place].rect, now),
            found: true,
        });
        self.tracks.extend(fresh);
    }

    /// Whether the place of `track` cuts between the first frame that waits and the one at `place`, to another face.
    fn is_cut(&self, track: &Track, place: usize, detection: &Detection) -> bool {
        let images = [0, place].map(|place| &self.waiting[place].out.frame.image);
        self.is_other(track, place, detection) && differs(images, &track.face.rect)
    }

    /// Adds the `detection` of the frame at `place` to `track`, and the frames before it if it was found before them.
    fn carry_on(&mut self, track: &mut Track, place: usize, detection: &Detection) {
        let id = self.confirm(track);
        let [from, to] = [0, place].map(|place| self.waiting[place].out.frame.pts_s);
        if track.found {
            for Held { out: between, .. } in self.waiting.range_mut(1..place) {
                let share = (between.frame.pts_s - from) / (to - from);
                between.faces.push(interpolate(id, &track.face, detection, share as f32));
            }
        }
        self.waiting[place].out.faces.push(face(id, detection));
        track.motion.update(&detection.rect, to);
        track.face = detection.clone();
        track.found = true;
    }

    /// The number of `track`; a new one gets it now, and its face in the frame where it was first found.
    fn confirm(&mut self, track: &mut Track) -> TrackId {
        *track.id.get_or_insert_with(|| {
            let id = self.next_id;
            self.next_id += 1;
            self.waiting[0].out.faces.push(face(id, &track.face));
            id
        })
    }
}

/// The quality waits for the frame's release.
fn face(track: TrackId, detection: &Detection) -> Face {
    Face {
        track,
        rect: detection.rect,
        landmarks: detection.landmarks,
        score: detection.score,
        quality: 0.0,
        interpolated: false,
    }
}

/// The face at `share` of the way in time from one detection to the next.
fn interpolate(track: TrackId, from: &Detection, to: &Detection, share: f32) -> Face {
    let mix = |a: f32, b: f32| a + share * (b - a);
    let rect = Rect {
        x: mix(from.rect.x, to.rect.x),
        y: mix(from.rect.y, to.rect.y),
        w: mix(from.rect.w, to.rect.w),
        h: mix(from.rect.h, to.rect.h),
    };
    let point = |k: usize| [0, 1].map(|axis| mix(from.landmarks[k][axis], to.landmarks[k][axis]));
    let landmarks: Landmarks = std::array::from_fn(point);
    let nearer = if share < 0.5 { from } else { to };
    Face { rect, landmarks, interpolated: true, ..face(track, nearer) }
}
