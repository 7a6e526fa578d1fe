//! `est eval` and `est compare` on a small synthetic set.

use crate::common::{Table, est, json};
use crate::scored::{CLIPS, Shared, column, score};
use est::{CroppedFrame, EstError, FaceSource, Model, Recogniser, RecogniserOptions};
use est_data::set::PreparedSet;
use est_media::{Face, Rect, resize};

#[test]
fn scores_are_those_of_the_predictions() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let more = ["--allow-empty-classes", "--selection", "last-epoch"];
    let done = score("eval", &shared.set(), &shared.weights(), &out, &more).succeeded();
    let table = Table::read(&out.join("predictions.csv"));
    assert_eq!(table.rows.len(), CLIPS);
    let (labels, said) = (table.column("label"), table.column("predicted"));
    let right = labels.iter().zip(&said).filter(|(label, said)| label == said).count();
    let report = json(&out.join("report.json"));
    let metrics = &report["pooled"]["metrics"];
    assert!((metrics["war"].as_f64().unwrap() - right as f64 / CLIPS as f64).abs() < 1e-12);
    assert_eq!((&metrics["clips"], &report["pooled"]["faceless"]), (&CLIPS.into(), &0.into()));
    // The report says what it depends on.
    let round = &report["rounds"][0];
    assert_eq!(round["set"]["sha256"], PreparedSet::open(&shared.set()).unwrap().record().hash());
    assert_eq!((&round["selection"], &round["part"]), (&"last-epoch".into(), &"whole".into()));
    assert_eq!(round["resized"], serde_json::json!([64, 32]));
    let markdown = std::fs::read_to_string(out.join("report.md")).unwrap();
    let sha = round["model"]["weights_sha256"].as_str().unwrap();
    for text in ["`last-epoch`", "untrained", "WAR", "est eval --data", sha, "counted as errors", "resized"] {
        assert!(markdown.contains(text), "{text} in\n{markdown}");
    }
    for figure in ["confusion.svg", "reliability.svg", "abstention.svg"] {
        assert!(std::fs::read_to_string(out.join(figure)).unwrap().starts_with("<svg"), "{figure}");
    }
    assert!(done.stdout.contains("WAR") && done.stdout.contains("selection: last-epoch"), "{}", done.stdout);

    // Again, with another number of threads: the same bytes.
    let again = folder.path().join("again");
    let done =
        score("eval", &shared.set(), &shared.weights(), &again, &[&more[..], &["--threads", "1", "--json"]].concat());
    let printed: serde_json::Value = serde_json::from_str(&done.succeeded().stdout).unwrap();
    assert_eq!(printed["pooled"], report["pooled"]);
    let table = |folder: &std::path::Path| std::fs::read(folder.join("predictions.csv")).unwrap();
    assert_eq!(table(&out), table(&again));
}

/// Frames of a clip as a video would bring them.
struct Frames(Vec<CroppedFrame>);

impl FaceSource for Frames {
    fn next_frames(&mut self) -> Result<Option<Vec<CroppedFrame>>, EstError> {
        let frames = std::mem::take(&mut self.0);
        Ok((!frames.is_empty()).then_some(frames))
    }
}

/// What is scored is what `est predict` gives for the same crops: clips of less than a window are read as one.
#[test]
fn scores_are_of_what_users_get() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    score("eval", &shared.set(), &shared.weights(), folder.path(), &["--allow-empty-classes"]).succeeded();
    let table = Table::read(&folder.path().join("predictions.csv"));
    let set = PreparedSet::open(&shared.set()).unwrap();
    let clip = &set.clips()[3];
    let rect = Rect { x: 0.0, y: 0.0, w: 64.0, h: 64.0 };
    let face = Face { track: 1, rect, landmarks: [[0.0; 2]; 5], score: 1.0, quality: 1.0, interpolated: false };
    let frame = |(k, pts_s): (u64, f64)| CroppedFrame {
        index: k,
        pts_s,
        file: None,
        faces: vec![face.clone()],
        crops: vec![resize(&set.image(clip, k).unwrap(), 32, 32)],
        ended: vec![],
    };
    let mut source = Frames((0..).zip(set.times(clip)).map(frame).collect());
    let model = Model::open(&shared.weights()).unwrap();
    let mut recogniser = Recogniser::new(model, RecogniserOptions::default()).unwrap();
    let mut rows = vec![];
    let mut sink = |row| {
        rows.push(row);
        Ok(())
    };
    est::recognise(&mut recogniser, &mut source, &mut sink, &mut |_| ()).unwrap();
    let expected = &rows[0].face.as_ref().unwrap().scored.emotion.probabilities;
    let place = table.column("clip").iter().position(|id| *id == clip.clip).unwrap();
    let found = est::usual_classes(6).unwrap();
    let found = found.iter().map(|class| table.column(&format!("p_{class}"))[place].parse::<f32>().unwrap());
    assert_eq!(&found.collect::<Vec<f32>>(), expected, "to the last bit");
}

