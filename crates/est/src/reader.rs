//! From a video to its rows in one call.

use est_media::{DecodeOptions, RetinaFace, TrackOptions};

use crate::ahead::Ahead;
use crate::decoding::Decoding;
use crate::error::EstError;
use crate::faces::{FaceSource, GivenCrops, TrackedFaces};
use crate::recogniser::{Progress, Recogniser};
use crate::report::Summary;
use crate::row::Row;
use crate::source::Source;

/// A recogniser with what finds faces for it.
pub struct Reader {
    recogniser: Recogniser,
    detector: Option<RetinaFace>,
    tracking: TrackOptions,
    decoding: DecodeOptions,
}

impl Reader {
    /// Without a `detector` the frames must be face crops of the model's size.
    pub fn new(
        recogniser: Recogniser,
        detector: Option<RetinaFace>,
        tracking: TrackOptions,
        decoding: DecodeOptions,
    ) -> Self {
        Reader { recogniser, detector, tracking, decoding }
    }

    pub fn recogniser(&self) -> &Recogniser {
        &self.recogniser
    }

    /// Opens a video and begins to decode it.
    pub fn open(&self, source: &Source) -> Result<Decoding, EstError> {
        Decoding::open(source, &self.decoding)
    }

    /// Reads an open video to its end. Each row goes to `sink` once it is final, in the order of frames and then tracks;
    /// the summary calls the video `video_id`.
    ///
    /// # Errors
    /// What `sink` returns, and whatever keeps the video from being read on. Damage within it is no error: the summary
    /// has a warning.
    pub fn read(
        &mut self,
        frames: Decoding,
        video_id: &str,
        sink: &mut dyn FnMut(Row) -> Result<(), EstError>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Summary, EstError> {
        let mut summary = Summary::new(video_id, &frames.path().display().to_string(), frames.info());
        let mut sink = |row: Row| {
            summary.add(&row);
            sink(row)
        };
        let preprocessing = self.recogniser.model().preprocessing.clone();
        self.recogniser.set_timings(frames.timings().clone());
        let recogniser = &mut self.recogniser;
        let mut recognise = |faces: &mut (dyn FaceSource + Send)| {
            std::thread::scope(|scope| recogniser.recognise(&mut Ahead::start(scope, faces), &mut sink, progress))
        };
        let report = match &mut self.detector {
            None => {
                let mut faces = GivenCrops::new(frames, preprocessing.size, self.tracking.max_gap_s);
                recognise(&mut faces)?;
                faces.report()
            }
            Some(detector) => {
                let mut faces = TrackedFaces::new(frames, detector, self.tracking.clone(), preprocessing);
                recognise(&mut faces)?;
                faces.report()
            }
        };
        summary.finish(&report);
        Ok(summary)
    }
}
