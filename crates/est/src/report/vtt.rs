//! WebVTT: a cue for each stretch of a face's label, to be shown over the video.

use std::path::{Path, PathBuf};

use quick_xml::escape::escape;

use super::output::OutputFile;
use super::record::RunRecord;
use super::reports::Report;
use super::stretches::Stretches;
use super::summary::Summary;
use crate::error::EstError;
use crate::row::{Row, UNCERTAIN};

pub struct VttReport {
    file: OutputFile,
    classes: Vec<String>,
    stretches: Stretches,
}

impl VttReport {
    pub fn create(path: &Path, record: &RunRecord) -> Result<Self, EstError> {
        let classes = record.model.classes.clone();
        Ok(VttReport { file: OutputFile::create(path)?, classes, stretches: Stretches::default() })
    }
}

impl Report for VttReport {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        self.stretches.add(row);
        Ok(())
    }

    fn finish(mut self: Box<Self>, summary: &Summary) -> Result<Vec<PathBuf>, EstError> {
        let (stretches, classes) = (std::mem::take(&mut self.stretches).finish(), &self.classes);
        self.file.with(|file| {
            writeln!(file, "WEBVTT\n\nNOTE {}", RunRecord::NOTICE)?;
            for (number, stretch) in (1..).zip(stretches.into_iter().map(|s| s.played(summary.player_offset_s))) {
                let label = stretch.label.map_or(UNCERTAIN, |label| &classes[label]);
                let share = stretch.mean_probability.map_or(String::new(), |p| format!(" {p:.2}"));
                let [from, to] = [stretch.from_s, stretch.to_s].map(time);
                let track = stretch.track;
                // A voice tag is how players and editors tell speakers apart.
                writeln!(file, "\n{number}\n{from} --> {to}\n<v face {track}>face {track}: {}{share}", escape(label))?;
            }
            Ok(())
        })?;
        Ok(vec![self.file.commit()?])
    }
}

/// `hh:mm:ss.ttt`; a time before zero, which players do not show, as zero.
fn time(seconds: f64) -> String {
    let ms = (seconds.max(0.0) * 1000.0).round() as u64;
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

#[cfg(test)]
mod tests {
    #[test]
    fn times() {
        assert_eq!(super::time(3661.0415), "01:01:01.042");
        assert_eq!(super::time(-0.1), "00:00:00.000");
        assert_eq!(super::time(360_000.0), "100:00:00.000");
    }
}
