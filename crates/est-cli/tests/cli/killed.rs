//! `kill -9` at any moment loses nothing that was finished: the next run goes on and ends with the same bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::common::{est, ffmpeg};
use crate::files::files;
use crate::trees;
use est_nets::Noise;

const KILLS: u64 = 10;

/// Runs `est ARGS --out OUT` to its end once, and once killed ten times on the way. Both must give the same files.
fn survives(args: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let with = |out: &Path| [args, &["--out", out.to_str().unwrap()]].concat().join("\n");
    let run = |out: &Path| est(&with(out).split('\n').collect::<Vec<_>>()).succeeded();
    let started = Instant::now();
    run(&whole);
    let takes = started.elapsed();

    let mut finished: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let mut within = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(env!("CARGO_BIN_EXE_est"))
            .args(with(&killed).split('\n'))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(takes.mul_f64(0.05 + 0.3 * Noise::new(kill, "kill").unit(0)));
        within += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        // Clips that are done stay done; only a finished shard takes the place of its clips.
        let parts = killed.join(".work/parts");
        let now = if parts.exists() { files(&parts) } else { BTreeMap::new() };
        let shards = killed.join("shards").read_dir().map_or(0, |shards| shards.count());
        for (part, bytes) in &finished {
            let same = now.get(part).map(|now| now == bytes);
            assert!(same == Some(true) || (same.is_none() && shards > 0), "{} after kill {kill}", part.display());
        }
        finished = now.into_iter().filter(|(name, _)| !name.to_string_lossy().starts_with(".est-")).collect();
    }
    assert!(within > 1, "the runs of {takes:?} are over before they can be killed");
    run(&killed);
    let (whole, killed) = (files(&whole), files(&killed));
    assert_eq!(whole.keys().collect::<Vec<_>>(), killed.keys().collect::<Vec<_>>());
    for (name, bytes) in &whole {
        assert!(killed[name] == *bytes, "{} differs", name.display());
    }
}

#[test]
fn prepare_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let video = folder.path().join("clip.avi");
    let from = est_goldens::download("demo.mp4");
    let part = ["-i", from.to_str().unwrap(), "-frames:v", "24", "-vf", "scale=320:-2", video.to_str().unwrap()];
    ffmpeg(&part);
    let root = folder.path().join("set");
    trees::enterface(&root, &mut |path| _ = std::fs::copy(&video, path).unwrap());
    survives(&["prepare", "enterface", "--root", root.to_str().unwrap(), "--shard-clips", "4"]);
}

#[test]
fn synth_goes_on() {
    let count = ["synth", "--subjects", "3", "--clips-per-subject", "4", "--size", "96", "--shard-clips", "5"];
    survives(&[&count[..], &["--knob", "frames=[60,60]"]].concat());
}
