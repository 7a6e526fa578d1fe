//! Parts of sources, streams of files, the shape of pixels and the zero of times, from the command line to the results.

use std::path::Path;
use std::process::Command;

use crate::common::{Table, WEIGHTS, ffmpeg, json, predict};

fn demo() -> String {
    est_goldens::download("demo.mp4").to_str().expect("text").to_string()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("text").to_string()
}

const FAST: [&str; 6] = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "12"];

/// Some seconds of the demo's face.
fn face(folder: &Path, seconds: &str, filter: &str, name: &str) -> String {
    let made = path(folder, name);
    let read = ["-ss", "10", "-t", seconds, "-i", &demo(), "-an", "-vf", filter];
    ffmpeg(&[&read[..], &FAST, &[&made]].concat());
    made
}

fn probe(file: &Path, entries: &str) -> String {
    let ask = ["-v", "error", "-select_streams", "v:0", "-show_entries", entries, "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(ask).arg(file).output().expect("ffprobe is installed");
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

#[test]
fn pixels_that_are_not_square_are_read_as_they_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let square = face(at, "2", "scale=512:288,setsar=1", "square.mp4");
    let narrow = face(at, "2", "scale=360:288,setsar=64/45", "narrow.mp4");
    let more = ["--weights", WEIGHTS, "--format", "csv,mp4,html"];
    predict(&[Path::new(&square), Path::new(&narrow)], &at.join("out"), &more).succeeded();
    let [square, narrow] = ["square", "narrow"].map(|name| Table::read(&at.join(format!("out/{name}.csv"))));
    assert_eq!(square.rows.len(), narrow.rows.len());
    let same = square.column("label").iter().zip(narrow.column("label")).filter(|(a, b)| **a == *b).count();
    assert!(same * 100 >= 95 * square.rows.len(), "{same} of {} labels", square.rows.len());
    // Boxes are in the pixels that are shown.
    for column in ["x", "y", "w", "h"] {
        let apart = square.numbers(column).iter().zip(narrow.numbers(column)).map(|(a, b)| (a - b).abs()).sum::<f64>();
        let mean = apart / square.rows.len() as f64;
        assert!(mean < 4.0, "{column} is {mean:.1} pixels apart");
    }
    let video = &json(&at.join("out/narrow.run.json"))["video"];
    let sizes = ["width", "height", "stored_width", "stored_height"].map(|name| video[name].as_u64().unwrap());
    assert_eq!(sizes, [512, 288, 360, 288]);
    // The JSON reader may be off in the last place.
    assert!((video["pixel_aspect"].as_f64().unwrap() - 64.0 / 45.0).abs() < 1e-12, "{video}");
    assert!(video["warnings"].as_array().unwrap().is_empty(), "{video}");
    let shown = probe(&at.join("out/narrow.annotated.mp4"), "stream=width,height,sample_aspect_ratio");
    assert!(shown.starts_with("512,288") && !shown.contains(':') || shown.contains("1:1"), "{shown}");
    let page = std::fs::read_to_string(at.join("out/narrow.html")).unwrap();
    assert!(page.contains("512 x 288") && page.contains("stored as 360 x 288, pixels 1.422 times as wide"));
}

#[test]
fn a_part_has_the_rows_and_times_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let video = face(at, "5", "scale=320:180,setsar=1", "a.mp4");
    let video = Path::new(&video);
    let run = |out: &str, more: &[&str]| predict(&[video], &at.join(out), &[&["--weights", WEIGHTS], more].concat());
    run("whole", &[]).succeeded();
    run("part", &["--start", "2.5", "--end", "00:04", "--format", "csv,mp4"]).succeeded();
    let [whole, part] = ["whole", "part"].map(|out| Table::read(&at.join(out).join("a.csv")));
    let times = |table: &Table| table.column("pts_s").iter().map(ToString::to_string).collect::<Vec<_>>();
    let within = |time: &String| (2.5..4.0).contains(&time.parse::<f64>().unwrap());
    assert_eq!(times(&part), times(&whole).into_iter().filter(within).collect::<Vec<_>>());
    assert_eq!(part.column("frame")[0], "0", "counted within the part");
    let record = json(&at.join("part/a.run.json"));
    assert_eq!((record["run"]["start_s"].as_f64(), record["run"]["end_s"].as_f64()), (Some(2.5), Some(4.0)));
    assert!(record["video"]["warnings"].as_array().unwrap().is_empty(), "{record}");
    // The annotated part begins with itself.
    let shown = probe(&at.join("part/a.annotated.mp4"), "stream=start_time,nb_frames");
    let frames = part.column("frame").last().unwrap().parse::<u64>().unwrap() + 1;
    assert_eq!(shown, format!("0.000000,{frames}"));
    // The part is one of the settings.
    let again = run("part", &["--start", "2.5", "--end", "4", "--format", "csv,mp4"]).succeeded();
    assert!(again.stderr.contains("1 up to date"), "{}", again.stderr);
    let other = run("part", &["--start", "2.6", "--end", "4", "--format", "csv,mp4", "--dry-run"]).succeeded();
    assert!(other.stdout.contains("settings changed"), "{}", other.stdout);

    run("no", &["--start", "60"]).failed_with(&["a.mp4", "--start 60 s", "beyond its end"]);
    run("no", &["--start", "3", "--end", "3"]).failed_with(&["--end 3 s is not after --start 3 s"]);
    for wrong in ["--start=-1", "--start=1:75", "--end=soon", "--stream=0"] {
        assert_eq!(run("no", &[wrong]).code, 2, "{wrong}");
    }
    predict(&[Path::new("-")], &at.join("no"), &["--start", "1"]).failed_with(&["what has an end", "--seconds"]);
}

