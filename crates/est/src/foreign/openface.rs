//! OpenFace 2 and 3.

use super::{Cells, Layout, Line, faceless, found, require};
use crate::report::Cell;

/// OpenFace 2's landmarks in pixels, whose bounds are the nearest that it has to a box.
const POINTS: usize = 68;
const SECOND: [&str; 4] = ["frame", "timestamp", "confidence", "success"];
/// OpenFace 3's expressions by its numbers, those of AffectNet, in our words.
const EMOTIONS: [&str; 8] = ["neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"];
const BOX: &str = "face_detection";
const EMOTION: &str = "emotion";
/// Where a table is of a video; a picture's has none.
const FRAME: &str = "frame_index";

pub(super) fn layout(header: &[String]) -> Result<Box<dyn Layout>, String> {
    let has = |name: &str| header.iter().any(|column| column == name);
    if has(BOX) && has(EMOTION) {
        if !has(FRAME) {
            require(header, &["image_path"], "openface")?;
        }
        return Ok(Box::new(Third { of_video: has(FRAME) }));
    }
    require(header, &SECOND, "openface")?;
    Ok(Box::new(Second))
}

struct Second;

impl Layout for Second {
    fn understands(&self, column: &str) -> bool {
        SECOND.contains(&column) || column == "face_id"
    }

    fn needs_fps(&self) -> bool {
        false
    }

    fn classes(&self) -> Vec<String> {
        vec![]
    }

    fn cells(&self, line: &Line, _: Option<f64>) -> Result<Cells, String> {
        let frame = line.count("frame")?;
        let frame = frame.checked_sub(1).ok_or("`frame` is 0, but OpenFace counts from 1")?;
        let mut cells = faceless(frame, line.number("timestamp")?);
        if line.fields.contains_key("face_id") {
            cells.insert("track_id".to_string(), Cell::Integer(line.count("face_id")?));
        }
        if line.number("success")? == 1.0 {
            // Without landmarks there is no box: bounds of nothing, which are not finite.
            let points = if line.fields.contains_key("x_0") { POINTS } else { 0 };
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
}

/// The table that OpenFace 3's package (openface-test 0.1.26) writes: its `timestamp` is the clock of the machine, its
/// `face_id` the place in the frame's list of faces, so neither is a time or a track.
struct Third {
    of_video: bool,
}

impl Layout for Third {
    fn understands(&self, column: &str) -> bool {
        [FRAME, BOX, EMOTION].contains(&column)
    }

    fn needs_fps(&self) -> bool {
        self.of_video
    }

    /// It has the most likely one, without a probability.
    fn classes(&self) -> Vec<String> {
        vec![]
    }

    fn cells(&self, line: &Line, fps: Option<f64>) -> Result<Cells, String> {
        let frame = if self.of_video { line.count(FRAME)? } else { 0 };
        let mut cells = faceless(frame, fps.map_or(0.0, |fps| frame as f64 / fps));
        if line.is_missing(BOX) {
            return Ok(cells);
        }
        // `[left, top, right, bottom, score, ten of landmarks]`.
        let text = line.text(BOX)?;
        let numbers = text.trim_matches(['[', ']']).split([',', ' ']).filter(|part| !part.is_empty());
        let numbers: Option<Vec<f64>> = numbers.map(|part| part.parse().ok().filter(|x: &f64| x.is_finite())).collect();
        let Some([left, top, right, bottom, score, ..]) = numbers.as_deref() else {
            return Err(format!("`{BOX}` is `{text}`, not a box and its score"));
        };
        found(&mut cells, *score, [*left, *top, right - left, bottom - top]);
        if !line.is_missing(EMOTION) {
            let number = line.count(EMOTION)?;
            let label = EMOTIONS.get(number as usize).ok_or_else(|| format!("`{EMOTION}` is {number}, not 0 to 7"))?;
            cells.insert("label".to_string(), Cell::Text(label.to_string()));
        }
        Ok(cells)
    }
}