#[test]
fn faceless_clips_count_unless_asked_otherwise() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let set = shared.spoiled(folder.path(), |rows| {
        let status = column(rows, "status");
        rows[1][status] = "no_face".to_string();
        rows[2][status] = "missing".to_string();
        rows[3][status] = "unreadable".to_string();
        let label = column(rows, "label");
        rows[4][status] = "unlabelled".to_string();
        rows[4][label] = String::new();
    });
    let run = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let more = [more, &["--allow-empty-classes"]].concat();
        let done = score("eval", &set, &shared.weights(), &out, &more).succeeded();
        assert!(done.stdout.contains("3 without a face"), "{}", done.stdout);
        json(&out.join("report.json"))
    };
    let (counted, left_out) = (run("counted", &[]), run("left-out", &["--faceless", "skip"]));
    let clips = |report: &serde_json::Value| report["pooled"]["metrics"]["clips"].as_u64().unwrap() as usize;
    assert_eq!((clips(&counted), clips(&left_out)), (CLIPS - 1, CLIPS - 4));
    let right =
        |report: &serde_json::Value| report["pooled"]["metrics"]["war"].as_f64().unwrap() * clips(report) as f64;
    assert!((right(&counted) - right(&left_out)).abs() < 1e-9, "no right clip is lost");
    assert_eq!(counted["pooled"]["faceless"], 3);
}

#[test]
fn classes_are_matched_by_name() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    // The same network, its classes named in the other order: each probability stands under the other name.
    let turned = shared.save("turned.est", 1, |model| model.classes.reverse());
    let run = |weights: &std::path::Path, name: &str| {
        let out = folder.path().join(name);
        score("eval", &shared.set(), weights, &out, &["--allow-empty-classes"]).succeeded();
        Table::read(&out.join("predictions.csv"))
    };
    let (a, b) = (run(&shared.weights(), "a"), run(&turned, "b"));
    assert_eq!(a.header, b.header, "the set's order");
    assert_eq!(a.column("p_angry"), b.column("p_surprise"));
    assert_eq!(a.column("p_fear"), b.column("p_happy"));

    let more = shared.save("more.est", 1, |model| {
        model.config.set_classes(7);
        model.classes = est::usual_classes(7).unwrap();
        model.tensors = est_nets::random_weights(&model.config.graph(), 1);
    });
    let out = folder.path().join("more");
    score("eval", &shared.set(), &more, &out, &[]).failed_with(&["`neutral`", "--restrict-classes"]);
    assert!(!out.exists(), "nothing is written");
    score("eval", &shared.set(), &more, &out, &["--restrict-classes", "--allow-empty-classes"]).succeeded();
    let table = Table::read(&out.join("predictions.csv"));
    let sum: f64 = ["angry", "disgust", "fear", "happy", "sad", "surprise"]
        .map(|class| table.numbers(&format!("p_{class}"))[0])
        .iter()
        .sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");

    let others = shared.save("others.est", 1, |model| model.classes[2] = "bored".to_string());
    score("eval", &shared.set(), &others, &out, &[]).failed_with(&["`fear`", "bored"]);
}

