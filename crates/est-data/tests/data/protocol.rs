//! Splits: what folds by subject guarantee, and what a file of them notices.

use std::collections::{BTreeMap, BTreeSet};

use est_data::datasets::Protocol;
use est_data::protocol::{Clip, Kind, Split};
use proptest::prelude::*;
use tempfile::tempdir;

/// Clips of made-up subjects: `counts[s][c]` of class c show subject s.
fn clips(counts: &[Vec<usize>]) -> Vec<(String, String, usize)> {
    let mut clips = vec![];
    for (s, counts) in counts.iter().enumerate() {
        for (c, &count) in counts.iter().enumerate() {
            clips.extend((0..count).map(|n| (format!("s{s}_c{c}_{n}"), format!("s{s}"), c)));
        }
    }
    clips
}

fn borrow(clips: &[(String, String, usize)]) -> Vec<Clip<'_>> {
    clips.iter().map(|(id, subject, label)| Clip { id, label: *label, subject: Some(subject), part: None }).collect()
}

fn draw(clips: &[(String, String, usize)], folds: usize, seed: u64) -> Split {
    Split::by_subject("set", &borrow(clips), folds, seed).unwrap()
}

/// Clips of each class in each fold.
fn held(split: &Split, clips: &[(String, String, usize)]) -> BTreeMap<(String, usize), usize> {
    let mut held = BTreeMap::new();
    for (id, _, label) in clips {
        *held.entry((split.assignment[id].clone(), *label)).or_default() += 1;
    }
    held
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn folds_by_subject(
        // Each subject has at least one clip.
        counts in prop::collection::vec((prop::collection::vec(0..6usize, 3), 1..4usize).prop_map(|(mut counts, more)| {
            counts.push(more);
            counts
        }), 5..40),
        folds in 2..6usize,
        seed: u64,
        order: u64,
    ) {
        let clips = clips(&counts);
        let split = draw(&clips, folds, seed);
        prop_assert_eq!(split.assignment.len(), clips.len());
        let parts: BTreeSet<String> = split.assignment.values().cloned().collect();
        prop_assert_eq!(parts, (1..=folds).map(|fold| format!("fold-{fold}")).collect());

        let mut fold_of = BTreeMap::new();
        for (id, subject, _) in &clips {
            let fold = fold_of.entry(subject).or_insert(&split.assignment[id]);
            prop_assert_eq!(*fold, &split.assignment[id], "{} is in two folds", subject);
        }

        // No less even than chance is on average: of the sum over folds and classes of (n(c, f) - n(c) / k)^2 / n(c),
        // independent uniform draws of the subjects' folds expect (1 - 1 / k) sum over subjects of n(c, s)^2 / n(c).
        let held = held(&split, &clips);
        let (mut uneven, mut chance) = (0.0, 0.0);
        for class in 0..counts[0].len() {
            let total: usize = counts.iter().map(|counts| counts[class]).sum();
            let of_fold = |fold: usize| held.get(&(format!("fold-{fold}"), class)).copied().unwrap_or(0);
            let mean = total as f64 / folds as f64;
            let weight = 1.0 / total.max(1) as f64;
            uneven += (1..=folds).map(|fold| (of_fold(fold) as f64 - mean).powi(2)).sum::<f64>() * weight;
            let squares: usize = counts.iter().map(|counts| counts[class].pow(2)).sum();
            chance += (1.0 - 1.0 / folds as f64) * squares as f64 * weight;
        }
        prop_assert!(uneven <= chance + 1e-9, "{uneven} is above {chance}");

        let mut shuffled = clips.clone();
        shuffled.sort_by_key(|(id, _, _)| {
            id.bytes().fold(order, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        });
        prop_assert_eq!(&draw(&shuffled, folds, seed), &split);

        let rounds = split.rounds();
        prop_assert_eq!(rounds.len(), folds);
        for round in rounds {
            prop_assert!(!round.train.is_empty() && !round.test.is_empty() && round.validation.is_empty());
            prop_assert_eq!(round.train.len() + round.test.len(), clips.len());
            prop_assert!(round.test.iter().all(|id| split.assignment[*id] == round.name));
            prop_assert!(round.train.iter().all(|id| split.assignment[*id] != round.name));
        }

        let folder = tempdir().unwrap();
        let path = folder.path().join("split.csv");
        split.write(&path).unwrap();
        prop_assert_eq!(Split::read(&path).unwrap(), split);
    }
}

#[test]
fn equal_subjects_are_dealt_out_evenly() {
    // BU-4DFE: 101 subjects, one clip of each of six classes: 11 subjects in one fold, 10 in the others.
    let bu = clips(&vec![vec![1; 6]; 101]);
    let split = draw(&bu, 10, 1);
    let mut sizes: Vec<usize> = split.rounds().iter().map(|round| round.test.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [60, 60, 60, 60, 60, 60, 60, 60, 60, 66]);
    assert!(held(&split, &bu).values().all(|count| (10..=11).contains(count)));
    let names: Vec<String> = split.rounds().iter().map(|round| round.name.to_string()).collect();
    assert_eq!(names, (1..=10).map(|fold| format!("fold-{fold}")).collect::<Vec<_>>());

    // RAVDESS: 24 actors, 4 clips neutral, 8 of each other class: four actors in each of six folds.
    let actor = [vec![4], vec![8; 7]].concat();
    let ravdess = clips(&vec![actor; 24]);
    let different: BTreeSet<String> = (0..20).map(|seed| draw(&ravdess, 6, seed).rounds()[0].test.join(" ")).collect();
    assert_eq!(different.len(), 20, "24 choose 4 is 10,626: 20 seeds draw 20 first folds");
    assert!(draw(&ravdess, 6, 0).rounds().iter().all(|round| round.test.len() == 4 * 60));
}

#[test]
fn classes_and_folds_are_filled_evenly() {
    for seed in 0..20 {
        // Ten subjects of one class, ten of another: two of each in each of five folds.
        let two = clips(&[vec![vec![1, 0]; 10], vec![vec![0, 1]; 10]].concat());
        assert!(held(&draw(&two, 5, seed), &two).into_values().eq([2; 10]));
        // Five subjects, each of a class of its own, make five folds.
        let five: Vec<Vec<usize>> = (0..5).map(|s| (0..5).map(|c| usize::from(s == c)).collect()).collect();
        assert_eq!(draw(&clips(&five), 5, seed).rounds().len(), 5);
    }
}

#[test]
fn folds_that_cannot_be() {
    let three = clips(&[vec![1], vec![2], vec![3]]);
    let message = Split::by_subject("mmi", &borrow(&three), 4, 1).unwrap_err().to_string();
    assert_eq!(message, "mmi: 3 subjects cannot make 4 folds; ask for fewer folds");
    let mut clips = borrow(&three);
    clips[4].subject = None;
    let message = Split::by_subject("mmi", &clips, 2, 1).unwrap_err().to_string();
    assert!(message.starts_with("mmi: clip s2_c0_1 has no subject"), "{message}");
}

#[test]
fn official_parts_and_folds() {
    let clip = |id: &'static str, part: Option<&'static str>| Clip { id, label: 0, subject: Some("x"), part };
    let parts = [clip("a", Some("train")), clip("b", Some("test")), clip("c", Some("validation")), clip("d", None)];
    let split = Split::official("caer", &parts).unwrap();
    let rounds = split.rounds();
    assert_eq!((split.kind.clone(), rounds.len(), rounds[0].name), (Kind::OfficialParts, 1, "official"));
    assert_eq!([&rounds[0].train, &rounds[0].validation, &rounds[0].test], [&["a"], &["c"], &["b"]]);

    let folds = [clip("a", Some("fold-10")), clip("b", Some("fold-9")), clip("c", Some("fold-10"))];
    let split = Split::of("dfew", Protocol::OfficialFolds(2), &folds, 1).unwrap();
    let rounds = split.rounds();
    assert_eq!([rounds[0].name, rounds[1].name], ["fold-9", "fold-10"]);
    assert_eq!((&rounds[0].train[..], &rounds[0].test[..]), (&["a", "c"][..], &["b"][..]));

    // Parts that a list gives are followed; without any, folds are drawn.
    assert_eq!(Split::of("own", Protocol::FoldsBySubject(2), &parts, 1).unwrap().kind, Kind::OfficialParts);
    let message = Split::of("own", Protocol::FoldsBySubject(2), &parts[3..], 1).unwrap_err().to_string();
    assert!(message.contains("1 subjects cannot make 2 folds"), "{message}");

    let message = Split::official("own", &[folds[1], parts[0]]).unwrap_err().to_string();
    assert!(message.contains("neither all folds nor all"), "{message}");
    assert!(Split::official("frames", &parts[3..]).unwrap_err().to_string().contains("nothing to split by"));
}

#[test]
fn a_file_that_was_changed_is_noticed() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("split.csv");
    let split = draw(&clips(&[vec![1], vec![1], vec![1]]), 2, 5);
    split.write(&path).unwrap();
    let table = std::fs::read_to_string(&path).unwrap();
    assert!(table.starts_with("clip,part\ns0_c0_0,fold-") && table.lines().count() == 4, "{table}");
    let beside = std::fs::read_to_string(folder.path().join("split.json")).unwrap();
    let about: serde_json::Value = serde_json::from_str(&beside).unwrap();
    assert_eq!(
        (about["name"].as_str(), about["seed"].as_u64(), about["folds"].as_u64()),
        (Some("set"), Some(5), Some(2))
    );
    assert_eq!(about["sha256"].as_str(), Some(split.hash().as_str()));

    let changes = [
        (table.replacen("fold-1", "fold-2", 1), "was changed"),
        (table.lines().take(3).collect::<Vec<_>>().join("\n"), "was changed"),
        (table.clone() + "s0_c0_0,fold-1\n", "has clip s0_c0_0 twice"),
        (table.replace("clip,part", "id,fold"), "is no table of `clip,part`"),
    ];
    for (changed, expected) in changes {
        std::fs::write(&path, changed).unwrap();
        let message = Split::read(&path).unwrap_err().to_string();
        assert!(message.starts_with(path.to_str().unwrap()) && message.contains(expected), "{message}");
    }
    std::fs::write(&path, table).unwrap();
    std::fs::write(path.with_extension("json"), beside.replace("\"seed\": 5", "\"seed\": 6")).unwrap();
    assert!(Split::read(&path).unwrap_err().to_string().contains("was changed"));
    std::fs::remove_file(path.with_extension("json")).unwrap();
    assert!(Split::read(&path).unwrap_err().to_string().contains("split.json: cannot be read"));
}
