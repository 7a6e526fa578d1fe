//! `est crossval` and `est ablate` on a small set: to the end, stopped and gone on with, and what they refuse.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::common::{Done, est, json, killed_when};
use crate::files::files;
use crate::small_set::SmallSet;

/// A frozen encoder and a small network behind it.
const CONFIG: &str = concat!(
    r#"
stage = "frozen"
threads = 1
selection = "last-epoch"
[optimiser]
epochs = 2
warmup = 1
batch = 12
"#,
    smallest_network!()
);

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A set, a trained encoder, and a config that has it.
    fn new() -> Self {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        SmallSet::new().write(&place.path("set"));
        let frames = CONFIG.replace("frozen", "frames").replace("epochs = 2", "epochs = 1");
        std::fs::write(place.path("frames.toml"), frames).unwrap();
        let args = ["train", "--config", "frames.toml", "--data", "set", "--out", "encoder"];
        place.est(&args).succeeded();
        place.config(&format!("initial = {:?}\n{CONFIG}", place.path("encoder/weights.est")));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, text: &str) {
        std::fs::write(self.path("config.toml"), text).unwrap();
    }

    fn args(&self, args: &[&str]) -> Vec<String> {
        let own = |arg: &&str| match self.path(arg).exists() || ["encoder", "out", "whole", "killed"].contains(arg) {
            true => self.path(arg).to_str().unwrap().to_string(),
            false => arg.to_string(),
        };
        args.iter().map(own).collect()
    }

    fn est(&self, args: &[&str]) -> Done {
        est(&self.args(args))
    }

    fn crossval(&self, out: &str, more: &[&str]) -> Done {
        self.est(&[&["crossval", "--data", "set", "--config", "config.toml", "--out", out][..], more].concat())
    }

    fn ablate(&self, table: &str, more: &[&str]) -> Done {
        let args = ["ablate", "--data", "set", "--config", "config.toml", "--out", "out", "--table", table];
        self.est(&[&args[..], more].concat())
    }
}

/// What a series leaves, but for times and command lines.
fn results(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files(out);
    files.retain(|name, _| {
        let name = name.to_string_lossy();
        name.ends_with("weights.est") || name.ends_with("predictions.csv") || name.ends_with(".svg")
    });
    files
}

fn names(files: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    files.keys().map(|name| name.to_string_lossy().into_owned()).collect()
}

#[test]
fn crossval_scores_every_round_and_goes_on_where_it_stopped() {
    let place = Place::new();
    let done = place.crossval("whole", &[]).succeeded();
    for text in ["fold-1", "fold-3", "WAR", "selection: last-epoch", "seed 1", "crossval.md"] {
        assert!(done.stdout.contains(text), "{text} in {}", done.stdout);
    }
    // Features are computed once for the three runs.
    assert_eq!(done.stderr.matches("36/36 clips").count(), 1, "{}", done.stderr);
    let whole = results(&place.path("whole"));
    let written = names(&whole);
    for name in ["seed-1/fold-3/weights.est", "seed-1/fold-1/predictions.csv", "seed-1/confusion.svg"] {
        assert!(written.iter().any(|found| found == name), "{name} in {written:?}");
    }
    let report = json(&place.path("whole/seed-1/report.json"));
    assert_eq!(
        (&report["pooled"]["metrics"]["clips"], &report["rounds"][0]["selection"]),
        (&36.into(), &"last-epoch".into())
    );
    assert_eq!(report["rounds"].as_array().unwrap().len(), 3);
    let table = json(&place.path("whole/crossval.json"));
    assert_eq!(table["variants"][0]["scores"]["seeds"], serde_json::json!([1]));
    assert!(table["variants"][0]["scores"]["war"]["interval"].is_null(), "one seed tells of no spread");
    assert!(table["command"].as_str().unwrap().starts_with("est crossval"));

    // Again: nothing is trained or scored, and the files are the same.
    let times = |name: &str| std::fs::metadata(place.path("whole").join(name)).unwrap().modified().unwrap();
    let before = times("seed-1/fold-2/predictions.csv");
    let again = place.crossval("whole", &[]).succeeded();
    assert_eq!(again.stderr.matches("4 updates, 4 done").count(), 3, "{}", again.stderr);
    assert_eq!(times("seed-1/fold-2/predictions.csv"), before);
    assert!(results(&place.path("whole")) == whole);

    // Killed in its second round.
    let args = place.args(&["crossval", "--data", "set", "--config", "config.toml", "--out", "killed"]);
    killed_when(&args, || place.path("killed/seed-1/fold-2/config.toml").exists());
    assert!(!place.path("killed/crossval.json").exists());
    let done = place.crossval("killed", &[]).succeeded();
    assert!(
        done.stderr.contains("seed-1/fold-1: fold-1: 24 training clips, 0 validation, 12 test; 4 updates, 4 done"),
        "{}",
        done.stderr
    );
    let killed = results(&place.path("killed"));
    assert_eq!(names(&killed), written);
    assert!(killed == whole);
}