/// `--classes`: recalls of the rest are what a person gets who drops rows and columns of the predictions of all.
#[test]
fn some_of_the_classes() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let done = score("eval", &shared.set(), &shared.weights(), &out, more).succeeded();
        (Table::read(&out.join("predictions.csv")), done.stdout, out)
    };
    let (all, _, _) = run("all", &[]);
    let (some, told, out) = run("some", &["--classes", "sad,fear,angry"]);
    let classes = ["angry", "fear", "sad"]; // the set's order
    let left_out = "disgust, happy, surprise";
    assert!(told.contains(left_out), "{told}");
    assert!(std::fs::read_to_string(out.join("report.md")).unwrap().contains(left_out));
    let kept: Vec<usize> = (0..CLIPS).filter(|&k| classes.contains(&all.column("label")[k])).collect();
    let of = |table: &Table, column: &str, k: usize| table.numbers(column)[k];
    assert_eq!(some.column("clip"), kept.iter().map(|&k| all.column("clip")[k]).collect::<Vec<_>>());
    for (at, &k) in kept.iter().enumerate() {
        let sum: f64 = classes.map(|class| of(&all, &format!("p_{class}"), k)).iter().sum();
        for class in classes {
            let (p, whole) = (of(&some, &format!("p_{class}"), at), of(&all, &format!("p_{class}"), k));
            // Both are f32.
            assert!((p - whole / sum).abs() < 1e-6, "{class} of clip {k}: {p} of {whole} / {sum}");
        }
    }
    assert!(!some.header.contains(&"p_happy".to_string()));

    let fails = |classes: &str, texts: &[&str]| {
        let out = folder.path().join("fails");
        score("eval", &shared.set(), &shared.weights(), &out, &["--classes", classes]).failed_with(texts);
        assert!(!out.exists(), "nothing is written");
    };
    fails("happy,bored", &["`bored`", "angry disgust fear"]);
    fails("happy", &["`happy`", "two classes"]);
}

/// Crops that show more than the weights read are cut, as the report says; crops that show less are refused.
#[test]
fn crops_of_another_margin() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let cropped = |name: &str, margin: f32| {
        shared.save(name, 1, |model| model.preprocessing.crop = est_nets::Crop::Square { margin })
    };
    let out = folder.path().join("tight");
    score("eval", &shared.set(), &cropped("tight.est", 0.9), &out, &[]).succeeded();
    assert!(std::fs::read_to_string(out.join("report.md")).unwrap().contains("the middle 75.0 %"));
    let table = Table::read(&out.join("predictions.csv"));
    let usual = folder.path().join("usual");
    score("eval", &shared.set(), &shared.weights(), &usual, &[]).succeeded();
    assert_ne!(table.column("p_angry"), Table::read(&usual.join("predictions.csv")).column("p_angry"));

    let out = folder.path().join("wide");
    score("eval", &shared.set(), &cropped("wide.est", 1.5), &out, &[]).failed_with(&[
        "x 1.2",
        "x 1.5",
        "--crop-margin",
    ]);
    assert!(!out.exists(), "nothing is written");
}

#[test]
fn wrong_sets_are_named() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let (out, weights) = (folder.path().join("out"), shared.weights());
    let fails = |set: &std::path::Path, more: &[&str], texts: &[&str]| {
        score("eval", set, &weights, &out, more).failed_with(texts);
        assert!(!out.exists(), "nothing is written");
    };
    fails(folder.path(), &[], &["no prepared set"]);
    fails(&shared.set(), &["--split", "mine"], &["no split `mine`", "folds-2-seed-1"]);
    fails(&shared.set(), &["--split", "folds-2-seed-1"], &["--round", "fold-1, fold-2"]);
    fails(&shared.set(), &["--round", "fold-7"], &["no round `fold-7`", "fold-1"]);
    fails(&shared.set(), &["--round", "fold-1", "--part", "validation"], &["nothing to score", "fold-1"]);
    fails(&shared.set(), &["--subgroups", "nowhere.csv"], &["nowhere.csv"]);

    let place = folder.path().join("label");
    let set = shared.spoiled(&place, |rows| {
        let label = column(rows, "label");
        rows[5][label] = "9".to_string();
    });
    fails(&set, &[], &["label 9", "6 classes"]);
    let place = folder.path().join("empty");
    let set = shared.spoiled(&place, |rows| {
        let label = column(rows, "label");
        rows[1..].iter_mut().filter(|row| row[label] == "2").for_each(|row| row[label] = "3".to_string());
    });
    fails(&set, &[], &["class `fear` has no clip", "--allow-empty-classes"]);
    let place = folder.path().join("shared");
    let split = Table::read(&shared.set().join("splits/folds-2-seed-1.csv"));
    let clip_of =
        |fold: &str| split.column("clip")[split.column("part").iter().position(|part| *part == fold).unwrap()];
    let (a, b) = (clip_of("fold-1"), clip_of("fold-2"));
    let set = shared.spoiled(&place, |rows| {
        let (clip, subject) = (column(rows, "clip"), column(rows, "subject"));
        let of = |id: &str| rows.iter().position(|row| row[clip] == id).unwrap();
        let (a, b) = (of(a), of(b));
        rows[a][subject] = rows[b][subject].clone();
    });
    fails(&set, &["--round", "fold-1"], &["subject", "is in train", "in test", "split by subject"]);

    let set = folder.path().join("flipped");
    crate::scored::copy(&shared.set(), &set);
    let shard = set.join("shards/000000.tar");
    let mut bytes = std::fs::read(&shard).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    fails(&set, &[], &["000000.tar", "is not what the manifest was written with"]);
}

