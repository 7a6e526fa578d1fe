//! `est prepare` over trees in the layout of every set, filled with real clips; and what becomes of the odd ones.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::common::{Done, command, done, ffmpeg, json};
use crate::trees;
use est_data::set::{ClipStatus, PreparedSet};

/// Frames of every clip.
const FRAMES: usize = 8;

/// Makes clips with a face: a video where the path has an extension, else a folder of pictures. Each kind is made once
/// and then copied.
fn face(path: &Path) {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let video = est_goldens::download("demo.mp4");
        let count = FRAMES.to_string();
        let from = ["-i", video.to_str().unwrap(), "-frames:v", &count, "-vf", "scale=320:-2"];
        for name in ["clip.mp4", "clip.avi", "clip.flv", "%03d.jpg"] {
            let to = folder.path().join(name);
            ffmpeg(&[&from[..], &["-start_number", "0", to.to_str().unwrap()]].concat());
        }
        folder
    });
    match path.extension() {
        Some(extension) => {
            std::fs::copy(made.path().join("clip").with_extension(extension), path).unwrap();
        }
        None => {
            std::fs::create_dir_all(path).unwrap();
            for k in 0..FRAMES {
                let name = format!("{k:03}.jpg");
                std::fs::copy(made.path().join(&name), path.join(&name)).unwrap();
            }
        }
    }
}

/// Any decoder of a file called like this crashes; see `tests_hook` of est-media.
const CRASHES: &str = "crashes.mp4";

fn prepare(set: &str, root: &Path, out: &Path, more: &[&str]) -> Done {
    let args = ["prepare", set, "--root", root.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let mut est = command();
    done(est.env("EST_TEST_DECODER", format!("segv:{CRASHES}")).args(args).args(more).output().unwrap())
}

/// Prepares a whole tree: every clip must come out with all its frames.
fn whole(set: &str, clips: usize, build: impl FnOnce(&Path) -> Option<PathBuf>) -> (tempfile::TempDir, PreparedSet) {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("set"), folder.path().join("out"));
    let list = build(&root);
    // Detecting in every frame of 320 pixels and no process for each of 100 clips keep these runs short.
    let mut more = vec!["--detect-size", "320", "--decode-in-process"];
    if let Some(list) = &list {
        more.extend(["--list", list.to_str().unwrap()]);
    }
    let done = prepare(set, &root, &out, &more).succeeded();
    let prepared = PreparedSet::open(&out).unwrap();
    assert_eq!(prepared.clips().len(), clips, "{set}: {}", done.stdout);
    for clip in prepared.clips() {
        assert_eq!((clip.status, clip.frames), (ClipStatus::Ok, FRAMES as u64), "{set}: {clip:?}");
        assert!(!clip.source.starts_with('/'), "{}", clip.source);
    }
    (folder, prepared)
}

