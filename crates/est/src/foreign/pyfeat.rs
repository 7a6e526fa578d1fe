//! py-feat, in the vocabularies of its detectors.

use super::{Cells, Layout, Line, faceless, found, require};
use crate::emotion::Emotion;
use crate::report::{Cell, Columns};

const REQUIRED: [&str; 6] = ["frame", "FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"];
const CONTEMPT: &str = "contempt";
/// Its names of our classes, in our order and with contempt at the end.
type Vocabulary = [(&'static str, &'static str); 8];
/// `Detector` of 0.2 to 0.6, `Detectorv1` and `MPDetector` of 2.x; without contempt.
const FIRST: Vocabulary = [
    ("anger", "angry"),
    ("disgust", "disgust"),
    ("fear", "fear"),
    ("happiness", "happy"),
    ("neutral", "neutral"),
    ("sadness", "sad"),
    ("surprise", "surprise"),
    ("contempt", CONTEMPT),
];
/// `Detectorv2` of 2.x: weights from 2.4 on are without contempt, those before have it.
const SECOND: Vocabulary = [
    ("Anger", "angry"),
    ("Disgust", "disgust"),
    ("Fear", "fear"),
    ("Happy", "happy"),
    ("Neutral", "neutral"),
    ("Sad", "sad"),
    ("Surprise", "surprise"),
    ("Contempt", CONTEMPT),
];
/// Further words by which a column would be one of an expression.
const SPELLINGS: [&str; 8] = ["angry", "happiness", "sadness", "surprised", "fearful", "disgusted", "joy", "calm"];

/// The expressions' columns, each with our class; none where they were not asked for.
struct PyFeat {
    expressions: Vec<(&'static str, &'static str)>,
}

pub(super) fn layout(header: &[String]) -> Result<Box<dyn Layout>, String> {
    require(header, &REQUIRED, "pyfeat")?;
    let is_expression = |column: &str| {
        let column = column.to_lowercase();
        let known = FIRST.iter().chain(&SECOND).any(|(name, _)| column == name.to_lowercase());
        known || SPELLINGS.contains(&column.as_str())
    };
    let seen: Vec<&str> = header.iter().map(String::as_str).filter(|column| is_expression(column)).collect();
    for vocabulary in [&FIRST, &SECOND] {
        let expressions: Vec<_> = vocabulary.iter().copied().filter(|(name, _)| seen.contains(name)).collect();
        let missing = vocabulary.iter().any(|(name, class)| *class != CONTEMPT && !seen.contains(name));
        if !missing && expressions.len() == seen.len() {
            return Ok(Box::new(PyFeat { expressions }));
        }
    }
    if seen.is_empty() {
        return Ok(Box::new(PyFeat { expressions: vec![] }));
    }
    let names = |vocabulary: &Vocabulary| vocabulary.map(|(name, _)| name)[..7].join(", ");
    Err(format!(
        "its columns of expressions are {}, which no detector of py-feat writes: those are {}, or {} and perhaps {}; \
         correct their names, or take out the column that is no expression",
        seen.join(", "),
        names(&FIRST),
        names(&SECOND),
        SECOND[7].0,
    ))
}

impl Layout for PyFeat {
    fn understands(&self, column: &str) -> bool {
        REQUIRED.contains(&column) || self.expressions.iter().any(|(name, _)| *name == column)
    }

    fn needs_fps(&self) -> bool {
        true
    }

    fn classes(&self) -> Vec<String> {
        self.expressions.iter().map(|(_, class)| class.to_string()).collect()
    }

    fn cells(&self, line: &Line, fps: Option<f64>) -> Result<Cells, String> {
        let frame = line.count("frame")?;
        let mut cells = faceless(frame, frame as f64 / fps.expect("asked for"));
        if line.is_missing("FaceScore") || line.is_missing("FaceRectX") {
            return Ok(cells);
        }
        let mut sides = [0.0; 4];
        for (side, column) in sides.iter_mut().zip(&REQUIRED[1..5]) {
            *side = line.number(column)?;
        }
        found(&mut cells, line.number("FaceScore")?, sides);
        if self.expressions.is_empty() || self.expressions.iter().any(|(name, _)| line.is_missing(name)) {
            return Ok(cells);
        }
        let mut probabilities = vec![];
        for (name, _) in &self.expressions {
            let value = line.number(name)?;
            if !(-1e-6..=1.0 + 1e-6).contains(&value) {
                return Err(format!("`{name}` is {value}, not a probability"));
            }
            probabilities.push(value as f32);
        }
        let emotion = Emotion { probabilities };
        cells.insert("label".to_string(), Cell::Text(self.expressions[emotion.label()].1.to_string()));
        cells.insert("entropy".to_string(), Cell::Float(emotion.entropy().into(), 6));
        let named = self.expressions.iter().map(|(_, class)| Columns::probability(class));
        cells.extend(named.zip(emotion.probabilities.iter().map(|&p| Cell::Float(p.into(), 6))));
        Ok(cells)
    }
}
