//! Rows joined to stretches: how long a face keeps the same label. What annotations and subtitles are made of.

use std::collections::BTreeMap;

use est_media::TrackId;

use crate::row::Row;

/// Successive frames of one track with the same label. It lasts from its first frame's time to that of the frame after its
/// last. Missing faces end it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    pub track: TrackId,
    /// Place among the classes; None for uncertain.
    pub label: Option<usize>,
    pub from_s: f64,
    pub to_s: f64,
    pub frames: u64,
    /// Means over the frames; of the label's probability where there is a label.
    pub mean_probability: Option<f64>,
    pub mean_quality: f64,
}

impl Stretch {
    /// At the times that players show.
    pub fn played(self, offset_s: f64) -> Self {
        Stretch { from_s: self.from_s + offset_s, to_s: self.to_s + offset_s, ..self }
    }
}

/// Collects the stretches of a video. Holds one for each change of a label, and no rows.
#[derive(Debug, Default)]
pub struct Stretches {
    open: BTreeMap<TrackId, Stretch>,
    done: Vec<Stretch>,
    frame: u64,
    pts_s: f64,
    /// How long the latest frame but one was shown: what is taken for the last one's time.
    shown_s: f64,
    started: bool,
    /// Tracks whose stretch goes on in this frame.
    seen: Vec<TrackId>,
}

impl Stretches {
    pub fn add(&mut self, row: &Row) {
        if !self.started || row.frame != self.frame {
            self.next_frame(row.frame, row.pts_s);
        }
        let (Some(track), Some(face)) = (row.track, &row.face) else { return };
        let label = face.label();
        let quality = f64::from(face.face.quality);
        let probability = label.map(|label| f64::from(face.emotion().probabilities[label]));
        self.seen.push(track);
        if let Some(stretch) = self.open.get_mut(&track) {
            if stretch.label == label {
                stretch.frames += 1;
                let share = 1.0 / stretch.frames as f64;
                stretch.mean_quality += share * (quality - stretch.mean_quality);
                if let (Some(mean), Some(p)) = (&mut stretch.mean_probability, probability) {
                    *mean += share * (p - *mean);
                }
                return;
            }
            self.close(track, row.pts_s);
        }
        let stretch = Stretch {
            track,
            label,
            from_s: row.pts_s,
            to_s: row.pts_s,
            frames: 1,
            mean_probability: probability,
            mean_quality: quality,
        };
        self.open.insert(track, stretch);
    }

    fn next_frame(&mut self, frame: u64, pts_s: f64) {
        self.end_missing();
        if self.started {
            self.shown_s = pts_s - self.pts_s;
        }
        (self.frame, self.pts_s, self.started) = (frame, pts_s, true);
    }

    /// Ends what had no face in the latest frame, at that frame.
    fn end_missing(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        let missing: Vec<TrackId> = self.open.keys().copied().filter(|track| !seen.contains(track)).collect();
        for track in missing {
            self.close(track, self.pts_s);
        }
    }

    fn close(&mut self, track: TrackId, to_s: f64) {
        if let Some(stretch) = self.open.remove(&track) {
            self.done.push(Stretch { to_s, ..stretch });
        }
    }

    /// All stretches, in the order of their starts and then of tracks.
    pub fn finish(mut self) -> Vec<Stretch> {
        self.end_missing();
        let end_s = self.pts_s + self.shown_s;
        for (_, stretch) in std::mem::take(&mut self.open) {
            self.done.push(Stretch { to_s: end_s, ..stretch });
        }
        self.done.sort_by(|a, b| a.from_s.total_cmp(&b.from_s).then(a.track.cmp(&b.track)));
        self.done
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use est_media::{Face, Rect};

    use super::*;
    use crate::emotion::Emotion;
    use crate::row::{FaceRow, Scored, Status};

    fn row(frame: u64, track: Option<TrackId>, label: Option<usize>) -> Row {
        let face = label.map(|label| {
            let mut probabilities = vec![0.1; 3];
            probabilities[label] = 0.8;
            let emotion = Emotion { probabilities };
            let scored = Scored { emotion, start_s: 0.0, end_s: 0.0, stretched: false, attention: vec![] };
            let rect = Rect { x: 0.0, y: 0.0, w: 1.0, h: 1.0 };
            let landmarks = [[0.0; 2]; 5];
            let face = Face { track: 1, rect, landmarks, score: 0.9, quality: 0.5, interpolated: false };
            FaceRow::new(face, Arc::new(scored))
        });
        Row { frame, pts_s: frame as f64, file: None, track, status: Status::Ok, face }
    }

    #[test]
    fn labels_gaps_and_ends() {
        let mut stretches = Stretches::default();
        let rows = [
            row(0, Some(1), Some(0)),
            row(1, Some(1), Some(0)),
            row(1, Some(2), Some(1)),
            row(2, Some(1), Some(2)),
            row(2, Some(2), Some(1)),
            row(3, Some(2), None),
            row(4, Some(2), Some(1)),
        ];
        rows.iter().for_each(|row| stretches.add(row));
        let found: Vec<_> = stretches.finish().iter().map(|s| (s.track, s.label, s.from_s, s.to_s, s.frames)).collect();
        let expected = [
            (1, Some(0), 0.0, 2.0, 2),
            (2, Some(1), 1.0, 3.0, 2),
            (1, Some(2), 2.0, 3.0, 1),
            (2, Some(1), 4.0, 5.0, 1),
        ];
        assert_eq!(found, expected);
        assert!(Stretches::default().finish().is_empty());
    }
}
