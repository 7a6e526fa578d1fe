//! Rows and what they were made with, written down.

mod bids;
mod columns;
mod csv;
mod eaf;
mod every;
mod format;
mod html;
mod json;
mod jsonl;
mod media_link;
mod output;
mod palette;
mod parquet;
mod record;
mod reports;
mod stretches;
mod summary;
mod table;
mod visual;
mod vtt;

pub use columns::{Cell, Column, Columns, Kind};
pub use csv::write_line;
pub use format::Format;
pub use jsonl::{STANDARD_OUTPUT, object};
pub use output::{OutputFile, probe_folder};
pub use record::{DetectorRecord, ModelRecord, RunRecord, write_record};
pub use reports::{Job, Pictures, Reports};
pub use stretches::{Stretch, Stretches};
pub use summary::{Summary, TrackSummary};
pub use table::Table;
pub use visual::Privacy;
