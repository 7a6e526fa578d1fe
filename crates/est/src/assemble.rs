//! Joins what is known about each frame at different times: faces when it is tracked, windows when they are full,
//! gaps when a track comes back or does not. Gives rows in the order of frames, then tracks, as soon as they are final.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use est_media::{Face, TrackId};

use crate::row::{FaceRow, Row, Scored, Status};

#[derive(Debug)]
enum Cell {
    /// A face whose window is not full yet.
    Waiting(Face),
    Scored(FaceRow),
    /// The track lacks a face here and has not come back yet.
    Missing,
    /// It did come back.
    Gap,
}

#[derive(Debug)]
struct PendingFrame {
    frame: u64,
    pts_s: f64,
    file: Option<Arc<str>>,
    cells: BTreeMap<TrackId, Cell>,
}

/// Holds rows until they are final: at most the frames of a window and a gap.
#[derive(Debug)]
pub struct Assembler {
    frames: VecDeque<PendingFrame>,
    /// Tracks that have not ended, with their latest window.
    active: BTreeMap<TrackId, Option<Arc<Scored>>>,
    low_quality: f32,
}

impl Assembler {
    /// Faces of a quality below `low_quality` are marked.
    pub fn new(low_quality: f32) -> Self {
        Assembler { frames: VecDeque::new(), active: BTreeMap::new(), low_quality }
    }

    /// The next decoded frame and its faces.
    pub fn frame(&mut self, frame: u64, pts_s: f64, file: Option<Arc<str>>, faces: &[Face]) {
        for face in faces {
            self.active.entry(face.track).or_default();
            // The track is here: where it was missing before, it was in a gap.
            for earlier in self.frames.iter_mut().rev() {
                match earlier.cells.get_mut(&face.track) {
                    Some(cell @ Cell::Missing) => *cell = Cell::Gap,
                    _ => break,
                }
            }
        }
        let mut cells: BTreeMap<TrackId, Cell> = self.active.keys().map(|&track| (track, Cell::Missing)).collect();
        cells.extend(faces.iter().map(|face| (face.track, Cell::Waiting(face.clone()))));
        self.frames.push_back(PendingFrame { frame, pts_s, file, cells });
    }

    /// A window of a track, in the order of time.
    pub fn window(&mut self, track: TrackId, scored: Scored) {
        let scored = Arc::new(scored);
        let previous = self.active.insert(track, Some(scored.clone())).flatten();
        self.resolve(track, |pts_s| {
            if let Some(previous) = &previous
                && !scored.nearer(previous, pts_s)
            {
                return Some(previous.clone());
            }
            (pts_s <= scored.centre_s()).then(|| scored.clone())
        });
    }

    /// The track will never continue; all its windows were given.
    ///
    /// # Panics
    /// When a track with faces had no window: the recogniser is wrong.
    pub fn ended(&mut self, track: TrackId) {
        let Some(latest) = self.active.remove(&track) else {
            return;
        };
        self.resolve(track, |_| Some(latest.clone().expect("a track that ends has had a window")));
        for pending in &mut self.frames {
            if matches!(pending.cells.get(&track), Some(Cell::Missing)) {
                pending.cells.remove(&track);
            }
        }
    }

    fn resolve(&mut self, track: TrackId, choose: impl Fn(f64) -> Option<Arc<Scored>>) {
        for pending in &mut self.frames {
            let Some(cell) = pending.cells.get_mut(&track) else {
                continue;
            };
            if let Cell::Waiting(face) = cell
                && let Some(scored) = choose(pending.pts_s)
            {
                *cell = Cell::Scored(FaceRow::new(face.clone(), scored));
            }
        }
    }

    /// Takes the rows that are final.
    pub fn take(&mut self) -> Vec<Row> {
        let is_final = |cell: &Cell| matches!(cell, Cell::Scored(_) | Cell::Gap);
        let mut rows = vec![];
        while self.frames.front().is_some_and(|pending| pending.cells.values().all(is_final)) {
            let PendingFrame { frame, pts_s, file, cells } = self.frames.pop_front().expect("there is a front");
            let none = |track| Row { frame, pts_s, file: file.clone(), track, status: Status::NoFace, face: None };
            if cells.is_empty() {
                rows.push(none(None));
            }
            for (track, cell) in cells {
                rows.push(match cell {
                    Cell::Scored(face) => Row { status: self.status(&face), face: Some(face), ..none(Some(track)) },
                    _ => none(Some(track)),
                });
            }
        }
        rows
    }

