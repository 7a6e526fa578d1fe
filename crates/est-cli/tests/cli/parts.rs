//! Parts of a run as a scheduler's array does them: whatever is submitted again, no video is lost without a word.

use std::collections::BTreeSet;

use crate::common::{Done, command, done};
use crate::runs::Place;

impl Place {
    /// A task of a Slurm array: its number, and smallest, largest and count of the array as it was submitted.
    fn task(&self, out: &str, choice: &str, id: u64, [min, max, count]: [u64; 3]) -> Done {
        let mut task = self.predict(out, &["--shard", choice]);
        let values = [("ID", id), ("MIN", min), ("MAX", max), ("COUNT", count), ("STEP", 1)];
        task.envs(values.map(|(what, value)| (format!("SLURM_ARRAY_TASK_{what}"), value.to_string())));
        done(task.output().unwrap())
    }

    fn merge(&self, out: &str, shards: &[&str], more: &[&str]) -> Done {
        let mut merge = command();
        merge.arg("merge").arg(self.path(out)).args(shards.iter().map(|shard| self.path(shard))).args(more);
        done(merge.output().unwrap())
    }

    fn videos_of(&self, out: &str) -> BTreeSet<String> {
        self.manifest(out).iter().map(|line| line["video_id"].as_str().unwrap().to_string()).collect()
    }
}

#[test]
fn a_task_that_is_submitted_again_alone_does_its_own_part() {
    let place = Place::new();
    place.videos(&["1.mp4", "2.mp4", "3.mp4", "4.mp4", "5.mp4", "6.mp4", "7.mp4"]);
    for id in [1, 2] {
        place.task(&format!("part-{id}"), "auto/3", id, [1, 3, 3]).succeeded();
    }
    let parts = ["part-1", "part-2", "part-3"];
    let refused = place.merge("joined", &parts[..2], &[]).failed_with(&["part 3 of 3 is missing", "of 7 videos"]);
    assert!(refused.stderr.contains("--shard 3/3") && refused.stderr.contains("part-3"), "{}", refused.stderr);
    assert!(!place.path("joined").exists(), "nothing is joined");
    let partial = place.merge("joined", &parts[..2], &["--partial"]).succeeded();
    assert!(partial.stderr.contains("part 3 of 3 is missing"), "{}", partial.stderr);

    // Alone: what the others noted beside it tells how they were numbered.
    place.task("part-3", "auto/3", 3, [3, 3, 1]).succeeded();
    let videos = parts.map(|part| place.videos_of(part));
    assert_eq!(videos.iter().map(BTreeSet::len).sum::<usize>(), 7, "{videos:?}");
    // What was joined before and the rest are all.
    place.merge("joined", &["part-3"], &[]).succeeded();
    place.run("whole", &[]).succeeded();
    assert!(place.results("joined") == place.results("whole"), "{:?}", place.names("joined"));

    // Where nobody noted anything, it does not guess.
    let elsewhere = place.task("far/part", "auto/3", 3, [3, 3, 1]);
    assert_eq!(elsewhere.failed_with(&["auto/3@1", "part 3", "--shard 3/3"]).code, 1);
    place.task("far/part", "auto/3@1", 3, [3, 3, 1]).succeeded();
    assert_eq!(place.videos_of("far/part"), videos[2]);
}

#[test]
fn merge_refuses_other_lists_and_folders_that_do_not_say() {
    let place = Place::new();
    place.videos(&["1.mp4", "2.mp4", "3.mp4"]);
    place.run("a", &["--shard", "1/2"]).succeeded();
    place.videos(&["1.mp4", "2.mp4", "3.mp4", "4.mp4"]);
    // A second later, for that is how finely the folders note when they were begun.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    place.run("b", &["--shard", "2/2"]).succeeded();
    let refused = place.merge("joined", &["a", "b"], &[]).failed_with(&["part 1 of 2 is missing", "of 4 videos"]);
    assert!(refused.stderr.contains("of another list of videos"), "{}", refused.stderr);
    place.run("a", &["--shard", "1/2"]).succeeded();
    place.merge("joined", &["a", "b"], &[]).succeeded();
    assert_eq!(place.videos_of("joined").len(), 4);

    // A list that lost a video, in all its parts: what is joined is said.
    place.videos(&["1.mp4", "2.mp4", "3.mp4"]);
    std::fs::remove_file(place.path("in/4.mp4")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    for (folder, shard) in [("a", "1/2"), ("b", "2/2")] {
        place.run(folder, &["--shard", shard]).succeeded();
    }
    let fewer = place.merge("shorter", &["a", "b"], &["--json"]).succeeded();
    assert!(fewer.stderr.contains("1 video of an earlier list") && fewer.stderr.contains("4"), "{}", fewer.stderr);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&fewer.stdout).unwrap()["not_listed"][0], "4");
    place.videos(&["1.mp4", "2.mp4", "3.mp4", "4.mp4"]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    for (folder, shard) in [("a", "1/2"), ("b", "2/2")] {
        place.run(folder, &["--shard", shard]).succeeded();
    }

    // A video that a part has not done, then a folder of an est that noted no parts.
    let manifest = place.path("b/est-manifest.jsonl");
    let lines = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, lines.split_inclusive('\n').skip(1).collect::<String>()).unwrap();
    place.merge("fewer", &["a", "b"], &[]).failed_with(&["part 2 of 2", "lacks 1 of its"]);
    std::fs::write(&manifest, lines).unwrap();
    std::fs::remove_file(place.path("b/est-parts.jsonl")).unwrap();
    place.merge("old", &["a", "b"], &[]).failed_with(&["does not say which part", "--partial"]);
    place.merge("old", &["a", "b"], &["--partial"]).succeeded();
    assert_eq!(place.videos_of("old").len(), 4);
    // Its command again does no video twice and notes the part.
    let again = place.run("b", &["--shard", "2/2"]).succeeded();
    assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
    place.merge("new", &["a", "b"], &[]).succeeded();

    // All parts in one folder need no joining, and may be checked.
    place.run("one", &["--shard", "1/2"]).succeeded();
    place.merge("joined-one", &["one"], &[]).failed_with(&["part 2 of 2 is missing"]);
    place.run("one", &["--shard", "2/2"]).succeeded();
    place.merge("joined-one", &["one"], &[]).succeeded();
    // A run without parts is whole.
    place.run("whole", &[]).succeeded();
    place.merge("both", &["whole", "a", "b"], &[]).succeeded();
}