#[test]
fn every_stream_is_a_video_of_its_own_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let one = face(at, "1", "scale=320:180,setsar=1", "one.mp4");
    let two = face(at, "1", "scale=160:90,setsar=1", "two.mp4");
    let both = path(at, "both.mkv");
    ffmpeg(&["-i", &one, "-i", &two, "-map", "0", "-map", "1", "-c", "copy", &both]);
    let run = |out: &str, more: &[&str]| {
        let more = [&["--weights", WEIGHTS], more].concat();
        predict(&[Path::new(&both), Path::new(&one)], &at.join(out), &more)
    };
    let usual = run("first", &[]).succeeded();
    assert!(usual.stderr.contains("2 video streams") && usual.stderr.contains("number 1 is read"), "{}", usual.stderr);
    run("all", &["--stream", "all"]).succeeded();
    let video = |name: &str| json(&at.join("all").join(format!("{name}.run.json")))["video"].clone();
    for (name, stream, streams, width) in
        [("both.stream-1", 1, 2, 320), ("both.stream-2", 2, 2, 160), ("one", 1, 1, 320)]
    {
        let video = video(name);
        let said = ["stream", "streams", "width"].map(|key| video[key].as_u64().unwrap());
        assert_eq!((said, video["video_id"].as_str()), ([stream, streams, width], Some(name)));
        assert!(
            video["warnings"].as_array().unwrap().iter().all(|w| !w.as_str().unwrap().contains("streams")),
            "{video}"
        );
    }
    let again = run("all", &["--stream", "all"]).succeeded();
    assert!(again.stderr.contains("3 up to date"), "{}", again.stderr);
    let second = run("second", &["--stream", "2"]);
    assert_eq!(second.code, 3);
    second.failed_with(&["one.mp4", "no video stream 2", "1: h264 320 x 180"]);
    assert_eq!(json(&at.join("second/both.run.json"))["run"]["stream"], 2);
}

#[test]
fn what_is_laid_over_a_video_has_its_players_times() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let plain = face(at, "1", "scale=320:180,setsar=1", "plain.mp4");
    let late = path(at, "late.mp4");
    ffmpeg(&["-itsoffset", "0.4", "-i", &plain, "-c", "copy", &late]);
    let stream = path(at, "late.ts");
    ffmpeg(&["-i", &plain, "-c", "copy", &stream]);
    let more = ["--weights", WEIGHTS, "--format", "csv,vtt,eaf,bids"];
    let videos = [&plain, &late, &stream].map(Path::new);
    predict(&videos, &at.join("out"), &more).succeeded();
    for (name, start, adds) in [("plain", 0.0, 0.0), ("late", 0.4, 0.4), ("late-2", 1.4, 0.0)] {
        let text = |kind: &str| std::fs::read_to_string(at.join(format!("out/{name}{kind}"))).unwrap();
        let video = &json(&at.join(format!("out/{name}.run.json")))["video"];
        let said = ["start_s", "player_offset_s"].map(|key| video[key].as_f64().unwrap());
        assert!((said[0] - start).abs() < 0.1 && said[1] == adds, "{name}: {said:?}");
        assert_eq!(Table::read(&at.join(format!("out/{name}.csv"))).numbers("pts_s")[0], 0.0, "{name}");
        let first = if adds == 0.4 { "00:00:00.400 -->" } else { "00:00:00.000 -->" };
        assert!(text(".vtt").contains(first), "{name}: {}", text(".vtt"));
        let first = if adds == 0.4 { "TIME_VALUE=\"400\"" } else { "TIME_VALUE=\"0\"" };
        assert!(text(".eaf").contains(first), "{name}: {}", text(".eaf"));
        assert!(text("_events.tsv").contains("\n0.000000\t"), "{name}: {}", text("_events.tsv"));
    }
}
