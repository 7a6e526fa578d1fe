//! Real videos through the real program.

use std::collections::BTreeMap;

use crate::common::{COLUMNS, Table, compose, est, ffmpeg, json, predict};
use est_goldens::download;

#[test]
fn one_face_has_one_row_for_every_frame() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let done = predict(&[&download("single_face.mp4")], &out, &["--format", "csv,json"]).succeeded();
    assert!(done.stdout.contains("72 of 72 frames decoded, 72 rows, 1 track  (untrained)"), "{}", done.stdout);
    assert!(done.stderr.contains("untrained"), "{}", done.stderr);

    let table = Table::read(&out.join("single_face.csv"));
    assert_eq!(table.header.join(","), COLUMNS);
    assert_eq!(table.numbers("frame"), (0..72).map(f64::from).collect::<Vec<_>>());
    assert!(table.column("track_id").iter().all(|&track| track == "1"));
    for (frame, time) in table.numbers("pts_s").iter().enumerate() {
        assert!((time - frame as f64 / 30.0).abs() < 1e-3, "the video has 30 frames per second");
    }
    // 2.4 s are less than a window.
    assert!(table.column("status").iter().all(|&status| status == "padded"));
    for (score, quality) in table.numbers("det_score").iter().zip(table.numbers("quality")) {
        assert!(*score > 0.9 && (0.0..=1.0).contains(&quality), "score {score}, quality {quality}");
    }
    let result = json(&out.join("single_face.json"));
    let rows = result["rows"].as_array().unwrap();
    for (row, text) in rows.iter().zip(table.column("p_happy")) {
        assert_eq!(format!("{:.6}", row["p_happy"].as_f64().unwrap()), text, "JSON and CSV agree");
    }
    assert_eq!(result["run"]["detector"]["name"], "RetinaFace MobileNet-0.25");
}

/// Without `--weights` est's own read the demonstration video: from its tenth to its fifteenth second someone laughs.
#[test]
fn the_default_weights_see_a_laugh() {
    let folder = tempfile::tempdir().unwrap();
    let (video, out) = (download("demo.mp4"), folder.path().join("out"));
    let done = est(&["predict", video.to_str().unwrap(), "--out", out.to_str().unwrap()]).succeeded();
    assert!(!done.stdout.contains("untrained") && !done.stderr.contains("untrained"), "{}", done.stderr);
    let table = Table::read(&out.join("demo.csv"));
    let laughs = table.numbers("pts_s").iter().map(|time| (10.5..15.0).contains(time)).collect::<Vec<_>>();
    let happy: Vec<f64> =
        table.numbers("p_happy").into_iter().zip(laughs).filter(|(_, laughs)| *laughs).map(|(p, _)| p).collect();
    // 0.97 when the weights were made.
    let mean = happy.iter().sum::<f64>() / happy.len() as f64;
    assert!(happy.len() > 100 && mean > 0.8, "{mean} over {} rows", happy.len());
    assert_eq!(json(&out.join("demo.run.json"))["run"]["model"]["trained"], true);
}

#[test]
fn the_record_says_that_hdr_was_tone_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let (video, out) = (folder.path().join("pq.mkv"), folder.path().join("out"));
    let source = ["-f", "lavfi", "-i", "color=gray:s=64x64:r=25", "-frames:v", "3", "-pix_fmt", "yuv420p10le"];
    let tags = ["-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"];
    ffmpeg(&[&source[..], &["-c:v", "ffv1", "-color_range", "tv"], &tags, &[video.to_str().unwrap()]].concat());
    predict(&[&video], &out, &[]).succeeded();
    let want = serde_json::json!({
        "transfer": "smpte2084", "primaries": "bt2020", "matrix": "bt2020nc", "range": "tv", "conversion": "tone_mapped"
    });
    assert_eq!(json(&out.join("pq.run.json"))["video"]["colour"], want);
}

#[test]
fn json_logs_and_a_dry_run() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let done = predict(&[&download("single_face.mp4")], &out, &["--json", "--dry-run"]).succeeded();
    let line: serde_json::Value = serde_json::from_str(done.stdout.trim()).expect("one JSON line");
    assert_eq!((&line["width"], &line["frames"]), (&640.into(), &72.into()));
    assert!(!out.exists(), "a dry run writes nothing");
    for line in done.stderr.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON lines");
        assert!(event["event"].is_string());
    }
}