#[test]
fn every_set_in_its_own_layout() {
    type Case = (&'static str, usize, trees::Build, usize);
    let sets: [Case; 10] = [
        ("bu-4dfe", 20, trees::bu4dfe, 10),
        ("mmi", 20, trees::mmi, 10),
        ("afew", 6, trees::afew, 1),
        ("dfew", 10, trees::dfew, 5),
        ("ferv39k", 8, trees::ferv39k, 1),
        ("mafw", 11, trees::mafw, 5),
        ("crema-d", 10, trees::crema_d, 5),
        ("ravdess", 12, trees::ravdess, 6),
        ("enterface", 10, trees::enterface, 5),
        ("caer", 6, trees::caer, 1),
    ];
    for (set, clips, build, rounds) in sets {
        let (_folder, prepared) = whole(set, clips, |root| {
            build(root, &mut face);
            None
        });
        let splits = prepared.splits().unwrap();
        assert_eq!(splits.len(), 1, "{set}");
        let found = splits[0].rounds();
        assert_eq!(found.len(), rounds, "{set}");
        let tested: usize = found.iter().map(|round| round.test.len() + round.validation.len()).sum();
        assert!(tested > 0 && tested <= clips, "{set}: {tested} clips tested");
    }
}

#[test]
fn lists_of_ones_own() {
    let (_folder, prepared) = whole("own", 10, |root| Some(trees::own(root, &mut face)));
    assert_eq!(prepared.record().classes, ["happy", "sad"]);
    let (_folder, prepared) = whole("frames", 3, |root| Some(trees::frames(root, &mut face)));
    // Pictures have no clock: the paper's 25 a second.
    assert_eq!(prepared.times(&prepared.clips()[0])[1], 1.0 / 25.0);
}

/// One clip of each kind of trouble beside two good ones.
fn troubled(root: &Path) -> PathBuf {
    let clips = root.join("clips");
    std::fs::create_dir_all(&clips).unwrap();
    for name in ["good.mp4", "cut.mp4", "dir-but-file", CRASHES] {
        face(&clips.join(name));
    }
    let whole = std::fs::read(clips.join("cut.mp4")).unwrap();
    std::fs::write(clips.join("cut.mp4"), &whole[..whole.len() / 3]).unwrap();
    std::fs::write(clips.join("text.mp4"), "no video at all").unwrap();
    std::fs::create_dir(clips.join("empty")).unwrap();
    ffmpeg(&["-f", "lavfi", "-i", "testsrc=s=160x120:r=25:d=0.4", clips.join("faceless.mp4").to_str().unwrap()]);
    let list = root.join("list.csv");
    let names = ["good.mp4", "cut.mp4", "dir-but-file", "text.mp4", "empty", "faceless.mp4", "gone.mp4", CRASHES];
    let rows: Vec<String> = names.iter().enumerate().map(|(k, name)| format!("clips/{name},happy,s{k}\n")).collect();
    std::fs::write(&list, format!("path,label,subject\n{}", rows.concat())).unwrap();
    list
}

#[test]
fn no_clip_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("set"), folder.path().join("out"));
    let list = troubled(&root);
    let more = ["--list", list.to_str().unwrap(), "--folds", "2", "--detect-size", "320"];
    let done = prepare("own", &root, &out, &more).succeeded();
    let prepared = PreparedSet::open(&out).unwrap();
    let status = |name: &str| {
        let clip = prepared.clips().iter().find(|clip| clip.source.ends_with(name));
        clip.unwrap_or_else(|| panic!("{name} is in the manifest")).status
    };
    assert_eq!(status("good.mp4"), ClipStatus::Ok);
    assert_eq!(status("dir-but-file"), ClipStatus::Ok);
    assert_eq!(status("faceless.mp4"), ClipStatus::NoFace);
    assert_eq!(status("gone.mp4"), ClipStatus::Missing);
    for name in ["cut.mp4", "text.mp4", "empty", CRASHES] {
        assert_eq!(status(name), ClipStatus::Unreadable, "{name}");
        let clip = prepared.clips().iter().find(|clip| clip.source.ends_with(name)).unwrap();
        assert!(clip.note.as_deref().is_some_and(|note| note.contains(name)), "{clip:?}");
    }
    // The table counts them, and all of them are in the split: the evaluation has to.
    let all = done.stdout.lines().find(|line| line.starts_with("all")).unwrap();
    let counts: Vec<&str> = all.split_whitespace().collect();
    assert_eq!(counts, ["all", "8", "2", "1", "1", "4", "0"], "{}", done.stdout);
    assert_eq!(prepared.splits().unwrap()[0].assignment.len(), 8);
    assert_eq!(json(&out.join("set.json"))["counts"]["unreadable"], 4);
}

#[test]
fn crops_are_taken_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("set"), folder.path().join("out"));
    let clips = root.join("clips");
    std::fs::create_dir_all(&clips).unwrap();
    crate::common::golden_frames(&clips.join("a"), 3);
    std::fs::write(root.join("list.csv"), "path,label,subject,split\nclips/a,sad,x,train\n").unwrap();
    let list = root.join("list.csv");
    prepare("own", &root, &out, &["--list", list.to_str().unwrap(), "--crops", "--fps", "10"]).succeeded();
    let prepared = PreparedSet::open(&out).unwrap();
    let clip = &prepared.clips()[0];
    assert_eq!((clip.frames, clip.part.as_deref(), clip.end_s), (3, Some("train"), Some(0.2)));
    let image = prepared.image(clip, 1).unwrap();
    let original = est_goldens::frame_pixels(1, 224, 224);
    let off: u32 = image.data.iter().zip(&original).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
    // JPEG at quality 95 without subsampling; the goldens' frames are noisier than faces.
    let mean = f64::from(off) / original.len() as f64;
    assert!(mean < 4.0, "{mean} grey levels from the original in the mean");
}

#[test]
fn wrong_sets_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    prepare("dfew", folder.path(), &out, &[]).failed_with(&["EmoLabel_DataSplit"]);
    prepare("own", folder.path(), &out, &[]).failed_with(&["--list"]);
    prepare("crema-d", &folder.path().join("nowhere"), &out, &[]).failed_with(&["nowhere"]);
    assert!(!out.exists(), "nothing is written before the set is understood");
}