#[test]
fn subgroups_are_the_users_own() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let subjects = Table::read(&shared.set().join("clips.csv"));
    let mut names: Vec<&str> = subjects.column("subject");
    names.sort_unstable();
    names.dedup();
    let attributes = folder.path().join("groups.csv");
    std::fs::write(&attributes, format!("subject,light\n{},day\n{},day\n{},night\n", names[0], names[1], names[2]))
        .unwrap();
    let out = folder.path().join("out");
    let more = ["--subgroups", attributes.to_str().unwrap(), "--allow-empty-classes"];
    score("eval", &shared.set(), &shared.weights(), &out, &more).succeeded();
    let groups = &json(&out.join("report.json"))["subgroups"]["groups"];
    let row =
        |k: usize| (groups[k]["value"].as_str().unwrap(), groups[k]["clips"].as_u64(), groups[k]["scores"].is_null());
    assert_eq!(
        [row(0), row(1), row(2)],
        [("(not stated)", Some(7), true), ("day", Some(14), false), ("night", Some(7), true)]
    );
    let markdown = std::fs::read_to_string(out.join("report.md")).unwrap();
    assert!(markdown.contains("too few") && markdown.contains("fewer than 10 clips"), "{markdown}");
}

#[test]
fn two_models_are_compared_on_one_set() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let other = shared.save("other.est", 2, |_| ());
    let path = |name: &str| folder.path().join(name);
    let text = |name: &str| path(name).to_str().unwrap().to_string();
    let run = |set: &std::path::Path, weights: &std::path::Path, name: &str, more: &[&str]| {
        let more = [more, &["--allow-empty-classes"]].concat();
        score("eval", set, weights, &path(name), &more).succeeded();
    };
    run(&shared.set(), &shared.weights(), "a", &[]);
    run(&shared.set(), &other, "b", &[]);
    let done = est(&["compare", &text("a"), &text("b"), "--json"]).succeeded();
    let found: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let (a, b) = (Table::read(&path("a").join("predictions.csv")), Table::read(&path("b").join("predictions.csv")));
    let right = |table: &Table| -> Vec<bool> {
        table.column("label").iter().zip(table.column("predicted")).map(|(label, said)| *label == said).collect()
    };
    let (of_a, of_b) = (right(&a), right(&b));
    let only =
        |one: &[bool], other: &[bool]| one.iter().zip(other).filter(|(one, other)| **one && !**other).count() as u64;
    assert_eq!(found["only_a_right"], only(&of_a, &of_b));
    assert_eq!(found["only_b_right"], only(&of_b, &of_a));
    assert_eq!(found["shared"], CLIPS);
    let same = est(&["compare", &text("a"), &text("a")]).succeeded();
    assert!(same.stdout.contains("p = 1.0000"), "{}", same.stdout);

    run(&shared.set(), &other, "fold", &["--round", "fold-1"]);
    est(&["compare", &text("a"), &text("fold")]).failed_with(&["different splits", "folds-2-seed-1"]);
    let set = shared.spoiled(folder.path(), |rows| {
        let note = column(rows, "note");
        rows[1][note] = "another".to_string();
    });
    run(&set, &other, "elsewhere", &[]);
    est(&["compare", &text("a"), &text("elsewhere")]).failed_with(&["different sets"]);
    let table = path("b").join("predictions.csv");
    let changed = std::fs::read_to_string(&table).unwrap().replacen("sad", "happy", 1);
    std::fs::write(&table, changed).unwrap();
    est(&["compare", &text("a"), &text("b")]).failed_with(&["predictions.csv", "is not the table"]);
    est(&["compare", &text("a"), &text("nowhere")]).failed_with(&["nowhere"]);
}
