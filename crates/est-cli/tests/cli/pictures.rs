//! Folders of pictures: their times, their names, which of them are one video.

use std::fs;
use std::path::Path;

use est_goldens::download;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::common::{Table, WEIGHTS, golden_frames, json, predict};

/// `count` face crops, called as `name` says.
fn crops(folder: &Path, count: usize, name: impl Fn(usize) -> String) {
    golden_frames(folder, count);
    for frame in 0..count {
        fs::rename(folder.join(format!("{frame:03}.png")), folder.join(name(frame))).unwrap();
    }
}

#[test]
fn times_follow_the_numbers_and_rows_name_their_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // 1 to 6, then 57 to 60: two seconds are missing, longer than a face may be.
    crops(&path("gaps"), 10, |frame| format!("frame_{}.png", if frame < 6 { frame + 1 } else { frame + 51 }));
    let run = |out: &str, more: &[&str]| {
        let more = [&["--crops", "--fps", "25", "--format", "csv,parquet,json"], more].concat();
        predict(&[&path("gaps")], &path(out), &more).succeeded()
    };
    let done = run("out", &[]);
    assert!(done.stderr.contains("50 of 60 numbers are missing") && done.stderr.contains("(7-56)"), "{}", done.stderr);
    let table = Table::read(&path("out/gaps.csv"));
    let numbers = [1, 2, 3, 4, 5, 6, 57, 58, 59, 60];
    assert_eq!(table.column("file"), numbers.map(|number| format!("frame_{number}.png")));
    assert_eq!(table.numbers("pts_s"), numbers.map(|number| f64::from(number - 1) / 25.0));
    assert_eq!(table.numbers("frame"), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(f64::from), "the place in the list");
    assert_eq!(table.column("track_id"), ["1", "1", "1", "1", "1", "1", "2", "2", "2", "2"]);
    assert_eq!(table.column("window_end_s")[..2], ["0.200000"; 2], "no window reaches over the gap");
    let reader = SerializedFileReader::new(fs::File::open(path("out/gaps.parquet")).unwrap()).unwrap();
    let files = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let file = row.get_column_iter().find(|(name, _)| *name == "file").map(|(_, field)| field.clone());
        match file {
            Some(Field::Str(name)) => name,
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(files.collect::<Vec<_>>(), table.column("file"));
    let object = json(&path("out/gaps.json"));
    assert_eq!(object["rows"][9]["file"], "frame_60.png");
    assert_eq!(object["run"]["image_numbering"], "auto");

    run("order", &["--numbering", "order"]);
    assert_eq!(Table::read(&path("order/gaps.csv")).numbers("pts_s")[9], 0.36);
    run("ms", &["--numbering", "ms"]);
    assert_eq!(Table::read(&path("ms/gaps.csv")).numbers("pts_s")[9], 0.059);
    // What a pseudonym hides is not said by the pictures' names.
    let done = run("hidden", &["--pseudonyms"]);
    assert!(!done.stderr.contains("frame_"), "{}", done.stderr);
    let csv = fs::read_dir(path("hidden")).unwrap().map(|entry| entry.unwrap().path());
    let csv = csv.filter(|path| path.extension().is_some_and(|extension| extension == "csv"));
    let named: Vec<_> = csv.filter(|path| fs::read_to_string(path).unwrap().contains("frame_57")).collect();
    assert!(named.is_empty(), "{named:?}");
}

#[test]
fn a_folder_of_folders_of_pictures_is_each_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    golden_frames(&path("clips/s1"), 2);
    golden_frames(&path("clips/more/s2"), 3);
    fs::create_dir(path("clips/empty")).unwrap();
    let done = predict(&[&path("clips")], &path("out"), &["--crops"]).succeeded();
    assert!(done.stderr.contains("2 to do"), "{}", done.stderr);
    let table = Table::read(&path("out/summary.csv"));
    assert_eq!(table.column("video_id"), ["more/s2", "s1"]);
    assert_eq!(Table::read(&path("out/more/s2.csv")).rows.len(), 3);
    // A picture of its own names itself, a video has no such column.
    predict(&[&path("clips/s1/001.png"), &download("no_face.mp4")], &path("single"), &["--weights", WEIGHTS])
        .succeeded();
    assert_eq!(Table::read(&path("single/001.csv")).column("file"), ["001.png"]);
    assert!(!Table::read(&path("single/no_face.csv")).header.contains(&"file".to_string()));
}

#[test]
fn names_that_are_too_long_are_told_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    golden_frames(&path("clips"), 2);
    // 255 bytes of letters of two; its results would end in `.run.json` for `.png`.
    let long = format!("{}a.png", "ä".repeat(125));
    fs::rename(path("clips/001.png"), path("clips").join(&long)).unwrap();
    let sources = [path("clips/000.png"), path("clips").join(&long)];
    let sources = [sources[0].as_path(), sources[1].as_path()];
    let run = |out: &str, more: &[&str]| predict(&sources, &path(out), &[&["--crops"], more].concat());
    let done = run("out", &[]).failed_with(&[&long, "260 bytes", "--pseudonyms"]);
    assert_eq!(done.code, 3);
    assert_eq!(Table::read(&path("out/000.csv")).rows.len(), 1);
    assert_eq!(run("dry", &["--dry-run"]).failed_with(&["260 bytes"]).code, 3);
    run("pseudonyms", &["--pseudonyms"]).succeeded();
}

#[test]
fn a_list_from_a_spreadsheet() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    golden_frames(&path("clips"), 2);
    let list = "\u{feff}sep=;\r\npath;Teilnehmer;\r\nclips/000.png;\"P;1\";\r\n;;\r\n\r\nclips/001.png\r\n";
    let run = |text: Vec<u8>, out: &str| {
        fs::write(path("list.csv"), text).unwrap();
        let (list, out) = (path("list.csv"), path(out));
        let args = ["predict", "--crops", "--weights", "random:1", "--list", list.to_str().unwrap(), "--out"];
        crate::common::est(&[&args[..], &[out.to_str().unwrap()]].concat())
    };
    run(list.into(), "utf8").succeeded();
    let table = Table::read(&path("utf8/summary.csv"));
    assert_eq!(table.column("video_id"), ["clips/000", "clips/001"]);
    assert_eq!(table.column("Teilnehmer"), ["P;1", ""]);
    let wide = list.replace(';', "\t").replace("sep=\t\r\n", "");
    run(wide.encode_utf16().flat_map(u16::to_le_bytes).collect(), "utf16").succeeded();
    assert_eq!(Table::read(&path("utf16/summary.csv")).column("video_id"), ["clips/000", "clips/001"]);
    run(b"sep=;\npath;who\n;;\n;p1\n".to_vec(), "blank").failed_with(&["list.csv", "line 4", "no path"]);
}
