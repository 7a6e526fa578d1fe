//! Rows and what they were made with, written down.

mod columns;
mod csv;
mod json;
mod output;
mod record;
mod reports;
mod summary;

pub use columns::{Cell, Columns};
pub use csv::{CsvReport, write_line};
pub use json::JsonReport;
pub use output::{OutputFile, probe_folder};
pub use record::{DetectorRecord, ModelRecord, RunRecord, write_record};
pub use reports::{Format, Reports};
pub use summary::{Summary, TrackSummary};