#[test]
fn ablate_puts_variants_beside_each_other() {
    let place = Place::new();
    let text = std::fs::read_to_string(place.path("config.toml")).unwrap();
    place.config(&text.replace("stage", "round = \"fold-2\"\nstage"));
    let done = place.ablate("average,5", &["--seeds", "1,2"]).succeeded();
    for text in ["average, seed 1: WAR ", "transformer+aasfe", "ablation.md", "selection: last-epoch"] {
        assert!(done.stdout.contains(text), "{text} in {}", done.stdout);
    }
    assert_eq!(done.stderr.matches("36/36 clips").count(), 1, "features are computed once: {}", done.stderr);
    let table = json(&place.path("out/ablation.json"));
    let variants = table["variants"].as_array().unwrap();
    let rows: Vec<&str> = variants.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(rows, ["average", "transformer", "transformer+aasfe", "paper"]);
    let parameters: Vec<u64> = variants.iter().map(|row| row["parameters"].as_u64().unwrap()).collect();
    assert_eq!(parameters[0], 323_808 + 3 * 256 + 3);
    assert_eq!(parameters[2] - parameters[1], 263_680, "AA-SFE");
    assert_eq!((&variants[3]["network"]["orders"], &variants[2]["network"]["orders"]), (&5.into(), &0.into()));
    assert!(variants[3]["war_gain"]["interval"].is_object() && variants[0]["war_gain"].is_null());
    let markdown = std::fs::read_to_string(place.path("out/ablation.md")).unwrap();
    for text in
        ["| average | 0.32 |", "selection protocol `last-epoch`", "folds-3-seed-1, fold-2, part `test`", "apparent"]
    {
        assert!(markdown.contains(text), "{text} in {markdown}");
    }

    // Another base config is another series.
    let before = files(&place.path("out"));
    let text = std::fs::read_to_string(place.path("config.toml")).unwrap();
    place.config(&text.replace("epochs = 2", "epochs = 3"));
    place.ablate("average,5", &["--seeds", "1,2"]).failed_with(&[
        "checkpoint.est",
        "another config",
        "optimiser.epochs",
    ]);
    assert!(before == files(&place.path("out")), "nothing is overwritten");
}

#[test]
fn what_cannot_be_done_is_said_before_the_first_run() {
    let place = Place::new();
    let text = std::fs::read_to_string(place.path("config.toml")).unwrap();
    place.ablate("7", &[]).failed_with(&["`7`", "lengths", "backbone", "average"]);
    place.ablate("5", &["--seeds", "1,2,1"]).failed_with(&["seed 1", "twice"]);
    place.ablate("backbone", &[]).failed_with(&["weights.est", "`conv1.weight`", "frame encoder"]);
    place.ablate("orders", &[]).failed_with(&["row orders-10", "network.orders"]);
    place.config(&text.replace("stage", "round = \"fold-9\"\nstage"));
    place.ablate("5", &[]).failed_with(&["no round called fold-9", "fold-1, fold-2, fold-3"]);
    place.crossval("out", &[]).failed_with(&["round = \"fold-9\"", "leave it out"]);
    place.config(&text.replace("epochs", "epoches"));
    place.crossval("out", &[]).failed_with(&["config.toml", "unknown field `epoches`"]);
    place.config(&text);
    std::fs::write(place.path("groups.csv"), "nonsense").unwrap();
    place.crossval("out", &["--subgroups", "groups.csv"]).failed_with(&["groups.csv"]);
    std::fs::remove_file(place.path("set/clips.csv")).unwrap();
    place.crossval("out", &[]).failed_with(&["clips.csv"]);
    assert!(!place.path("out").exists(), "nothing is written");
}
