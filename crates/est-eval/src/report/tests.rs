use est::Model;
use est::report::ModelRecord;
use est_data::protocol::Selection;
use est_data::set::ClipStatus;

use super::*;
use crate::mcnemar::compare;
use crate::predictions::{self, ClipPrediction, Part, SetStamp, SplitStamp};

/// Clips of `round` under `seed`: each of four is right, wrong, right, without a face; the classes take turns.
fn round(round: usize, seed: u64) -> Predictions {
    let stamp = |name: &str| (name.to_string(), format!("{name}-hash"));
    let ((set, set_hash), (split, split_hash)) = (stamp("set"), stamp("folds"));
    let mut model = Model::random(1);
    model.tensors.clear();
    let record = Record {
        est_version: "0".to_string(),
        command: "test".to_string(),
        model: ModelRecord::of(&model),
        encoder_arithmetic: "f32".to_string(),
        set: SetStamp { name: set, sha256: set_hash },
        split: Some(SplitStamp { name: split, sha256: split_hash }),
        round: Some(format!("fold-{round}")),
        part: Part::Test,
        selection: Selection::LastEpoch,
        seed: Some(seed),
        classes: ["happy", "sad"].map(String::from).to_vec(),
        left_out: vec![],
        restricted: false,
        resized: None,
        middle: None,
    };
    let clip = |k: usize| {
        let label = k % 2;
        let right = vec![1.0 - 0.75 * label as f32, 0.25 + 0.75 * label as f32];
        let probabilities = match k % 4 {
            3 => None,
            1 => Some(right.into_iter().rev().collect()),
            _ => Some(right),
        };
        ClipPrediction {
            clip: format!("clip-{round}-{k}"),
            subject: Some(format!("subject-{round}-{}", k / 4)),
            label,
            status: if probabilities.is_some() { ClipStatus::Ok } else { ClipStatus::NoFace },
            probabilities,
            window_s: Some((0.1, 4.26)),
            stretched: false,
        }
    };
    Predictions { record, clips: (0..12).map(clip).collect() }
}

fn report(rounds: Vec<Predictions>) -> Result<Report, EvalError> {
    Report::pooled(rounds, ReportOptions::default())
}

#[test]
fn rounds_are_pooled() {
    let found = report(vec![round(1, 7), round(2, 7)]).unwrap();
    assert_eq!((found.pooled.metrics.clips, found.pooled.faceless, found.rounds.len()), (24, 6, 2));
    assert_eq!(found.pooled.metrics.war, Some(0.5));
    assert_eq!(found.pooled.intervals.subjects, 6);
    assert_eq!(found.war_over_rounds, Some(OverRounds { mean: 0.5, deviation: 0.0 }));
    let markdown = found.markdown();
    for text in ["fold-2", "`last-epoch`", "6 clips without a face, counted as errors", "seeds of the training | 7, 7"]
    {
        assert!(markdown.contains(text), "{text} in\n{markdown}");
    }
    let skip = ReportOptions { faceless: Faceless::Skip, ..ReportOptions::default() };
    let skip = Report::pooled(vec![round(1, 7), round(2, 7)], skip).unwrap();
    assert_eq!((skip.pooled.metrics.clips, skip.pooled.metrics.war), (18, Some(12.0 / 18.0)));
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let text = |rounds| report(rounds).unwrap_err().to_string();
    assert!(text(vec![]).contains("no predictions"));
    assert!(text(vec![round(1, 1), round(1, 2)]).contains("fold-1 is there twice"));
    let change = |change: fn(&mut Predictions)| {
        let mut other = round(2, 1);
        change(&mut other);
        text(vec![round(1, 1), other])
    };
    assert!(change(|other| other.record.set.sha256 = "x".to_string()).contains("another set"));
    assert!(change(|other| other.record.split = None).contains("another split"));
    assert!(change(|other| other.record.selection = Selection::BestOnTest).contains("best-on-test"));
    assert!(change(|other| other.clips[0].clip = "clip-1-0".to_string()).contains("clip-1-0 is in two rounds"));
    let mut empty = round(1, 1);
    empty.clips.retain(|clip| clip.label == 0);
    assert!(text(vec![empty]).contains("class `sad` has no clip"));
}

#[test]
fn seeds_are_averaged_and_files_are_read_again() {
    let reports: Vec<Report> = (1..=3).map(|seed| report(vec![round(1, seed), round(2, seed)]).unwrap()).collect();
    let over = over_seeds(&reports).unwrap();
    assert_eq!((over.seeds, over.war.unwrap().mean), (vec![Some(1), Some(2), Some(3)], 0.5));
    assert!(over_seeds(&[reports[0].clone(), report(vec![round(1, 1)]).unwrap()]).is_err());

    let rows = [("a".to_string(), reports.clone()), ("b|c".to_string(), reports.clone())];
    let table = Variants::new("Two alike", "test", &rows).unwrap();
    assert_eq!(table.variants[0].war_gain, None);
    let gain = table.variants[1].war_gain.clone().unwrap();
    assert_eq!((gain.seeds, gain.mean), (3, 0.0));
    assert_eq!((table.variants[0].parameters, table.variants[0].parameters_without_ssop), (42_775_761, 34_374_343));
    let markdown = table.markdown();
    for text in
        ["`last-epoch`", "fold-1 + fold-2", "| b\\|c | 42.78 | 34.37 | 63.89 | 50.00 |", "+0.00", "| a | 3 | 24 | 6 |"]
    {
        assert!(markdown.contains(text), "{text} in\n{markdown}");
    }
    let fewer = [("a".to_string(), reports.clone()), ("b".to_string(), reports[..2].to_vec())];
    assert!(Variants::new("", "", &fewer).unwrap_err().to_string().contains("other seeds"));
    assert!(Variants::new("", "", &[]).is_err());

    let folder = tempfile::tempdir().unwrap();
    reports[0].write(folder.path()).unwrap();
    let read = predictions::read(folder.path()).unwrap();
    assert_eq!(read, reports[0].predictions(), "to the last digit");
    let compared = compare(&read, reports[1].predictions(), &BootstrapOptions::default()).unwrap();
    assert_eq!((compared.shared, compared.p, compared.difference), (24, 1.0, 0.0));
}
