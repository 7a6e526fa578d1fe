//! The columns of every tabular output, defined once. docs/columns.md says the same in words.

use std::collections::BTreeMap;

use est_media::{HeadPose, Landmarks};

use super::record::{ModelRecord, RunRecord};
use crate::row::{Row, UNCERTAIN};

/// A value of one column. A float carries the decimals that it is written with.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Integer(u64),
    Float(f64, usize),
}

impl Cell {
    /// The float as it is written: rounded, and never minus zero.
    pub(super) fn rounded(value: f64, decimals: usize) -> f64 {
        let scale = 10f64.powi(decimals as i32);
        (value * scale).round() / scale + 0.0
    }

    pub fn to_text(&self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Text(text) => text.clone(),
            Cell::Integer(value) => value.to_string(),
            Cell::Float(value, decimals) => format!("{:.decimals$}", Self::rounded(*value, *decimals)),
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Cell::Empty => serde_json::Value::Null,
            Cell::Text(text) => text.as_str().into(),
            Cell::Integer(value) => (*value).into(),
            Cell::Float(value, decimals) => Self::rounded(*value, *decimals).into(),
        }
    }
}

/// What the cells of a column are, where they are not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Float,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// Whether rows without a face leave it empty.
    pub of_face: bool,
}

/// Where the head points.
const POSE: [&str; 3] = ["yaw", "pitch", "roll"];
/// The five points, named as the viewer sees an upright face.
const POINTS: [&str; 10] = [
    "left_eye_x",
    "left_eye_y",
    "right_eye_x",
    "right_eye_y",
    "nose_x",
    "nose_y",
    "left_mouth_x",
    "left_mouth_y",
    "right_mouth_x",
    "right_mouth_y",
];

/// The columns of one video's results: what is the same in every row, and how a row becomes cells.
#[derive(Debug, Clone)]
pub struct Columns {
    video_id: String,
    /// Whether rows name the picture that they are of.
    files: bool,
    classes: Vec<String>,
    processed: bool,
    points: bool,
    model_id: String,
    weights_sha256: String,
}

impl Columns {
    pub fn new(video_id: &str, record: &RunRecord) -> Self {
        let ModelRecord { id, weights_sha256, classes, .. } = &record.model;
        Columns {
            video_id: video_id.to_string(),
            files: false,
            classes: classes.clone(),
            processed: record.signal.changes_probabilities(),
            points: record.points,
            model_id: id.clone(),
            weights_sha256: weights_sha256.clone(),
        }
    }

    /// With the column `file` of sources that are pictures.
    pub fn with_files(self, files: bool) -> Self {
        Columns { files, ..self }
    }

    /// Of results that another program made.
    pub(crate) fn foreign(video_id: &str, classes: Vec<String>, program: &str) -> Self {
        let [video_id, model_id] = [video_id, program].map(String::from);
        let weights_sha256 = String::new();
        Columns { video_id, files: false, classes, processed: false, points: false, model_id, weights_sha256 }
    }

    /// The column of a class's probability.
    pub fn probability(class: &str) -> String {
        format!("p_{class}")
    }

    /// Cells given by column, in the order of [`Columns::names`]; those that are not given are empty.
    pub(crate) fn order(&self, mut cells: BTreeMap<String, Cell>) -> Vec<Cell> {
        let same = [("video_id", &self.video_id), ("model_id", &self.model_id)];
        cells.extend(same.map(|(name, value)| (name.to_string(), Cell::Text(value.clone()))));
        self.names().iter().map(|name| cells.remove(name).unwrap_or(Cell::Empty)).collect()
    }