/// Detection, cropping and encoding run beside each other in whatever order the threads find.
#[test]
fn threads_change_no_byte_and_precision_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let video = download("single_face.mp4");
    let run = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let done = predict(&[&video], &out, more).succeeded();
        (std::fs::read_to_string(out.join("single_face.csv")).unwrap(), json(&out.join("single_face.run.json")), done)
    };
    let (rows, record, _) = run("two", &["--precision", "exact", "--threads", "2"]);
    assert_eq!(record["run"]["encoder_arithmetic"], "f32");
    for threads in ["1", "3"] {
        let (others, _, _) = run(threads, &["--precision", "exact", "--threads", threads]);
        assert_eq!(rows, others, "--threads {threads}");
    }

    let (_, record, done) = run("default", &["--timing", "--json"]);
    assert!(["f32", "bf16"].map(Into::into).contains(&record["run"]["encoder_arithmetic"]), "{record}");
    let default = Table::read(&folder.path().join("default/single_face.csv"));
    let exact = Table::read(&folder.path().join("two/single_face.csv"));
    for (a, b) in default.numbers("p_happy").iter().zip(exact.numbers("p_happy")) {
        // Features are within 1.6e-2 of each other, and seven classes share 1.
        assert!((a - b).abs() < 5e-3, "{a} and {b}");
    }
    assert_eq!(default.column("x"), exact.column("x"), "boxes are f32 in either");
    let timing = done.stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let timing = timing.into_iter().find(|line| line["event"] == "timing").expect("a line about the time");
    assert_eq!(timing["frames"], 72);
    for stage in ["decode", "detect", "track", "crop", "encode", "score"] {
        let busy = timing["busy_s"][stage].as_f64().unwrap_or_else(|| panic!("{stage} in {timing}"));
        assert!(busy > 0.0 && busy <= timing["elapsed_s"].as_f64().unwrap(), "{stage} in {timing}");
    }
}

/// Three faces side by side; the middle one is hidden for 0.4 s and comes back; a cut to another face; black; the same
/// face again after more than the longest gap.
#[test]
fn three_faces_a_cut_and_gaps_give_the_right_tracks() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    compose(&path("faces.mp4"));
    predict(&[&path("faces.mp4")], &path("out"), &["--detect-every", "2", "--hop", "50"]).succeeded();
    let table = Table::read(&path("out/faces.csv"));

    let mut spans: BTreeMap<String, Vec<(f64, String)>> = BTreeMap::new();
    let rows = table.column("track_id").into_iter().zip(table.numbers("pts_s")).zip(table.column("status"));
    for ((track, time), status) in rows {
        spans.entry(track.to_string()).or_default().push((time, status.to_string()));
    }
    let seen: Vec<String> = spans
        .iter()
        .map(|(track, rows)| {
            let gaps = rows.iter().filter(|(_, status)| status == "no_face").count();
            format!(
                "{track}: {:.2}-{:.2} s, {gaps} of {} without a face",
                rows[0].0,
                rows[rows.len() - 1].0,
                rows.len()
            )
        })
        .collect();
    let span = |track: &str| {
        let rows = spans.get(track).unwrap_or_else(|| panic!("a track {track} in {seen:#?}"));
        (rows[0].0, rows[rows.len() - 1].0, rows.iter().filter(|(_, status)| status == "no_face").count())
    };
    // 25 frames per second: three faces from 0 to 1.96 s, the middle one hidden from 0.8 to 1.16 s.
    for (track, hidden) in [("1", 0..=0), ("2", 8..=14), ("3", 0..=0)] {
        let (first, last, gaps) = span(track);
        assert!(first == 0.0 && (last - 1.96).abs() < 1e-6 && hidden.contains(&gaps), "{seen:#?}");
    }
    // The cut: one face from 2.0 to 2.96 s; black to 4.96 s, longer than a gap may be; the face again to the end.
    let (first, last, gaps) = span("4");
    assert!((first - 2.0).abs() < 1e-6 && (last - 2.96).abs() < 0.05 && gaps == 0, "{seen:#?}");
    let (first, last, gaps) = span("5");
    assert!((first - 5.0).abs() < 0.09 && (last - 5.96).abs() < 1e-6 && gaps == 0, "{seen:#?}");
    assert_eq!(spans.len(), 6, "five tracks and the frames without any: {seen:#?}");
    // Every frame is there, and once per track.
    let mut pairs: Vec<_> = table.column("frame").into_iter().zip(table.column("track_id")).collect();
    let frames: std::collections::BTreeSet<_> = table.column("frame").into_iter().collect();
    assert_eq!(frames.len(), 150);
    pairs.dedup();
    assert_eq!(pairs.len(), table.rows.len());
}
