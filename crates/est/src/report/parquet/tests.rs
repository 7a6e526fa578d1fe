//! What readers need to pass over rows: bounds, their order, groups and pages of a useful size.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::ColumnOrder;
use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::statistics::Statistics;
use est_media::{Face, Rect};

use super::*;
use crate::emotion::Emotion;
use crate::model::usual_classes;
use crate::report::Columns;
use crate::row::{FaceRow, Row, Scored, Status};

/// One face at 25 frames a second, and now and then none.
fn write(path: &Path, frames: u64) {
    let columns = Columns::foreign("a", usual_classes(7).unwrap(), "test");
    let mut report = Box::new(ParquetReport::create(path, columns.all()).unwrap());
    for frame in 0..frames {
        let pts_s = frame as f64 / 25.0;
        let wave = (frame as f32 * 0.01).sin() / 2.0 + 0.5;
        let probabilities = (0..7).map(|k| if k == 3 { wave } else { (1.0 - wave) / 6.0 }).collect();
        let rect = Rect { x: 100.0 + wave, y: 50.0, w: 80.0, h: 90.0 };
        let face = Face { track: 1, rect, landmarks: [[0.0; 2]; 5], score: 0.9, quality: wave, interpolated: false };
        let scored = Scored {
            emotion: Emotion { probabilities },
            start_s: (pts_s - 2.0).max(0.0),
            end_s: pts_s + 2.0,
            stretched: false,
            attention: vec![],
        };
        let face = (frame % 100 != 7).then(|| FaceRow::new(face, Arc::new(scored)));
        let (track, status) = match &face {
            Some(_) => (Some(1), Status::Ok),
            None => (None, Status::NoFace),
        };
        report.line(columns.cells(&Row { frame, pts_s, file: None, track, status, face })).unwrap();
    }
    report.finish(&Summary::new("a", "a.mp4", &est_media::VideoInfo::default())).unwrap();
}

fn metadata(path: &Path) -> ParquetMetaData {
    SerializedFileReader::new(File::open(path).unwrap()).unwrap().metadata().clone()
}

fn bounds(chunk: &ColumnChunkMetaData) -> (f64, f64) {
    match chunk.statistics() {
        Some(Statistics::Double(bounds)) => (*bounds.min_opt().unwrap(), *bounds.max_opt().unwrap()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_filter_by_time_can_pass_over_most_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let frames = 2 * GROUP as u64 + 100;
    write(&path, frames);
    let metadata = metadata(&path);
    let file = metadata.file_metadata();
    assert_eq!(file.num_rows() as u64, frames);
    for (at, column) in file.schema_descr().columns().iter().enumerate() {
        let order = file.column_order(at);
        assert!(matches!(order, ColumnOrder::TYPE_DEFINED_ORDER(_)), "{}: {order:?}", column.name());
    }
    let groups = metadata.row_groups();
    assert_eq!(groups.iter().map(|group| group.num_rows() as usize).collect::<Vec<_>>(), [GROUP, GROUP, 100]);
    let columns = file.schema_descr().columns();
    let at = |name: &str| columns.iter().position(|column| column.name() == name).unwrap();
    for (number, group) in groups.iter().enumerate() {
        let sorted: Vec<&str> =
            group.sorting_columns().unwrap().iter().map(|s| columns[s.column_idx as usize].name()).collect();
        assert_eq!(sorted, ["pts_s"]);
        let first = (number * GROUP) as f64;
        let last = first + group.num_rows() as f64 - 1.0;
        assert_eq!(bounds(group.column(at("pts_s"))), (first / 25.0, last / 25.0));
        let (low, high) = bounds(group.column(at("p_happy")));
        assert!((0.0..=1.0).contains(&low) && low < high && high <= 1.0, "{low} {high}");
        // The page index is there for readers that go further.
        assert!(group.column(at("pts_s")).column_index_offset().is_some());
        assert!(group.column(at("pts_s")).offset_index_offset().is_some());
    }
}

#[test]
fn an_end_that_is_not_the_known_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = OutputFile::create(&folder.path().join("a")).unwrap();
    file.with(|file| file.write_all(&[0x1c, 0, 0, 0x3c, 0, 0, 0, 9, 0, 0, 0, b'P', b'A', b'R', b'1'])).unwrap();
    let error = order::by_type(&mut file, &[false, true]).unwrap_err().to_string();
    assert!(error.contains("another way"), "{error}");
}

/// Two hours for `tools/parquet-readers.py`, which asks other programs how much of them they read.
#[test]
fn two_hours_for_other_readers() {
    if let Some(path) = std::env::var_os("EST_TWO_HOURS") {
        write(Path::new(&path), 2 * 3600 * 25);
    }
}
