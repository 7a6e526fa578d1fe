//! `est train` on a small set: to its end, killed and gone on with, and what it refuses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Done, est, killed_when};
use crate::files::files;
use crate::small_set::SmallSet;

/// Four epochs of three updates.
const CONFIG: &str = concat!(
    r#"
round = "fold-1"
checkpoint_every = 2
frozen = ["stage3", "stage4"]
[optimiser]
epochs = 4
warmup = 1
batch = 6
"#,
    smallest_network!()
);

/// A folder with a set and a config.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new(set: SmallSet) -> Self {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        set.write(&place.set());
        place.config(CONFIG);
        place
    }

    fn set(&self) -> PathBuf {
        self.folder.path().join("set")
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, text: &str) {
        std::fs::write(self.folder.path().join("config.toml"), text).unwrap();
    }

    fn args(&self, out: &str, more: &[&str]) -> Vec<String> {
        let path = |name: &str| self.folder.path().join(name).to_str().unwrap().to_string();
        let own =
            ["train", "--config", &path("config.toml"), "--data", &path("set"), "--out", &path(out)].map(String::from);
        own.into_iter().chain(more.iter().map(|arg| arg.to_string())).collect()
    }

    fn train(&self, out: &str, more: &[&str]) -> Done {
        est(&self.args(out, more))
    }
}

/// What a run leaves, without times: files that must be the same whenever it was stopped.
fn results(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files(out);
    files.retain(|name, _| !name.to_string_lossy().contains("tfevents"));
    let log = files.get_mut(Path::new("log.jsonl")).expect("a log");
    let text = String::from_utf8(std::mem::take(log)).unwrap();
    for line in text.lines() {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        for time in ["images_per_s", "waited_s"] {
            line.as_object_mut().unwrap().remove(time);
        }
        log.extend(line.to_string().into_bytes());
    }
    files
}

