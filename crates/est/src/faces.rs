//! Frames with the crops of their faces: what the recogniser reads. A trait, so that tests need no video.

use std::path::PathBuf;
use std::sync::Arc;

use est_media::{
    DecodeReport, Detection, Detector, Face, FaceTracker, Frame, FrameFaces, Image, MediaError, Rect, TrackId,
    TrackOptions, Upright, crop, uprightness,
};
use est_nets::{Crop, Preprocessing};

use crate::error::EstError;
use crate::frames::FrameSource;
use crate::timings::{Stage, Timings};

/// A decoded frame, its faces by track, and one crop for each.
#[derive(Debug, Clone)]
pub struct CroppedFrame {
    pub index: u64,
    pub pts_s: f64,
    /// Name of the picture that the frame is.
    pub file: Option<Arc<str>>,
    pub faces: Vec<Face>,
    pub crops: Vec<Image>,
    /// Tracks that ended before this frame.
    pub ended: Vec<TrackId>,
}

/// Gives frames in order.
pub trait FaceSource {
    /// The next frames, possibly none yet; None at the end.
    fn next_frames(&mut self) -> Result<Option<Vec<CroppedFrame>>, EstError>;

    /// What was decoded so far, of a source that decodes.
    fn report(&self) -> DecodeReport {
        DecodeReport::default()
    }
}

impl<S: FaceSource + ?Sized> FaceSource for &mut S {
    fn next_frames(&mut self) -> Result<Option<Vec<CroppedFrame>>, EstError> {
        (**self).next_frames()
    }

    fn report(&self) -> DecodeReport {
        (**self).report()
    }
}

/// A detector whose time counts.
struct Timed<D> {
    detector: D,
    timings: Timings,
}

impl<D: Detector> Detector for Timed<D> {
    fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, MediaError> {
        self.timings.time(Stage::Detect, || self.detector.detect(image))
    }
}

/// A step that frames are pushed into and that gives them with their faces.
pub trait FaceStep: Send {
    /// Takes the next frame, and gives those whose faces are certain by now: a few frames later where faces between two
    /// detections are interpolated. None: the frame before was the last.
    ///
    /// # Errors
    /// When the detector fails, or the frame is none that can be taken.
    fn push(&mut self, frame: Option<Frame>) -> Result<Vec<CroppedFrame>, EstError>;
}

impl FaceStep for Box<dyn FaceStep> {
    fn push(&mut self, frame: Option<Frame>) -> Result<Vec<CroppedFrame>, EstError> {
        (**self).push(frame)
    }
}

/// Finds faces, follows them and cuts them out.
pub struct FaceFinder<D: Detector> {
    tracker: FaceTracker<Timed<Upright<D>>>,
    preprocessing: Preprocessing,
    timings: Timings,
}

impl<D: Detector> FaceFinder<D> {
    /// The time that it takes counts to `timings`.
    pub fn new(detector: D, tracking: TrackOptions, preprocessing: Preprocessing, timings: Timings) -> Self {
        let detector = Upright::new(detector, preprocessing.upright_beyond, tracking.min_score);
        let tracker = FaceTracker::new(Timed { detector, timings: timings.clone() }, tracking);
        FaceFinder { tracker, preprocessing, timings }
    }

    fn cropped(&self, tracked: FrameFaces) -> CroppedFrame {
        let FrameFaces { frame, mut faces, ended, .. } = tracked;
        if matches!(self.preprocessing.crop, Crop::Square { .. }) && self.preprocessing.upright_beyond.is_none() {
            // Nobody turns the crop: a tilted face is one that the model cannot read.
            faces.iter_mut().for_each(|face| face.quality = face.quality.min(uprightness(&face.landmarks)));
        }
        let crops = || faces.iter().map(|face| crop(&frame.image, face, &self.preprocessing)).collect();
        let crops = self.timings.time(Stage::Crop, crops);
        let file = frame.picture.map(|picture| picture.file);
        CroppedFrame { index: frame.index, pts_s: frame.pts_s, file, crops, faces, ended }
    }
}

impl<D: Detector + Send> FaceStep for FaceFinder<D> {
    fn push(&mut self, frame: Option<Frame>) -> Result<Vec<CroppedFrame>, EstError> {
        let tracker = &mut self.tracker;
        let tracked = self.timings.time_around(Stage::Track, Stage::Detect, || match frame {
            Some(frame) => tracker.push(frame),
            None => tracker.finish(),
        })?;
        Ok(tracked.into_iter().map(|frame| self.cropped(frame)).collect())
    }
}

/// Frames that already are face crops of the model's size: one track, the whole picture its box.
#[derive(Debug, Clone)]
pub struct GivenCrops {
    path: PathBuf,
    size: usize,
    max_gap_s: f64,
    track: TrackId,
    latest_s: Option<f64>,
}

impl GivenCrops {
    /// Of the source that messages call `path`. A pause of more than `max_gap_s` seconds starts a new track, as it does for
    /// tracked faces.
    pub fn new(path: PathBuf, size: usize, max_gap_s: f64) -> Self {
        GivenCrops { path, size, max_gap_s, track: 1, latest_s: None }
    }

    fn face(&self) -> Face {
        let side = self.size as f32;
        Face {
            track: self.track,
            rect: Rect { x: 0.0, y: 0.0, w: side, h: side },
            landmarks: [[f32::NAN; 2]; 5],
            score: 1.0,
            quality: 1.0,
            interpolated: false,
        }
    }
}

impl FaceStep for GivenCrops {
    fn push(&mut self, frame: Option<Frame>) -> Result<Vec<CroppedFrame>, EstError> {
        let Some(Frame { index, pts_s, image, picture }) = frame else { return Ok(vec![]) };
        if (image.width, image.height) != (self.size, self.size) {
            return Err(EstError::CropSize {
                path: self.path.clone(),
                frame: index,
                width: image.width,
                height: image.height,
                size: self.size,
            });
        }
        let mut ended = vec![];
        if self.latest_s.is_some_and(|latest_s| pts_s - latest_s > self.max_gap_s) {
            ended.push(self.track);
            self.track += 1;
        }
        self.latest_s = Some(pts_s);
        let (file, faces) = (picture.map(|picture| picture.file), vec![self.face()]);
        Ok(vec![CroppedFrame { index, pts_s, file, faces, crops: vec![image], ended }])
    }
}

/// The frames of a source with their faces.
pub struct Faces<F: FrameSource, S: FaceStep> {
    frames: F,
    step: S,
    finished: bool,
}

impl<F: FrameSource, S: FaceStep> Faces<F, S> {
    pub fn new(frames: F, step: S) -> Self {
        Faces { frames, step, finished: false }
    }
}

impl<F: FrameSource, S: FaceStep> FaceSource for Faces<F, S> {
    fn next_frames(&mut self) -> Result<Option<Vec<CroppedFrame>>, EstError> {
        if self.finished {
            return Ok(None);
        }
        let next = self.frames.next_frame()?;
        self.finished = next.is_none();
        Ok(Some(self.step.push(next)?))
    }

    fn report(&self) -> DecodeReport {
        self.frames.report()
    }
}
