//! What results were made with: written beside every one of them.

use std::path::{Path, PathBuf};

use est_media::Numbering;
use est_nets::weights::Provenance;
use est_nets::{Network, Preprocessing};
use serde::{Deserialize, Serialize};

use super::output::OutputFile;
use super::reports::Pictures;
use super::summary::Summary;
use crate::error::EstError;
use crate::model::Model;
use crate::signal::SignalOptions;

/// The program, the model and the settings of a run. Two runs with equal records give equal results.
#[derive(Debug, Clone, Serialize)]
pub struct RunRecord {
    pub est_version: &'static str,
    pub notice: &'static str,
    pub model: ModelRecord,
    /// `f32` or `bf16`: what the frame encoder multiplied in, which with `default` precision depends on the processor.
    pub encoder_arithmetic: &'static str,
    /// None where the frames were given as crops.
    pub detector: Option<DetectorRecord>,
    pub hop: usize,
    pub low_quality: f32,
    pub signal: SignalOptions,
    /// Length of the stretches that a line of a table is over, in seconds; None for a line a frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_s: Option<f64>,
    pub pictures: Pictures,
    /// Whether rows have the five points.
    pub points: bool,
    /// Frames per second given to pictures, which have no clock.
    pub image_fps: f64,
    /// The part that was asked for, in the source's own time, and the video stream of files with several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<u32>,
    /// What places them in time.
    pub image_numbering: Numbering,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    pub id: String,
    pub trained: bool,
    pub weights_sha256: String,
    pub provenance: Provenance,
    pub classes: Vec<String>,
    pub temperature: f32,
    pub config: Network,
    pub preprocessing: Preprocessing,
}

#[derive(Debug, Clone, Serialize)]
pub struct DetectorRecord {
    pub name: &'static str,
    pub weights_sha256: String,
    pub size: usize,
    pub min_score: f32,
    pub detect_every: usize,
    pub max_gap_s: f64,
}

impl RunRecord {
    pub const NOTICE: &'static str = "apparent expressions as a model reads them from video; not what a person feels";
}

impl ModelRecord {
    pub fn of(model: &Model) -> Self {
        ModelRecord {
            id: model.id(),
            trained: model.provenance.trained,
            weights_sha256: model.sha256.clone(),
            provenance: model.provenance.clone(),
            classes: model.classes.clone(),
            temperature: model.temperature,
            config: model.config.clone(),
            preprocessing: model.preprocessing.clone(),
        }
    }
}

/// Writes `run` and `summary` as one JSON object.
pub fn write_record(path: &Path, run: &RunRecord, summary: &Summary) -> Result<PathBuf, EstError> {
    #[derive(Serialize)]
    struct Record<'a> {
        run: &'a RunRecord,
        video: &'a Summary,
    }
    let record = Record { run, video: summary };
    let mut file = OutputFile::create(path)?;
    file.with(|file| writeln!(file, "{}", serde_json::to_string_pretty(&record).expect("records are plain data")))?;
    file.commit()
}
