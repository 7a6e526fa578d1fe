//! Prepared sets: the same bytes whatever interrupts the run, and every frame where the index says.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::files::files;
use est::Source;
use est_data::set::{BuildProgress, ClipMaker, ClipRow, ClipStatus, JoinMaker, Joined, MadeClip, PreparedSet, Scratch};
use est_data::set::{SetPlan, build, join_plan};
use est_data::{ClipEntry, DataError};
use est_nets::Crop;
use serde_json::json;

const CLIPS: usize = 7;

fn plan() -> SetPlan {
    let classes = vec!["happy".to_string(), "sad".to_string()];
    let row = |k: usize| {
        let entry = ClipEntry {
            id: format!("clip-{k}"),
            source: Source::File(format!("clips/{k}.mp4").into()),
            label: (k != 3).then_some(k % 2),
            subject: Some(format!("s{}", k / 2)),
            part: None,
            note: (k == 3).then(|| "label `bored`".to_string()),
        };
        ClipRow::new(&entry, &classes, format!("clips/{k}.mp4"))
    };
    let clips = (0..CLIPS).map(row).collect();
    SetPlan {
        name: "test".to_string(),
        classes: classes.clone(),
        settings: json!({ "size": 8 }),
        clips,
        split: None,
        shard_clips: 3,
    }
}

/// Clip k has k frames of bytes that tell which they are, at 25 per second from k seconds. Clip 3 is unlabelled.
struct Maker<'a> {
    calls: &'a AtomicUsize,
    /// Calls after which it fails, as a killed process or a full disk would.
    limit: usize,
}

fn bytes(clip: usize, frame: usize) -> Vec<u8> {
    vec![(16 * clip + frame) as u8; 300 * clip + frame]
}

impl ClipMaker for Maker<'_> {
    fn make(&mut self, number: usize, scratch: &Scratch) -> Result<MadeClip, DataError> {
        if self.calls.fetch_add(1, Ordering::SeqCst) >= self.limit {
            return Err(DataError::set("test", "stopped"));
        }
        if number == 3 {
            return Ok(MadeClip::without(ClipStatus::Unlabelled, None));
        }
        let mut frames = scratch.frames();
        for k in 0..number {
            frames.push(number as f64 + k as f64 / 25.0, &bytes(number, k)).unwrap();
        }
        let status = if number == 0 { ClipStatus::NoFace } else { ClipStatus::Ok };
        let details = json!({ "truth": number });
        Ok(MadeClip { status, frames: Some(frames), decoded: 9, tracks: number.min(1), note: None, details })
    }
}

/// Makes the set with at most `limit` clips in this run; returns how many were made.
fn run(out: &Path, threads: usize, limit: usize) -> (Result<PreparedSet, DataError>, usize) {
    let calls = AtomicUsize::new(0);
    let done = build(&plan(), out, threads, || Ok(Maker { calls: &calls, limit }), |_: BuildProgress| ());
    (done, calls.into_inner())
}

#[test]
fn every_frame_is_where_the_index_says() {
    let folder = tempfile::tempdir().unwrap();
    let set = run(folder.path(), 2, usize::MAX).0.unwrap();
    let frames: Vec<u64> = set.clips().iter().map(|clip| clip.frames).collect();
    assert_eq!(frames, [0, 1, 2, 0, 4, 5, 6]);
    assert_eq!(set.frames(), 18);
    for (number, clip) in set.clips().iter().enumerate() {
        for k in 0..clip.frames {
            assert_eq!(set.jpeg(clip, k).unwrap(), bytes(number, k as usize), "frame {k} of {}", clip.clip);
        }
        assert!(set.jpeg(clip, clip.frames).unwrap_err().to_string().contains(&clip.clip));
        set.verify(clip).unwrap();
    }
    let last = &set.clips()[6];
    assert_eq!((last.start_s, last.end_s, last.shard), (Some(6.0), Some(6.2), Some(2)));
    assert_eq!(set.times(last)[1], 6.0 + 1.0 / 25.0);
    assert_eq!(set.details(last).unwrap()["truth"], 6);
    assert_eq!(set.details(last).unwrap()["class"], "happy");

    // A clip without pictures keeps its row and its reason.
    let odd = &set.clips()[3];
    assert_eq!((odd.status, odd.note.as_deref()), (ClipStatus::Unlabelled, Some("label `bored`")));
    assert_eq!(set.record().counts, [(ClipStatus::Ok, 5), (ClipStatus::NoFace, 1), (ClipStatus::Unlabelled, 1)].into());
    assert!(!folder.path().join(".work").exists());
}

