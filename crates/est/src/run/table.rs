//! One row for each video and track of a folder.

use std::path::Path;

use serde_json::Value;

use super::manifest::Entry;
use crate::emotion::largest;
use crate::error::EstError;
use crate::report::{Cell, Columns, OutputFile, write_line};
use crate::row::Status;

/// Writes the table of `entries`. A video without tracks has one row.
pub fn write<'a>(path: &Path, entries: impl Iterator<Item = &'a Entry> + Clone) -> Result<(), EstError> {
    // Runs with different models may share a folder, and lists have columns of their own.
    let (mut classes, mut columns): (Vec<&str>, Vec<&str>) = (vec![], vec![]);
    for entry in entries.clone() {
        let new = |known: &[&str], name: &str| !known.contains(&name);
        classes
            .extend(entry.classes.iter().map(String::as_str).filter(|class| new(&classes, class)).collect::<Vec<_>>());
        columns.extend(entry.columns.keys().map(String::as_str).filter(|name| new(&columns, name)).collect::<Vec<_>>());
    }
    let mut file = OutputFile::create(path)?;
    let mut line = |fields: Vec<String>| file.with(|file| write_line(file, fields));
    let mut header: Vec<String> = VIDEO.iter().map(ToString::to_string).collect();
    header.extend(Status::ALL.map(|status| format!("share_{}", status.name())));
    header.extend(TRACK.iter().map(ToString::to_string));
    header.extend(classes.iter().map(|class| Columns::probability(class)));
    header.extend(["label", "warnings", "failure"].map(String::from));
    header.extend(
        columns
            .iter()
            .map(|column| {
                let taken = header.iter().any(|name| name == column);
                if taken { format!("list_{column}") } else { column.to_string() }
            })
            .collect::<Vec<_>>(),
    );
    line(header)?;
    let no_tracks = vec![Value::Null];
    for entry in entries {
        let tracks = entry.summary["tracks"].as_array().filter(|tracks| !tracks.is_empty()).unwrap_or(&no_tracks);
        for track in tracks {
            line(row(entry, track, &classes, &columns).iter().map(Cell::to_text).collect())?;
        }
    }
    file.commit().map(drop)
}

/// Of the video; the counts are called as its summary calls them.
const VIDEO: [&str; 8] =
    ["video_id", "source", "state", "frames_decoded", "frames_container", "packets_damaged", "frames_dropped", "rows"];
const TRACK: [&str; 5] = ["track_id", "first_s", "last_s", "faces", "mean_quality"];

fn row(entry: &Entry, track: &Value, classes: &[&str], columns: &[&str]) -> Vec<Cell> {
    let summary = &entry.summary;
    let integer = |value: &Value| value.as_u64().map_or(Cell::Empty, Cell::Integer);
    let float = |value: &Value, decimals| value.as_f64().map_or(Cell::Empty, |value| Cell::Float(value, decimals));
    let text = |text: &str| Cell::Text(text.to_string());
    let mut cells =
        vec![text(&entry.video_id), text(&entry.source), text(if entry.failure.is_none() { "done" } else { "failed" })];
    cells.extend(VIDEO[3..].iter().map(|name| integer(&summary[name])));
    let rows = summary["rows"].as_f64().filter(|&rows| rows > 0.0);
    cells.extend(Status::ALL.map(|status| {
        let count = summary["rows_by_status"][status.name()].as_f64().unwrap_or(0.0);
        rows.map_or(Cell::Empty, |rows| Cell::Float(count / rows, 4))
    }));
    cells.push(integer(&track["track_id"]));
    cells.extend(["first_s", "last_s"].map(|name| float(&track[name], 6)));
    cells.push(integer(&track["faces"]));
    cells.push(float(&track["mean_quality"], 3));
    let means: Vec<f64> = track["mean_probabilities"]
        .as_array()
        .map_or(vec![], |means| means.iter().map(|p| p.as_f64().unwrap_or(f64::NAN)).collect());
    let place = |class: &str| entry.classes.iter().position(|own| own == class);
    cells.extend(classes.iter().map(|class| {
        let mean = place(class).and_then(|place| means.get(place));
        mean.map_or(Cell::Empty, |&mean| Cell::Float(mean, 6))
    }));
    let label = (!means.is_empty()).then(|| entry.classes.get(largest(&means))).flatten();
    cells.push(label.map_or(Cell::Empty, |label| text(label)));
    let warnings: Vec<&str> =
        summary["warnings"].as_array().map_or(vec![], |warnings| warnings.iter().filter_map(Value::as_str).collect());
    cells.push(text(&warnings.join("; ")));
    cells.push(text(entry.failure.as_deref().unwrap_or("")));
    cells.extend(
        columns.iter().map(|column| entry.columns.get(*column).and_then(Value::as_str).map_or(Cell::Empty, text)),
    );
    cells
}