#[test]
fn a_dry_run_tells_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("set"), folder.path().join("out"));
    trees::caer(&root, &mut trees::empty);
    let done = prepare("caer", &root, &out, &["--dry-run"]).succeeded();
    assert!(done.stdout.contains("13201 published") || done.stdout.contains("13,201"), "{}", done.stdout);
    assert!(!out.exists());
}

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 200000\n";

#[test]
fn a_set_of_pointers_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("set"), folder.path().join("out"));
    let pointer = |path: &Path| match path.extension() {
        Some(_) => trees::text(path, POINTER),
        None => trees::text(&path.join("000.jpg"), POINTER),
    };
    trees::crema_d(&root, &mut |path| pointer(path));
    let more = ["--decode-in-process"];
    let words = ["VideoFlash/1001_DFA_ANG_XX.flv", "git-lfs pointer", "git lfs pull", "10 unreadable"];
    prepare("crema-d", &root, &out, &more).failed_with(&words);
    assert!(!out.exists(), "no set is left behind");
    let dry = prepare("crema-d", &root, &out, &["--dry-run"]).succeeded();
    assert!(dry.stderr.contains("git lfs pull") && dry.stdout.contains("10"), "{} {}", dry.stdout, dry.stderr);

    // Of one subject no folds can be made: that is not what is wrong.
    let one = folder.path().join("one");
    trees::text(&one.join("VideoFlash/1001_DFA_ANG_XX.flv"), POINTER);
    let done = prepare("crema-d", &one, &out, &more).failed_with(&["no clip can be prepared", "git lfs pull"]);
    assert!(!done.stderr.contains("folds") && !done.stderr.contains("more clips"), "{}", done.stderr);
    assert!(!out.exists());

    // Pictures; and what lies beside the set stays.
    let root = folder.path().join("frames");
    let list = trees::frames(&root, &mut |path| pointer(path));
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("notes.txt"), "mine").unwrap();
    let more = ["--decode-in-process", "--list", list.to_str().unwrap()];
    prepare("frames", &root, &out, &more).failed_with(&["3 unreadable", "git lfs pull"]);
    let left: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);

    // One that is there is enough for a set; the others are told.
    let root = folder.path().join("some");
    trees::crema_d(&root, &mut |path| pointer(path));
    let there = root.join("VideoFlash/1001_DFA_ANG_XX.flv");
    std::fs::remove_file(&there).unwrap();
    face(&there);
    let done = prepare("crema-d", &root, &out, &["--decode-in-process", "--detect-size", "320"]).succeeded();
    assert!(done.stderr.contains("git lfs pull") && done.stderr.contains("8 more clips"), "{}", done.stderr);
    let statuses = PreparedSet::open(&out).unwrap().record().counts.clone();
    assert_eq!(statuses, [(ClipStatus::Ok, 1), (ClipStatus::Unreadable, 9)].into());
}

/// The clip is there, and what is not in it is said.
#[test]
fn one_picture_that_is_a_pointer() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("set"), folder.path().join("out"));
    let list = trees::frames(&root, &mut face);
    trees::text(&root.join("videos/s1/001.jpg"), POINTER);
    let more = ["--decode-in-process", "--crops", "--list", list.to_str().unwrap()];
    let done = prepare("frames", &root, &out, &more).succeeded();
    let words = ["1 clip is prepared with a note", "`s1`", "001.jpg: left out", "git lfs pull"];
    assert!(words.iter().all(|text| done.stderr.contains(text)), "{}", done.stderr);
    let frames: Vec<u64> = PreparedSet::open(&out).unwrap().clips().iter().map(|row| row.frames).collect();
    assert_eq!(frames, [8, 8, 7]);
}

#[test]
fn dfew_as_its_readme_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (folder.path().join("set"), folder.path().join("out"));
    trees::dfew(&root, &mut trees::empty);
    std::fs::remove_dir_all(root.join("Clip")).unwrap();
    face(&root.join("Clip/clip_224x224_16f/00001"));
    let done = prepare("dfew", &root, &out, &["--decode-in-process", "--detect-size", "320"]).succeeded();
    assert!(done.stderr.contains("16 pictures of each clip"), "{}", done.stderr);
    let prepared = PreparedSet::open(&out).unwrap();
    assert_eq!(prepared.record().counts, [(ClipStatus::Ok, 1), (ClipStatus::Missing, 9)].into());
    assert_eq!(prepared.clips()[0].source, "Clip/clip_224x224_16f/00001");
}
