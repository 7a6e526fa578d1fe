//! Sources without an end.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Table, WEIGHTS, ffmpeg, predict};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../downloads/demo.mp4");

/// Six seconds of a person, in a container that needs no seeking.
pub fn recording(folder: &Path) -> PathBuf {
    let path = folder.join("person.mkv");
    let encoded = ["-an", "-c:v", "libx264", "-preset", "ultrafast", "-vf", "scale=320:180"];
    ffmpeg(&[&["-t", "6", "-i", DEMO][..], &encoded, &[path.to_str().unwrap()]].concat());
    path
}

fn est(folder: &Path) -> Command {
    let mut est = Command::new(env!("CARGO_BIN_EXE_est"));
    est.args(["predict", "--weights", WEIGHTS, "--out"]).arg(folder.join("out"));
    est.stdout(Stdio::piped()).stderr(Stdio::piped());
    est
}

#[test]
fn standard_input_gives_the_rows_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let video = recording(folder.path());
    let file = folder.path().join("file");
    predict(&[&video], &file, &["--weights", WEIGHTS]).succeeded();
    let input = File::open(&video).unwrap();
    let output = est(folder.path()).args(["-", "--name", "piped"]).stdin(input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (piped, read) = (Table::read(&folder.path().join("out/piped.csv")), Table::read(&file.join("person.csv")));
    // All but the first column, which is the video's name.
    let rows = |table: &Table| table.rows.iter().map(|row| row[1..].to_vec()).collect::<Vec<_>>();
    assert_eq!(piped.rows[0][0], "piped");
    assert!(rows(&piped) == rows(&read), "smaller batches change no number");
}

/// A program called ffmpeg that plays `video` as if it were camera 7.
fn camera(folder: &Path, video: &Path) -> std::ffi::OsString {
    let programs = folder.join("bin");
    std::fs::create_dir(&programs).unwrap();
    let script = programs.join("ffmpeg");
    let real = String::from_utf8(Command::new("which").arg("ffmpeg").output().unwrap().stdout).unwrap();
    let play = format!("exec {} -v error -re -stream_loop 9 -i {} -c copy -f nut pipe:1", real.trim(), video.display());
    std::fs::write(&script, format!("#!/bin/sh\ncase \"$*\" in *' /dev/video7 '*) {play};; esac\nexit 1\n")).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path))).unwrap()
}

#[test]
fn a_camera_wants_consent_and_its_rows_come_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = camera(folder.path(), &recording(folder.path()));
    let refused = est(folder.path()).arg("cam:7").env("PATH", &path).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && told.contains("--consent"), "{told}");
    assert!(
        !folder.path().join("out").read_dir().is_ok_and(|mut files| files.any(|f| f
            .unwrap()
            .path()
            .extension()
            .is_some_and(|e| e == "csv")))
    );

    let mut running = est(folder.path());
    running.args(["cam:7", "--consent", "--name", "lab"]).env("PATH", &path).stdin(Stdio::null());
    let running = running.spawn().unwrap();
    let growing = folder.path().join("out/lab.csv");
    let lines = || std::fs::read_to_string(&growing).map_or(0, |text| text.lines().count());
    let since = Instant::now();
    while lines() < 30 {
        assert!(since.elapsed() < Duration::from_secs(60), "no rows while the camera runs");
        std::thread::sleep(Duration::from_millis(100));
    }
    let seen = lines();
    let interrupted = Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let output = running.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("after their frames"), "{told}");
    let table = Table::read(&growing);
    assert!(table.rows.len() >= seen - 1, "{} rows, {seen} lines before", table.rows.len());
    assert!(table.numbers("pts_s").windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(folder.path().join("out/lab.run.json").is_file());
}

#[test]
fn a_live_source_ends_when_it_was_told_to_and_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = camera(folder.path(), &recording(folder.path()));
    let mut limited = est(folder.path());
    limited.args(["cam:7", "--consent", "--name", "short", "--seconds", "2"]).env("PATH", &path);
    let output = limited.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let times = Table::read(&folder.path().join("out/short.csv")).numbers("pts_s");
    let last = *times.last().unwrap();
    assert!((2.0..6.0).contains(&last), "{last}");
    let both = est(folder.path()).args(["-", DEMO]).output().unwrap();
    assert!(String::from_utf8_lossy(&both.stderr).contains("alone"));
}
