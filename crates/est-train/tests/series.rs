//! Cross-validation: a run for each round of a set's split, each in its folder, and none of them twice.

#[path = "../../est-cli/tests/small_set/mod.rs"]
mod small_set;

use est_train::series::{crossval, run};
use est_train::{Event, TrainConfig};
use small_set::SmallSet;

#[test]
fn every_round_has_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("set"), folder.path().join("out"));
    SmallSet::new().write(&data);
    let config = "stage = \"frames\"\nframes_per_clip = 2\nselection = \"last\"\n[optimiser]\nepochs = 1\nbatch = 12\n\
                  [network]\norders = 0\nencoder_layers = 1\ndecoder_layers = 1\nfeed_forward = 64";
    let members = crossval(&TrainConfig::parse(config).unwrap(), &data).unwrap();
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["fold-1", "fold-2", "fold-3"]);

    let mut told = vec![];
    let mut tell = |member: &est_train::series::Member, event: Event| {
        if let Event::Begins { parts, updates, done } = event {
            told.push((member.name.clone(), parts.train.len(), parts.test.len(), updates, done));
        }
    };
    let first = run(&members, &data, &out, &mut tell).unwrap();
    let bytes = || first.iter().map(|(_, outcome)| std::fs::read(&outcome.weights).unwrap()).collect::<Vec<_>>();
    let weights = bytes();
    assert!(weights[0] != weights[1], "other folds, other weights");
    run(&members, &data, &out, &mut tell).unwrap();
    assert!(bytes() == weights);
    let expected = |done: u64| names.iter().map(move |name| (name.to_string(), 24, 12, 2, done)).collect::<Vec<_>>();
    assert_eq!(told, [expected(0), expected(2)].concat());
}
