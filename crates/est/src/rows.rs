//! The rows of one video: taken as an iterator, given to a function, or pushed out frame by frame.

use std::borrow::BorrowMut;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use est_media::{DecodeReport, Image, VideoInfo};

use crate::ahead::Ahead;
use crate::error::EstError;
use crate::faces::{FaceSource, FaceStep};
use crate::frames::Given;
use crate::recogniser::Recogniser;
use crate::report::Summary;
use crate::row::Row;
use crate::scorer::Scorer;
use crate::timings::Stage;

/// How far a video is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Progress {
    pub frames: u64,
    pub pts_s: f64,
}

/// A video on its way through the networks, turn by turn.
struct Turns<R, S> {
    recogniser: R,
    source: S,
    scorer: Scorer,
    done: Progress,
    over: bool,
}

impl<R: BorrowMut<Recogniser>, S: FaceSource> Turns<R, S> {
    fn new(recogniser: R, source: S) -> Self {
        let scorer = Scorer::new(recogniser.borrow());
        Turns { recogniser, source, scorer, done: Progress::default(), over: false }
    }

    /// The rows that the next frames of the source make final; None after the end.
    fn turn(&mut self) -> Result<Option<Vec<Row>>, EstError> {
        if self.over {
            return Ok(None);
        }
        let recogniser = self.recogniser.borrow_mut();
        match self.source.next_frames()? {
            Some(frames) => {
                for frame in frames {
                    self.done = Progress { frames: self.done.frames + 1, pts_s: frame.pts_s };
                    self.scorer.push(recogniser, frame)?;
                }
            }
            None => {
                self.over = true;
                self.scorer.finish(recogniser)?;
            }
        }
        Ok(Some(self.scorer.rows()))
    }
}

/// Takes frames with their faces from `source` until it ends and gives each row to `sink` once it is final, in the order of
/// frames and then tracks. Memory does not grow with the video.
///
/// # Errors
/// What `sink` returns, and whatever keeps the source from being read on.
pub fn recognise(
    recogniser: &mut Recogniser,
    source: &mut dyn FaceSource,
    sink: &mut dyn FnMut(Row) -> Result<(), EstError>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), EstError> {
    let timings = recogniser.timings().clone();
    let mut turns = Turns::new(recogniser, source);
    while let Some(rows) = turns.turn()? {
        timings.time(Stage::Report, || rows.into_iter().try_for_each(&mut *sink))?;
        if !turns.over {
            progress(turns.done);
        }
    }
    Ok(())
}

/// The rows of one video, in the order of frames and then tracks, each as soon as it is final. Its faces are looked for in
/// threads of their own, a few seconds ahead of who takes the rows. After an error there are no more.
pub struct Rows {
    path: PathBuf,
    turns: Turns<Recogniser, Ahead>,
    ready: VecDeque<Row>,
    summary: Summary,
}

impl Rows {
    pub(crate) fn new(recogniser: Recogniser, faces: Ahead, path: PathBuf, summary: Summary) -> Self {
        Rows { path, turns: Turns::new(recogniser, faces), ready: VecDeque::new(), summary }
    }

    /// How far the video is.
    pub fn progress(&self) -> Progress {
        self.turns.done
    }

    /// Counts and means of the rows that were taken; complete after the last.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}

impl Iterator for Rows {
    type Item = Result<Row, EstError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() {
            match self.turns.turn() {
                Ok(Some(rows)) => self.ready.extend(rows),
                Ok(None) => return None,
                Err(error) => {
                    self.turns.over = true;
                    return Some(Err(named(error, &self.path)));
                }
            }
            if self.turns.over {
                self.summary.finish(&self.turns.source.report());
            }
        }
        let row = self.ready.pop_front()?;
        self.summary.add(&row);
        Some(Ok(row))
    }
}

/// An error about a place in a video, with the video.
pub(crate) fn named(error: EstError, path: &Path) -> EstError {
    match error {
        EstError::NotFinite { layer, place, nth } => {
            EstError::NotFinite { layer, place: format!("{}: {place}", path.display()), nth }
        }
        error => error,
    }
}

/// Frames in, rows out: for a camera, a server, a window system, whoever has frames one at a time. Nothing waits for a full
/// batch of the encoder; the numbers are those of a file with the same frames.
pub struct RowStream {
    name: String,
    step: Box<dyn FaceStep>,
    recogniser: Recogniser,
    scorer: Scorer,
    given: Given,
    summary: Option<Summary>,
}

impl RowStream {
    pub(crate) fn new(name: &str, step: Box<dyn FaceStep>, recogniser: Recogniser) -> Self {
        let scorer = Scorer::new(&recogniser);
        RowStream { name: name.to_string(), step, recogniser, scorer, given: Given::default(), summary: None }
    }

    /// Takes the next frame, RGB, shown at `pts_s` seconds, and gives the rows that became final, often none: a row is final
    /// once a window over its frame is full, 1 to 4 s later with the default weights.
    ///
    /// # Errors
    /// When the time is not after that of the frame before, the detector fails, or the network has no answer.
    pub fn push(&mut self, pts_s: f64, image: Image) -> Result<Vec<Row>, EstError> {
        let (width, height) = (image.width, image.height);
        let frame = self.given.frame(pts_s, image)?;
        let (name, info) = (&self.name, VideoInfo::of_frames(width, height));
        self.summary.get_or_insert_with(|| Summary::new(name, name, &info));
        for frame in self.step.push(Some(frame))? {
            self.scorer.push(&mut self.recogniser, frame)?;
        }
        Ok(self.rows())
    }

    /// There are no more frames: the rows that were waiting, and the summary of all.
    ///
    /// # Errors
    /// As [`RowStream::push`].
    pub fn finish(mut self) -> Result<(Vec<Row>, Summary), EstError> {
        for frame in self.step.push(None)? {
            self.scorer.push(&mut self.recogniser, frame)?;
        }
        self.scorer.finish(&mut self.recogniser)?;
        let rows = self.rows();
        let info = VideoInfo::of_frames(0, 0);
        let mut summary = self.summary.unwrap_or_else(|| Summary::new(&self.name, &self.name, &info));
        summary.finish(&DecodeReport::of_frames(self.given.count));
        Ok((rows, summary))
    }

    fn rows(&mut self) -> Vec<Row> {
        let rows = self.scorer.rows();
        if let Some(summary) = &mut self.summary {
            rows.iter().for_each(|row| summary.add(row));
        }
        rows
    }
}
