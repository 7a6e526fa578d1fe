//! A line for each face and stretch of time instead of one for each frame.
//!
//! Works on cells, so that a column needs a word here only where its mean over frames would say something wrong.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use est_media::TrackId;

use super::columns::{Cell, Column, Columns, Kind};
use super::record::RunRecord;
use crate::emotion::largest;
use crate::row::{Row, Status, UNCERTAIN};

/// Of a line: decoded frames with a row of the face, and those of them that its means are over.
const COUNTS: [&str; 2] = ["frames", "frames_used"];

/// How the cells of a column become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// That of the first row: it is the same in all, or counts them.
    First,
    /// That of the first row that is used.
    FirstUsed,
    /// When the stretch begins.
    Time,
    Status,
    Mean,
    /// Of degrees around a circle, from -180 to 180.
    MeanAngle,
    Least,
    Most,
    /// From the means of the probabilities.
    Label,
    Entropy,
}

impl Rule {
    fn of(column: &Column) -> Self {
        match (column.name.as_str(), column.kind) {
            ("pts_s", _) => Rule::Time,
            ("status", _) => Rule::Status,
            ("track_id", _) => Rule::First,
            ("label", _) => Rule::Label,
            ("entropy", _) => Rule::Entropy,
            ("window_start_s", _) => Rule::Least,
            ("window_end_s", _) => Rule::Most,
            ("roll", _) => Rule::MeanAngle,
            (_, Kind::Float) if column.of_face => Rule::Mean,
            _ if column.of_face => Rule::FirstUsed,
            _ => Rule::First,
        }
    }
}

/// Gathers the rows of a stretch. Stretches are multiples of their length from time 0 on; each has a line for every track
/// that has a row in it, and where no track has, one without.
pub struct Every {
    /// In microseconds, as finely as times are written: 0.3 is in the fourth stretch of 0.1 and not in the third.
    length: i64,
    columns: Vec<(Column, Rule)>,
    /// Where the probabilities are that the label is of, and the model's own.
    labelled: Vec<usize>,
    own: Vec<usize>,
    classes: Vec<String>,
    abstain: Option<f64>,
    /// The stretch of the latest row.
    stretch: i64,
    tracks: BTreeMap<Option<TrackId>, Gathered>,
}

/// The rows of one track in a stretch.
struct Gathered {
    first: Vec<Cell>,
    frames: u64,
    used: u64,
    padded: bool,
    face: bool,
    values: Vec<Value>,
}

/// What is known of a column of the used rows.
#[derive(Debug, Clone, Default)]
struct Value {
    first: Option<Cell>,
    /// Of what has a number.
    count: u64,
    sum: f64,
    /// Of the angle's sine and cosine.
    circle: [f64; 2],
    least: f64,
    most: f64,
    decimals: usize,
}

impl Every {
    pub fn new(every_s: f64, columns: &Columns, record: &RunRecord) -> Self {
        let with_rule = |column: Column| {
            let rule = Rule::of(&column);
            (column, rule)
        };
        let all: Vec<(Column, Rule)> = columns.all().into_iter().map(with_rule).collect();
        let classes = record.model.classes.clone();
        let places = |prefix: &str| -> Vec<usize> {
            let place = |class: &String| all.iter().position(|(column, _)| column.name == format!("{prefix}_{class}"));
            classes.iter().filter_map(place).collect()
        };
        let own = places("p");
        let labelled = Some(places("s")).filter(|places| !places.is_empty()).unwrap_or_else(|| own.clone());
        Every {
            length: micros(every_s).max(1),
            columns: all,
            labelled,
            own,
            classes,
            abstain: record.signal.abstain.map(f64::from),
            stretch: i64::MIN,
            tracks: BTreeMap::new(),
        }
    }

    /// Those of a table by frames, and behind `status` how many frames there were.
    pub fn columns(&self) -> Vec<Column> {
        let mut columns: Vec<Column> = self.columns.iter().map(|(column, _)| column.clone()).collect();
        let counts = COUNTS.map(|name| Column { name: name.to_string(), kind: Kind::Integer, of_face: false });
        let place = self.behind_status();
        columns.splice(place..place, counts);
        columns
    }

    fn behind_status(&self) -> usize {
        self.columns.iter().position(|(_, rule)| *rule == Rule::Status).map_or(0, |place| place + 1)
    }

