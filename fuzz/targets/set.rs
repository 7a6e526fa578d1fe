//! A prepared set whose manifest, index and shard are anything, with the hashes that fit: parts of the input.
#![no_main]

use est_data::set::PreparedSet;
use est_fuzz::{folder, parts, sha256};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|bytes: &[u8]| {
    let [manifest, index, shard, split] = parts(bytes);
    let set = folder().join("set");
    let write = |name: &str, bytes: &[u8]| std::fs::write(set.join(name), bytes).expect("there is room for an input");
    for below in ["shards", "splits"] {
        std::fs::create_dir_all(set.join(below)).expect("there is room for a folder");
    }
    write("clips.csv", manifest);
    write("frames.idx", index);
    write("shards/000000.tar", shard);
    write("splits/s.json", split);
    let record = json!({
        "est_version": "0", "name": "fuzz", "classes": ["a", "b"], "settings": {}, "clips": 1, "shard_clips": 1,
        "plan_sha256": "", "splits": {"s": sha256(split)}, "counts": {}, "manifest_sha256": sha256(manifest),
        "index_sha256": sha256(index),
    });
    write("set.json", record.to_string().as_bytes());
    let Ok(opened) = PreparedSet::open(&set) else { return };
    let _ = opened.splits();
    for clip in opened.clips() {
        let _ = opened.verify(clip);
        let _ = opened.details(clip);
        let _ = opened.image(clip, 0);
    }
});
