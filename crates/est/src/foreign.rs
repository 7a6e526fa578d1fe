//! Results of other programs in our columns, so that one analysis reads them all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::emotion::Emotion;
use crate::error::EstError;
use crate::model::usual_classes;
use crate::report::{Cell, Columns, OutputFile, write_line};
use crate::row::Status;

/// Our cells of one line, by column.
type Cells = BTreeMap<String, Cell>;

/// A program whose tables are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// OpenFace 2 (FeatureExtraction, FaceLandmarkVidMulti): frames from 1, seconds, action units, no expressions.
    OpenFace,
    /// py-feat (`Fex.to_csv`): frames from 0, boxes, seven expressions, no times.
    PyFeat,
}

/// py-feat's names of our classes, in our order.
const PYFEAT_CLASSES: [&str; 7] = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"];
const PYFEAT_BOX: [&str; 4] = ["FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight"];
/// OpenFace's landmarks in pixels, whose bounds are the nearest that it has to a box.
const OPENFACE_POINTS: usize = 68;

/// What an import wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub path: PathBuf,
    pub rows: u64,
    /// Rows with a face.
    pub faces: u64,
}

impl Peer {
    pub const ALL: [Peer; 2] = [Peer::OpenFace, Peer::PyFeat];

    pub fn name(self) -> &'static str {
        match self {
            Peer::OpenFace => "openface",
            Peer::PyFeat => "pyfeat",
        }
    }

    fn classes(self) -> Vec<String> {
        match self {
            Peer::OpenFace => vec![],
            Peer::PyFeat => usual_classes(PYFEAT_CLASSES.len()).expect("seven classes have names"),
        }
    }

    fn required(self) -> Vec<&'static str> {
        match self {
            Peer::OpenFace => vec!["frame", "timestamp", "confidence", "success"],
            Peer::PyFeat => ["frame", "FaceScore"].into_iter().chain(PYFEAT_BOX).chain(PYFEAT_CLASSES).collect(),
        }
    }

    /// Writes the table `from` of this program to `to` in our columns ([`Columns::names`]), and behind them its own
    /// further ones with the program's name before theirs, as they are. What the program does not have stays empty.
    /// `fps` gives the frames of py-feat their times.
    ///
    /// # Errors
    /// With file, line and column when the table is not this program's, a value no number, or `fps` missing.
    pub fn import(self, from: &Path, to: &Path, video_id: &str, fps: Option<f64>) -> Result<Imported, EstError> {
        let problem = |problem: String| EstError::Source { pattern: from.display().to_string(), problem };
        if self == Peer::PyFeat && fps.is_none() {
            return Err(problem("py-feat writes no times; give the video's frames a second with --fps".to_string()));
        }
        let mut table = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_path(from)
            .map_err(|error| problem(format!("cannot be read ({error})")))?;
        let header: Vec<String> =
            table.headers().map_err(|error| problem(error.to_string()))?.iter().map(String::from).collect();
        if let Some(missing) = self.required().into_iter().find(|name| !header.iter().any(|column| column == name)) {
            return Err(problem(format!("no column `{missing}`: not a table of {}", self.name())));
        }
        let classes = self.classes();
        let columns = Columns::foreign(video_id, classes.clone(), self.name());
        let others: Vec<usize> = (0..header.len()).filter(|&k| !self.understands(&header[k])).collect();
        let mut file = OutputFile::create(to)?;
        let titles = others.iter().map(|&k| format!("{}_{}", self.name(), header[k]));
        file.with(|file| write_line(file, columns.names().into_iter().chain(titles)))?;
        let mut imported = Imported { path: to.to_owned(), rows: 0, faces: 0 };
        for record in table.records() {
            let record = record.map_err(|error| problem(error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let given = Line { fields: header.iter().map(String::as_str).zip(record.iter()).collect() };
            let cells = self.cells(&given, fps, &classes).map_err(|what| problem(format!("line {line}: {what}")))?;
            imported.rows += 1;
            imported.faces += u64::from(cells.contains_key("det_score"));
            let ours = columns.order(cells).into_iter().map(|cell| cell.to_text());
            file.with(|file| write_line(file, ours.chain(others.iter().map(|&k| record[k].to_string()))))?;
        }
        file.commit()?;
        Ok(imported)
    }

    /// Whether a column of this program becomes one of ours.
    fn understands(self, column: &str) -> bool {
        self.required().contains(&column) || (self == Peer::OpenFace && column == "face_id")
    }

    /// Our cells of one of its lines, by name.
    fn cells(self, line: &Line, fps: Option<f64>, classes: &[String]) -> Result<Cells, String> {
        match self {
            Peer::OpenFace => openface(line),
            Peer::PyFeat => pyfeat(line, fps.expect("checked before"), classes),
        }
    }
}

fn faceless(frame: u64, pts_s: f64) -> Cells {
    let status = Cell::Text(Status::NoFace.name().to_string());
    [("frame", Cell::Integer(frame)), ("pts_s", Cell::Float(pts_s, 6)), ("status", status)]
        .map(|(name, cell)| (name.to_string(), cell))
        .into()
}

/// What a line with a face has at least.
fn found(cells: &mut Cells, score: f64, sides: [f64; 4]) {
    cells.insert("status".to_string(), Cell::Text(Status::Ok.name().to_string()));
    cells.insert("det_score".to_string(), Cell::Float(score, 4));
    let sides = ["x", "y", "w", "h"].into_iter().zip(sides).filter(|(_, side)| side.is_finite());
    cells.extend(sides.map(|(name, side)| (name.to_string(), Cell::Float(side, 2))));
}

fn openface(line: &Line) -> Result<Cells, String> {
    let frame = line.count("frame")?;
    let frame = frame.checked_sub(1).ok_or("`frame` is 0, but OpenFace counts from 1")?;
    let mut cells = faceless(frame, line.number("timestamp")?);
    if line.fields.contains_key("face_id") {
        cells.insert("track_id".to_string(), Cell::Integer(line.count("face_id")?));
    }
    if line.number("success")? == 1.0 {
        // Without landmarks there is no box: bounds of nothing, which are not finite.
        let points = if line.fields.contains_key("x_0") { OPENFACE_POINTS } else { 0 };
        let along = |axis: &str| -> Result<[f64; 2], String> {
            (0..points).try_fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], k| {
                let value = line.number(&format!("{axis}_{k}"))?;
                Ok([low.min(value), high.max(value)])
            })
        };
        let ([left, right], [top, bottom]) = (along("x")?, along("y")?);
        found(&mut cells, line.number("confidence")?, [left, top, right - left, bottom - top]);
    }
    Ok(cells)
}

