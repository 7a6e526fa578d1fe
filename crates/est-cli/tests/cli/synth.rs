//! `est synth` as a user calls it: sets, videos and sheets out of a seed, and what it says to nonsense.

use std::path::Path;

use crate::common::{Done, est};
use est_data::set::{ClipStatus, PreparedSet};

/// Six small clips of 60 frames, one a class.
fn synth(out: &Path, more: &[&str]) -> Done {
    let args = ["synth", "--out", out.to_str().unwrap(), "--subjects", "3", "--clips-per-subject", "2", "--size", "64"];
    est(&[&args[..], &["--folds", "3", "--knob", "frames=[60,60]"], more].concat())
}

#[test]
fn a_set_follows_from_its_seed() {
    let folder = tempfile::tempdir().unwrap();
    let [first, again, other] = ["first", "again", "other"].map(|name| folder.path().join(name));
    let done = synth(&first, &[]).succeeded();
    assert!(done.stdout.contains("6 clips of 3 subjects, 360 frames"), "{}", done.stdout);
    let set = PreparedSet::open(&first).unwrap();
    assert_eq!(set.record().classes, est::usual_classes(6).unwrap());
    for clip in set.clips() {
        assert_eq!((clip.status, clip.frames), (ClipStatus::Ok, 60), "{clip:?}");
    }
    let subjects: std::collections::BTreeSet<_> = set.clips().iter().map(|clip| &clip.subject).collect();
    assert_eq!(subjects.len(), 3);

    synth(&again, &["--threads", "1"]).succeeded();
    synth(&other, &["--seed", "2"]).succeeded();
    let hashes = |folder: &Path| -> Vec<_> {
        PreparedSet::open(folder).unwrap().clips().iter().map(|clip| clip.sha256.clone().unwrap()).collect()
    };
    assert_eq!(hashes(&first), hashes(&again));
    assert!(hashes(&first).iter().zip(hashes(&other)).all(|(first, other)| *first != other));
    synth(&first, &["--seed", "2"]).failed_with(&["first", "another set", "--out"]);
}

/// The videos hold the same frames: `est` reads them, and `own` prepares them.
#[test]
fn videos_stand_beside_the_set() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    synth(&out, &["--videos"]).succeeded();
    let video = out.join("videos/heads-0000-000.mp4");
    let results = folder.path().join("results");
    crate::common::predict(&[&video], &results, &["--format", "csv"]).succeeded();
    let rows = crate::common::Table::read(&results.join("heads-0000-000.csv"));
    assert_eq!(rows.numbers("pts_s"), (0..60).map(|k| k as f64 / 25.0).collect::<Vec<_>>());
}

#[test]
fn a_sheet_needs_no_set() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("sheet.jpg");
    let done = est(&["synth", "--preview", sheet.to_str().unwrap(), "--subjects", "1"]).succeeded();
    assert!(done.stdout.contains("angry, disgust, fear, happy, neutral, sad, surprise"), "{}", done.stdout);
    assert!(std::fs::metadata(&sheet).unwrap().len() > 10_000);
}

#[test]
fn nonsense_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    for (knob, named) in [
        ("blink=0", "unknown field `blink`"),
        ("blinks", "NAME=VALUE"),
        ("blinks=many", "not a value"),
        ("blinks=-1", "want 0 to 10"),
        ("letters=[0,0,0,0,0]", "above 0"),
        ("frames=[10,20]", "60"),
    ] {
        synth(&out, &["--knob", knob]).failed_with(&["--knob", named]);
    }
    synth(&out, &["--mesh", "nothing.whl"]).failed_with(&["nothing.whl"]);
    let damaged = folder.path().join("damaged.whl");
    std::fs::write(&damaged, b"PK").unwrap();
    synth(&out, &["--mesh", damaged.to_str().unwrap()]).failed_with(&["damaged.whl"]);
    let nobody = folder.path().join("portraits");
    std::fs::create_dir(&nobody).unwrap();
    synth(&out, &["--portraits", nobody.to_str().unwrap()]).failed_with(&["landmarks.json"]);
    assert!(!out.exists());
}