#[test]
fn webdataset_finds_one_sample_a_clip() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), 1, usize::MAX).0.unwrap();
    let mut shard = tar::Archive::new(std::fs::File::open(folder.path().join("shards/000000.tar")).unwrap());
    let names: Vec<String> =
        shard.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
    // The key is the name up to its first dot; members of one key stand together.
    let expected = ["clip-1.json", "clip-1.cls", "clip-1.000000.jpg", "clip-2.json", "clip-2.cls"];
    assert_eq!(names[..5], expected);
    assert_eq!(names[5..], ["clip-2.000000.jpg", "clip-2.000001.jpg"]);
}

#[test]
fn stopped_anywhere_it_goes_on_and_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    let (set, made) = run(whole.path(), 1, usize::MAX);
    assert_eq!((set.is_ok(), made), (true, CLIPS));
    let whole = files(whole.path());
    for limit in 1..CLIPS {
        let folder = tempfile::tempdir().unwrap();
        assert!(run(folder.path(), 1 + limit % 2, limit).0.unwrap_err().to_string().contains("stopped"));
        // What `kill -9` leaves of a file that was being written.
        for place in ["", ".work", "splits"] {
            std::fs::write(folder.path().join(place).join(".est-begun.part"), "begun").unwrap();
        }
        let (set, made) = run(folder.path(), 2, usize::MAX);
        set.unwrap();
        assert_eq!(made, CLIPS - limit, "what was finished is not made again");
        assert_eq!(files(folder.path()), whole, "stopped after {limit} clips");
    }
}

#[test]
fn a_finished_set_is_not_made_again_and_another_one_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), 1, usize::MAX).0.unwrap();
    assert_eq!(run(folder.path(), 1, usize::MAX).1, 0);
    let other = SetPlan { settings: json!({ "size": 9 }), ..plan() };
    let calls = AtomicUsize::new(0);
    let maker = || Ok(Maker { calls: &calls, limit: usize::MAX });
    let error = build(&other, folder.path(), 1, maker, |_| ()).unwrap_err().to_string();
    assert!(error.contains("another set") && error.contains("--out"), "{error}");

    let begun = tempfile::tempdir().unwrap();
    run(begun.path(), 1, 2).0.unwrap_err();
    let error = build(&other, begun.path(), 1, maker, |_| ()).unwrap_err().to_string();
    assert!(error.contains("another run"), "{error}");
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), 1, usize::MAX).0.unwrap();
    let shard = folder.path().join("shards/000001.tar");
    let mut bytes = std::fs::read(&shard).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&shard, &bytes).unwrap();
    let set = PreparedSet::open(folder.path()).unwrap();
    let errors: Vec<String> =
        set.clips().iter().filter_map(|clip| set.verify(clip).err()).map(|error| error.to_string()).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("000001.tar") && errors[0].contains("clip-"), "{errors:?}");
    drop(set);

    std::fs::write(&shard, &bytes[..at]).unwrap();
    let set = PreparedSet::open(folder.path()).unwrap();
    let last = &set.clips()[5];
    assert!(set.jpeg(last, last.frames - 1).unwrap_err().to_string().contains("is not there"));
    drop(set);

    let manifest = folder.path().join("clips.csv");
    let text = std::fs::read_to_string(&manifest).unwrap().replace("happy", "sad");
    std::fs::write(&manifest, text).unwrap();
    let error = PreparedSet::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("clips.csv"), "{error}");
}

