//! BIDS: `<name>_events.tsv` with a line for each stretch of a face's label, and the JSON file that describes its columns.
//!
//! Of BIDS's tables, `events` is the one for what happens when, for how long and of which kind, beside any recording that
//! has a time axis. `physio` would want samples at a fixed rate without a header; frames have none.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::columns::Cell;
use super::output::OutputFile;
use super::record::RunRecord;
use super::reports::Report;
use super::stretches::{Stretch, Stretches};
use super::summary::Summary;
use crate::error::EstError;
use crate::row::{Row, UNCERTAIN};

pub struct BidsReport {
    events: OutputFile,
    sidecar: OutputFile,
    classes: Vec<String>,
    stretches: Stretches,
}

const COLUMNS: [&str; 7] = ["onset", "duration", "trial_type", "track_id", "frames", "probability", "quality"];

impl BidsReport {
    /// `paths`: of the events and of their description.
    pub fn create([events, sidecar]: [&Path; 2], record: &RunRecord) -> Result<Self, EstError> {
        let classes = record.model.classes.clone();
        let mut sidecar = OutputFile::create(sidecar)?;
        let described = serde_json::to_string_pretty(&description(&classes)).expect("plain data");
        sidecar.with(|file| writeln!(file, "{described}"))?;
        Ok(BidsReport { events: OutputFile::create(events)?, sidecar, classes, stretches: Stretches::default() })
    }
}

/// What the names of a video's events begin with. BIDS names files `key-value_..._suffix`, and its suffix `events` takes the
/// place of the video's own: `sub-01_task-talk` of `sub-01_task-talk_video`. Names of another kind stay whole.
pub(super) fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let suffix = file.rsplit_once('_').map(|(_, suffix)| suffix).filter(|suffix| !suffix.contains('-'));
    match suffix.filter(|_| file.starts_with("sub-")) {
        Some(suffix) => &name[..name.len() - suffix.len() - 1],
        None => name,
    }
}

impl Report for BidsReport {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        self.stretches.add(row);
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &Summary) -> Result<Vec<PathBuf>, EstError> {
        let (stretches, classes) = (std::mem::take(&mut self.stretches).finish(), &self.classes);
        self.events.with(|file| {
            let mut table = csv::WriterBuilder::new().delimiter(b'\t').from_writer(file);
            table.write_record(COLUMNS)?;
            for stretch in &stretches {
                table.write_record(cells(stretch, classes).map(|cell| match cell {
                    Cell::Empty => "n/a".to_string(),
                    cell => cell.to_text(),
                }))?;
            }
            table.flush()
        })?;
        Ok(vec![self.events.commit()?, self.sidecar.commit()?])
    }
}

fn cells(stretch: &Stretch, classes: &[String]) -> [Cell; COLUMNS.len()] {
    let label = stretch.label.map_or(UNCERTAIN, |label| &classes[label]);
    [
        Cell::Float(stretch.from_s, 6),
        Cell::Float(stretch.to_s - stretch.from_s, 6),
        Cell::Text(label.to_string()),
        Cell::Integer(stretch.track.into()),
        Cell::Integer(stretch.frames),
        stretch.mean_probability.map_or(Cell::Empty, |p| Cell::Float(p, 6)),
        Cell::Float(stretch.mean_quality, 3),
    ]
}

fn description(classes: &[String]) -> Value {
    let mut levels: Map<String, Value> =
        classes.iter().map(|class| (class.clone(), format!("apparent expression: {class}").into())).collect();
    levels.insert(UNCERTAIN.to_string(), "no class reaches the threshold of abstention".into());
    json!({
        "onset": {
            "Description": "Presentation time of the first frame of the stretch, from the start of the video",
            "Units": "s"
        },
        "duration": { "Description": "Time from the first frame to the frame after the last", "Units": "s" },
        "trial_type": {
            "LongName": "Apparent expression",
            "Description": format!("Label of a face over successive frames: {}", RunRecord::NOTICE),
            "Levels": levels
        },
        "track_id": {
            "LongName": "Face track",
            "Description": "Number of the face within the video; one person may have several, one after the other"
        },
        "frames": { "Description": "Decoded frames of the video in the stretch" },
        "probability": {
            "Description": "Mean over the frames of the label's probability, 0 to 1; n/a where it is uncertain"
        },
        "quality": { "Description": "Mean over the frames of the face's quality, 0 (useless) to 1" }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_events_takes_the_place_of_the_videos() {
        for (name, stem_of) in [
            ("sub-01_task-talk_video", "sub-01_task-talk"),
            ("sub-01/ses-1/beh/sub-01_ses-1_task-rest_run-02_beh", "sub-01/ses-1/beh/sub-01_ses-1_task-rest_run-02"),
            ("sub-01_task-talk", "sub-01_task-talk"),
            ("sub-01_task-talk_acq-left_video", "sub-01_task-talk_acq-left"),
            ("sub-01", "sub-01"),
            ("talk_video", "talk_video"),
            ("sub-01_x/talk", "sub-01_x/talk"),
            ("sub-01_x/talk_2", "sub-01_x/talk_2"),
        ] {
            assert_eq!(stem(name), stem_of);
        }
    }
}
