//! Tables and lists that users write or bring: clips of their own, frame lists, splits, subgroups, predictions, other
//! programs' results, lists of videos, manifests of results, parts of a run, names of pictures. The first byte says which.
#![no_main]

use std::path::PathBuf;

use est::foreign::Peer;
use est::run::{MANIFEST, Merge, OutputFolder, PARTS, RUNS};
use est_data::datasets::{Request, find};
use est_data::protocol::Split;
use est_eval::predictions;
use est_eval::subgroups::Attributes;
use est_fuzz::{file, folder, parts, sha256};
use est_media::{DecodeOptions, Numbering, Video};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    match kind % 11 {
        kind @ (0 | 1) => {
            let set = find(["own", "frames"][usize::from(kind)]).expect("a set of that name");
            let list = file("list.csv", bytes);
            let _ = (set.list)(&Request { root: folder(), list: Some(&list) });
        }
        2 => drop(Split::read(&file("split.json", bytes))),
        3 => drop(Attributes::read(&file("subgroups.csv", bytes))),
        4 => {
            let [rounds, table] = parts(bytes);
            let about = json!({ "csv_sha256": sha256(table), "rounds": serde_json::from_slice::<serde_json::Value>(rounds).ok() });
            file("predictions.json", about.to_string().as_bytes());
            let _ = predictions::read(&file("predictions.csv", table));
        }
        7 => drop(est::read_list(&file("videos.csv", bytes))),
        8 => {
            let [manifest, runs] = parts(bytes);
            let results = folder().join("results");
            std::fs::create_dir_all(&results).expect("there is room for a folder");
            for (name, bytes) in [(MANIFEST, manifest), (RUNS, runs)] {
                std::fs::write(results.join(name), bytes).expect("there is room for an input");
            }
            if let Ok(mut results) = OutputFolder::existing(&results) {
                let _ = results.write_table();
            }
        }
        9 => {
            let [parts_a, manifest_a, parts_b, manifest_b] = parts(bytes);
            let shards = ["part-a", "part-b"].map(|name| folder().join(name));
            let files = [[parts_a, manifest_a], [parts_b, manifest_b]];
            for (shard, files) in shards.iter().zip(files) {
                std::fs::create_dir_all(shard).expect("there is room for a folder");
                for (name, bytes) in [PARTS, MANIFEST].into_iter().zip(files) {
                    std::fs::write(shard.join(name), bytes).expect("there is room for an input");
                }
            }
            if let Ok(merge) = Merge::plan(&folder().join("joined"), &shards) {
                let gaps = merge.gaps().expect("the files can be read");
                drop(gaps.iter().map(ToString::to_string).collect::<Vec<_>>());
            }
        }
        10 => {
            // Names of pictures, none of which is there.
            let Some((&numbering, names)) = bytes.split_first() else { return };
            let kinds = [Numbering::Auto, Numbering::Order, Numbering::Numbers, Numbering::Ms];
            let numbering = kinds[usize::from(numbering) % kinds.len()];
            let names = String::from_utf8_lossy(names);
            let names: Vec<PathBuf> = names.lines().map(|name| folder().join("none").join(name)).collect();
            if !names.is_empty() {
                let _ = Video::images(names, &DecodeOptions { numbering, ..DecodeOptions::default() });
            }
        }
        kind => {
            let peer = Peer::ALL[usize::from(kind) - 5];
            let _ = peer.import(&file("foreign.csv", bytes), &folder().join("ours.csv"), "v", Some(25.0));
        }
    }
});
