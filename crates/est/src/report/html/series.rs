//! What the page keeps of each face: a point for each window, and when the face was missing or hard to read.

use std::sync::Arc;

use est_media::TrackId;

use crate::row::{FaceRow, Row, Scored, Status};

/// Points of a face at most. From then on two become one, so that a page of a long video stays one that opens.
const MOST: usize = 1200;

/// One window, or several in a row.
#[derive(Debug, Clone)]
pub struct Point {
    pub from_s: f64,
    pub to_s: f64,
    /// Means over the frames that take this window.
    pub centre_s: f64,
    pub probabilities: Vec<f64>,
    pub attention: Vec<f64>,
    pub quality: f64,
    pub frames: u64,
}

/// A time in which a face was missing, or of low quality.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    pub status: Status,
    pub from_s: f64,
    pub to_s: f64,
}

#[derive(Debug)]
pub struct FaceSeries {
    pub track: TrackId,
    pub first_s: f64,
    pub last_s: f64,
    pub frames: u64,
    pub points: Vec<Point>,
    pub bands: Vec<Band>,
    latest: Option<Arc<Scored>>,
    /// Windows that a point stands for.
    merged: usize,
    windows_in_last: usize,
}

impl FaceSeries {
    pub fn new(track: TrackId, pts_s: f64) -> Self {
        FaceSeries {
            track,
            first_s: pts_s,
            last_s: pts_s,
            frames: 0,
            points: vec![],
            bands: vec![],
            latest: None,
            merged: 1,
            windows_in_last: 0,
        }
    }

    /// The track's next row; a frame is shown until the next, about `frame_s`.
    pub fn add(&mut self, row: &Row, frame_s: f64) {
        self.band(row, frame_s);
        let Some(face) = &row.face else { return };
        self.last_s = row.pts_s;
        self.frames += 1;
        let same = self.latest.as_ref().is_some_and(|latest| Arc::ptr_eq(latest, &face.scored));
        if !same {
            self.latest = Some(face.scored.clone());
            self.windows_in_last += 1;
        }
        match self.points.last_mut() {
            Some(point) if same || self.windows_in_last <= self.merged => point.take(&Point::of(face)),
            _ => {
                self.points.push(Point::of(face));
                self.windows_in_last = 1;
                if self.points.len() > MOST {
                    self.halve();
                }
            }
        }
    }

    fn band(&mut self, row: &Row, frame_s: f64) {
        if !matches!(row.status, Status::NoFace | Status::LowQuality) {
            return;
        }
        let to_s = row.pts_s + frame_s;
        match self.bands.last_mut() {
            // Times of frames differ from their sums in the last bits, and those of some videos by a tick.
            Some(band) if band.status == row.status && row.pts_s - band.to_s < frame_s / 2.0 => band.to_s = to_s,
            _ => self.bands.push(Band { status: row.status, from_s: row.pts_s, to_s }),
        }
    }

    fn halve(&mut self) {
        let pairs = self.points.chunks(2).map(|pair| {
            let mut point = pair[0].clone();
            pair[1..].iter().for_each(|other| point.take(other));
            point
        });
        self.points = pairs.collect();
        self.merged *= 2;
        self.windows_in_last = self.merged / 2;
    }

    /// Windows that each point stands for.
    pub fn windows_per_point(&self) -> usize {
        self.merged
    }
}

impl Point {
    fn of(face: &FaceRow) -> Self {
        let scored = &face.scored;
        Point {
            from_s: scored.start_s,
            to_s: scored.end_s,
            centre_s: scored.centre_s(),
            probabilities: face.emotion().probabilities.iter().copied().map(f64::from).collect(),
            attention: scored.attention.iter().copied().map(f64::from).collect(),
            quality: face.face.quality.into(),
            frames: 1,
        }
    }

    fn take(&mut self, other: &Point) {
        self.frames += other.frames;
        let share = other.frames as f64 / self.frames as f64;
        let mix = |mean: &mut f64, value: f64| *mean += share * (value - *mean);
        self.to_s = self.to_s.max(other.to_s);
        mix(&mut self.centre_s, other.centre_s);
        mix(&mut self.quality, other.quality);
        for (mean, &value) in self.probabilities.iter_mut().zip(&other.probabilities) {
            mix(mean, value);
        }
        for (mean, &value) in self.attention.iter_mut().zip(&other.attention) {
            mix(mean, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use est_media::{Face, Rect};

    use super::*;
    use crate::emotion::Emotion;

    #[test]
    fn a_long_face_keeps_few_points_and_its_means() {
        let mut series = FaceSeries::new(1, 0.0);
        for window in 0..5000u64 {
            let emotion = Emotion { probabilities: vec![1.0, 0.0] };
            let start_s = window as f64;
            let scored = Scored { emotion, start_s, end_s: start_s, stretched: false, attention: vec![] };
            let rect = Rect { x: 0.0, y: 0.0, w: 1.0, h: 1.0 };
            let face = Face { track: 1, rect, landmarks: [[0.0; 2]; 5], score: 1.0, quality: 0.5, interpolated: false };
            let face = Some(FaceRow::new(face, Arc::new(scored)));
            let row = Row { frame: window, pts_s: start_s, file: None, track: Some(1), status: Status::Ok, face };
            series.add(&row, 1.0);
            assert!(series.points.len() <= MOST);
        }
        assert_eq!((series.frames, series.windows_per_point()), (5000, 8));
        assert_eq!(series.points.iter().map(|point| point.frames).sum::<u64>(), 5000);
        assert!(series.points.is_sorted_by_key(|point| point.centre_s.round() as i64));
        assert!(series.points.iter().all(|point| point.probabilities == [1.0, 0.0] && point.quality == 0.5));
    }
}
