//! `est explain` and `est calibrate` on a small synthetic set.

use crate::common::{Table, json};
use crate::scored::{CLIPS, Shared, column, score};
use est::Model;
use est_data::set::PreparedSet;

#[test]
fn figures_and_a_table() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let with_ssop = shared.save("ssop.est", 3, |model| {
        let mut config = model.config.est().unwrap().clone();
        config.orders = 10;
        model.config = config.into();
        model.tensors = est_nets::random_weights(&model.config.graph(), 3);
    });
    let log = folder.path().join("log.jsonl");
    std::fs::write(&log, "{\"epoch\":0,\"train_loss\":1.7}\n{\"epoch\":1,\"train_loss\":1.2,\"val_war\":0.4}\n")
        .unwrap();
    let out = folder.path().join("out");
    let against = [with_ssop.to_str().unwrap(), log.to_str().unwrap()];
    let more = ["--against", against[0], "--log", against[1], "--clips", "2", "--json"];
    let done = score("explain", &shared.set(), &shared.weights(), &out, &more).succeeded();
    let printed: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(printed["models"][0]["name"], "without SSOP");
    assert_eq!(printed["models"][1]["name"], "with SSOP");
    let sum: f64 =
        printed["models"][0]["attention"]["most_attended"].as_array().unwrap().iter().filter_map(|x| x.as_f64()).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    for figure in ["most-attended", "cosine-weights", "t-sne", "learning-curves"] {
        let svg = std::fs::read_to_string(out.join(figure).with_extension("svg")).unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"), "{figure}");
    }
    let drawn = std::fs::read_dir(out.join("attention")).unwrap().count();
    assert_eq!(drawn, 4, "two clips of two models");
    let table = Table::read(&out.join("explain.csv"));
    assert_eq!(table.rows.len(), CLIPS);
    for row in 0..CLIPS {
        let weights: Vec<f64> = (1..=7).map(|k| table.numbers(&format!("attention_{k}"))[row]).collect();
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        let most: usize = table.column("most_attended")[row].parse().unwrap();
        assert!(weights.iter().all(|weight| *weight <= weights[most - 1]));
    }
    assert!(table.numbers("cosine_7_5").iter().all(|cosine| (0.0..=1.0).contains(cosine)));
    assert_eq!(json(&out.join("explain.json"))["models"][0]["record"]["part"], "whole");

    let clip = table.column("clip")[5].to_string();
    let one = folder.path().join("one");
    score("explain", &shared.set(), &shared.weights(), &one, &["--clip", &clip]).succeeded();
    assert!(one.join("attention").join(format!("{clip}.svg")).exists());
    score("explain", &shared.set(), &shared.weights(), &folder.path().join("none"), &["--clip", "nobody"])
        .failed_with(&["clip nobody", "--clip"]);
}

#[test]
fn a_temperature_goes_into_the_weights() {
    let shared = Shared::get();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    score("eval", &shared.set(), &shared.weights(), &out, &["--allow-empty-classes"]).succeeded();
    let said = Table::read(&out.join("predictions.csv"));
    let said: Vec<String> = said.column("predicted").iter().map(ToString::to_string).collect();
    // Labels that the untrained model mostly hits: else no temperature is the best.
    let classes = est::usual_classes(6).unwrap();
    let set = shared.spoiled(folder.path(), |rows| {
        let label = column(rows, "label");
        for (k, (row, said)) in rows[1..].iter_mut().zip(&said).enumerate() {
            let class = classes.iter().position(|class| class == said).unwrap();
            row[label] = if k % 4 == 0 { (class + 1) % 6 } else { class }.to_string();
        }
    });
    let weights = folder.path().join("calibrated.est");
    let done = score("calibrate", &set, &shared.weights(), &weights, &["--json"]).succeeded();
    let printed: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let fit = &printed["fit"];
    assert!(fit["after"]["nll"].as_f64() < fit["before"]["nll"].as_f64(), "{fit}");
    let (before, after) = (Model::open(&shared.weights()).unwrap(), Model::open(&weights).unwrap());
    assert_eq!(f64::from(after.temperature), f64::from(fit["temperature"].as_f64().unwrap() as f32));
    assert_eq!((&before.tensors, before.temperature), (&after.tensors, 1.0));
    assert_eq!(after.provenance.scalars["calibrated_on"], PreparedSet::open(&set).unwrap().record().hash());
    assert!(done.stderr.contains("look better than it is"), "{}", done.stderr);

    // The same order of the classes, other confidences; and nothing is overwritten.
    let again = folder.path().join("again");
    score("eval", &shared.set(), &weights, &again, &["--allow-empty-classes"]).succeeded();
    assert_eq!(Table::read(&again.join("predictions.csv")).column("predicted"), said);
    score("calibrate", &set, &shared.weights(), &weights, &[]).failed_with(&["calibrated.est", "is there already"]);
    score("calibrate", &set, &shared.weights(), &folder.path().join("x"), &["--round", "fold-1"])
        .failed_with(&["validation", "fold-1"]);
}