    pub fn add(&mut self, row: &Row, cells: Vec<Cell>) -> Vec<Vec<Cell>> {
        let stretch = micros(row.pts_s).div_euclid(self.length);
        let done = if stretch == self.stretch { vec![] } else { self.end() };
        self.stretch = stretch;
        let gathered = self.tracks.entry(row.track).or_insert_with(|| Gathered {
            frames: 0,
            used: 0,
            padded: false,
            face: false,
            values: vec![Value::default(); cells.len()],
            first: cells.clone(),
        });
        gathered.frames += 1;
        gathered.face |= row.face.is_some();
        if row.face.is_some() && matches!(row.status, Status::Ok | Status::Padded) {
            gathered.used += 1;
            gathered.padded |= row.status == Status::Padded;
            gathered.values.iter_mut().zip(cells).for_each(|(value, cell)| value.add(cell));
        }
        done
    }

    /// The lines of the stretch that is over.
    pub fn end(&mut self) -> Vec<Vec<Cell>> {
        let mut tracks = std::mem::take(&mut self.tracks);
        if tracks.keys().any(Option::is_some) {
            tracks.remove(&None);
        }
        tracks.into_values().map(|gathered| self.line(gathered)).collect()
    }

    fn line(&self, gathered: Gathered) -> Vec<Cell> {
        let Gathered { first, frames, used, padded, face, values } = gathered;
        let mean = |&place: &usize| values[place].mean();
        let probabilities: Vec<f64> = self.labelled.iter().filter_map(mean).collect();
        let cells = self.columns.iter().zip(first).zip(&values).map(|(((_, rule), first), value)| match rule {
            Rule::First => first,
            Rule::Time => Cell::Float((self.stretch * self.length) as f64 / 1e6, 6),
            Rule::Status => Cell::Text(status(used, padded, face).name().to_string()),
            Rule::FirstUsed => value.first.clone().unwrap_or(Cell::Empty),
            _ if used == 0 => Cell::Empty,
            Rule::Mean => value.float(value.mean()),
            Rule::MeanAngle => value.float(value.mean_angle()),
            Rule::Least => value.float((value.count > 0).then_some(value.least)),
            Rule::Most => value.float((value.count > 0).then_some(value.most)),
            Rule::Label => Cell::Text(self.label(&probabilities).to_string()),
            Rule::Entropy => {
                let terms = self.own.iter().filter_map(mean).filter(|&p| p > 0.0).map(|p| -p * p.ln());
                Cell::Float(terms.sum::<f64>().max(0.0), 6)
            }
        });
        let mut cells: Vec<Cell> = cells.collect();
        let place = self.behind_status();
        cells.splice(place..place, [Cell::Integer(frames), Cell::Integer(used)]);
        cells
    }

    fn label(&self, probabilities: &[f64]) -> &str {
        let label = largest(probabilities);
        let sure = |p: &&f64| self.abstain.is_none_or(|least| **p >= least);
        probabilities.get(label).filter(sure).map_or(UNCERTAIN, |_| &self.classes[label])
    }
}

fn status(used: u64, padded: bool, face: bool) -> Status {
    match (used, face) {
        (0, false) => Status::NoFace,
        (0, true) => Status::LowQuality,
        _ if padded => Status::Padded,
        _ => Status::Ok,
    }
}

fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

impl Value {
    fn add(&mut self, cell: Cell) {
        if let Cell::Float(number, decimals) = cell {
            let (least, most) = if self.count == 0 { (number, number) } else { (self.least, self.most) };
            (self.least, self.most) = (least.min(number), most.max(number));
            self.count += 1;
            self.sum += number;
            self.decimals = decimals;
            let (sine, cosine) = (number / 360.0 * TAU).sin_cos();
            self.circle = [self.circle[0] + sine, self.circle[1] + cosine];
        }
        if self.first.is_none() && cell != Cell::Empty {
            self.first = Some(cell);
        }
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    fn mean_angle(&self) -> Option<f64> {
        let [sine, cosine] = self.circle;
        (self.count > 0).then(|| sine.atan2(cosine) / TAU * 360.0)
    }

    fn float(&self, number: Option<f64>) -> Cell {
        number.map_or(Cell::Empty, |number| Cell::Float(number, self.decimals))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_go_around() {
        let mut value = Value::default();
        [179.0, -179.0].into_iter().for_each(|angle| value.add(Cell::Float(angle, 1)));
        assert!((value.mean_angle().unwrap().abs() - 180.0).abs() < 1e-9);
        assert_eq!(value.mean(), Some(0.0), "what it would be else");
        assert_eq!(Value::default().mean_angle(), None);
    }

    #[test]
    fn statuses() {
        let of = [(0, false, false), (0, false, true), (2, true, true), (2, false, true)];
        let expected = [Status::NoFace, Status::LowQuality, Status::Padded, Status::Ok];
        assert_eq!(of.map(|(used, padded, face)| status(used, padded, face)), expected);
    }
}
