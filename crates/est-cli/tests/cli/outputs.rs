//! Every kind of results from one run, compared with each other. The CSV, which other tests hold against the video, is what
//! the others must agree with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::common::{Table, compose, est, json};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

/// Of what [`crate::common::compose`] makes, with est's own weights, which are sure enough of half of it.
struct Run {
    folder: tempfile::TempDir,
    table: Table,
    /// Of a run without any processing.
    plain: Table,
    /// Between the least and the most that they are sure of.
    abstain: f64,
}

impl Run {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

fn run() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        // A name that every format has to escape.
        let video = folder.path().join("a & b.mp4");
        compose(&video);
        predict(&video, folder.path(), &["--format", "csv"]);
        let csv = folder.path().join("a & b.csv");
        let plain = Table::read(&csv);
        let mut sure = largest(&plain);
        sure.sort_by(f64::total_cmp);
        let abstain = sure[sure.len() / 2];
        let more = ["--format", "all", "--smooth", "0.2", "--abstain", &abstain.to_string()];
        predict(&video, folder.path(), &more);
        Run { table: Table::read(&csv), folder, plain, abstain }
    })
}

/// The largest probability of every row with a face.
fn largest(table: &Table) -> Vec<f64> {
    let columns = table.header.iter().filter(|name| name.starts_with("p_"));
    let columns: Vec<Vec<&str>> = columns.map(|name| table.column(name)).collect();
    let of = |row: usize| columns.iter().filter_map(|column| column[row].parse::<f64>().ok()).reduce(f64::max);
    (0..table.rows.len()).filter_map(of).collect()
}

fn predict(video: &Path, out: &Path, more: &[&str]) -> crate::common::Done {
    let args = ["predict", video.to_str().unwrap(), "--out", out.to_str().unwrap()];
    est(&[&args[..], more].concat()).succeeded()
}

/// Track, label, first and last time in ms.
type Stretch = (u32, String, i64, i64);

/// Successive rows of a track with one label, up to the time of the frame after them.
fn stretches(table: &Table) -> Vec<Stretch> {
    let times = table.numbers("pts_s");
    let frames: BTreeMap<u64, f64> =
        table.numbers("frame").iter().map(|&frame| frame as u64).zip(times.iter().copied()).collect();
    let ms = |seconds: f64| (seconds * 1000.0).round() as i64;
    let end = |frame: u64| match frames.get(&(frame + 1)) {
        Some(&next) => ms(next),
        None => ms(2.0 * frames[&frame] - frames[&(frame - 1)]),
    };
    let mut open: BTreeMap<u32, (String, u64, u64)> = BTreeMap::new();
    let mut found = vec![];
    let rows = table.column("track_id").into_iter().zip(table.column("label")).zip(table.numbers("frame"));
    for ((track, label), frame) in rows {
        let Ok(track) = track.parse::<u32>() else { continue };
        let frame = frame as u64;
        if let Some((before, from, last)) = open.remove(&track) {
            if before == label && last + 1 == frame {
                open.insert(track, (before, from, frame));
                continue;
            }
            found.push((track, before, ms(frames[&from]), end(last)));
        }
        if !label.is_empty() {
            open.insert(track, (label.to_string(), frame, frame));
        }
    }
    found.extend(open.into_iter().map(|(track, (label, from, last))| (track, label, ms(frames[&from]), end(last))));
    found.sort();
    found
}

#[test]
fn the_stretches_are_worth_comparing() {
    let stretches = stretches(&run().table);
    let labels: BTreeSet<&str> = stretches.iter().map(|(_, label, ..)| label.as_str()).collect();
    assert!(labels.contains("uncertain") && labels.len() > 1 && stretches.len() > labels.len(), "{stretches:?}");
}

