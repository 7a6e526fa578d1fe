//! Output whose reader goes away, and rows that another program follows.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use crate::common::{WEIGHTS, command, est, ffmpeg, golden_frames, predict};
use crate::live::recording;

/// Runs `est` with a standard output, and perhaps a standard error, that nobody reads. The code and what it said.
fn unread(args: &[&str], folder: &Path, messages_too: bool) -> (i32, String) {
    let closed = || std::io::pipe().expect("a pipe").1;
    let mut command = command();
    command.args(args).current_dir(folder).stdin(Stdio::null()).stdout(closed());
    let child = if messages_too { command.stderr(closed()) } else { command.stderr(Stdio::piped()) };
    let output = child.spawn().unwrap().wait_with_output().unwrap();
    (output.status.code().expect("no signal ends it"), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn commands_that_print_end_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("frames")).unwrap();
    golden_frames(&folder.join("frames"), 2);
    predict(&[&folder.join("frames")], &folder.join("results"), &["--crops"]).succeeded();
    let with_help: Vec<Vec<&str>> =
        ["predict", "merge", "eval", "weights", "synth"].map(|c| vec![c, "--help"]).to_vec();
    let commands = [
        "--help",
        "--version",
        "help train",
        "completions bash",
        "completions fish",
        "licenses",
        "licenses --crates",
        "complexity",
        "complexity paper",
        "complexity --json",
        "doctor",
        "doctor --json",
        "doctor --kernels",
        "config show",
        "config show predict",
        "config path",
        "purge results --dry-run",
        "predict frames --crops --weights random:1 --dry-run",
        "predict frames --crops --weights random:1 --dry-run --json",
        "predict frames --crops --weights random:1 --format jsonl --out -",
    ];
    let commands = commands.map(|line| line.split(' ').collect::<Vec<_>>()).into_iter().chain(with_help);
    let shown = ["show", "show --tensors", "show --json"]
        .map(|line| ["weights"].into_iter().chain(line.split(' ')).chain([WEIGHTS]).collect::<Vec<_>>());
    for args in commands.chain(shown) {
        let (code, said) = unread(&args, folder, false);
        assert_eq!(code, 141, "{args:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("error"), "{args:?}: {said}");
    }
    assert_eq!(unread(&["licenses"], folder, true).0, 141);
    // What is wrong with a command line is no output.
    assert_eq!(unread(&["predict", "--nonsense"], folder, true).0, 2);
}

#[test]
fn commands_that_make_files_finish_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for name in ["a", "b"] {
        golden_frames(&folder.join(name), 2);
    }
    std::fs::write(folder.join("list.csv"), "path,label\na,x\nb,y\n").unwrap();
    let weights = ["--crops", "--weights", "random:1"];
    let read = ["predict", "a", "b", "--out", "results"];
    for (args, made) in [
        ([&read[..], &weights].concat(), "results/summary.csv"),
        ([&read[..], &weights, &["--json", "--again"]].concat(), "results/b.csv"),
        (vec!["merge", "joined", "results"], "joined/a.csv"),
        (vec!["man", "pages"], "pages/est.1"),
        (vec!["prepare", "own", "--root", ".", "--list", "list.csv", "--crops", "--out", "set"], "set/clips.csv"),
        (vec!["weights", "shrink", WEIGHTS, "small.est"], "small.est"),
    ] {
        for messages_too in [false, true] {
            let (code, said) = unread(&args, folder, messages_too);
            assert!(code == 0 && !said.contains("panicked"), "{args:?}: {code} {said}");
            assert!(folder.join(made).is_file(), "{args:?}");
        }
    }
    let (code, _) = unread(&["purge", "results", "--yes"], folder, true);
    assert!(code == 0 && !folder.join("results").exists());
    // A video that fails is told by the code though nobody reads the words.
    let (code, _) = unread(&["predict", "nothing.mp4", "--out", "none", "--weights", WEIGHTS], folder, true);
    assert_eq!(code, 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command().args(["licenses"]).stdout(full()).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && said.starts_with("error: standard output"), "{said}");
    assert_eq!(said.lines().count(), 1);
}

