//! Whatever a user may hand to `est predict` by mistake: one line that names the file and the remedy, exit code 1, and
//! the other inputs are still done.

use std::path::{Path, PathBuf};

use crate::common::{Table, est, ffmpeg, golden_frames, json, predict};
use est_goldens::download;
use tempfile::TempDir;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_string()
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// A video of `seconds` without a face, with options of FFmpeg's encoder.
    fn video(&self, name: &str, size: &str, seconds: &str, options: &[&str]) -> PathBuf {
        let source = format!("testsrc=size={size}:rate=25:duration={seconds}");
        let path = self.text(name);
        ffmpeg(&[&["-f", "lavfi", "-i", &source, "-pix_fmt", "yuv420p"], options, &[&path]].concat());
        self.path(name)
    }
}

/// The files of a folder, but for those in which est notes what it did there.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries
        .filter(|name| !["est-manifest.jsonl", "est-runs.jsonl", "summary.csv"].contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

/// All kinds of broken sources beside a good one: each gets its line, the good one its results, and nothing else is
/// left behind.
#[test]
fn broken_sources_do_not_stop_the_others() {
    let place = Place::new();
    std::fs::create_dir(place.path("nothing")).unwrap();
    let sources = [
        place.path("not-there.mp4"),
        place.path("nothing"),
        place.file("empty.mp4", b""),
        place.file("text.mp4", b"This is not a video, whatever its name says.\n"),
        place.path("audio.m4a"),
        place.path("good.mp4"),
        place.path("headless.mp4"),
    ];
    ffmpeg(&["-f", "lavfi", "-i", "sine=duration=1", &place.text("audio.m4a")]);
    let good = place.video("good.mp4", "64x64", "0.2", &[]);
    // The index of an ordinary mp4 stands at its end.
    let bytes = std::fs::read(place.video("whole.mp4", "64x64", "1", &[])).unwrap();
    place.file("headless.mp4", &bytes[..bytes.len() / 2]);
    assert!(good.is_file());

    let paths: Vec<&Path> = sources.iter().map(PathBuf::as_path).collect();
    let done = predict(&paths, &place.path("out"), &[])
        .failed_with(&["not-there.mp4", "no such file", "check the path"])
        .failed_with(&["nothing", "no images in this folder", "name another folder"])
        .failed_with(&["empty.mp4", "empty"])
        .failed_with(&["text.mp4", "not a video"])
        .failed_with(&["audio.m4a", "no video"])
        .failed_with(&["headless.mp4", "without its index", "copy it again"]);
    assert_eq!(done.code, 3, "some failed, the rest is done");
    let errors = done.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 6, "one line each:\n{}", done.stderr);
    assert_eq!(names(&place.path("out")), ["good.csv", "good.run.json"]);
}

#[test]
fn a_truncated_video_gives_what_can_be_decoded() {
    let place = Place::new();
    let fast = ["-movflags", "+faststart", "-g", "5"];
    let bytes = std::fs::read(place.video("whole.mp4", "320x240", "4", &fast)).unwrap();
    let cut = place.file("cut.mp4", &bytes[..bytes.len() * 6 / 10]);
    let done = predict(&[&cut], &place.path("out"), &[]).succeeded();
    assert!(done.stderr.contains("warning: ") && done.stderr.contains("cut.mp4"), "{}", done.stderr);
    let rows = Table::read(&place.path("out/cut.csv")).rows.len();
    assert!((20..100).contains(&rows), "{rows} of 100 frames");
    let record = json(&place.path("out/cut.run.json"));
    assert_eq!(record["video"]["frames_decoded"], rows as u64);
    assert_eq!(record["video"]["frames_container"], 100);
    assert!(!record["video"]["warnings"].as_array().unwrap().is_empty());
}