#[test]
fn parquet_and_json_hold_the_values_of_the_csv() {
    let run = run();
    let file = std::fs::File::open(run.path("a & b.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    let objects = json(&run.path("a & b.json"));
    let objects = objects["rows"].as_array().unwrap();
    assert_eq!((rows.len(), objects.len()), (run.table.rows.len(), run.table.rows.len()));
    for ((row, object), texts) in rows.iter().zip(objects).zip(&run.table.rows) {
        let columns: Vec<_> = row.get_column_iter().collect();
        assert!(columns.iter().map(|(name, _)| *name).eq(&run.table.header), "the same columns in the same order");
        assert!(object.as_object().unwrap().keys().eq(&run.table.header));
        for ((name, field), text) in columns.into_iter().zip(texts) {
            let value = &object[name];
            // The number that the CSV's text is read as is the number itself.
            let same = match field {
                Field::Null => text.is_empty() && value.is_null(),
                Field::Str(field) => field == text && value == text,
                Field::Long(field) => field.to_string() == *text && *value == *field,
                Field::Double(field) => text.parse() == Ok(*field) && value.as_f64() == Some(*field),
                other => panic!("{name}: {other}"),
            };
            assert!(same, "{name}: {field}, {value}, {text}");
        }
    }
}

/// What the schema EAFv3.0 asks for: the elements and their order, the attributes that must be there, and that every
/// reference leads to what it means.
#[test]
fn eaf_is_as_its_schema_says_and_has_the_stretches() {
    let run = run();
    let text = run.text("a & b.eaf");
    let document = roxmltree::Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "ANNOTATION_DOCUMENT");
    for attribute in ["DATE", "AUTHOR", "VERSION"] {
        assert!(root.attribute(attribute).is_some(), "{attribute}");
    }
    let order = "LICENSE HEADER TIME_ORDER TIER LINGUISTIC_TYPE LOCALE LANGUAGE CONSTRAINT CONTROLLED_VOCABULARY";
    let place = |node: roxmltree::Node| order.split(' ').position(|name| name == node.tag_name().name()).unwrap();
    let places: Vec<usize> = root.children().filter(|node| node.is_element()).map(place).collect();
    assert!(places.is_sorted(), "{places:?}");
    let all = |name: &'static str| root.descendants().filter(move |node| node.has_tag_name(name));
    for name in ["HEADER", "TIME_ORDER", "LINGUISTIC_TYPE", "LANGUAGE", "CONTROLLED_VOCABULARY"] {
        assert_eq!(all(name).count(), 1, "{name}");
    }
    let media = all("MEDIA_DESCRIPTOR").next().unwrap();
    assert!(media.attribute("MEDIA_URL").unwrap().starts_with("file:///"));
    assert!(media.attribute("MEDIA_URL").unwrap().ends_with("/a%20%26%20b.mp4"));
    assert_eq!(media.attribute("RELATIVE_MEDIA_URL"), Some("./a%20%26%20b.mp4"));
    assert_eq!(media.attribute("MIME_TYPE"), Some("video/mp4"));

    let slots: Vec<(&str, i64)> = all("TIME_SLOT")
        .map(|slot| (slot.attribute("TIME_SLOT_ID").unwrap(), slot.attribute("TIME_VALUE").unwrap().parse().unwrap()))
        .collect();
    assert!(slots.is_sorted_by_key(|(_, ms)| *ms), "slots in the order of time");
    let time: BTreeMap<&str, i64> = slots.iter().copied().collect();
    let annotations: Vec<_> = all("ALIGNABLE_ANNOTATION").collect();
    let ids: BTreeSet<&str> = annotations.iter().map(|node| node.attribute("ANNOTATION_ID").unwrap()).collect();
    let entries: BTreeMap<&str, &str> = all("CV_ENTRY_ML")
        .map(|entry| (entry.attribute("CVE_ID").unwrap(), entry.first_element_child().unwrap().text().unwrap()))
        .collect();
    assert_eq!((time.len(), ids.len()), (slots.len(), annotations.len()), "ids are unique");
    assert_eq!(entries.len(), 8, "seven classes and uncertain");

    let kind = all("LINGUISTIC_TYPE").next().unwrap();
    let vocabulary = all("CONTROLLED_VOCABULARY").next().unwrap();
    assert_eq!(kind.attribute("CONTROLLED_VOCABULARY_REF"), vocabulary.attribute("CV_ID"));
    let mut found = vec![];
    for tier in all("TIER") {
        assert_eq!(tier.attribute("LINGUISTIC_TYPE_REF"), kind.attribute("LINGUISTIC_TYPE_ID"));
        let track: u32 = tier.attribute("TIER_ID").unwrap().strip_prefix("face ").unwrap().parse().unwrap();
        let mut before = 0;
        for annotation in tier.descendants().filter(|node| node.has_tag_name("ALIGNABLE_ANNOTATION")) {
            let [from, to] = ["TIME_SLOT_REF1", "TIME_SLOT_REF2"].map(|end| time[annotation.attribute(end).unwrap()]);
            assert!(before <= from && from < to, "annotations of a tier do not overlap");
            before = to;
            let label = annotation.first_element_child().unwrap().text().unwrap().to_string();
            assert_eq!(entries[annotation.attribute("CVE_REF").unwrap()], label);
            found.push((track, label, from, to));
        }
    }
    found.sort();
    assert_eq!(found, stretches(&run.table));
    let tiers: BTreeSet<_> = all("TIER").map(|tier| tier.attribute("TIER_ID").unwrap()).collect();
    assert_eq!(tiers.len(), 5, "one for each face");
}

#[test]
fn vtt_has_the_stretches() {
    let run = run();
    let text = run.text("a & b.vtt");
    let mut blocks = text.split("\n\n");
    assert_eq!(blocks.next(), Some("WEBVTT"));
    assert!(blocks.next().unwrap().starts_with("NOTE apparent expressions"));
    let ms = |time: &str| {
        let parts: Vec<i64> = time.split([':', '.']).map(|part| part.parse().unwrap()).collect();
        ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + parts[3]
    };
    let mut found: Vec<Stretch> = vec![];
    let mut before = 0;
    for (block, number) in blocks.zip(1..) {
        let lines: Vec<&str> = block.lines().collect();
        assert_eq!(lines[0], number.to_string());
        let (from, to) = lines[1].split_once(" --> ").unwrap();
        assert!(before <= ms(from), "cues in the order of their starts");
        before = ms(from);
        let (voice, payload) = lines[2].strip_prefix("<v face ").unwrap().split_once('>').unwrap();
        let words: Vec<&str> = payload.split(' ').collect();
        assert_eq!(words[..2], ["face", &format!("{voice}:")]);
        assert_eq!(words.len() == 3, words[2] == "uncertain", "{payload}");
        found.push((voice.parse().unwrap(), words[2].to_string(), ms(from), ms(to)));
    }
    found.sort();
    assert_eq!(found, stretches(&run.table));
}

#[test]
fn bids_has_the_stretches_and_describes_its_columns() {
    let run = run();
    let text = run.text("a & b_events.tsv");
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    assert_eq!(header[..3], ["onset", "duration", "trial_type"], "the order that BIDS wants");
    let sidecar = json(&run.path("a & b_events.json"));
    assert!(sidecar.as_object().unwrap().keys().eq(&header), "every column is described");
    let mut found = vec![];
    let mut before = 0.0;
    for line in lines {
        assert_eq!(line.len(), header.len());
        let [onset, duration] = [line[0], line[1]].map(|text| text.parse::<f64>().unwrap());
        assert!(onset >= before && duration > 0.0, "events in the order of time");
        before = onset;
        assert!(sidecar["trial_type"]["Levels"][line[2]].is_string(), "{} is a level", line[2]);
        assert_eq!(line[5] == "n/a", line[2] == "uncertain");
        let ms = |seconds: f64| (seconds * 1000.0).round() as i64;
        found.push((line[3].parse().unwrap(), line[2].to_string(), ms(onset), ms(onset + duration)));
    }
    found.sort();
    assert_eq!(found, stretches(&run.table));
}

/// `p_<class>` is what the same run without options gives; `s_<class>` sums to 1; the label follows it.
#[test]
fn processed_values_stand_beside_the_models_own() {
    let run = run();
    let plain = &run.plain;
    let classes: Vec<&str> = plain.header.iter().filter_map(|name| name.strip_prefix("p_")).collect();
    assert!(plain.header.iter().all(|name| !name.starts_with("s_")));
    for class in &classes {
        assert_eq!(plain.column(&format!("p_{class}")), run.table.column(&format!("p_{class}")));
    }
    let place = |name: &str| run.table.header.iter().position(|column| column == name).unwrap();
    let label = place("label");
    for row in run.table.rows.iter().filter(|row| !row[label].is_empty()) {
        let processed: Vec<f64> =
            classes.iter().map(|class| row[place(&format!("s_{class}"))].parse().unwrap()).collect();
        // Seven values of six decimals.
        assert!((processed.iter().sum::<f64>() - 1.0).abs() < 4e-6);
        let largest = processed.iter().copied().fold(0.0, f64::max);
        if row[label] == "uncertain" {
            assert!(largest < run.abstain + 1e-6, "{row:?}");
        } else {
            assert!(
                largest >= run.abstain - 1e-6 && row[place(&format!("s_{}", row[label]))].parse() == Ok(largest),
                "{row:?}"
            );
        }
    }
    let record = json(&run.path("a & b.run.json"));
    assert_eq!(record["run"]["signal"]["smooth_s"], 0.2);
    assert!((record["run"]["signal"]["abstain"].as_f64().unwrap() - run.abstain).abs() < 1e-6);
}

#[test]
fn a_baseline_corrects_the_tracks_that_it_meets() {
    let run = run();
    let out = tempfile::tempdir().unwrap();
    let done = predict(&run.path("a & b.mp4"), out.path(), &["--baseline", "0-1", "--baseline", "4:2-2.5"]);
    assert!(done.stderr.contains("track 5: no usable face in the baseline stretch"), "{}", done.stderr);
    let table = Table::read(&out.path().join("a & b.csv"));
    let rows = table.column("track_id").into_iter().zip(table.column("p_sad")).zip(table.column("s_sad"));
    let mut changed: BTreeMap<&str, bool> = BTreeMap::new();
    for ((track, raw), processed) in rows.filter(|((_, raw), _)| !raw.is_empty()) {
        *changed.entry(track).or_default() |= raw != processed;
    }
    let changed: Vec<_> = changed.into_iter().collect();
    assert_eq!(changed, [("1", true), ("2", true), ("3", true), ("4", true), ("5", false)]);
}

/// The page is well-formed enough to be read, asks for nothing, and says of every face what the others say.
#[test]
fn html_is_one_file_that_asks_nobody() {
    let run = run();
    let text = run.text("a & b.html");
    assert!(text.contains("default-src 'none'"), "a policy that allows no request");
    for outward in ["http:", "https:", "src=\"//", "@import", "url("] {
        assert!(!text.contains(outward), "{outward}");
    }
    assert!(!text.contains("data:image"), "no picture without --thumbnails");
    assert!(text.contains("<h1>a &amp; b</h1>") && text.contains("not what a person feels"));
    assert_eq!(text.matches("<figure class=\"face\">").count(), 5);
    // The curves' values are those of the CSV.
    let data = text.split("<script type=\"application/json\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let rows = run.table.column("track_id").into_iter().zip(run.table.column("s_happy"));
    let happy: BTreeSet<i64> = rows
        .filter(|(track, _)| *track == "1")
        .map(|(_, p)| (p.parse::<f64>().unwrap() * 1000.0).round() as i64)
        .collect();
    let place = data["classes"].as_array().unwrap().iter().position(|class| class == "happy").unwrap();
    for point in data["p"].as_array().unwrap() {
        let value = (point[place].as_f64().unwrap() * 1000.0).round() as i64;
        // Both are rounded, of a half perhaps to different sides.
        assert!((value - 1..=value + 1).any(|value| happy.contains(&value)), "{value}");
    }
}

/// What ffprobe says of a video's streams: `codec_type` and the number of frames.
fn streams(video: &Path) -> Vec<(String, u64)> {
    let entries = ["-show_entries", "stream=codec_type,nb_read_frames", "-of", "csv=p=0", "-count_frames"];
    let output = std::process::Command::new("ffprobe").args(["-v", "error"]).args(entries).arg(video).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let stream = |line: &str| {
        let (kind, frames) = line.split_once(',').unwrap();
        (kind.to_string(), frames.trim_end_matches(',').parse().unwrap())
    };
    text.lines().map(stream).collect()
}

/// RGB of the frame that is shown at `time_s`; frames are `width` wide.
fn frame(video: &Path, time_s: f64, width: usize) -> Vec<[u8; 3]> {
    let time = time_s.to_string();
    let input = ["-v", "error", "-ss", &time, "-i", video.to_str().unwrap()];
    let output = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"];
    let output = std::process::Command::new("ffmpeg").args(input).args(output).output().unwrap();
    assert_eq!(output.stdout.len() % (3 * width), 0);
    output.stdout.as_chunks::<3>().0.to_vec()
}

#[test]
fn the_annotated_video_keeps_frames_times_and_sound() {
    let (folder, source) = (tempfile::tempdir().unwrap(), est_goldens::download("single_face.mp4"));
    // Every third frame is gone: the rate varies.
    let video = folder.path().join("varying.mp4");
    let select = ["-vf", "select='mod(n,3)'", "-vsync", "vfr", "-c:a", "copy"];
    crate::common::ffmpeg(&[&["-i", source.to_str().unwrap()], &select[..], &[video.to_str().unwrap()]].concat());
    predict(&video, folder.path(), &["--format", "csv,mp4"]);
    let annotated = folder.path().join("varying.annotated.mp4");
    let table = Table::read(&folder.path().join("varying.csv"));
    let found = streams(&annotated);
    assert_eq!(found[0], ("video".to_string(), table.rows.len() as u64));
    assert!(found[1].0 == "audio" && found[1].1 > 50, "{found:?}");
    let times = ["-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0"];
    let output = std::process::Command::new("ffprobe").args(times).arg(&annotated).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let times: Vec<f64> = text.split([',', '\n']).filter_map(|time| time.parse().ok()).collect();
    assert_eq!(times.len(), table.rows.len());
    for (found, expected) in times.iter().zip(table.numbers("pts_s")) {
        assert!((found - expected).abs() < 1e-3, "{found} {expected}");
    }
}

/// In the middle of the face: the video is full of edges, `--blur` leaves few flat squares, `--landmarks-only` black.
#[test]
fn faces_are_hidden_where_that_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let source = est_goldens::download("single_face.mp4");
    let seen = |more: &[&str], name: &str| {
        let out = folder.path().join(name);
        predict(&source, &out, &[&["--format", "csv,mp4,html", "--thumbnails"], more].concat());
        let table = Table::read(&out.join("single_face.csv"));
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|name| table.numbers(name)[30]);
        let pixels = &frame(&out.join("single_face.annotated.mp4"), 1.0, 640);
        // Neither the box's edge nor the panel beside it.
        let across = (x + 0.1 * w) as usize..(x + 0.9 * w) as usize;
        let down = (y + 0.1 * h) as usize..(y + 0.9 * h) as usize;
        let inside = down.flat_map(|y| across.clone().map(move |x| pixels[640 * y + x].map(i32::from)));
        let html = std::fs::read_to_string(out.join("single_face.html")).unwrap();
        (inside.collect::<Vec<_>>(), html)
    };
    // Steps to the right neighbour that an eye would see: between flat squares few, and what the encoder adds to them.
    let steps = |pixels: &[[i32; 3]]| {
        let steps = pixels.windows(2).filter(|pair| (pair[0][1] - pair[1][1]).abs() > 3).count();
        steps as f64 / pixels.len() as f64
    };
    let (shown, html) = seen(&[], "shown");
    let (blurred, blurred_html) = seen(&["--blur"], "blurred");
    let (landmarks, landmarks_html) = seen(&["--landmarks-only"], "landmarks");
    assert!(steps(&blurred) < 0.1 && steps(&blurred) < steps(&shown) / 3.0, "{} {}", steps(&blurred), steps(&shown));
    let differences = shown.iter().zip(&blurred).map(|(a, b)| (a[1] - b[1]).abs());
    assert!(differences.sum::<i32>() as f64 / shown.len() as f64 > 5.0);
    // But for five points of three by three pixels, all is black.
    let dark = |pixels: &[[i32; 3]]| pixels.iter().filter(|pixel| pixel.iter().all(|&value| value < 24)).count();
    assert!(dark(&landmarks) + 200 > landmarks.len() && dark(&shown) < shown.len() / 2);
    for page in [&html, &blurred_html, &landmarks_html] {
        assert!(page.contains("data:image/jpeg;base64,"), "pictures where they are asked for");
    }
    assert!(html != blurred_html && html != landmarks_html);
}

#[test]
fn a_missing_ffmpeg_is_said_before_any_work() {
    let out = tempfile::tempdir().unwrap();
    let empty = tempfile::tempdir().unwrap();
    let video = est_goldens::download("single_face.mp4");
    let args = ["predict", video.to_str().unwrap(), "--format", "all", "--weights", "random:1", "--out"];
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_est"))
        .args(args)
        .arg(out.path().join("results"))
        .env("PATH", empty.path())
        .output()
        .unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(said.contains("ffmpeg is not installed") && said.contains("leave mp4 out"), "{said}");
    assert!(!out.path().join("results").exists());
}

#[test]
fn wrong_settings_are_refused() {
    for (option, value, says) in [
        ("--baseline", "5-1", "must end after it begins"),
        ("--baseline", "x:0-1", "no track's number"),
        ("--abstain", "1.5", "between 0 and 1"),
        ("--smooth", "0", "positive"),
        ("--format", "xlsx", "possible values"),
    ] {
        let done = est(&["predict", "x.mp4", option, value]);
        assert!(done.code == 2 && done.stderr.contains(says), "{option} {value}: {}", done.stderr);
    }
}