    fn status(&self, row: &FaceRow) -> Status {
        if row.face.quality < self.low_quality {
            Status::LowQuality
        } else if row.scored.stretched {
            Status::Padded
        } else {
            Status::Ok
        }
    }

    /// Tracks that have not ended.
    pub fn active(&self) -> Vec<TrackId> {
        self.active.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use est_media::Rect;

    use super::*;
    use crate::emotion::Emotion;

    fn face(track: TrackId, quality: f32) -> Face {
        Face {
            track,
            rect: Rect { x: 0.0, y: 0.0, w: 1.0, h: 1.0 },
            landmarks: [[0.0; 2]; 5],
            score: 0.9,
            quality,
            interpolated: false,
        }
    }

    fn scored(start_s: f64, end_s: f64) -> Scored {
        let emotion = Emotion { probabilities: vec![start_s as f32] };
        Scored { emotion, start_s, end_s, stretched: false, attention: vec![] }
    }

    fn summary(rows: &[Row]) -> Vec<(u64, Option<TrackId>, &'static str, Option<f64>)> {
        rows.iter()
            .map(|row| {
                let start = row.face.as_ref().map(|face| face.scored.start_s);
                (row.frame, row.track, row.status.name(), start)
            })
            .collect()
    }

    #[test]
    fn a_row_takes_the_nearest_window() {
        let mut assembler = Assembler::new(0.5);
        for frame in 0..5 {
            assembler.frame(frame, frame as f64, None, &[face(1, 1.0)]);
        }
        assert!(assembler.take().is_empty(), "no window yet");
        assembler.window(1, scored(0.0, 2.0)); // centre 1
        assert_eq!(assembler.take().len(), 2, "frames after the centre wait for the next window");
        assembler.window(1, scored(1.0, 5.0)); // centre 3
        assembler.ended(1);
        let starts: Vec<_> = summary(&assembler.take()).iter().map(|row| row.3.unwrap()).collect();
        assert_eq!(starts, [0.0, 1.0, 1.0], "frame 2 is as near to both: the earlier one");
    }

    #[test]
    fn a_gap_has_rows_and_an_end_has_none() {
        let mut assembler = Assembler::new(0.5);
        assembler.frame(0, 0.0, None, &[face(1, 1.0)]);
        assembler.frame(1, 1.0, None, &[]);
        assembler.frame(2, 2.0, None, &[face(1, 0.4)]);
        assembler.frame(3, 3.0, None, &[]);
        assembler.frame(4, 4.0, None, &[face(2, 1.0)]);
        assembler.window(1, scored(0.0, 2.0));
        assembler.ended(1);
        let rows = assembler.take();
        let expected = [
            (0, Some(1), "ok", Some(0.0)),
            (1, Some(1), "no_face", None),
            (2, Some(1), "low_quality", Some(0.0)),
            (3, None, "no_face", None),
        ];
        assert_eq!(summary(&rows), expected);
        assembler.window(2, Scored { stretched: true, ..scored(4.0, 4.0) });
        assembler.ended(2);
        assert_eq!(summary(&assembler.take()), [(4, Some(2), "padded", Some(4.0))]);
    }

    #[test]
    fn tracks_of_one_frame_are_ordered_and_wait_for_each_other() {
        let mut assembler = Assembler::new(0.5);
        assembler.frame(0, 0.0, None, &[face(2, 1.0), face(1, 1.0)]);
        assembler.window(2, scored(0.0, 0.0));
        assert!(assembler.take().is_empty());
        assembler.window(1, scored(0.0, 0.0));
        let tracks: Vec<_> = assembler.take().iter().map(|row| row.track).collect();
        assert_eq!(tracks, [Some(1), Some(2)]);
        assert_eq!(assembler.active(), [1, 2]);
    }
}
