//! The list of linked crates is that of Cargo.lock. `EST_UPDATE=1 cargo test -p est-cli --test cli licenses::` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Name, version and licence of everything that est-cli links with training: not what only builds or tests need.
fn linked() -> String {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let arguments = ["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", &target];
    let more =
        ["--features", "est-cli/train", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml")];
    let output = Command::new(env!("CARGO")).args(arguments).args(more).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (package["id"].as_str().unwrap(), package))
        .collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let first = packages.iter().find(|(_, package)| package["name"] == "est-cli").expect("est-cli is a member").0;
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![*first]);
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            let normal = |dep: &&Value| dep["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
            let deps = nodes[id]["deps"].as_array().unwrap().iter().filter(normal);
            waiting.extend(deps.map(|dep| dep["pkg"].as_str().unwrap()));
        }
    }
    let foreign = seen.into_iter().map(|id| packages[id]).filter(|package| !package["source"].is_null());
    let mut lines: Vec<String> = foreign
        .map(|package| {
            let text = |key: &str| package[key].as_str().unwrap_or("see its licence file").to_string();
            format!("{}\t{}\t{}\n", text("name"), text("version"), text("license"))
        })
        .collect();
    lines.sort();
    lines.concat()
}

#[test]
fn the_list_is_that_of_the_lock_file() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/licenses.tsv");
    let linked = linked();
    if std::env::var_os("EST_UPDATE").is_some() {
        std::fs::write(&file, &linked).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written == linked, "src/licenses.tsv is old; run EST_UPDATE=1 cargo test -p est-cli --test cli licenses::");
    // What may be linked into an MIT program and shipped: every licence offers one of these alone, or asks for these together.
    let permissive = ["MIT", "Apache-2.0", "BSD", "Zlib", "ISC", "CC0", "Unlicense", "0BSD", "BSL", "WTFPL"];
    for line in linked.lines() {
        assert!(permissive.iter().any(|license| line.contains(license)), "{line}");
    }
}

#[test]
fn code_weights_and_data_stand_apart() {
    let printed = crate::common::est(&["licenses"]).succeeded().stdout;
    let places: Vec<usize> =
        ["CODE", "WEIGHTS", "DATA"].iter().map(|part| printed.find(part).unwrap_or_else(|| panic!("{part}"))).collect();
    assert!(places.is_sorted() && printed.contains("WIDER FACE") && printed.contains("CC-BY"), "{printed}");
    let all = crate::common::est(&["licenses", "--crates"]).succeeded().stdout;
    assert!(all.contains("parquet") && all.contains("clap"), "{all}");
}
