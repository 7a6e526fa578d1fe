//! Predictions on the disk: a table with one row a clip, and beside it, with the ending `json`, the records of its rounds
//! and the table's hash.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use est::report::Columns;
use est_data::set::ClipStatus;
use est_nets::{hash, whole_file};
use serde::{Deserialize, Serialize};

use super::{ClipPrediction, Predictions, Record};
use crate::error::EvalError;

#[derive(Serialize, Deserialize)]
struct About {
    csv_sha256: String,
    rounds: Vec<Record>,
}

const BEFORE: [&str; 6] = ["round", "clip", "subject", "status", "label", "predicted"];
const AFTER: [&str; 3] = ["window_start_s", "window_end_s", "stretched"];

/// Writes the table `path` and the JSON file beside it. Probabilities have all their digits.
///
/// # Panics
/// When the rounds have not the same classes, or two the same name: [`Report::pooled`](crate::Report::pooled) checks.
pub fn write(path: &Path, rounds: &[Predictions]) -> Result<(), EvalError> {
    let classes = rounds.first().map_or(&[][..], |round| &round.record.classes[..]);
    let mut table = csv::Writer::from_writer(vec![]);
    let probabilities = classes.iter().map(|class| Columns::probability(class));
    let header = BEFORE.into_iter().map(String::from).chain(probabilities).chain(AFTER.map(String::from));
    table.write_record(header).expect("a Vec takes all");
    for (k, round) in rounds.iter().enumerate() {
        assert_eq!(round.record.classes, classes, "rounds of one set");
        let name = round.record.round_name();
        assert!(rounds[..k].iter().all(|other| other.record.round_name() != name), "two rounds {name}");
        for clip in &round.clips {
            table.write_record(cells(clip, classes, name)).expect("a Vec takes all");
        }
    }
    let table = table.into_inner().expect("a Vec takes all");
    let about =
        About { csv_sha256: hash::of(&table), rounds: rounds.iter().map(|round| round.record.clone()).collect() };
    // By way of text, where an f32 of 0.1 is 0.1.
    let about = serde_json::to_string_pretty(&about).expect("records are plain data") + "\n";
    put(path, &table)?;
    put(&path.with_extension("json"), about.as_bytes())
}

fn cells(clip: &ClipPrediction, classes: &[String], round: &str) -> Vec<String> {
    let class = |label: usize| classes[label].clone();
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let mut cells = vec![
        round.to_string(),
        clip.clip.clone(),
        clip.subject.clone().unwrap_or_default(),
        clip.status.name().to_string(),
        class(clip.label),
        clip.predicted().map_or(String::new(), class),
    ];
    match &clip.probabilities {
        Some(probabilities) => cells.extend(probabilities.iter().map(f32::to_string)),
        None => cells.extend(classes.iter().map(|_| String::new())),
    }
    cells.extend([number(clip.window_s.map(|(start, _)| start)), number(clip.window_s.map(|(_, end)| end))]);
    cells.push(clip.stretched.to_string());
    cells
}

/// Reads what [`write`] wrote; `path` is the table, or the folder in which it is called `predictions.csv`.
///
/// # Errors
/// When one of the files is missing, cannot be understood, or the table is not the one that was written.
pub fn read(path: &Path) -> Result<Vec<Predictions>, EvalError> {
    let path = if path.is_dir() { path.join(crate::report::PREDICTIONS) } else { path.to_owned() };
    let beside = path.with_extension("json");
    let table = std::fs::read(&path).map_err(EvalError::read(&path))?;
    let about = std::fs::read(&beside).map_err(EvalError::read(&beside))?;
    let About { csv_sha256, rounds } = serde_json::from_slice(&about)
        .map_err(|error| EvalError::file(&beside, format!("no record of predictions ({error}); run est eval again")))?;
    if hash::of(&table) != csv_sha256 {
        let problem = format!("is not the table that {} was written with; run est eval again", beside.display());
        return Err(EvalError::file(&path, problem));
    }
    let mut rounds: Vec<Predictions> = rounds.into_iter().map(|record| Predictions { record, clips: vec![] }).collect();
    let mut reader = csv::Reader::from_reader(table.as_slice());
    let wrong = |what: &str| EvalError::file(&path, format!("no table of predictions ({what}); run est eval again"));
    let header: Vec<String> =
        reader.headers().map_err(|error| wrong(&error.to_string()))?.iter().map(String::from).collect();
    for row in reader.records() {
        let row = row.map_err(|error| wrong(&error.to_string()))?;
        let cells: BTreeMap<&str, &str> = header.iter().map(String::as_str).zip(row.iter()).collect();
        let (round, clip) = parse(&cells, &rounds).map_err(|what| wrong(&what))?;
        rounds[round].clips.push(clip);
    }
    Ok(rounds)
}

fn parse(cells: &BTreeMap<&str, &str>, rounds: &[Predictions]) -> Result<(usize, ClipPrediction), String> {
    let text = |name: &str| cells.get(name).copied().ok_or_else(|| format!("no column {name}"));
    let optional = |name: &str| text(name).map(|text| (!text.is_empty()).then_some(text));
    let number = |text: &str| text.parse::<f64>().map_err(|_| format!("`{text}` is no number"));
    let name = text("round")?;
    let round = rounds.iter().position(|round| round.record.round_name() == name);
    let round = round.ok_or_else(|| format!("a round `{name}` without a record"))?;
    let record = &rounds[round].record;
    let label = text("label")?;
    let label = record.classes.iter().position(|class| class == label).ok_or_else(|| format!("a class `{label}`"))?;
    let status = text("status")?;
    let status = ClipStatus::ALL.into_iter().find(|other| other.name() == status);
    let probability = |class: &String| match optional(&Columns::probability(class))? {
        Some(text) => text.parse::<f32>().map(Some).map_err(|_| format!("`{text}` is no probability")),
        None => Ok(None),
    };
    let probabilities: Option<Vec<f32>> = record.classes.iter().map(probability).collect::<Result<_, String>>()?;
    let times =
        (optional("window_start_s")?.map(number).transpose()?, optional("window_end_s")?.map(number).transpose()?);
    let clip = ClipPrediction {
        clip: text("clip")?.to_string(),
        subject: optional("subject")?.map(String::from),
        label,
        status: status.ok_or("an unknown status")?,
        probabilities,
        window_s: times.0.zip(times.1),
        stretched: text("stretched")? == "true",
    };
    Ok((round, clip))
}

/// Writes a file whole or not at all.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> Result<(), EvalError> {
    let write = || {
        let mut file = whole_file::begin(path)?;
        file.write_all(bytes)?;
        whole_file::place(file, path)
    };
    write().map_err(|error| EvalError::Write { path: path.to_owned(), error })
}