/// Numbers that no set has, in files whose hashes are right.
#[test]
fn a_manifest_of_frames_that_are_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), 1, usize::MAX).0.unwrap();
    let [manifest, record] = ["clips.csv", "set.json"].map(|name| folder.path().join(name));
    let written = std::fs::read_to_string(&manifest).unwrap();
    let table: Vec<Vec<&str>> = written.lines().map(|line| line.split(',').collect()).collect();
    let [frames, first] = ["frames", "first_frame"].map(|name| table[0].iter().position(|cell| *cell == name).unwrap());
    let old_hash = est_nets::hash::of(written.as_bytes());
    for (column, value) in
        [(frames, "0"), (frames, "18446744073709551615"), (first, "18446744073709551615"), (first, "")]
    {
        let mut table = table.clone();
        // Clip 4; clip 0 has no frames.
        table[5][column] = value;
        let text = table.iter().map(|row| row.join(",") + "\n").collect::<String>();
        std::fs::write(&manifest, &text).unwrap();
        let about = std::fs::read_to_string(&record).unwrap();
        let hash = est_nets::hash::of(text.as_bytes());
        std::fs::write(&record, about.replace(&old_hash, &hash)).unwrap();
        let error = PreparedSet::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("clips.csv") && error.contains("frames.idx does not have"), "{value}: {error}");
        std::fs::write(&record, about).unwrap();
    }
}

#[test]
fn joined_sets_are_all_of_both_under_other_names() {
    let folder = tempfile::tempdir().unwrap();
    let set = |name: &str| run(&folder.path().join(name), 1, usize::MAX).0.unwrap();
    let joined = |part| ["one", "two"].map(|name| Joined { name: name.to_string(), part, set: set(name) });
    let make = |sets: &[Joined], out: &str| {
        let plan = join_plan(sets, 4)?;
        build(&plan, &folder.path().join(out), 2, || Ok(JoinMaker::new(sets)), |_| ())
    };
    let mut sets = joined(None);
    let both = make(&sets, "both").unwrap();
    assert_eq!((both.clips().len(), both.frames()), (2 * CLIPS, 36));
    assert!(both.splits().unwrap().is_empty());
    for (k, clip) in both.clips().iter().enumerate() {
        let original = &sets[0].set.clips()[k % CLIPS];
        let name = ["one", "two"][k / CLIPS];
        assert_eq!(clip.clip, format!("{name}-{}", original.clip));
        assert_eq!(clip.subject, original.subject.as_ref().map(|subject| format!("{name}-{subject}")));
        let of =
            |row: &ClipRow| (row.label, row.status, row.frames, row.decoded, row.note.clone(), row.start_s, row.end_s);
        assert_eq!(of(clip), of(original));
        for frame in 0..clip.frames {
            assert_eq!(both.jpeg(clip, frame).unwrap(), bytes(k % CLIPS, frame as usize));
        }
    }
    let details = both.details(&both.clips()[CLIPS + 6]).unwrap();
    assert_eq!((&details["truth"], &details["clip"]), (&json!(6), &json!("two-clip-6")));
    assert_eq!(details["joined_from"]["clip"], "clip-6");

    sets[1].part = Some("validation");
    assert!(make(&sets, "x").unwrap_err().to_string().contains("has no part"));
    sets[0].part = Some("train");
    let parts = make(&sets, "parts").unwrap();
    let rounds = parts.splits().unwrap();
    let round = &rounds[0].rounds()[0];
    assert_eq!((round.train.len(), round.validation.len(), round.test.len()), (CLIPS - 1, CLIPS - 1, 0));
    sets[1].name = "one".to_string();
    assert!(make(&sets, "x").unwrap_err().to_string().contains("the same name"));

    // Sets that say nothing of it, as generated ones, have the default crop.
    let calls = AtomicUsize::new(0);
    let cropped = |margin: f32| {
        let plan = SetPlan { settings: json!({ "size": 8, "crop": Crop::Square { margin } }), ..plan() };
        let maker = || Ok(Maker { calls: &calls, limit: usize::MAX });
        build(&plan, &folder.path().join(format!("crop-{margin}")), 1, maker, |_| ()).unwrap()
    };
    sets[1].name = "two".to_string();
    sets[1].set = cropped(1.0);
    let error = make(&sets, "x").unwrap_err().to_string();
    assert!(error.contains("crop-1") && error.contains("cropped as square box x 1, "), "{error}");
    sets[1].set = cropped(1.2);
    assert_eq!(make(&sets, "crops").unwrap().crop(), Crop::Square { margin: 1.2 });
}
