//! Names of BIDS, and the validator's word on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{golden_frames, predict};

const SOURCES: [(&str, &str); 3] = [
    ("sub-01/beh/sub-01_task-talk_video", "sub-01/beh/sub-01_task-talk_events"),
    (
        "sub-02/ses-1/beh/sub-02_ses-1_task-talk_acq-left_run-02_video",
        "sub-02/ses-1/beh/sub-02_ses-1_task-talk_acq-left_run-02_events",
    ),
    ("sub-03/beh/sub-03_task-talk", "sub-03/beh/sub-03_task-talk_events"),
];

/// Each a video of two frames that already are crops; only pictures are that without a detector, but these are a list.
fn write_sources(folder: &Path) -> PathBuf {
    let mut list = "path,video_id\n".to_string();
    for (name, _) in SOURCES {
        golden_frames(&folder.join("source").join(name), 2);
        list += &format!("source/{name},{name}\n");
    }
    let path = folder.join("list.csv");
    fs::write(&path, list).unwrap();
    path
}

fn run(folder: &Path) {
    let list = write_sources(folder);
    let more = ["--crops", "--format", "bids", "--list", list.to_str().unwrap()];
    predict(&[], &folder.join("out"), &more).succeeded();
}

/// `sub-<label>[_ses-<label>]_task-<label>[_acq-<label>][_run-<index>]_events`: BIDS 1.10, task events of behaviour.
fn is_valid(name: &str) -> bool {
    let Some(entities) = name.strip_suffix("_events") else { return false };
    let order = ["sub", "ses", "task", "acq", "run"];
    let mut places = vec![];
    for entity in entities.split('_') {
        let Some((key, label)) = entity.split_once('-') else { return false };
        let labelled = !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '+');
        match order.iter().position(|known| *known == key) {
            Some(place) if labelled => places.push(place),
            _ => return false,
        }
    }
    places.is_sorted_by(|a, b| a < b) && places.contains(&0) && places.contains(&2)
}

#[test]
fn names_of_bids_stay_so() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path());
    for (_, events) in SOURCES {
        for extension in ["tsv", "json"] {
            let path = folder.path().join(format!("out/{events}.{extension}"));
            assert!(path.is_file(), "{}", path.display());
        }
        assert!(is_valid(events.rsplit('/').next().unwrap()), "{events}");
    }
    assert!(!is_valid("sub-01_task-talk_video_events") && !is_valid("sub-01_run-1_task-talk_events"));

    // Two videos whose events would be one file: at once, and one after the other.
    let videos = folder.path().join("videos");
    golden_frames(&videos, 2);
    let [one, two] = ["sub-04_task-talk_front.png", "sub-04_task-talk_side.png"].map(|name| videos.join(name));
    fs::rename(videos.join("000.png"), &one).unwrap();
    fs::rename(videos.join("001.png"), &two).unwrap();
    let more = ["--crops", "--format", "bids"];
    let out = folder.path().join("one-file");
    let words = ["sub-04_task-talk_side.png", "sub-04_task-talk_events.tsv", "acq-"];
    assert_eq!(predict(&[&one, &two], &out, &more).failed_with(&words).code, 3);
    assert_eq!(predict(&[&two], &out, &more).failed_with(&words).code, 1);
    predict(&[&one], &out, &more).succeeded();
}

/// `tools/setup.sh bids` puts the validator there; it is 120 MB, so `make test-full` alone insists.
#[test]
fn the_validator_finds_no_error() {
    let validator = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bids-venv/bin/bids-validator-deno");
    if !validator.exists() {
        assert!(std::env::var_os("EST_LONG").is_none(), "no BIDS validator: tools/setup.sh bids");
        eprintln!("no BIDS validator here: skipped");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    run(folder.path());
    // What docs/columns.md says is needed beside the results.
    let out = folder.path().join("out");
    fs::write(out.join("dataset_description.json"), r#"{"Name": "Expressions", "BIDSVersion": "1.10.0"}"#).unwrap();
    fs::write(out.join("README"), "Apparent expressions in talks.\n").unwrap();
    fs::write(out.join(".bidsignore"), "*.run.json\nsummary.csv\nest-*.jsonl\n").unwrap();
    let said = Command::new(&validator).args(["--ignoreWarnings", "--json"]).arg(&out).output().unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    let found: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let issues = found["issues"]["issues"].as_array().unwrap();
    let errors: Vec<_> = issues.iter().filter(|issue| issue["severity"] == "error").collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(found["summary"]["subjects"].as_array().unwrap().len(), SOURCES.len(), "{}", found["summary"]);
    // It does find them.
    fs::copy(
        out.join("sub-01/beh/sub-01_task-talk_events.tsv"),
        out.join("sub-01/beh/sub-01_task-talk_video_events.tsv"),
    )
    .unwrap();
    let said = Command::new(&validator).args(["--ignoreWarnings", "--json"]).arg(&out).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stdout).contains("FILENAME_MISMATCH"));
}