    /// `video_id, frame, pts_s, (file,) track_id, status, det_score, x, y, w, h, quality, yaw, pitch, roll, p_<class>..,
    /// label, entropy, window_start_s, window_end_s, model_id, weights_sha256`; with points those of [`POINTS`] after `roll`, with
    /// processed probabilities `s_<class>..` after `p_<class>..`. Times in seconds, boxes and points in pixels of the
    /// upright frame, angles in degrees, scores, qualities and probabilities in [0, 1], entropy in nats.
    pub fn all(&self) -> Vec<Column> {
        let column = |kind, of_face| move |name: &str| Column { name: name.to_string(), kind, of_face };
        let mut columns = vec![column(Kind::Text, false)("video_id"), column(Kind::Integer, false)("frame")];
        columns.push(column(Kind::Float, false)("pts_s"));
        columns.extend(self.files.then(|| column(Kind::Text, false)("file")));
        columns.push(column(Kind::Integer, true)("track_id"));
        columns.push(column(Kind::Text, false)("status"));
        columns.extend(["det_score", "x", "y", "w", "h", "quality"].map(column(Kind::Float, true)));
        let float = column(Kind::Float, true);
        columns.extend(POSE.map(float));
        if self.points {
            columns.extend(POINTS.map(float));
        }
        columns.extend(self.classes.iter().map(|class| float(&Self::probability(class))));
        if self.processed {
            columns.extend(self.classes.iter().map(|class| float(&format!("s_{class}"))));
        }
        columns.push(column(Kind::Text, true)("label"));
        columns.extend(["entropy", "window_start_s", "window_end_s"].map(column(Kind::Float, true)));
        columns.extend(["model_id", "weights_sha256"].map(column(Kind::Text, false)));
        columns
    }

    pub fn names(&self) -> Vec<String> {
        self.all().into_iter().map(|column| column.name).collect()
    }

    /// The cells of a row, in the order of [`Columns::all`]. A frame without a face has empty cells where a face
    /// would have values.
    pub fn cells(&self, row: &Row) -> Vec<Cell> {
        let mut cells = vec![Cell::Text(self.video_id.clone()), Cell::Integer(row.frame), Cell::Float(row.pts_s, 6)];
        cells.extend(self.files.then(|| Cell::Text(row.file.as_deref().unwrap_or_default().to_string())));
        cells.push(row.track.map_or(Cell::Empty, |track| Cell::Integer(track.into())));
        cells.push(Cell::Text(row.status.name().to_string()));
        match &row.face {
            None => {
                let probabilities = self.classes.len() * (1 + usize::from(self.processed));
                let points = if self.points { POINTS.len() } else { 0 };
                cells.resize(cells.len() + 6 + POSE.len() + points + probabilities + 4, Cell::Empty);
            }
            Some(row) => {
                let (rect, scored) = (row.face.rect, &row.scored);
                cells.push(Cell::Float(row.face.score.into(), 4));
                cells.extend([rect.x, rect.y, rect.w, rect.h].map(|value| Cell::Float(value.into(), 2)));
                cells.push(Cell::Float(row.face.quality.into(), 3));
                cells.extend(self.place(&row.face.landmarks));
                let mut probabilities = scored.emotion.probabilities.clone();
                if self.processed {
                    probabilities.extend(&row.emotion().probabilities);
                }
                cells.extend(probabilities.into_iter().map(|p| Cell::Float(p.into(), 6)));
                let label = row.label().map_or(UNCERTAIN, |label| &self.classes[label]);
                cells.push(Cell::Text(label.to_string()));
                cells.push(Cell::Float(scored.emotion.entropy().into(), 6));
                cells.extend([scored.start_s, scored.end_s].map(|value| Cell::Float(value, 6)));
            }
        }
        cells.push(Cell::Text(self.model_id.clone()));
        cells.push(Cell::Text(self.weights_sha256.clone()));
        cells
    }

    /// Pose, and the points if they are asked for. Empty where they are not known: of crops that another program made.
    fn place(&self, landmarks: &Landmarks) -> Vec<Cell> {
        let float =
            |value: f32, decimals| if value.is_finite() { Cell::Float(value.into(), decimals) } else { Cell::Empty };
        let mut cells = match HeadPose::of(landmarks) {
            Some(HeadPose { yaw, pitch, roll }) => [yaw, pitch, roll].map(|angle| float(angle, 1)).to_vec(),
            None => vec![Cell::Empty; POSE.len()],
        };
        if self.points {
            cells.extend(landmarks.as_flattened().iter().map(|&place| float(place, 2)));
        }
        cells
    }
}
