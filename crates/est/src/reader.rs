//! From a video to its rows in two calls: its faces are looked for from the first on, the second needs the model.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use est_media::{DecodeOptions, Detection, Detector, Image, MediaError, RetinaFace, TrackOptions, VideoInfo};
use est_nets::Preprocessing;

use crate::ahead::Ahead;
use crate::decoding::Decoding;
use crate::error::EstError;
use crate::faces::{FaceSource, GivenCrops, TrackedFaces};
use crate::recogniser::{Progress, Recogniser};
use crate::report::Summary;
use crate::row::Row;
use crate::source::Source;
use crate::timings::Timings;

/// Finds faces and cuts them out as a model needs them. It does not wait for the model: of that it knows the
/// preprocessing, which [`crate::Model::preprocessing`] reads from the first bytes of a file.
pub struct Reader {
    preprocessing: Preprocessing,
    detector: Option<Shared>,
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

/// The one detector of all videos of a reader: its networks are planned once for each size of a picture.
#[derive(Clone)]
struct Shared(Arc<Mutex<RetinaFace>>);

impl Detector for Shared {
    fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, MediaError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).detect(image)
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
        let detector = detector.map(|detector| Shared(Arc::new(Mutex::new(detector))));
        Reader { preprocessing, detector, tracking, decoding }
    }

    /// Opens a video and begins to decode it and to find its faces, a few seconds ahead of who [`OpenVideo::read`]s.
    pub fn open(&self, source: &Source) -> Result<OpenVideo, EstError> {
        let frames = Decoding::open(source, &self.decoding)?;
        let (path, info, timings) = (frames.path().to_owned(), frames.info().clone(), frames.timings().clone());
        let faces = match &self.detector {
            None => Ahead::start(GivenCrops::new(frames, self.preprocessing.size, self.tracking.max_gap_s)),
            Some(detector) => {
                let (detector, preprocessing) = (detector.clone(), self.preprocessing.clone());
                Ahead::start(TrackedFaces::new(frames, detector, self.tracking.clone(), preprocessing))
            }
        };
        Ok(OpenVideo { path, info, timings, faces })
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
        let mut summary = Summary::new(video_id, &self.path.display().to_string(), &self.info);
        let mut sink = |row: Row| {
            summary.add(&row);
            sink(row)
        };
        recogniser.set_timings(self.timings.clone());
        recogniser.recognise(&mut self.faces, &mut sink, progress).map_err(|error| match error {
            EstError::NotFinite { layer, place, nth } => {
                EstError::NotFinite { layer, place: format!("{}: {place}", self.path.display()), nth }
            }
            error => error,
        })?;
        summary.finish(&self.faces.report());
        Ok(summary)
    }
}
