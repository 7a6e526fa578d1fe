//! Properties of the rows' time axis over generated videos of every awkward kind, each drawn from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Table, WEIGHTS, ffmpeg, json, predict};
use est_nets::Noise;

/// Faces and pieces without one.
fn source(name: &str) -> String {
    format!("{}/../../downloads/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What a video was made with, for messages and so that every kind is met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    variable_rate: bool,
    b_frames: bool,
    turned: u16,
    edit_list: bool,
    cut: bool,
    resized: bool,
    extension: &'static str,
}

/// The video of `seed`: two pieces of a person before the camera, or one and a stretch of black, in some container.
fn video(folder: &Path, seed: u64) -> (PathBuf, Kind) {
    let noise = Noise::new(seed, "time axis");
    let chance = |k: u64, below: f64| noise.unit(k) < below;
    let resized = seed % 5 == 4;
    // A size can change within a transport stream alone; only MP4 and MOV have edit lists and turns.
    let extension = if resized { "ts" } else { ["mp4", "mov", "mkv"][(noise.unit(1) * 3.0) as usize] };
    let boxed = extension == "mp4" || extension == "mov";
    let kind = Kind {
        variable_rate: !resized && chance(2, 0.6),
        b_frames: chance(3, 0.6),
        turned: if boxed && chance(4, 0.5) { [90, 180, 270][(noise.unit(5) * 3.0) as usize] } else { 0 },
        edit_list: boxed && chance(6, 0.5),
        cut: chance(7, 0.6),
        resized,
        extension,
    };
    let path = |name: &str| folder.join(name).to_str().expect("text").to_string();
    let b_frames = if kind.b_frames { "3" } else { "0" };
    let piece = |k: u64, name: &str, size: &str| {
        let frames = (12.0 + 20.0 * noise.unit(10 + k)) as u32;
        let start = 5.0 * noise.unit(20 + k);
        let black = k == 1 && kind.cut && chance(30, 0.5);
        // Stored turned, so that the container's turn makes it upright again.
        let stored = match kind.turned {
            90 => ",transpose=cclock",
            180 => ",hflip,vflip",
            270 => ",transpose=clock",
            _ => "",
        };
        let dark = if black { ",drawbox=t=fill:color=black" } else { "" };
        let times = if kind.variable_rate {
            format!(",settb=1/1000,setpts='(N+0.45*sin({}*N))/0.025'", 1.0 + noise.unit(40 + k))
        } else {
            String::new()
        };
        let filter = format!("scale={size},setsar=1{dark}{stored}{times}");
        let start = format!("{start:.3}");
        let frames = frames.to_string();
        let made = path(name);
        let coded =
            ["-c:v", "libx264", "-preset", "ultrafast", "-bf", b_frames, "-g", "12", "-pix_fmt", "yuv420p", "-an"];
        let read = ["-ss", &start, "-i", &source("demo.mp4"), "-frames:v", &frames, "-vf", &filter, "-vsync", "vfr"];
        ffmpeg(&[&read[..], &["-enc_time_base", "1:1000"], &coded, &[&made]].concat());
        made
    };
    let whole = path(&format!("v{seed}.{extension}"));
    let first = piece(0, "a.ts", "320:180");
    let second = piece(1, "b.ts", if resized { "480:270" } else { "320:180" });
    if resized {
        let both = [first, second].map(|part| std::fs::read(part).expect("a piece")).concat();
        std::fs::write(&whole, both).expect("room for a video");
    } else {
        let list = path("list.txt");
        let pieces = if kind.cut { vec!["a.ts", "b.ts"] } else { vec!["a.ts"] };
        let lines: String = pieces.iter().map(|piece| format!("file {piece}\n")).collect();
        std::fs::write(&list, lines).expect("room for a list");
        let turn = format!("rotate={}", kind.turned);
        let plain = path(&format!("plain.{extension}"));
        ffmpeg(&["-f", "concat", "-i", &list, "-c", "copy", "-metadata:s:v", &turn, &plain]);
        if kind.edit_list {
            // Begins between key frames: the container keeps them and says from when to show.
            ffmpeg(&["-ss", "0.3", "-i", &plain, "-c", "copy", &whole]);
        } else {
            std::fs::rename(plain, &whole).expect("in the same folder");
        }
    }
    (PathBuf::from(whole), kind)
}

/// The frames that FFmpeg's own program shows.
fn shown(video: &Path) -> u64 {
    let entries = ["-v", "error", "-select_streams", "v", "-show_entries", "frame=media_type", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(entries).arg(video).output().expect("ffprobe is installed");
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| line.starts_with("video")).count() as u64
}

#[test]
fn every_frame_is_there_once_a_track_and_times_increase() {
    let folder = tempfile::tempdir().unwrap();
    // `make test-full` takes more.
    let seeds = if std::env::var_os("EST_LONG").is_some() { 40 } else { 7 };
    let mut kinds = BTreeSet::new();
    let (mut faces, mut turned, mut lists) = (0, 0, 0);
    for seed in 0..seeds {
        let (video, kind) = video(folder.path(), seed);
        let out = folder.path().join(format!("out{seed}"));
        predict(&[&video], &out, &["--weights", WEIGHTS, "--detect-size", "320", "--format", "csv,json"]).succeeded();
        let name = video.file_stem().unwrap().to_str().unwrap();
        let table = Table::read(&out.join(format!("{name}.csv")));
        let summary = &json(&out.join(format!("{name}.json")))["video"];
        check(&table, summary["frames_decoded"].as_u64().unwrap(), &kind);
        let dropped = summary["frames_dropped"].as_u64().unwrap();
        assert_eq!(summary["frames_decoded"].as_u64().unwrap() + dropped, shown(&video), "{kind:?}: {summary}");
        faces += table.column("status").iter().filter(|status| **status != "no_face").count();
        turned += usize::from(kind.turned != 0);
        lists += usize::from(kind.edit_list);
        kinds.insert(kind);
    }
    // The draw is fixed by the seeds: these say that it is worth something.
    assert!(kinds.len() >= 5 && turned >= 1 && lists >= 1 && faces > 100, "{kinds:#?}, {faces} faces");
    let properties: [fn(&Kind) -> bool; 4] = [|k| k.variable_rate, |k| k.b_frames, |k| k.cut, |k| k.resized];
    for has in properties {
        assert!(kinds.iter().filter(|kind| has(kind)).count() >= 1, "{kinds:#?}");
    }
}

fn check(table: &Table, decoded: u64, kind: &Kind) {
    let frames: Vec<u64> = table.column("frame").iter().map(|frame| frame.parse().unwrap()).collect();
    let (times, tracks, statuses) = (table.numbers("pts_s"), table.column("track_id"), table.column("status"));
    let mut rows_of: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    frames.iter().enumerate().for_each(|(row, &frame)| rows_of.entry(frame).or_default().push(row));
    assert!(frames.is_sorted(), "{kind:?}: frames in order");
    assert_eq!(rows_of.keys().copied().collect::<Vec<_>>(), (0..decoded).collect::<Vec<_>>(), "{kind:?}: every frame");
    let mut before = f64::NEG_INFINITY;
    let mut spans: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (frame, rows) in rows_of {
        let time = times[rows[0]];
        assert!(time > before, "{kind:?}: frame {frame} at {time} s after {before} s");
        assert!(rows.iter().all(|&row| times[row] == time), "{kind:?}: one time a frame");
        before = time;
        let ids: BTreeSet<&str> = rows.iter().map(|&row| tracks[row]).collect();
        assert_eq!(ids.len(), rows.len(), "{kind:?}: frame {frame} has a track twice");
        if ids.contains("") {
            assert_eq!((rows.len(), statuses[rows[0]]), (1, "no_face"), "{kind:?}: frame {frame}");
        } else {
            ids.into_iter().for_each(|id| spans.entry(id).or_default().push(frame));
        }
    }
    for (id, frames) in spans {
        let whole = frames[frames.len() - 1] - frames[0] + 1 == frames.len() as u64;
        assert!(whole, "{kind:?}: track {id} misses frames of its span: {frames:?}");
    }
}