fn log(out: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(out.join("log.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn killed_in_the_second_epoch_and_gone_on_with_is_the_same_to_the_bit() {
    let place = Place::new(SmallSet::new());
    let done = place.train("whole", &[]).succeeded();
    let wrong = || format!("stdout: {}\nstderr: {}", done.stdout, done.stderr);
    assert!(done.stdout.contains("weights.est (epoch ") && done.stdout.contains("inner-validation"), "{}", wrong());
    for part in [
        "fold-1: 18 training clips, 6 validation, 12 test; 12 updates",
        "loss ",
        "rate ",
        "orders ",
        "images/s",
        "left",
    ] {
        assert!(done.stderr.contains(part), "{part} in {}", wrong());
    }

    let args = place.args("killed", &[]);
    let out = place.out("killed");
    // Update 5 of 12, the second of the second epoch; the checkpoint that is there is of update 4.
    killed_when(&args, || log(&out).iter().any(|line| line["updates"] == 5));
    let stopped = log(&out).last().unwrap()["updates"].as_u64().unwrap();
    assert!(stopped < 12, "it was killed at its end");

    place.train("killed", &[]).failed_with(&["holds a run already", "--resume"]);
    let done = place.train("killed", &["--resume"]).succeeded();
    assert!(done.stderr.contains("12 updates, "), "{}", done.stderr);
    assert!(!done.stderr.contains(", 0 done"), "{}", done.stderr);
    let [whole, killed] = ["whole", "killed"].map(|out| results(&place.out(out)));
    assert_eq!(whole.keys().collect::<Vec<_>>(), killed.keys().collect::<Vec<_>>());
    for (name, bytes) in &whole {
        assert!(killed[name] == *bytes, "{} differs", name.display());
    }

    // What came of it is a weights file like any other.
    let weights = place.out("whole").join("weights.est");
    let shown = est(&["weights", "show", weights.to_str().unwrap()]).succeeded().stdout;
    assert!(shown.contains("inner-validation") && shown.contains("validation_war"), "{shown}");

    // And the checkpoint is of this config and this set.
    place.config(&CONFIG.replace("epochs = 4", "epochs = 5"));
    let before = files(&place.out("whole"));
    place.train("whole", &["--resume"]).failed_with(&[
        "checkpoint.est",
        "another config",
        "optimiser.epochs is 4 there and 5 here",
    ]);
    place.config(CONFIG);
    std::fs::remove_dir_all(place.set()).unwrap();
    SmallSet { seed: 2, ..SmallSet::new() }.write(&place.set());
    place.train("whole", &["--resume"]).failed_with(&["not the set", "began with", "set.json"]);
    let path = place.out("whole").join("checkpoint.est");
    assert!(before == files(&place.out("whole")), "nothing is overwritten");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    place.train("whole", &["--resume"]).failed_with(&["checkpoint.est", "damaged"]);
}

#[test]
fn labels_outside_the_classes_are_refused() {
    let mut set = SmallSet::new();
    set.rows[4].label = Some(7);
    let place = Place::new(set);
    place.train("out", &[]).failed_with(&["clips.csv", "clip-0-4", "label 7", "3 classes"]);
    assert!(!place.out("out").exists(), "nothing is written");
}

#[test]
fn an_empty_class_is_refused() {
    let mut set = SmallSet::new();
    set.classes.push("surprise".to_string());
    let place = Place::new(set);
    place.train("out", &[]).failed_with(&["folds-3-seed-1.csv", "no training clip of class `surprise`"]);
}

#[test]
fn a_subject_in_two_parts_is_refused_unless_allowed() {
    let part = |row: &est_data::set::ClipRow| {
        if row.clip.ends_with("-0") || row.clip.ends_with("-4") { "test" } else { "train" }
    };
    let place = Place::new(SmallSet { parts: Some(part), ..SmallSet::new() });
    place.config(&CONFIG.replace("fold-1", "official"));
    place.train("out", &[]).failed_with(&["official-parts.csv", "subject-0", "training part", "test part"]);
    assert!(!place.out("out").exists());

    let allowed = CONFIG.replace(
        "round = \"fold-1\"",
        "round = \"official\"\nallow_shared_subjects = true\nselection = \"best-on-test\"",
    );
    place.config(&allowed.replace("epochs = 4", "epochs = 1"));
    let done = place.train("out", &[]).succeeded();
    assert!(done.stdout.contains("selection: best-on-test"), "{}", done.stdout);
    let weights = place.out("out").join("weights.est");
    let shown = est(&["weights", "show", weights.to_str().unwrap()]).succeeded().stdout;
    assert!(shown.contains("best-on-test") && shown.contains("test_war_selected_on"), "{shown}");
}

#[test]
fn a_round_that_is_not_there_is_refused() {
    let place = Place::new(SmallSet::new());
    place.config(&CONFIG.replace("fold-1", "fold-9"));
    place.train("out", &[]).failed_with(&["splits", "fold-9", "fold-1, fold-2, fold-3"]);
    place.config("epochs = 3");
    place.train("out", &[]).failed_with(&["config.toml", "unknown field `epochs`"]);
}

#[test]
fn a_flipped_byte_in_a_shard_is_found() {
    let place = Place::new(SmallSet::new());
    let shard = place.set().join("shards/000000.tar");
    let mut bytes = std::fs::read(&shard).unwrap();
    for place in (0..bytes.len() - 4096).step_by(4096) {
        bytes[place + 700] ^= 4; // every clip has one
    }
    std::fs::write(&shard, bytes).unwrap();
    place.train("out", &[]).failed_with(&["shards/000000.tar", "clip-", "not what the manifest was written with"]);
    assert!(!place.out("out").join("checkpoint.est").exists());
}

#[test]
fn numbers_that_run_away_and_a_full_disk_name_the_last_checkpoint() {
    let place = Place::new(SmallSet::new());
    place.config(
        &CONFIG
            .replace("warmup = 1", "warmup = 1\nrate = 1e38")
            .replace("checkpoint_every = 2", "checkpoint_every = 1"),
    );
    place.train("away", &[]).failed_with(&["no number any more", "checkpoint"]);

    place.config(CONFIG);
    place.train("full", &[]).succeeded();
    let checkpoint = place.out("full").join("checkpoint.est");
    std::fs::remove_dir_all(place.out("full")).unwrap();
    // Files may grow to 20 MB and no further: the checkpoint of this network does not fit.
    let script = "trap '' XFSZ; ulimit -f 20480; exec \"$@\"";
    let output = Command::new("bash")
        .args(["-c", script, "bash", env!("CARGO_BIN_EXE_est")])
        .args(place.args("full", &[]))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot be written") && stderr.contains("no checkpoint was written yet"), "{stderr}");
    assert!(!checkpoint.exists(), "no half file");
}

/// The colours of the small set are learned, and known again in people who were not trained on; by ResNet-18, which needs
/// fewer epochs to.
#[test]
fn what_can_be_learned_is_learned() {
    let place = Place::new(SmallSet::new());
    let config = CONFIG.replace("epochs = 4", "epochs = 16\nrate = 1e-3").replace("checkpoint_every = 2", "");
    place.config(&config.replace("frozen = [\"stage3\", \"stage4\"]", "").replace("separable16", "resnet18"));
    let done = place.train("out", &["--json"]).succeeded();
    let result: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(result["war"], 1.0, "{}", done.stderr);
}

/// Two stages: the encoder on frames, then the rest on its features, computed once; with every field that the other tests
/// leave alone.
#[test]
fn two_stages_with_a_frozen_encoder() {
    let place = Place::new(SmallSet::new());
    let base = CONFIG.replace("frozen = [\"stage3\", \"stage4\"]", "");
    let frames =
        format!("stage = \"frames\"\nframes_per_clip = 2\nselection = \"last-epoch\"\nmean = [0.5, 0.5, 0.5]\n{base}");
    place.config(&frames.replace("epochs = 4", "epochs = 1"));
    let done = place.train("frames", &[]).succeeded();
    assert!(done.stdout.contains("epoch 1; selection: last-epoch"), "{}", done.stdout);
    let initial = place.out("frames").join("weights.est");
    let shown = est(&["weights", "show", initial.to_str().unwrap()]).succeeded().stdout;
    assert!(shown.contains("untrained"), "{shown}");

    let more = "batch = 3\naccumulate = 2\naverage = 0.5\nrate_factors = { classifier = 2.0 }\n[objective]\nbalance_classes = true\nlabel_smoothing = 0.1\n[[objective.terms]]\nkind = \"centre\"\noutput = \"emotion\"\nweight = 0.1";
    let tighter = "stage = \"frozen\"\ncrop_margin = 0.9";
    let frozen = format!("{tighter}\ninitial = {initial:?}\n{}", base.replace("batch = 6", more));
    place.config(&frozen);
    let done = place.train("frozen", &["--json"]).succeeded();
    assert!(done.stderr.contains("\"features\""), "{}", done.stderr);
    let result: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(result["selection"], "inner-validation");
    let made = std::fs::read_dir(place.out("frozen")).unwrap().flatten();
    assert_eq!(made.filter(|file| file.file_name().to_string_lossy().starts_with("features-")).count(), 1);
    let weights = place.out("frozen").join("weights.est");
    let shown = est(&["weights", "show", weights.to_str().unwrap()]).succeeded().stdout;
    assert!(shown.contains("square box x 0.9"), "{shown}");
    place.config(&frozen.replace("0.9", "1.3"));
    place.train("wider", &[]).failed_with(&["x 1.2", "x 1.3", "--crop-margin"]);
    place.config(&frozen);
    let losses: Vec<f64> = log(&place.out("frozen")).iter().filter_map(|line| line["class_loss"].as_f64()).collect();
    assert_eq!(losses.len(), 12);
    // The centres of the classes move in training, and are no part of the network that comes of it.
    let far = |line: &serde_json::Value| line["terms"]["centre.emotion"].as_f64();
    assert!(log(&place.out("frozen")).iter().filter_map(far).all(|far| far > 0.0));
    assert!(!String::from_utf8_lossy(&std::fs::read(&weights).unwrap()).contains("objective.centre"));
    place.config(&frozen.replace("\"emotion\"", "\"emotions\""));
    place.train("unknown", &[]).failed_with(&["config.toml", "objective.terms", "`emotions`"]);
    place.config(&frozen.replace("\"emotion\"", "\"snippets\""));
    place.train("snippets", &[]).failed_with(&["objective.terms", "3 rows a clip"]);
    place.config(&frozen);

    // Weights of another encoder, and a file that has changed since.
    let bytes = std::fs::read(&initial).unwrap();
    std::fs::copy(place.out("frozen").join("checkpoint.est"), &initial).unwrap();
    place.train("other", &[]).failed_with(&["weights.est", "stage1.0.conv.weight", "frame encoder"]);
    std::fs::write(&initial, bytes).unwrap();
    est(&["weights", "show", initial.to_str().unwrap()]).succeeded();
    std::fs::copy(place.out("frozen").join("weights.est"), &initial).unwrap();
    place.train("frozen", &["--resume"]).failed_with(&["checkpoint.est", "other weights", "initial"]);
}

/// The example of docs/add-a-network.md has what every network has: it trains, goes on, evaluates, predicts, costs.
#[test]
fn a_network_that_reads_its_frames_together() {
    let place = Place::new(SmallSet::new());
    let config = "preset = \"tiny3d\"\nround = \"fold-1\"\n[optimiser]\nrate = 3e-3\nepochs = 30\nwarmup = 1\nbatch = 6\n[network]\nframes = 8";
    place.config(config);
    let done = place.train("out", &["--json"]).succeeded();
    let result: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    // Colours tell the classes of the small set apart: chance is a third.
    assert!(result["war"].as_f64().unwrap() > 0.6, "{}", done.stdout);
    place.train("out", &["--resume"]).succeeded();

    let weights = place.out("out").join("weights.est");
    let weights = weights.to_str().unwrap();
    let shown = est(&["weights", "show", weights]).succeeded().stdout;
    assert!(shown.contains("tiny3d-3") && shown.contains("\"architecture\":\"tiny3d\""), "{shown}");
    let (set, scores) = (place.set(), place.out("scores"));
    let args = ["eval", "--weights", weights, "--data", set.to_str().unwrap(), "--out", scores.to_str().unwrap()];
    est(&[&args[..], &["--round", "fold-1"]].concat()).succeeded();
    assert!(scores.join("report.md").is_file());
    let explained = place.out("explained");
    let args = ["explain", "--weights", weights, "--data", set.to_str().unwrap(), "--out", explained.to_str().unwrap()];
    est(&args).failed_with(&["tiny3d-3", "no attention to explain"]);

    let demo = est_goldens::download("single_face.mp4");
    let (demo, rows) = (demo.to_str().unwrap(), place.out("rows"));
    let args = ["predict", demo, "--weights", weights, "--out", rows.to_str().unwrap(), "--format", "csv,html"];
    est(&args).succeeded();
    let table = std::fs::read_to_string(rows.join("single_face.csv")).unwrap();
    assert!(table.lines().filter(|line| line.contains(",padded,")).count() > 50, "{}", table.lines().nth(1).unwrap());
    place.config(&format!("stage = \"frames\"\n{config}"));
    place.train("frames", &[]).failed_with(&["no frame encoder", "clips"]);
    assert!(est(&["complexity", "tiny3d"]).succeeded().stdout.contains("tiny3d"));
}