#[test]
fn rows_follow_one_another_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let video = recording(folder.path());
    let out = folder.path().join("out");
    predict(&[&video], &out, &["--weights", WEIGHTS, "--format", "csv,json,jsonl"]).succeeded();
    let file = std::fs::read_to_string(out.join("person.jsonl")).unwrap();
    let objects = crate::common::json(&out.join("person.json"));
    let lines: Vec<serde_json::Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(Some(&lines), objects["rows"].as_array());

    let stream = |input: &str, more: &[&str]| {
        let mut command = command();
        command.args(["predict", input, "--weights", WEIGHTS, "--format", "jsonl", "--out", "-"]).args(more);
        command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    let output = stream(video.to_str().unwrap(), &[]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("note: person: "), "{said}");
    assert!(String::from_utf8(output.stdout).unwrap() == file, "the rows of the file");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before, "nothing is kept");

    // Of a live source they come before its end.
    let mut running = stream("-", &["--name", "person"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = running.stdin.take().unwrap();
    let bytes = std::fs::read(&video).unwrap();
    let feeder = std::thread::spawn(move || {
        // It need not take all.
        let _ = input.write_all(&bytes);
        input
    });
    let mut rows = BufReader::new(running.stdout.take().unwrap());
    let mut first = String::new();
    rows.read_line(&mut first).unwrap();
    assert_eq!(Some(first.trim_end()), file.lines().next());
    // Nobody reads on: it ends by itself though its source has not.
    drop(rows);
    let input = feeder.join().unwrap();
    let ended = running.wait_with_output().unwrap();
    drop(input);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.code() == Some(141) && !said.contains("error"), "{:?}: {said}", ended.status);
}

#[test]
fn standard_output_takes_rows_alone() {
    for (more, text) in
        [(&["--format", "csv"][..], "--format jsonl"), (&["--format", "jsonl", "--retain", "3"], "--retain")]
    {
        let args = ["predict", "x.mp4", "--out", "-"];
        est(&[&args[..], more].concat()).failed_with(&[text]);
    }
    // Of several, one that is none costs itself alone.
    let folder = tempfile::tempdir().unwrap();
    golden_frames(&folder.path().join("a"), 2);
    let words = ["predict", "no.mp4", "a", "--crops", "--weights", "random:1", "--format", "jsonl", "--out", "-"];
    let output = command().args(words).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 2);
    assert!(!folder.path().join("-").exists());
}

