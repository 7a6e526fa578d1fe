//! What the generated heads promise: they repeat, lie where the framing says, and do what the state says.

use std::sync::OnceLock;

use est_data::synth::facs::Au;
use est_data::synth::mesh::MESH_FILE;
use est_data::synth::{FaceState, Framing, Heads, Light, Pose, Source, Subject};
use est_media::Image;

const SIZE: usize = 224;

fn heads() -> &'static Heads {
    static HEADS: OnceLock<Heads> = OnceLock::new();
    HEADS.get_or_init(|| Heads::open(&est_goldens::download(MESH_FILE)).unwrap())
}

fn subject(index: usize) -> Box<dyn Subject> {
    heads().subject(index, 1).unwrap()
}

fn showing(au: Au) -> FaceState {
    let mut state = FaceState::default();
    state.aus.set(au, [1.0; 2]);
    state
}

fn brightness(image: &Image) -> f64 {
    image.data.iter().map(|byte| f64::from(*byte)).sum::<f64>() / image.data.len() as f64
}

/// The mean difference of two pictures in a square of `reach` pixels about a place.
fn difference(a: &Image, b: &Image, [x, y]: [f32; 2], reach: usize) -> f64 {
    let (x, y) = (x as usize, y as usize);
    let rows = (y - reach..=y + reach).map(|y| (y * SIZE + x - reach) * 3..(y * SIZE + x + reach + 1) * 3);
    let bytes: Vec<usize> = rows.flatten().collect();
    bytes.iter().map(|k| f64::from(a.data[*k].abs_diff(b.data[*k]))).sum::<f64>() / bytes.len() as f64
}

#[test]
fn a_picture_repeats_and_subjects_differ() {
    let state = showing(Au::LipCornerPuller);
    let first = subject(0).draw(&state, SIZE);
    let again = Heads::open(&est_goldens::download(MESH_FILE)).unwrap().subject(0, 1).unwrap().draw(&state, SIZE);
    assert!(first.image.data == again.image.data);
    assert_eq!(first.landmarks, again.landmarks);
    for other in [subject(1), heads().subject(0, 2).unwrap()] {
        assert_ne!(other.id(), subject(0).id());
        assert!(difference(&first.image, &other.draw(&state, SIZE).image, [112.0, 112.0], 80) > 5.0);
    }
}

#[test]
fn the_face_lies_where_the_framing_says() {
    for index in 0..3 {
        let subject = subject(index);
        let [left, right, nose, mouth_left, mouth_right] = subject.draw(&FaceState::default(), SIZE).landmarks;
        let side = SIZE as f32;
        let middle = |a: [f32; 2], b: [f32; 2]| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
        let (eyes, mouth) = (middle(left, right), middle(mouth_left, mouth_right));
        assert!((eyes[1] - Framing::EYES_Y * side).abs() < 1.0 && (mouth[1] - Framing::MOUTH_Y * side).abs() < 1.0);
        assert!((eyes[0] - side / 2.0).abs() < 1.0 && (mouth[0] - side / 2.0).abs() < 6.0, "{eyes:?} {mouth:?}");
        assert!(left[0] < nose[0] && nose[0] < right[0] && mouth_left[0] < mouth_right[0]);
        let framing = Framing { shift: [0.1, -0.05], zoom: 1.2 };
        let moved = subject.draw(&FaceState { framing, ..FaceState::default() }, SIZE).landmarks;
        let expected = [0, 1].map(|k| side / 2.0 + (nose[k] - side / 2.0) * 1.2 + framing.shift[k] * side);
        assert!((0..2).all(|k| (moved[2][k] - expected[k]).abs() < 0.1), "{:?} {expected:?}", moved[2]);
    }
}

#[test]
fn the_face_does_what_the_state_says() {
    let subject = subject(0);
    let neutral = subject.draw(&FaceState::default(), SIZE);
    let [left_eye, right_eye, nose, left, right] = neutral.landmarks;
    // A smile lifts the corners of the mouth and draws them apart.
    let smile = subject.draw(&showing(Au::LipCornerPuller), SIZE).landmarks;
    assert!(smile[3][1] < left[1] - 4.0 && smile[4][1] < right[1] - 4.0);
    assert!(smile[3][0] < left[0] - 2.0 && smile[4][0] > right[0] + 2.0);
    // Closed lids cover both eyes: what lies about the pupil then differs much from before, elsewhere little.
    let closed = subject.draw(&showing(Au::EyesClosed), SIZE).image;
    for eye in [left_eye, right_eye] {
        assert!(difference(&neutral.image, &closed, eye, 4) > 30.0);
        assert!(difference(&neutral.image, &closed, nose, 4) < 1.0);
    }
    // One sided: the subject's left is the picture's right.
    let mut state = FaceState::default();
    state.aus.set(Au::LipCornerPuller, [1.0, 0.0]);
    let aside = subject.draw(&state, SIZE).landmarks;
    assert!(aside[4][1] < right[1] - 4.0 && (aside[3][1] - left[1]).abs() < 1.0);
    // The jaw opens onto a dark mouth.
    let between = [(left[0] + right[0]) / 2.0, (left[1] + right[1]) / 2.0 + 6.0];
    let open = subject.draw(&showing(Au::JawDrop), SIZE).image;
    assert!(difference(&neutral.image, &open, between, 3) > 20.0);
    // Gaze and yaw to the subject's left go to the picture's right, pitch goes up, roll clockwise.
    let look = subject.draw(&FaceState { gaze: [20.0, 0.0], ..FaceState::default() }, SIZE).landmarks;
    assert!(look[0][0] > left_eye[0] + 2.0 && look[2] == nose);
    let turned = |yaw, pitch, roll| {
        subject.draw(&FaceState { pose: Pose { yaw, pitch, roll }, ..FaceState::default() }, SIZE).landmarks
    };
    assert!(turned(20.0, 0.0, 0.0)[2][0] > nose[0] + 20.0);
    assert!(turned(0.0, 15.0, 0.0)[2][1] < nose[1] - 15.0);
    let rolled = turned(0.0, 0.0, 15.0);
    assert!(rolled[1][1] > rolled[0][1] + 10.0);
}

#[test]
fn the_picture_is_as_bright_as_the_light() {
    let draw = |key: f32| {
        let light = Light { key, ..Light::default() };
        brightness(&subject(0).draw(&FaceState { light, ..FaceState::default() }, SIZE).image)
    };
    let (dim, usual, bright) = (draw(0.5), draw(1.0), draw(1.5));
    assert!(dim + 8.0 < usual && usual + 8.0 < bright, "{dim} {usual} {bright}");
}
