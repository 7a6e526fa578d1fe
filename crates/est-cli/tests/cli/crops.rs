//! The authors' checkpoint and a folder of face crops: PyTorch's probabilities.

use crate::common::{COLUMNS, Table, est, golden_frames, json, predict};

/// Imports the checkpoint in the authors' layout that PyTorch wrote, predicts a folder of 105 pictures, and compares
/// with what PyTorch makes of them in float64.
#[test]
fn the_authors_checkpoint_gives_pytorchs_probabilities() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).to_str().unwrap().to_string();
    let checkpoint = est_goldens::file("authors_tiny.pth");
    est(&["weights", "import", checkpoint.to_str().unwrap(), &text("authors.est")]).succeeded();
    golden_frames(&path("clip"), 105);
    let run = |out: &str, precision: &str| {
        let more = ["--crops", "--format", "csv,json", "--weights", &text("authors.est"), "--precision", precision];
        predict(&[&path("clip")], &path(out), &more).succeeded();
        Table::read(&path(out).join("clip.csv"))
    };
    let table = run("out", "exact");
    let default = run("default", "default");
    assert_eq!(table.header.join(","), COLUMNS.replace("pts_s,", "pts_s,file,"));
    assert_eq!((table.column("file")[0], table.column("file")[104]), ("000.png", "104.png"));
    assert_eq!(table.rows.len(), 105);
    assert!(table.column("status").iter().all(|&status| status == "ok"));
    assert!(table.column("model_id").iter().all(|id| !id.contains("untrained")));
    let golden = est_goldens::load("authors.safetensors");
    let expected = &golden["probabilities"].data;
    let names = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];
    for (class, &p) in names.iter().zip(expected) {
        // The bar that the project set itself; f32 against f64 is off by about 1e-6, and a cell has six decimals.
        for found in table.numbers(&format!("p_{class}")) {
            assert!((found - f64::from(p)).abs() < 1e-4, "p_{class}: {found}, PyTorch {p}");
        }
        // bf16 rounds factors to 2^-9; the features are off by 3e-3 of themselves, and logits by about as much.
        for found in default.numbers(&format!("p_{class}")) {
            assert!((found - f64::from(p)).abs() < 5e-3, "p_{class} in default precision: {found}, PyTorch {p}");
        }
    }
    assert!(table.column("window_start_s").iter().all(|&start| start == "0.000000"));
    assert!(table.column("window_end_s").iter().all(|&end| end == "4.160000"));

    let result = json(&path("out/clip.json"));
    assert_eq!(result["rows"].as_array().unwrap().len(), 105);
    assert_eq!(result["video"]["frames_decoded"], 105);
    assert_eq!(result["run"]["model"]["weights_sha256"], table.column("weights_sha256")[0]);
    assert_eq!(json(&path("out/clip.run.json"))["run"], result["run"]);

    let shown = est(&["weights", "show", &text("authors.est"), "--json"]).succeeded();
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["classes"].as_array().unwrap().len(), 7);
    assert_eq!(shown["provenance"]["trained"], true);
}

/// Equal input gives equal bytes, whatever the number of threads.
#[test]
fn two_runs_give_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    golden_frames(&path("clip"), 40);
    for (out, threads) in [("a", "1"), ("b", "2")] {
        let more = ["--crops", "--format", "csv,json", "--threads", threads];
        predict(&[&path("clip")], &path(out), &more).succeeded();
    }
    for name in ["clip.csv", "clip.json", "clip.run.json"] {
        let read = |out: &str| std::fs::read(path(out).join(name)).unwrap();
        assert!(read("a") == read("b"), "{name} differs between two runs");
    }
    let table = Table::read(&path("a/clip.csv"));
    assert!(table.column("status").iter().all(|&status| status == "padded"), "40 frames are stretched to 105");
    assert!(table.column("model_id").iter().all(|id| id.contains("untrained")));
    assert!(table.column("weights_sha256").iter().all(|hash| hash.contains("untrained")));
}

/// `--fps` is the clock of pictures: at twice the model's rate every second one is enough.
#[test]
fn pictures_have_the_clock_that_they_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    golden_frames(&path("clip"), 20);
    predict(&[&path("clip")], &path("out"), &["--crops", "--fps", "50"]).succeeded();
    let times = Table::read(&path("out/clip.csv")).numbers("pts_s");
    for (frame, time) in times.iter().enumerate() {
        assert!((time - frame as f64 / 50.0).abs() < 1e-6);
    }
    let pattern = path("clip/*.png");
    predict(&[&pattern], &path("by-pattern"), &["--crops", "--fps", "50"]).succeeded();
    let read = |name: &str| std::fs::read(path(name)).unwrap();
    assert!(read("out/clip.csv") == read("by-pattern/clip.csv"), "a pattern and its folder are the same video");
}
