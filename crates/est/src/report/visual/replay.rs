//! The frames of a video beside their rows: decoded a second time, in step with the rows as they become final, so that no
//! frame has to be kept.

use std::collections::{BTreeMap, VecDeque};

use est_media::{DecodeOptions, Image, Rect, TrackId, VideoInfo};

use super::privacy::{HOLD_S, Privacy, hidden, pixelate};
use crate::decoding::Decoding;
use crate::error::EstError;
use crate::frames::FrameSource;
use crate::row::Row;
use crate::source::Source;

/// A frame as it may be shown, with its rows.
pub struct Shown {
    pub pts_s: f64,
    pub image: Image,
    pub rows: Vec<Row>,
}

pub struct Replay {
    frames: Decoding,
    privacy: Privacy,
    waiting: VecDeque<FrameRows>,
    /// Where and when each face was found last, of those that may still have to be hidden.
    before: BTreeMap<TrackId, (Rect, f64)>,
}

struct FrameRows {
    frame: u64,
    pts_s: f64,
    rows: Vec<Row>,
}

impl FrameRows {
    fn faces(&self) -> impl Iterator<Item = (TrackId, Rect)> + '_ {
        self.rows.iter().filter_map(|row| Some((row.track?, row.face.as_ref()?.face.rect)))
    }
}

impl Replay {
    /// # Errors
    /// When the source cannot be read a second time.
    pub fn open(source: &Source, options: &DecodeOptions, privacy: Privacy) -> Result<Self, EstError> {
        if let Source::Live { .. } = source {
            let problem = "what is live cannot be decoded twice; record it, or leave out mp4 and --thumbnails";
            let pattern = source.path().display().to_string();
            return Err(EstError::Source { pattern, problem: problem.to_string() });
        }
        let frames = Decoding::open(source, options)?;
        Ok(Replay { frames, privacy, waiting: VecDeque::new(), before: BTreeMap::new() })
    }

    pub fn privacy(&self) -> Privacy {
        self.privacy
    }

    pub fn info(&self) -> VideoInfo {
        self.frames.info()
    }

    /// The next row.
    pub fn push(&mut self, row: &Row) {
        match self.waiting.back_mut() {
            Some(latest) if latest.frame == row.frame => latest.rows.push(row.clone()),
            _ => self.waiting.push_back(FrameRows { frame: row.frame, pts_s: row.pts_s, rows: vec![row.clone()] }),
        }
    }

    /// The next frame of which enough is known; with `over`, when there are no more rows, every one.
    pub fn next(&mut self, over: bool) -> Result<Option<Shown>, EstError> {
        let (Some(first), Some(latest)) = (self.waiting.front(), self.waiting.back()) else { return Ok(None) };
        // Its own rows are complete once the next frame has one. What hides faces looks ahead for them.
        let ahead_s = if self.privacy == Privacy::Blurred { HOLD_S } else { 0.0 };
        if !over && (latest.frame == first.frame || latest.pts_s - first.pts_s <= ahead_s) {
            return Ok(None);
        }
        let FrameRows { frame, pts_s, rows } = self.waiting.pop_front().expect("there is a front");
        let mut image = loop {
            match self.frames.next_frame()? {
                Some(decoded) if decoded.index < frame => (),
                Some(decoded) => break decoded.image,
                None => return Err(self.changed()),
            }
        };
        let here = FrameRows { frame, pts_s, rows };
        match self.privacy {
            Privacy::Shown => (),
            Privacy::LandmarksOnly => image.data.fill(0),
            Privacy::Blurred => self.hide(&mut image, &here),
        }
        Ok(Some(Shown { pts_s, image, rows: here.rows }))
    }

    fn changed(&self) -> EstError {
        let problem = "it ended earlier when it was decoded again: the file has changed; run the same command again";
        EstError::Source { pattern: self.frames.path().display().to_string(), problem: problem.to_string() }
    }

    fn hide(&mut self, image: &mut Image, here: &FrameRows) {
        let now: BTreeMap<TrackId, Rect> = here.faces().collect();
        self.before.retain(|_, (_, at)| here.pts_s - *at <= HOLD_S);
        let before: Vec<(TrackId, Rect)> = self.before.iter().map(|(&track, &(rect, _))| (track, rect)).collect();
        let mut after: Vec<(TrackId, Rect)> = vec![];
        for later in self.waiting.iter().take_while(|later| later.pts_s - here.pts_s <= HOLD_S) {
            let fresh: Vec<_> =
                later.faces().filter(|(track, _)| after.iter().all(|(known, _)| known != track)).collect();
            after.extend(fresh);
        }
        for rect in hidden(&now, &before, &after) {
            pixelate(image, rect);
        }
        self.before.extend(now.into_iter().map(|(track, rect)| (track, (rect, here.pts_s))));
    }
}
