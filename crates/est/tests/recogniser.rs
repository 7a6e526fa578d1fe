//! The recogniser on frames that no decoder made, with an EST for pictures of 32 x 32.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use est::{CroppedFrame, EstError, FaceSource, Model, Recogniser, RecogniserOptions, Row, Status};
use est_media::{Face, Image, Rect, TrackId};
use est_nets::{EstConfig, Network, Noise, random_weights};

const SIZE: usize = 32;

/// Made once: drawing 34 million numbers takes a second.
fn small_model() -> Model {
    static MODEL: LazyLock<Model> = LazyLock::new(draw_small_model);
    MODEL.clone()
}

fn draw_small_model() -> Model {
    let mut model = Model::random(1);
    model.config = Network::Est(EstConfig { size: SIZE, ..EstConfig::PAPER });
    model.preprocessing.size = SIZE;
    let graph = model.config.prediction();
    model.tensors = random_weights(&graph, 1);
    model
}

fn recogniser(hop: usize) -> Recogniser {
    let options = RecogniserOptions { hop, ..RecogniserOptions::default() };
    Recogniser::new(small_model(), options).unwrap()
}

/// Frames at `fps`, each with the tracks that are listed; a track ends before the first frame that is more than
/// `max_gap` frames after its last.
struct Script {
    frames: std::vec::IntoIter<CroppedFrame>,
}

impl Script {
    fn new(fps: f64, max_gap: usize, frames: &[Vec<TrackId>]) -> Self {
        let last = |track: TrackId| frames.iter().rposition(|tracks| tracks.contains(&track)).unwrap();
        let all: BTreeSet<TrackId> = frames.iter().flatten().copied().collect();
        let frame = |(index, tracks): (usize, &Vec<TrackId>)| CroppedFrame {
            index: index as u64,
            pts_s: index as f64 / fps,
            file: None,
            faces: tracks.iter().map(|&track| face(track)).collect(),
            crops: tracks.iter().map(|&track| picture(index, track)).collect(),
            ended: all.iter().copied().filter(|&track| last(track) + max_gap + 1 == index).collect(),
        };
        Script { frames: frames.iter().enumerate().map(frame).collect::<Vec<_>>().into_iter() }
    }
}

impl FaceSource for Script {
    fn next_frames(&mut self) -> Result<Option<Vec<CroppedFrame>>, EstError> {
        Ok(self.frames.next().map(|frame| vec![frame]))
    }
}

fn face(track: TrackId) -> Face {
    let rect = Rect { x: 1.0, y: 2.0, w: 3.0, h: 4.0 };
    Face { track, rect, landmarks: [[0.0; 2]; 5], score: 0.9, quality: 0.8, interpolated: false }
}

fn picture(frame: usize, track: TrackId) -> Image {
    let noise = Noise::new(u64::from(track), &frame.to_string());
    let data = (0..SIZE * SIZE * 3).map(|i| (noise.unit(i as u64) * 256.0) as u8).collect();
    Image::new(SIZE, SIZE, data)
}

fn rows(recogniser: &mut Recogniser, mut script: Script) -> Vec<Row> {
    let mut rows = vec![];
    let mut sink = |row| {
        rows.push(row);
        Ok(())
    };
    est::recognise(recogniser, &mut script, &mut sink, &mut |_| ()).unwrap();
    rows
}

#[test]
fn a_crop_is_encoded_once_however_many_windows_it_is_in() {
    let frames = vec![vec![1]; 250];
    let mut often = recogniser(1);
    let rows_often = rows(&mut often, Script::new(25.0, 5, &frames));
    let windows: BTreeSet<_> =
        rows_often.iter().map(|row| row.face.as_ref().unwrap().scored.start_s.to_bits()).collect();
    assert!(windows.len() > 100, "{} windows", windows.len());
    // 15 frames at either end are in no snippet.
    assert!(often.encoded() <= 250 - 15, "{} crops encoded", often.encoded());

    // One window alone gives the same as the same window among others.
    let mut once = recogniser(1000);
    let first = &rows(&mut once, Script::new(25.0, 5, &frames))[0];
    assert_eq!(once.encoded(), 2 * 35, "the first window and the one that ends with the track");
    assert_eq!(first.face.as_ref().unwrap().scored.emotion, rows_often[0].face.as_ref().unwrap().scored.emotion);
}

/// Random scripts of up to three faces that come, go and come back: every frame is there, in order, once per track.
#[test]
fn every_frame_has_its_rows() {
    for seed in 0..6 {
        let noise = Noise::new(seed, "script");
        let max_gap = 4;
        let mut present = [false; 3];
        let mut number = [0, 0, 0];
        let mut missing = [usize::MAX; 3];
        let mut next = 1;
        let mut frames: Vec<Vec<TrackId>> = vec![];
        for frame in 0..160u64 {
            let mut tracks = vec![];
            for slot in 0..3 {
                if noise.unit(frame * 3 + slot as u64) < 0.06 {
                    present[slot] = !present[slot];
                }
                if !present[slot] {
                    missing[slot] = missing[slot].saturating_add(1);
                    continue;
                }
                if missing[slot] > max_gap {
                    number[slot] = next;
                    next += 1;
                }
                missing[slot] = 0;
                tracks.push(number[slot]);
            }
            tracks.sort_unstable();
            frames.push(tracks);
        }
        let rows = rows(&mut recogniser(20), Script::new(25.0, max_gap, &frames));

        let order: Vec<_> = rows.iter().map(|row| (row.frame, row.track)).collect();
        assert!(order.is_sorted() && order.windows(2).all(|pair| pair[0] != pair[1]), "seed {seed}");
        let mut spans: BTreeMap<TrackId, (usize, usize)> = BTreeMap::new();
        for (frame, tracks) in frames.iter().enumerate() {
            for &track in tracks {
                spans.entry(track).or_insert((frame, frame)).1 = frame;
            }
        }
        let mut expected = vec![];
        for (frame, tracks) in frames.iter().enumerate() {
            let within = spans.iter().filter(|(_, (first, last))| (*first..=*last).contains(&frame));
            let within: Vec<_> =
                within.map(|(&track, _)| (frame as u64, Some(track), tracks.contains(&track))).collect();
            if within.is_empty() {
                expected.push((frame as u64, None, false));
            }
            expected.extend(within);
        }
        let found: Vec<_> = rows.iter().map(|row| (row.frame, row.track, row.status != Status::NoFace)).collect();
        assert_eq!(found, expected, "seed {seed}");
        for row in &rows {
            assert_eq!(row.face.is_some(), row.status != Status::NoFace);
        }
    }
}

#[test]
fn no_frames_no_rows() {
    assert!(rows(&mut recogniser(5), Script::new(25.0, 5, &[])).is_empty());
}