/// The mean of each column over what `--every` names is that of the rows by frame.
#[test]
fn a_row_a_second_has_the_means_of_its_frames() {
    use crate::common::Table;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (video, black) = (folder.join("v.mp4"), "color=black:s=320x180:r=25:d=1.7");
    // A person for four seconds, then nobody; frames are not a whole number a stretch.
    let joined = "[0]fps=25,scale=320:180,setsar=1[a];[1]setsar=1[b];[a][b]concat=n=2[v]";
    let demo = est_goldens::download("demo.mp4");
    let inputs = ["-t", "4", "-i", demo.to_str().unwrap(), "-f", "lavfi", "-i", black, "-filter_complex", joined];
    ffmpeg(&[&inputs[..], &["-map", "[v]", "-pix_fmt", "yuv420p", video.to_str().unwrap()]].concat());
    let run = |out: &str, more: &[&str]| {
        predict(&[&video], &folder.join(out), &[&["--weights", WEIGHTS], more].concat()).succeeded();
        Table::read(&folder.join(out).join("v.csv"))
    };
    let frames = run("frames", &[]);
    let coarse = run("coarse", &["--every", "700ms", "--format", "csv,json,jsonl,parquet,vtt"]);

    let mut header = frames.header.clone();
    header.splice(5..5, ["frames", "frames_used"].map(String::from));
    assert_eq!(coarse.header, header);
    let stretch = |pts_s: f64| ((pts_s * 1e6).round() as i64).div_euclid(700_000);
    let times = frames.numbers("pts_s");
    let [tracks, statuses] = ["track_id", "status"].map(|name| frames.column(name));
    let mut used_in_all = 0;
    let mut keys = vec![];
    for (row, &start) in coarse.numbers("pts_s").iter().enumerate() {
        let track = coarse.column("track_id")[row];
        keys.push((stretch(start), track));
        assert_eq!((start * 1e6).round() as i64, stretch(start) * 700_000, "multiples of the length");
        let all: Vec<usize> =
            (0..times.len()).filter(|&k| stretch(times[k]) == stretch(start) && tracks[k] == track).collect();
        let used: Vec<usize> = all.iter().copied().filter(|&k| ["ok", "padded"].contains(&statuses[k])).collect();
        used_in_all += used.len();
        assert_eq!(coarse.column("frames")[row], all.len().to_string());
        assert_eq!(coarse.column("frames_used")[row], used.len().to_string());
        assert_eq!(coarse.column("frame")[row], frames.column("frame")[all[0]]);
        if used.is_empty() {
            assert!(["no_face", "low_quality"].contains(&coarse.column("status")[row]));
            assert!(["p_happy", "x", "label", "entropy"].iter().all(|name| coarse.column(name)[row].is_empty()));
            continue;
        }
        let mean = |name: &str| {
            let texts = frames.column(name);
            used.iter().map(|&k| texts[k].parse::<f64>().unwrap()).sum::<f64>() / used.len() as f64
        };
        let close = |name: &str, within: f64| {
            let found: f64 = coarse.column(name)[row].parse().unwrap();
            assert!((found - mean(name)).abs() <= within, "{name} of row {row}: {found}, {}", mean(name));
            found
        };
        // A half of the last digit from each of the two roundings.
        for (name, within) in [("x", 0.011), ("w", 0.011), ("quality", 0.0011), ("det_score", 0.00011)] {
            close(name, within);
        }
        let classes: Vec<&String> = header.iter().filter(|name| name.starts_with("p_")).collect();
        let means: Vec<f64> = classes.iter().map(|name| close(name, 1.1e-6)).collect();
        let largest = (0..means.len()).max_by(|&a, &b| means[a].total_cmp(&means[b])).unwrap();
        assert_eq!(format!("p_{}", coarse.column("label")[row]), *classes[largest]);
        let entropy: f64 = means.iter().filter(|&&p| p > 0.0).map(|p| -p * p.ln()).sum();
        let found: f64 = coarse.column("entropy")[row].parse().unwrap();
        assert!((found - entropy).abs() < 1e-4, "of the means: {found}, {entropy}");
    }
    assert!(used_in_all > 80, "{used_in_all} frames are in a mean");
    let expected: std::collections::BTreeSet<i64> = times.iter().map(|&time| stretch(time)).collect();
    assert_eq!(
        keys.iter().map(|key| key.0).collect::<std::collections::BTreeSet<_>>(),
        expected,
        "no stretch is left out"
    );
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "each once, in order: {keys:?}");
    assert_eq!(keys.last().unwrap().1, "", "nobody at the end");

    let lines = std::fs::read_to_string(folder.join("coarse/v.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let object = crate::common::json(&folder.join("coarse/v.json"));
    assert_eq!((object["rows"].as_array().unwrap(), &object["run"]["every_s"]), (&lines, &0.7.into()));
    assert_eq!(lines.len(), coarse.rows.len());
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let parquet = SerializedFileReader::new(std::fs::File::open(folder.join("coarse/v.parquet")).unwrap()).unwrap();
    assert_eq!(parquet.metadata().file_metadata().num_rows(), coarse.rows.len() as i64);
    // By frames as before: the record says nothing of it, so earlier results stay up to date.
    let record = crate::common::json(&folder.join("frames/v.run.json"));
    assert!(record["run"].get("every_s").is_none());
    for wrong in ["0", "-1", "fast", "0.5ms", "2days"] {
        let refused: Vec<String> = ["predict", "x.mp4", "--every", wrong].map(String::from).to_vec();
        assert_eq!(est(&refused).code, 2, "{wrong}");
    }
}
