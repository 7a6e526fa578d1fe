//! Runs over many videos with the real program: only what is missing is done, whatever ended the runs before, and however
//! many run at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Done, Table, WEIGHTS, command, done, ffmpeg, json, with_weights};
use crate::files::files;
use est_nets::Noise;

pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file in `in/`, with folders.
    fn put(&self, name: &str, content: &[u8]) {
        let path = self.path("in").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Videos in `in/`, each another one, without a face.
    pub fn videos(&self, names: &[&str]) {
        for (k, name) in names.iter().enumerate() {
            self.put(name, b"");
            let path = self.path("in").join(name);
            let source = format!("testsrc=size=64x64:rate=25:duration={}", 0.2 + 0.04 * k as f64);
            ffmpeg(&["-f", "lavfi", "-i", &source, "-pix_fmt", "yuv420p", path.to_str().unwrap()]);
        }
    }

    pub fn predict(&self, out: &str, more: &[&str]) -> Command {
        let mut command = command();
        command.arg("predict").arg(self.path("in")).arg("--out").arg(self.path(out));
        command.args(with_weights(WEIGHTS, more));
        command
    }

    pub fn run(&self, out: &str, more: &[&str]) -> Done {
        done(self.predict(out, more).output().unwrap())
    }

    /// The results below `out`: everything but what says when and how often.
    pub fn results(&self, out: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = files(&self.path(out));
        files.retain(|name, _| !name.to_string_lossy().ends_with(".jsonl"));
        files
    }

    pub fn names(&self, out: &str) -> Vec<String> {
        self.results(out).keys().map(|name| name.to_string_lossy().into_owned()).collect()
    }

    /// Videos that are done so far.
    fn finished(&self, out: &str) -> usize {
        std::fs::read_to_string(self.path(out).join("est-manifest.jsonl")).map_or(0, |text| text.lines().count())
    }

    /// The manifest's lines.
    pub fn manifest(&self, out: &str) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.path(out).join("est-manifest.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_second_run_does_what_is_missing_failed_or_changed() {
    let place = Place::new();
    place.videos(&["a/x.mp4", "b/x.mp4", "c.mp4"]);
    place.put("b/broken.mp4", b"no video");
    place.put("b/notes.txt", b"no video either");
    let first = place.run("out", &[]).failed_with(&["broken.mp4", "not a video"]);
    assert_eq!(first.code, 3);
    assert!(first.stderr.contains("1 of 4 failed"), "{}", first.stderr);
    let names = ["a/x.csv", "a/x.run.json", "b/x.csv", "b/x.run.json", "c.csv", "c.run.json", "summary.csv"];
    assert_eq!(place.names("out"), names);
    assert_eq!(Table::read(&place.path("out/b/x.csv")).column("video_id"), ["b/x"; 6]);
    let before = place.results("out");

    let table = Table::read(&place.path("out/summary.csv"));
    assert_eq!(table.column("video_id"), ["a/x", "b/broken", "b/x", "c"]);
    assert_eq!(table.column("state"), ["done", "failed", "done", "done"]);
    assert_eq!(table.column("frames_decoded"), ["5", "", "6", "7"]);
    assert_eq!(table.column("share_no_face"), ["1.0000", "", "1.0000", "1.0000"]);
    assert!(table.column("failure")[1].contains("not a video"));

    let again = place.run("out", &[]).failed_with(&["broken.mp4"]);
    assert!(again.stderr.contains("3 up to date, 1 to do"), "{}", again.stderr);
    std::fs::remove_file(place.path("in/b/broken.mp4")).unwrap();
    let again = place.run("out", &[]).succeeded();
    assert!(again.stderr.contains("3 up to date in"), "{}", again.stderr);
    assert_eq!(again.stdout, "");

    // Another video, a result that is gone, other settings, and the wish of the user.
    place.videos(&["c.mp4"]);
    std::fs::remove_file(place.path("out/a/x.csv")).unwrap();
    let again = place.run("out", &[]).succeeded();
    assert!(again.stderr.contains("1 up to date, 2 to do"), "{}", again.stderr);
    assert_eq!(place.results("out")[Path::new("a/x.csv")], before[Path::new("a/x.csv")]);
    let again = place.run("out", &["--hop", "7", "--quiet"]).succeeded();
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", ""), "quiet");
    let lines = place.manifest("out").len();
    place.run("out", &["--hop", "7", "--again"]).succeeded();
    assert_eq!(place.manifest("out").len(), lines + 3);
    let nothing = place.run("missing", &["--list", place.path("none.csv").to_str().unwrap()]);
    assert_eq!(nothing.failed_with(&["none.csv", "check the path"]).code, 3);
}

#[test]
fn a_list_names_videos_and_says_more_of_them() {
    let place = Place::new();
    place.videos(&["x.mp4", "y.mp4"]);
    place.put("list.csv", b"path,video_id,participant\nx.mp4,first,p1\ny.mp4,,p2\n");
    let list = place.path("in/list.csv");
    let out = place.path("out");
    let run = || {
        let (list, out) = (list.to_str().unwrap(), out.to_str().unwrap());
        crate::common::est(&["predict", "--weights", WEIGHTS, "--list", list, "--out", out])
    };
    run().succeeded();
    let table = Table::read(&out.join("summary.csv"));
    assert_eq!(table.column("video_id"), ["first", "y"]);
    assert_eq!(table.column("participant"), ["p1", "p2"]);
    assert_eq!(place.manifest("out")[0]["columns"]["participant"], "p1");
    place.put("list.csv", b"path,video_id\nx.mp4,../../up\n");
    assert_eq!(run().failed_with(&["list.csv", "line 2", "video_id", "choose another"]).code, 1);
}

#[test]
fn shards_are_all_of_the_videos_and_merge_into_one() {
    let place = Place::new();
    place.videos(&["1.mp4", "2.mp4", "s/3.mp4", "s/4.mp4", "5.mp4"]);
    place.run("whole", &[]).succeeded();
    place.run("first", &["--shard", "1/2"]).succeeded();
    let mut second = place.predict("second", &["--shard", "auto/2"]);
    let array = [("ID", "4"), ("MIN", "3"), ("MAX", "4"), ("COUNT", "2")];
    second.envs(array.map(|(what, value)| (format!("SLURM_ARRAY_TASK_{what}"), value)));
    done(second.output().unwrap()).succeeded();
    let (first, second) = (place.manifest("first").len(), place.manifest("second").len());
    assert!(first > 0 && second > 0 && first + second == 5, "{first} and {second}");

    let merge = |out: &str, shards: &[&str]| {
        let mut command = command();
        command.arg("merge").arg(place.path(out)).args(shards.iter().map(|shard| place.path(shard)));
        done(command.output().unwrap())
    };
    merge("merged", &["first", "second"]).succeeded();
    assert!(place.results("merged") == place.results("whole"), "{:?}", place.names("merged"));
    let again = merge("merged", &["first", "second"]).succeeded();
    assert!(again.stdout.contains("5 videos of 2 folders: 0 files copied"), "{}", again.stdout);
    // Who goes on in the joined folder has nothing to do.
    assert!(place.run("merged", &[]).succeeded().stderr.contains("5 up to date"));

    place.run("other", &["--shard", "2/2", "--hop", "9"]).succeeded();
    merge("refused", &["first", "other"]).failed_with(&["other", "other settings", "run.hop: 9, there 5"]);
    assert!(!place.path("refused").exists(), "nothing is made of what is refused");
    merge("refused", &["in"]).failed_with(&["in", "no folder of results"]);
}

/// Killed at any moment, a run loses at most the video in work, and the next one cleans up.
#[test]
fn kill_9_loses_the_video_in_work_at_most() {
    const KILLS: u64 = 4;
    let place = Place::new();
    let names: Vec<String> = (0..8).map(|k| format!("{k:02}.mp4")).collect();
    place.videos(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let started = Instant::now();
    place.run("whole", &[]).succeeded();
    let takes = started.elapsed();

    let mut finished = BTreeMap::new();
    let mut within = 0;
    for kill in 0..KILLS {
        let mut child = place.predict("killed", &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Once it has finished another video, and somewhere within the next.
        let before = place.finished("killed");
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() && place.finished("killed") <= before && begun.elapsed() < 4 * takes {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(takes.mul_f64(Noise::new(kill, "kill").unit(0) / 8.0));
        within += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let Some(done) = place.path("killed").exists().then(|| place.results("killed")) else { continue };
        for (name, bytes) in &finished {
            assert!(done.get(name) == Some(bytes), "{name:?} after kill {kill}");
        }
        finished = done.into_iter().filter(|(name, _)| !name.to_string_lossy().contains(".est-")).collect();
        finished.retain(|name, _| name != Path::new("summary.csv"));
    }
    assert!(within > 1, "runs of {takes:?} are over before they can be killed");
    place.run("killed", &[]).succeeded();
    assert!(place.results("killed") == place.results("whole"), "{:?}", place.names("killed"));
    // Never more than one video was done twice for each kill.
    let lines = place.manifest("killed").len();
    assert_eq!(lines, 8, "what is in the manifest is not done again");
}

#[test]
fn two_at_once_share_the_videos() {
    let place = Place::new();
    let names: Vec<String> = (0..10).map(|k| format!("{k}.mp4")).collect();
    place.videos(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let start = || place.predict("out", &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let runs = [start(), start()];
    let runs = runs.map(|run| done(run.wait_with_output().unwrap()).succeeded());
    let lines = place.manifest("out");
    assert_eq!(lines.len(), 10, "each is done once: {}\n{}", runs[0].stderr, runs[1].stderr);
    place.run("alone", &[]).succeeded();
    assert!(place.results("out") == place.results("alone"), "{:?}", place.names("out"));
}

/// The disk is full, really where a small one can be mounted, else by a limit on the size of files.
#[test]
fn a_full_disk_is_told_and_leaves_nothing_half_written() {
    let place = Place::new();
    place.videos(&["long.mp4"]);
    let source = "testsrc=size=64x64:rate=25:duration=60";
    let long = place.path("in/long.mp4");
    ffmpeg(&["-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", long.to_str().unwrap()]);
    let command = place.predict("out", &[]);
    let words: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let limited = format!("trap '' XFSZ; ulimit -f 16; exec {}", words.join(" "));
    let run = Command::new("sh").args(["-c", &limited]).env("XDG_STATE_HOME", place.path("state")).output().unwrap();
    assert_eq!(done(run).failed_with(&["long.csv", "cannot be written", "make room"]).code, 1);
    assert_eq!(place.names("out"), ["summary.csv"]);
    place.run("out", &[]).succeeded();

    let disk = place.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=48k", "none"]).arg(&disk).output();
    if !mounted.is_ok_and(|mount| mount.status.success()) {
        eprintln!("no small disk can be mounted here: skipped");
        return;
    }
    let run = place.run("disk", &[]);
    let left = place.names("disk");
    let unmounted = Command::new("umount").arg(&disk).status().unwrap();
    assert!(unmounted.success());
    assert_eq!(run.failed_with(&["cannot be written", "make room"]).code, 1);
    assert!(left.iter().all(|name| name == "summary.csv"), "{left:?}");
}

/// The decoder of one video crashes, hangs, eats memory or would write files: that video fails, the others do not notice.
#[test]
fn a_decoder_that_crashes_costs_one_video() {
    let place = Place::new();
    place.videos(&["bad.mp4", "good.mp4"]);
    place.run("sound", &[]).succeeded();
    let run = |kind: &str, more: &[&str]| {
        let mut command = place.predict(kind, more);
        command.env("EST_TEST_DECODER", format!("{kind}:bad"));
        done(command.output().unwrap())
    };
    for (kind, more, texts) in [
        ("segv", &[][..], &["bad.mp4", "crashed", "SIGSEGV", "leave it out"][..]),
        ("abort", &[], &["bad.mp4", "crashed", "SIGABRT"]),
        ("memory", &["--decode-memory", "0.25"], &["bad.mp4", "crashed", "SIGABRT", "--decode-memory"]),
        ("write", &[], &["bad.mp4", "crashed", "wrote to a file"]),
        ("hang", &["--decode-patience", "1"], &["bad.mp4", "gave nothing for 1 s", "--decode-patience"]),
    ] {
        let done = run(kind, more).failed_with(texts);
        assert_eq!(done.code, 3, "{}", done.stderr);
        assert_eq!(place.names(kind), ["good.csv", "good.run.json", "summary.csv"], "{kind}");
    }
    place.run("here", &["--decode-in-process"]).succeeded();
    assert!(place.results("here") == place.results("sound"), "where a video is decoded changes nothing");
}

/// A decoder whose est is killed does not stay behind.
#[cfg(target_os = "linux")]
#[test]
fn no_decoder_outlives_its_est() {
    let place = Place::new();
    place.videos(&["bad.mp4"]);
    let mut command = place.predict("out", &[]);
    let mut est = command.env("EST_TEST_DECODER", "hang:bad").stderr(Stdio::null()).spawn().unwrap();
    let child_of = |parent: u32| {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        numbers.find(|number| {
            let status = std::fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
            status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|id| id.trim() == parent.to_string()))
        })
    };
    let until = |what: &str, mut is: Box<dyn FnMut() -> bool + '_>| {
        let since = Instant::now();
        while !is() {
            assert!(since.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let mut decoder = None;
    until(
        "a decoder begins",
        Box::new(|| {
            decoder = child_of(est.id());
            decoder.is_some()
        }),
    );
    let decoder = decoder.unwrap();
    // It has read the request and hangs at its third frame, or will.
    std::thread::sleep(Duration::from_millis(500));
    est.kill().unwrap();
    est.wait().unwrap();
    until(
        "it ends",
        Box::new(|| {
            let status = std::fs::read_to_string(format!("/proc/{decoder}/status")).unwrap_or_default();
            // Its new parent may be slow to bury it.
            status.is_empty() || status.contains("State:\tZ")
        }),
    );
}

#[test]
fn purge_deletes_what_est_wrote_and_the_log_says_why() {
    let place = Place::new();
    place.videos(&["s/x.mp4"]);
    place.run("out", &["--purpose", "pilot study", "--retain", "30", "--weights", "random:1"]).succeeded();
    std::fs::write(place.path("out/s/notes.txt"), "mine").unwrap();
    let log = std::fs::read_to_string(place.path("out/est-runs.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["purpose"], &lines[0]["videos"]), (&"pilot study".into(), &1.into()));
    assert_eq!(lines[0]["weights_sha256"], "untrained:random:1");
    assert_eq!((&lines[1]["run"], &lines[1]["done"]), (&lines[0]["run"], &1.into()));
    assert_eq!(place.manifest("out")[0]["keep_until"], lines[0]["keep_until"]);
    assert!(json(&place.path("out/s/x.run.json"))["video"]["source"].is_string());

    let purge = |more: &[&str]| {
        let out = place.path("out");
        crate::common::est(&[&["purge", out.to_str().unwrap()], more].concat())
    };
    assert!(purge(&["--expired"]).succeeded().stdout.contains("nothing is past its retention"));
    purge(&[]).failed_with(&["2 files of 1 videos", "--yes"]);
    assert!(purge(&["--dry-run"]).succeeded().stdout.contains("x.csv"));
    let gone = purge(&["--yes"]).succeeded();
    assert!(gone.stdout.contains("notes.txt"), "{}", gone.stdout);
    assert_eq!(files(&place.path("out")).into_keys().collect::<Vec<_>>(), [Path::new("s/notes.txt")]);
    purge(&["--yes"]).failed_with(&["no folder of results"]);
}

#[test]
fn a_dry_run_says_what_is_to_do() {
    let place = Place::new();
    place.videos(&["x.mp4"]);
    place.run("out", &[]).succeeded();
    place.videos(&["y.mp4"]);
    let before = files(&place.path("out"));
    let standing = |more: &[&str]| -> Vec<String> {
        let done = place.run("out", &[&["--dry-run", "--json"], more].concat()).succeeded();
        let lines = done.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.map(|line| line["standing"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(standing(&[]), ["up to date", "new"]);
    assert_eq!(standing(&["--hop", "10"]), ["settings changed", "new"]);
    assert_eq!(standing(&["--again"]), ["again", "new"]);
    assert_eq!(files(&place.path("out")), before, "it writes nothing");
}

#[test]
fn the_notice_comes_once_and_never_into_json() {
    let place = Place::new();
    place.videos(&["x.mp4"]);
    let run = |more: &[&str]| {
        let mut command = place.predict("out", &[&["--dry-run"], more].concat());
        done(command.env("XDG_STATE_HOME", place.path("state")).output().unwrap()).succeeded().stderr
    };
    assert!(!run(&["--json"]).contains("responsible-use.md"));
    assert!(!run(&["--quiet"]).contains("responsible-use.md"));
    assert!(run(&[]).contains("responsible-use.md"));
    assert!(!run(&[]).contains("responsible-use.md"));
}

#[test]
fn pseudonyms_do_not_tell_the_file() {
    let place = Place::new();
    place.videos(&["anna.mp4"]);
    place.run("out", &["--pseudonyms", "--format", "csv,json,vtt"]).succeeded();
    let mut named = 0;
    for (path, bytes) in place.results("out") {
        let name = path.to_string_lossy().into_owned();
        if name.starts_with("v-") {
            named += 1;
            assert!(!String::from_utf8_lossy(&bytes).contains("anna"), "{name}");
        }
    }
    // Three formats and the record.
    assert_eq!(named, 4);
    assert!(place.manifest("out")[0]["source"].as_str().unwrap().ends_with("anna.mp4"));
    place.run("out", &["--pseudonyms", "--format", "csv,json,vtt"]).succeeded();
    assert_eq!(place.finished("out"), 1, "the same content has the same name");
}
