//! From a video to its rows in two calls: its faces are looked for from the first on, the second needs the model.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use est_media::{DecodeOptions, Detection, Detector, Image, MediaError, RetinaFace, TrackOptions, VideoInfo};
use est_nets::Preprocessing;

use crate::ahead::Ahead;
use crate::error::EstError;
use crate::faces::{FaceFinder, FaceStep, Faces, GivenCrops};
use crate::frames::IntoFrames;
use crate::recogniser::Recogniser;
use crate::report::Summary;
use crate::row::Row;
use crate::rows::{Progress, Rows, named, recognise};
use crate::timings::Timings;

/// Finds faces and cuts them out as a model needs them. It does not wait for the model: of that it knows the
/// preprocessing, which [`crate::Model::preprocessing`] reads from the first bytes of a file.
pub struct Reader {
    preprocessing: Preprocessing,
    detectors: Option<Detectors>,
    tracking: TrackOptions,
    decoding: DecodeOptions,
}

/// A video whose faces are being found.
pub struct OpenVideo {
    path: PathBuf,
    info: VideoInfo,
    timings: Timings,
    faces: Ahead,
}

/// Detectors that share their weights: as many as videos are read at once, each with its working memory, which the next
/// video takes over.
struct Detectors {
    first: RetinaFace,
    idle: Arc<Mutex<Vec<RetinaFace>>>,
}

impl Detectors {
    fn lend(&self) -> Lent {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lent { detector: Some(idle.unwrap_or_else(|| self.first.clone())), idle: self.idle.clone() }
    }
}

/// A detector that goes back when its video is over.
struct Lent {
    detector: Option<RetinaFace>,
    idle: Arc<Mutex<Vec<RetinaFace>>>,
}

impl Detector for Lent {
    fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, MediaError> {
        self.detector.as_mut().expect("it is there until it is dropped").detect(image)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.detector.take());
    }
}

impl Reader {
    /// Without a `detector` the frames must be face crops of the model's size.
    pub fn new(
        preprocessing: Preprocessing,
        detector: Option<RetinaFace>,
        tracking: TrackOptions,
        decoding: DecodeOptions,
    ) -> Self {
        let detectors = detector.map(|first| Detectors { first, idle: Arc::default() });
        Reader { preprocessing, detectors, tracking, decoding }
    }

    /// How what is decoded is decoded.
    pub fn decoding(&self) -> &DecodeOptions {
        &self.decoding
    }

    /// The step that finds the faces of a source called `path`.
    pub fn face_step(&self, path: &Path, timings: Timings) -> Box<dyn FaceStep> {
        match &self.detectors {
            None => Box::new(GivenCrops::new(path.to_owned(), self.preprocessing.size, self.tracking.max_gap_s)),
            Some(detectors) => {
                let preprocessing = self.preprocessing.clone();
                Box::new(FaceFinder::new(detectors.lend(), self.tracking.clone(), preprocessing, timings))
            }
        }
    }

    /// Opens a video and begins to decode it and to find its faces, a few seconds ahead of who takes its rows.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self, frames: impl IntoFrames) -> Result<OpenVideo, EstError> {
        let frames = frames.into_frames(&self.decoding)?;
        let (path, info, timings) = (frames.path(), frames.info(), frames.timings());
        let step = self.face_step(&path, timings.clone());
        Ok(OpenVideo { path, info, timings, faces: Ahead::start(Faces::new(frames, step)) })
    }
}

impl OpenVideo {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn info(&self) -> &VideoInfo {
        &self.info
    }

    /// The time that this video takes.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    /// Its rows, one by one; the summary calls the video `video_id`.
    pub fn rows(self, mut recogniser: Recogniser, video_id: &str) -> Rows {
        let summary = self.summary(video_id);
        recogniser.set_timings(self.timings);
        Rows::new(recogniser, self.faces, self.path, summary)
    }

    /// Reads the video to its end. Each row goes to `sink` once it is final, in the order of frames and then tracks; the
    /// summary calls the video `video_id`.
    ///
    /// # Errors
    /// What `sink` returns, and whatever keeps the video from being read on. Damage within it is no error: the summary
    /// has a warning.
    pub fn read(
        mut self,
        recogniser: &mut Recogniser,
        video_id: &str,
        sink: &mut dyn FnMut(Row) -> Result<(), EstError>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Summary, EstError> {
        let mut summary = self.summary(video_id);
        let mut sink = |row: Row| {
            summary.add(&row);
            sink(row)
        };
        recogniser.set_timings(self.timings.clone());
        let read = recognise(recogniser, &mut self.faces, &mut sink, progress);
        read.map_err(|error| named(error, &self.path))?;
        summary.finish(&crate::faces::FaceSource::report(&self.faces));
        Ok(summary)
    }

    fn summary(&self, video_id: &str) -> Summary {
        Summary::new(video_id, &self.path.display().to_string(), &self.info)
    }
}