fn pyfeat(line: &Line, fps: f64, classes: &[String]) -> Result<Cells, String> {
    let frame = line.count("frame")?;
    let mut cells = faceless(frame, frame as f64 / fps);
    if line.is_missing("FaceScore") || line.is_missing(PYFEAT_BOX[0]) {
        return Ok(cells);
    }
    let mut sides = [0.0; 4];
    for (side, column) in sides.iter_mut().zip(PYFEAT_BOX) {
        *side = line.number(column)?;
    }
    found(&mut cells, line.number("FaceScore")?, sides);
    if PYFEAT_CLASSES.iter().any(|class| line.is_missing(class)) {
        return Ok(cells);
    }
    let mut probabilities = vec![];
    for class in PYFEAT_CLASSES {
        let value = line.number(class)?;
        if !(-1e-6..=1.0 + 1e-6).contains(&value) {
            return Err(format!("`{class}` is {value}, not a probability"));
        }
        probabilities.push(value as f32);
    }
    let emotion = Emotion { probabilities };
    cells.insert("label".to_string(), Cell::Text(classes[emotion.label()].clone()));
    cells.insert("entropy".to_string(), Cell::Float(emotion.entropy().into(), 6));
    let named = classes.iter().map(|class| Columns::probability(class));
    cells.extend(named.zip(emotion.probabilities.iter().map(|&p| Cell::Float(p.into(), 6))));
    Ok(cells)
}

/// A line of a foreign table, by its columns' names.
struct Line<'a> {
    fields: BTreeMap<&'a str, &'a str>,
}

