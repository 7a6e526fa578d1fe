//! A report on the disk.

use std::path::{Path, PathBuf};

use super::Report;
use crate::error::EvalError;
use crate::figures;
use crate::predictions::{self, put};

/// Names within the folder of a report.
pub const PREDICTIONS: &str = "predictions.csv";
const REPORT_JSON: &str = "report.json";
const REPORT_MARKDOWN: &str = "report.md";
const CONFUSION: &str = "confusion.svg";
const RELIABILITY: &str = "reliability.svg";
const ABSTENTION: &str = "abstention.svg";

impl Report {
    /// Writes everything into `folder`, which is made if it is not there; returns the files.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
        std::fs::create_dir_all(folder).map_err(|error| EvalError::Write { path: folder.to_owned(), error })?;
        let table = folder.join(PREDICTIONS);
        predictions::write(&table, &self.predictions)?;
        let json = serde_json::to_string_pretty(self).expect("reports are plain data") + "\n";
        let mut files = vec![
            (CONFUSION, figures::confusion_matrix(&self.pooled.confusion, &self.classes)),
            (REPORT_MARKDOWN, self.markdown()),
            (REPORT_JSON, json),
        ];
        if let Some(calibration) = &self.pooled.calibration {
            files.push((RELIABILITY, figures::reliability(calibration)));
            files.push((ABSTENTION, figures::abstention(calibration)));
        }
        let mut written = vec![table];
        for (name, text) in files {
            let path = folder.join(name);
            put(&path, text.as_bytes())?;
            written.push(path);
        }
        Ok(written)
    }
}
