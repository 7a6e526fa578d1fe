//! A small synthetic set, small untrained weights for it, and ways to spoil them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use est::Model;
use est_nets::{EstConfig, Network, Preprocessing, random_weights, weights};
use tempfile::TempDir;

use crate::common::{Done, est};

/// Clips of the set: four subjects, each with the seven clips of the six classes (one class twice).
pub const CLIPS: usize = 28;

/// `est synth` of 64 pixels, made once; and weights of a small EST that takes 32.
pub struct Shared {
    folder: TempDir,
}

impl Shared {
    pub fn get() -> &'static Shared {
        static SHARED: OnceLock<Shared> = OnceLock::new();
        SHARED.get_or_init(|| {
            let shared = Shared { folder: tempfile::tempdir().unwrap() };
            let set = shared.set();
            let small = ["--size", "64", "--subjects", "4", "--clips-per-subject", "7", "--folds", "2"];
            let more = ["--knob", "frames=[60,64]", "--out", set.to_str().unwrap()];
            est(&[&["synth"], &small[..], &more[..]].concat()).succeeded();
            shared.save("model.est", 1, |_| ());
            shared
        })
    }

    pub fn set(&self) -> PathBuf {
        self.folder.path().join("set")
    }

    pub fn weights(&self) -> PathBuf {
        self.folder.path().join("model.est")
    }

    /// Saves an untrained EST of 32 pixels, a function of `seed`, changed by `change`.
    pub fn save(&self, name: &str, seed: u64, change: impl FnOnce(&mut Model)) -> PathBuf {
        let config = EstConfig {
            classes: 6,
            size: 32,
            encoder_layers: 1,
            decoder_layers: 1,
            feed_forward: 64,
            orders: 0,
            ..EstConfig::PAPER
        };
        let config = Network::Est(config);
        let mut model = Model::random(seed);
        model.tensors = random_weights(&config.graph(), seed);
        model.config = config;
        model.classes = est::usual_classes(6).unwrap();
        model.preprocessing = Preprocessing { size: 32, ..Preprocessing::PAPER };
        change(&mut model);
        let path = self.folder.path().join(name);
        model.save(&path).unwrap();
        path
    }

    /// A copy of the set in `to`, with the lines of its manifest changed by `change` (header first) and hashed anew.
    pub fn spoiled(&self, to: &Path, change: impl FnOnce(&mut Vec<Vec<String>>)) -> PathBuf {
        let set = to.join("spoiled");
        copy(&self.set(), &set);
        let manifest = set.join("clips.csv");
        let text = std::fs::read_to_string(&manifest).unwrap();
        // No cell of a synthetic set holds a comma or a quote.
        let mut rows: Vec<Vec<String>> = text.lines().map(|line| line.split(',').map(String::from).collect()).collect();
        change(&mut rows);
        let lines: Vec<String> = rows.iter().map(|row| row.join(",") + "\n").collect();
        std::fs::write(&manifest, lines.concat()).unwrap();
        let record = set.join("set.json");
        let mut json = crate::common::json(&record);
        json["manifest_sha256"] = weights::file::sha256(&manifest).unwrap().into();
        std::fs::write(&record, json.to_string()).unwrap();
        set
    }
}

/// The column called `name`.
pub fn column(rows: &[Vec<String>], name: &str) -> usize {
    rows[0].iter().position(|column| column == name).unwrap()
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// `est COMMAND --data SET --weights WEIGHTS --out OUT` and `more`.
pub fn score(command: &str, set: &Path, weights: &Path, out: &Path, more: &[&str]) -> Done {
    let [set, weights, out] = [set, weights, out].map(|path| path.to_str().unwrap());
    est(&[&[command, "--data", set, "--weights", weights, "--out", out], more].concat())
}