impl Line<'_> {
    fn text(&self, column: &str) -> Result<&str, String> {
        self.fields.get(column).copied().ok_or_else(|| format!("no column `{column}`"))
    }

    fn number(&self, column: &str) -> Result<f64, String> {
        let text = self.text(column)?;
        let value: Option<f64> = text.parse().ok().filter(|value: &f64| value.is_finite());
        value.ok_or_else(|| format!("`{column}` is `{text}`, not a number"))
    }

    /// A whole number; programs that hold their tables in floats write 3.0.
    fn count(&self, column: &str) -> Result<u64, String> {
        let value = self.number(column)?;
        let whole = value.fract() == 0.0 && (0.0..=9e15).contains(&value);
        if whole { Ok(value as u64) } else { Err(format!("`{column}` is {value}, not a whole number from 0")) }
    }

    fn is_missing(&self, column: &str) -> bool {
        self.fields.get(column).is_none_or(|text| text.is_empty() || text.eq_ignore_ascii_case("nan"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(peer: Peer, table: &str, fps: Option<f64>) -> Result<Vec<BTreeMap<String, String>>, EstError> {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from.csv", "to.csv"].map(|name| folder.path().join(name));
        std::fs::write(&from, table).unwrap();
        peer.import(&from, &to, "a", fps)?;
        let mut read = csv::Reader::from_path(&to).unwrap();
        let header = read.headers().unwrap().clone();
        let row = |record: csv::StringRecord| header.iter().zip(&record).map(|(a, b)| (a.into(), b.into())).collect();
        Ok(read.records().map(|record| row(record.unwrap())).collect())
    }

    #[test]
    fn openface_gets_times_boxes_and_keeps_its_units() {
        let points = |axis: &str| (0..68).map(|k| format!(", {axis}_{k}")).collect::<String>();
        let values = |from: f64| (0..68).map(|k| format!(", {}", from + f64::from(k))).collect::<String>();
        let table = format!(
            "frame, face_id, timestamp, confidence, success{}{}, AU01_r\n1, 2, 0.000, 0.98, 1{}{}, 1.25\n2, 2, 0.040, 0.1, 0{}{}, 0\n",
            points("x"),
            points("y"),
            values(10.0),
            values(20.5),
            values(0.0),
            values(0.0)
        );
        let rows = import(Peer::OpenFace, &table, None).unwrap();
        let first = &rows[0];
        for (name, value) in [
            ("video_id", "a"),
            ("frame", "0"),
            ("pts_s", "0.000000"),
            ("track_id", "2"),
            ("status", "ok"),
            ("det_score", "0.9800"),
            ("x", "10.00"),
            ("y", "20.50"),
            ("w", "67.00"),
            ("label", ""),
            ("model_id", "openface"),
            ("openface_AU01_r", "1.25"),
        ] {
            assert_eq!(first[name], value, "{name}");
        }
        assert_eq!([&rows[1]["status"], &rows[1]["det_score"], &rows[1]["pts_s"]], ["no_face", "", "0.040000"]);
        assert!(!first.contains_key("p_happy"));
    }

    #[test]
    fn pyfeat_gets_times_and_our_classes() {
        let header = "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU01,anger,disgust,fear,happiness,sadness,surprise,neutral";
        let table = format!("{header}\n0.0,1,2,30,40,0.99,0.5,0.1,0,0,0.6,0.1,0,0.2\n50,,,,,,,,,,,,,\n");
        let rows = import(Peer::PyFeat, &table, Some(25.0)).unwrap();
        let first = &rows[0];
        for (name, value) in [
            ("pts_s", "0.000000"),
            ("p_happy", "0.600000"),
            ("p_sad", "0.100000"),
            ("p_neutral", "0.200000"),
            ("label", "happy"),
            ("w", "30.00"),
            ("pyfeat_AU01", "0.5"),
        ] {
            assert_eq!(first[name], value, "{name}");
        }
        assert_eq!([&rows[1]["status"], &rows[1]["pts_s"], &rows[1]["p_happy"]], ["no_face", "2.000000", ""]);
        let without = import(Peer::PyFeat, &table, None).unwrap_err().to_string();
        assert!(without.contains("--fps"), "{without}");
    }

    #[test]
    fn another_table_is_told_with_line_and_column() {
        let told = |peer, table: &str| import(peer, table, Some(25.0)).unwrap_err().to_string();
        assert!(told(Peer::OpenFace, "a,b\n1,2\n").contains("no column `frame`"));
        let bad = told(Peer::OpenFace, "frame,timestamp,confidence,success\n1,0,1,0\n2,later,1,0\n");
        assert!(bad.contains("line 3") && bad.contains("`timestamp` is `later`"), "{bad}");
        let bad = told(Peer::OpenFace, "frame,timestamp,confidence,success\n1,0,1\n");
        assert!(bad.contains("from.csv"), "{bad}");
    }
}
