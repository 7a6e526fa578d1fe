use est_media::{Face, Rect};

use super::*;
use crate::row::FaceRow;

fn scored(centre_s: f64, probabilities: &[f32]) -> Arc<Scored> {
    let emotion = Emotion { probabilities: probabilities.to_vec() };
    Arc::new(Scored { emotion, start_s: centre_s, end_s: centre_s, stretched: false, attention: vec![] })
}

/// A row every second, its window about it.
fn row(frame: u64, track: TrackId, probabilities: &[f32]) -> Row {
    let rect = Rect { x: 0.0, y: 0.0, w: 1.0, h: 1.0 };
    let face = Face { track, rect, landmarks: [[0.0; 2]; 5], score: 0.9, quality: 1.0, interpolated: false };
    let face = FaceRow::new(face, scored(frame as f64, probabilities));
    Row { frame, pts_s: frame as f64, file: None, track: Some(track), status: Status::Ok, face: Some(face) }
}

fn classes() -> Vec<String> {
    ["angry", "neutral", "sad"].map(String::from).to_vec()
}

fn run(options: SignalOptions, rows: Vec<Row>) -> (Vec<Row>, Option<String>) {
    let mut signal = Signal::new(options, &classes());
    let mut out = vec![];
    for row in rows {
        signal.push(row);
        out.extend(std::iter::from_fn(|| signal.next()));
    }
    signal.end();
    out.extend(std::iter::from_fn(|| signal.next()));
    (out, signal.warning())
}

fn processed(row: &Row) -> Vec<f32> {
    row.face.as_ref().unwrap().processed.as_ref().unwrap().probabilities.clone()
}

#[test]
fn smoothing_is_centred_and_keeps_a_constant() {
    let options = SignalOptions { smooth_s: Some(1.0), ..SignalOptions::default() };
    let step = |frame| if frame < 10 { [1.0, 0.0, 0.0] } else { [0.0, 1.0, 0.0] };
    let (rows, _) = run(options.clone(), (0..20).map(|frame| row(frame, 1, &step(frame))).collect());
    assert_eq!(rows.len(), 20);
    assert_eq!(rows.iter().map(|row| row.frame).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    assert_eq!(processed(&rows[0]), [1.0, 0.0, 0.0]);
    // The step is half-way between frames 9 and 10, and so are the two values about a half.
    let [before, after] = [9, 10].map(|frame: usize| processed(&rows[frame])[0]);
    assert!(before > 0.5 && (before + after - 1.0).abs() < 1e-6, "{before} {after}");
    assert_eq!(rows[9].face.as_ref().unwrap().scored.emotion.probabilities, [1.0, 0.0, 0.0], "the raw values stay");

    let mut signal = Signal::new(options, &classes());
    let mut most = 0;
    for frame in 0..1000 {
        signal.push(row(frame, 1, &[0.2, 0.3, 0.5]));
        while signal.next().is_some() {}
        most = most.max(signal.waiting.len());
    }
    assert!(most <= 5, "{most} rows waited for windows 3 s ahead");
}

#[test]
fn a_track_that_ends_holds_nothing_up() {
    let options = SignalOptions { smooth_s: Some(5.0), ..SignalOptions::default() };
    let mut signal = Signal::new(options, &classes());
    signal.push(row(0, 1, &[1.0, 0.0, 0.0]));
    for frame in 1..4 {
        signal.push(row(frame, 2, &[0.0, 1.0, 0.0]));
    }
    assert_eq!(signal.next().unwrap().track, Some(1), "track 1 is over once another frame lacks it");
    assert!(signal.next().is_none());
}

#[test]
fn a_sad_face_at_rest_becomes_neutral_and_its_anger_remains() {
    let baseline = vec![Baseline { track: None, from_s: 0.0, to_s: 5.0 }];
    let options = SignalOptions { baseline, ..SignalOptions::default() };
    let (rest, anger) = ([0.02, 0.18, 0.8], [0.7, 0.05, 0.25]);
    let of = |frame| if frame < 5 { rest } else { anger };
    let (rows, warning) = run(options, (0..10).map(|frame| row(frame, 1, &of(frame))).collect());
    assert_eq!(warning, None);
    let at_rest = processed(&rows[0]);
    assert_eq!(rows[0].face.as_ref().unwrap().label(), Some(1), "{at_rest:?}");
    assert!((at_rest[0] - at_rest[2]).abs() < 1e-6, "no expression stands out at rest: {at_rest:?}");
    // Neutral keeps its odds against the geometric mean of the others: 0.18 to sqrt(0.02 * 0.8).
    let expected = 0.18 / (0.18 + 2.0 * (0.02f32 * 0.8).sqrt());
    assert!((at_rest[1] - expected).abs() < 1e-5, "{at_rest:?} {expected}");
    assert!((at_rest.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    assert_eq!(rows[7].face.as_ref().unwrap().label(), Some(0));
}

#[test]
fn a_track_without_faces_in_its_stretch_is_left_alone_and_said() {
    let baseline =
        vec![Baseline { track: Some(2), from_s: 0.0, to_s: 2.0 }, Baseline { track: None, from_s: 0.0, to_s: 1.0 }];
    let options = SignalOptions { baseline, ..SignalOptions::default() };
    let rows = [row(0, 1, &[0.5, 0.2, 0.3]), row(1, 2, &[0.5, 0.2, 0.3]), row(5, 3, &[0.5, 0.2, 0.3])];
    let (rows, warning) = run(options, rows.to_vec());
    assert!(warning.unwrap().starts_with("track 3: no usable face in the baseline stretch"));
    assert_eq!(processed(&rows[2]), [0.5, 0.2, 0.3]);
    assert!(processed(&rows[1])[0] < 0.5);
}

#[test]
fn abstention_names_no_class_and_adds_no_values() {
    let options = SignalOptions { abstain: Some(0.6), ..SignalOptions::default() };
    let (rows, _) = run(options, vec![row(0, 1, &[0.59, 0.4, 0.01]), row(1, 1, &[0.6, 0.4, 0.0])]);
    let labels: Vec<_> = rows.iter().map(|row| row.face.as_ref().unwrap().label()).collect();
    assert_eq!(labels, [None, Some(0)]);
    assert!(rows[0].face.as_ref().unwrap().processed.is_none());
}