#[test]
fn a_video_without_a_face_has_a_row_for_every_frame() {
    let place = Place::new();
    let done = predict(&[&download("no_face.mp4")], &place.path("out"), &[]).succeeded();
    assert!(done.stderr.contains("no face was found"), "{}", done.stderr);
    let table = Table::read(&place.path("out/no_face.csv"));
    assert!(table.column("status").iter().all(|&status| status == "no_face"));
    assert!(table.column("track_id").iter().all(|id| id.is_empty()));
    let frames: Vec<f64> = table.numbers("frame");
    assert_eq!(frames, (0..frames.len()).map(|frame| frame as f64).collect::<Vec<_>>());
}

#[test]
fn odd_pictures_are_videos_too() {
    let place = Place::new();
    let one = place.path("one.mp4");
    ffmpeg(&["-i", download("single_face.mp4").to_str().unwrap(), "-frames:v", "1", one.to_str().unwrap()]);
    let wide = place.video("wide.mkv", "10000x16", "0.08", &["-c:v", "ffv1"]);
    predict(&[&one, &wide], &place.path("out"), &[]).succeeded();
    let one = Table::read(&place.path("out/one.csv"));
    assert_eq!(one.column("status"), ["padded"]);
    assert_eq!(one.column("window_start_s"), one.column("window_end_s"));
    let sum: f64 = one.header.iter().filter(|name| name.starts_with("p_")).map(|name| one.numbers(name)[0]).sum();
    // Seven cells rounded to six decimals.
    assert!((sum - 1.0).abs() < 7.0 * 0.5e-6 + 1e-9, "{sum}");
    assert_eq!(Table::read(&place.path("out/wide.csv")).column("status"), ["no_face"; 2]);
}

#[test]
fn weights_that_are_none() {
    let place = Place::new();
    golden_frames(&place.path("clip"), 2);
    let try_weights = |path: &Path| {
        let weights = path.to_str().unwrap();
        predict(&[&place.path("clip")], &place.path("out"), &["--crops", "--weights", weights])
    };
    let checkpoint = est_goldens::file("authors_tiny.pth");
    est(&["weights", "import", checkpoint.to_str().unwrap(), &place.text("good.est")]).succeeded();
    let good = std::fs::read(place.path("good.est")).unwrap();

    try_weights(&place.path("missing.est")).failed_with(&["missing.est", "check the path"]);
    try_weights(&checkpoint).failed_with(&["authors_tiny.pth", "est weights import"]);
    try_weights(&place.file("text.est", b"hello")).failed_with(&["text.est"]);
    try_weights(&place.file("short.est", &good[..good.len() / 2])).failed_with(&["short.est"]);
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    try_weights(&place.file("flipped.est", &flipped)).failed_with(&["flipped.est", "damaged", "copy or download"]);
    try_weights(&est_goldens::file("est.safetensors")).failed_with(&["est.safetensors", "est weights import"]);
    let seed = predict(&[&place.path("clip")], &place.path("out"), &["--crops", "--weights", "random:x"]);
    seed.failed_with(&["random:x", "whole number"]);
    assert!(names(&place.path("out")).is_empty(), "nothing half-written");
}

#[test]
fn imports_that_cannot_be() {
    let place = Place::new();
    let out = place.text("out.est");
    let import = |name: &str, more: &[&str]| {
        let input = est_goldens::file(name);
        let mut args = vec!["weights", "import", input.to_str().unwrap(), &out];
        args.extend(more);
        est(&args)
    };
    import("authors_tiny.pth", &["--preset", "resnet50"]).failed_with(&["authors_tiny.pth", "missing", "layer1.0.bn3"]);
    import("authors_tiny.pth", &["--classes", "happy,sad"]).failed_with(&["authors_tiny.pth", "2 classes for 7"]);
    import("authors_tiny.pth", &["--preset", "paperr"]).failed_with(&["no preset called `paperr`", "resnet34"]);
    import("malicious_zip.pth", &[]).failed_with(&["malicious_zip.pth", "nothing in the file was executed"]);
    import("malicious_legacy.pth", &[]).failed_with(&["malicious_legacy.pth", "nothing in the file was executed"]);
    import("plain_zip.pth", &[]).failed_with(&["plain_zip.pth", "classifier.5.0.bias"]);
    assert!(names(place.folder.path()).is_empty(), "nothing half-written");
}

#[test]
fn output_that_cannot_be_written() {
    let place = Place::new();
    golden_frames(&place.path("clip"), 2);
    let in_the_way = place.file("file", b"");
    predict(&[&place.path("clip")], &in_the_way.join("out"), &["--crops"]).failed_with(&["file/out", "another --out"]);
    predict(&[&place.path("clip")], Path::new("/proc/est"), &["--crops"]).failed_with(&["/proc/est", "another --out"]);
}

#[test]
fn a_result_that_cannot_take_its_place_leaves_nothing_behind() {
    let place = Place::new();
    golden_frames(&place.path("clip"), 3);
    // A folder has its name.
    std::fs::create_dir_all(place.path("out/clip.csv/x")).unwrap();
    predict(&[&place.path("clip")], &place.path("out"), &["--crops"]).failed_with(&["clip.csv", "cannot be written"]);
    assert_eq!(names(&place.path("out")), ["clip.csv"], "no temporary files");
}

#[test]
fn crops_of_another_size() {
    let place = Place::new();
    let video = place.video("small.mp4", "64x64", "0.2", &[]);
    predict(&[&video], &place.path("out"), &["--crops"]).failed_with(&["small.mp4", "64 x 64", "leave out --crops"]);
    assert!(names(&place.path("out")).is_empty());
}

#[test]
fn a_detector_that_is_none() {
    let place = Place::new();
    let video = place.video("video.mp4", "64x64", "0.2", &[]);
    let out = place.path("out");
    let missing = place.text("missing.pth");
    predict(&[&video], &out, &["--detector", &missing]).failed_with(&["missing.pth"]);
    let foreign = est_goldens::file("plain_zip.pth");
    predict(&[&video], &out, &["--detector", foreign.to_str().unwrap()]).failed_with(&["plain_zip.pth"]);
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    for args in [&["predict"][..], &["predict", "x.mp4", "--weights"], &["predict", "x.mp4", "--hop", "0"], &["x"]] {
        let done = est(args);
        assert_eq!(done.code, 2, "{args:?}: {}", done.stderr);
    }
}

const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 200000\n";

#[test]
fn pointers_of_version_control_are_named() {
    let place = Place::new();
    let video = place.file("pointer.mp4", POINTER);
    let annexed = place.file("annexed.mp4", b"/annex/objects/SHA256E-s5--4d7a.mp4\n");
    std::fs::create_dir(place.path("pictures")).unwrap();
    for name in ["pictures/1.png", "pictures/2.png"] {
        place.file(name, POINTER);
    }
    let picture = place.path("pictures/1.png");
    let pictures = place.path("pictures");
    predict(&[&video, &annexed, &picture, &pictures], &place.path("out"), &[])
        .failed_with(&["pointer.mp4", "git-lfs pointer to a file of 200000 bytes", "git lfs pull"])
        .failed_with(&["annexed.mp4", "git annex get"])
        .failed_with(&["1.png", "git lfs pull"])
        .failed_with(&["pictures", "git lfs pull"]);
    #[cfg(unix)]
    {
        // A folder of links into an annex that has not been filled is no folder without videos.
        std::fs::create_dir(place.path("linked")).unwrap();
        let link = place.path("linked/a.mp4");
        std::os::unix::fs::symlink("../.git/annex/objects/x/y/KEY/KEY", &link).unwrap();
        predict(&[&place.path("linked")], &place.path("out"), &[]).failed_with(&["linked/a.mp4", "git annex get"]);
    }
    let good = place.video("good.mp4", "64x64", "0.2", &[]);
    for name in ["weights.est", "list.csv", "list.parquet"] {
        place.file(name, POINTER);
    }
    let weights = place.text("weights.est");
    predict(&[&good], &place.path("out"), &["--weights", &weights]).failed_with(&["weights.est", "git lfs pull"]);
    est(&["weights", "import", &weights, &place.text("out.est")]).failed_with(&["weights.est", "git lfs pull"]);
    for list in ["list.csv", "list.parquet"] {
        predict(&[], &place.path("out"), &["--list", &place.text(list)]).failed_with(&[list, "git lfs pull"]);
    }
}
