//! The tracker with a detector that says what the test wants.

use est_media::{
    Detection, Detector, Face, FaceTracker, Frame, FrameFaces, Image, MediaError, Picture, Rect, TrackId, TrackOptions,
};

/// Pictures carry their number, so that the script knows which one it is shown.
const WIDTH: usize = 64;
const HEIGHT: usize = 36;

/// Scene 0 is red left and black right, scene 1 green above and white below: no cut detector doubts it.
fn picture(number: u64, scene: usize) -> Image {
    let mut image = Image::new(WIDTH, HEIGHT, vec![0; WIDTH * HEIGHT * 3]);
    for (place, pixel) in image.data.chunks_exact_mut(3).enumerate() {
        let (x, y) = (place % WIDTH, place / WIDTH);
        let colour: [u8; 3] = match scene % 2 {
            0 if x < WIDTH / 2 => [200, 0, 0],
            0 => [0, 0, 0],
            _ if y < HEIGHT / 2 => [0, 200, 0],
            _ => [255, 255, 255],
        };
        pixel.copy_from_slice(&colour);
    }
    image.data[..2].copy_from_slice(&(number as u16).to_le_bytes());
    image
}

struct Script<F> {
    faces: F,
    shown: Vec<u64>,
}

impl<F: Fn(u64) -> Vec<Detection>> Detector for Script<F> {
    fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, MediaError> {
        let number = u64::from(u16::from_le_bytes([image.data[0], image.data[1]]));
        self.shown.push(number);
        Ok((self.faces)(number))
    }
}

fn face(x: f32, y: f32, score: f32) -> Detection {
    let (w, h) = (60.0, 80.0);
    let at = |dx: f32, dy: f32| [x + dx * w, y + dy * h];
    Detection {
        rect: Rect { x, y, w, h },
        score,
        landmarks: [at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.35, 0.8), at(0.65, 0.8)],
    }
}

fn options(detect_every: usize) -> TrackOptions {
    TrackOptions { detect_every, ..TrackOptions::default() }
}

/// What came out, and which frames the detector saw.
struct Run {
    frames: Vec<FrameFaces>,
    shown: Vec<u64>,
}

/// `frames` holds time and scene of each frame. Checks on the way that frames come in order, once, and soon enough.
fn run(options: TrackOptions, frames: &[(f64, usize)], faces: impl Fn(u64) -> Vec<Detection>) -> Run {
    let late = options.detect_every as u64;
    let mut script = Script { faces, shown: vec![] };
    let mut tracker = FaceTracker::new(&mut script, options);
    let mut out = vec![];
    for (number, &(pts_s, scene)) in frames.iter().enumerate() {
        let index = number as u64;
        out.extend(tracker.push(Frame { index, pts_s, image: picture(index, scene), picture: None }).unwrap());
        assert!(index + 1 - out.len() as u64 <= late, "{} frames out after {index}", out.len());
    }
    out.extend(tracker.finish().unwrap());
    assert!(out.iter().map(|out| out.frame.index).eq(0..frames.len() as u64));
    for (out, &(pts_s, _)) in out.iter().zip(frames) {
        assert_eq!(out.frame.pts_s, pts_s);
        assert!(out.faces.is_sorted_by(|a, b| a.track < b.track), "{:?}", out.faces);
    }
    Run { frames: out, shown: script.shown }
}

impl Run {
    /// The frames in which `track` has a face.
    fn of(&self, track: TrackId) -> Vec<u64> {
        let with = self.frames.iter().filter(|out| out.faces.iter().any(|face| face.track == track));
        with.map(|out| out.frame.index).collect()
    }

    fn tracks(&self) -> Vec<TrackId> {
        let mut tracks: Vec<TrackId> = self.frames.iter().flat_map(|out| &out.faces).map(|face| face.track).collect();
        tracks.sort_unstable();
        tracks.dedup();
        tracks
    }

    fn ended(&self) -> Vec<(u64, TrackId)> {
        self.frames.iter().flat_map(|out| out.ended.iter().map(|&track| (out.frame.index, track))).collect()
    }

    fn faces(&self) -> impl Iterator<Item = (f64, &Face)> {
        self.frames.iter().flat_map(|out| out.faces.iter().map(|face| (out.frame.pts_s, face)))
    }
}

/// One scene of `count` frames at `fps`.
fn scene(count: usize, fps: f64) -> Vec<(f64, usize)> {
    (0..count).map(|k| (k as f64 / fps, 0)).collect()
}

/// Numbers in 0..1 that a test repeats exactly.
fn random(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    }
}

#[test]
fn three_faces_are_numbered_from_the_left() {
    let places = [400.0, 20.0, 200.0];
    let run = run(options(3), &scene(20, 25.0), |_| places.map(|x| face(x, 50.0, 0.9)).to_vec());
    assert_eq!(run.tracks(), [1, 2, 3]);
    for (_, face) in run.faces() {
        assert_eq!(face.rect.x, [20.0, 200.0, 400.0][face.track as usize - 1]);
    }
    assert!((1..=3).all(|track| run.of(track).len() == 20));
    assert_eq!(run.ended(), []);
}

#[test]
fn the_detector_sees_every_third_frame_and_the_last() {
    let run = run(options(3), &scene(9, 25.0), |_| vec![face(10.0, 10.0, 0.9)]);
    assert_eq!(run.shown, [0, 3, 6, 8]);
    let interpolated: Vec<bool> = run.faces().map(|(_, face)| face.interpolated).collect();
    assert_eq!(interpolated, [false, true, true, false, true, true, false, true, false]);
}

#[test]
fn boxes_in_between_follow_the_clock() {
    // Frames at uneven times, a face that moves at 100 pixels a second and whose score differs.
    let times: Vec<(f64, usize)> = [0.0, 0.01, 0.05, 0.1, 0.13, 0.14, 0.2].map(|t| (t, 0)).to_vec();
    let at = |number: u64| face(100.0 * times[number as usize].0 as f32, 30.0, 0.9 + 0.01 * number as f32);
    let run = run(options(3), &times, |number| vec![at(number)]);
    assert_eq!(run.shown, [0, 3, 6]);
    for (pts_s, face) in run.faces() {
        let x = 100.0 * pts_s as f32;
        // Rounding of positions below 64: 1e-4 is 25 units in the last place.
        assert!((face.rect.x - x).abs() < 1e-4, "{} is not {x}", face.rect.x);
        assert!((face.landmarks[0][0] - (x + 18.0)).abs() < 1e-4);
    }
    // 0.01 and 0.05 of 0.1 s: the first is nearer to the start; halfway counts as the later.
    let nearest = [0, 0, 3, 3, 3, 3, 6];
    assert!(run.faces().map(|(_, face)| face.score).eq(nearest.map(|number| at(number).score)));
}

#[test]
fn crossing_faces_keep_their_numbers() {
    for detect_every in [1, 2, 3, 5] {
        // 150 pixels a second towards each other, on lines 20 pixels apart.
        let run = run(options(detect_every), &scene(60, 25.0), |number| {
            let moved = 6.0 * number as f32;
            vec![face(20.0 + moved, 50.0, 0.9), face(374.0 - moved, 70.0, 0.9)]
        });
        assert_eq!(run.tracks(), [1, 2], "every {detect_every}");
        for (_, face) in run.faces() {
            assert_eq!(face.rect.y, [50.0, 70.0][face.track as usize - 1], "every {detect_every}");
        }
    }
}

#[test]
fn faces_that_hide_each_other_while_crossing_keep_their_numbers() {
    let x = |number: u64| (20.0 + 6.0 * number as f32, 374.0 - 6.0 * number as f32);
    let run = run(options(3), &scene(60, 25.0), |number| {
        let (right, left) = x(number);
        // While they overlap by more than 40 %, suppression leaves the first alone.
        let hidden = (right - left).abs() < 26.0;
        let mut faces = vec![face(right, 50.0, 0.95), face(left, 50.0, 0.9)];
        faces.truncate(if hidden { 1 } else { 2 });
        faces
    });
    assert_eq!(run.tracks(), [1, 2]);
    let last = &run.frames[59].faces;
    assert_eq!((last[0].rect.x, last[1].rect.x), x(59));
}

/// At three frame rates: what counts is the time.
#[test]
fn a_short_gap_keeps_the_number_and_a_long_one_does_not() {
    for fps in [10.0, 25.0, 60.0] {
        for (gap_s, tracks) in [(0.7, vec![1]), (1.6, vec![1, 2])] {
            let frames = scene((4.0 * fps) as usize, fps);
            let there = |pts_s: f64| pts_s < 1.0 || pts_s >= 1.0 + gap_s;
            let run = run(options(3), &frames, |number| {
                let there = there(frames[number as usize].0);
                if there { vec![face(100.0, 50.0, 0.9)] } else { vec![] }
            });
            assert_eq!(run.tracks(), tracks, "{fps} fps, gap of {gap_s} s");
            for out in &run.frames {
                assert!(out.faces.is_empty() || there(out.frame.pts_s), "a face in the gap at {}", out.frame.pts_s);
            }
            let ended = run.ended();
            assert_eq!(
                ended.iter().map(|&(_, track)| track).collect::<Vec<_>>(),
                tracks[1..].iter().map(|_| 1).collect::<Vec<_>>()
            );
            if let Some(&(frame, _)) = ended.first() {
                let last = *run.of(1).last().unwrap();
                let waited = frames[frame as usize].0 - frames[last as usize].0;
                // The first detection after the limit: at most three frames or a quarter of a second and a frame later.
                assert!(waited > 1.0 && waited < 1.0 + (3.0 / fps).min(0.25 + 1.0 / fps) + 1e-9, "{waited}");
            }
        }
    }
}

#[test]
fn missing_pictures_longer_than_the_longest_gap_end_a_track() {
    for (missing, tracks) in [(0, vec![1]), (20, vec![1]), (50, vec![1, 2])] {
        let script = Script { faces: |_| vec![face(100.0, 50.0, 0.9)], shown: vec![] };
        let mut tracker = FaceTracker::new(script, options(3));
        let mut frames = vec![];
        for index in 0..20_u64 {
            let number = if index < 10 { index } else { index + missing };
            let picture_of = Picture { file: "x".into(), missing: if index == 10 { missing } else { 0 } };
            let frame =
                Frame { index, pts_s: number as f64 / 25.0, image: picture(index, 0), picture: Some(picture_of) };
            frames.extend(tracker.push(frame).unwrap());
        }
        frames.extend(tracker.finish().unwrap());
        let found: std::collections::BTreeSet<u32> =
            frames.iter().flat_map(|frame| &frame.faces).map(|face| face.track).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), tracks, "{missing} missing");
        assert!(frames.iter().all(|frame| frame.faces.len() == 1));
    }
}

#[test]
fn a_gap_hides_the_frames_around_missed_detections_only() {
    let run =
        run(options(3), &scene(16, 25.0), |number| if number == 6 { vec![] } else { vec![face(10.0, 10.0, 0.9)] });
    assert_eq!(run.of(1), [0, 1, 2, 3, 9, 10, 11, 12, 13, 14, 15]);
}

#[test]
fn a_face_elsewhere_after_a_gap_is_a_new_one() {
    let run = run(options(3), &scene(40, 25.0), |number| match number {
        0..=12 => vec![face(10.0, 50.0, 0.9)],
        13..=20 => vec![],
        _ => vec![face(200.0, 50.0, 0.9)],
    });
    assert_eq!(run.tracks(), [1, 2]);
}

#[test]
fn a_head_that_stops_while_it_is_missed_keeps_its_number() {
    // 400 pixels a second until it is lost, found 0.8 s later 50 pixels further, not 320.
    let run = run(options(3), &scene(50, 25.0), |number| match number {
        0..=15 => vec![face(16.0 * number as f32, 50.0, 0.9)],
        16..=35 => vec![],
        _ => vec![face(290.0, 50.0, 0.9)],
    });
    assert_eq!(run.tracks(), [1]);
}

#[test]
fn jitter_and_growth_are_one_face() {
    let mut random = random(5);
    let shake: Vec<[f32; 3]> = (0..200).map(|_| [0, 1, 2].map(|_| random() - 0.5)).collect();
    let run = run(options(3), &scene(200, 25.0), |number| {
        let [dx, dy, grow] = shake[number as usize];
        let mut face = face(100.0 + 8.0 * dx, 80.0 + 8.0 * dy, 0.9);
        face.rect.w *= 1.0 + 0.1 * grow + 0.005 * number as f32;
        face.rect.h *= 1.0 + 0.1 * grow + 0.005 * number as f32;
        vec![face]
    });
    assert_eq!(run.tracks(), [1]);
    assert_eq!(run.of(1).len(), 200);
}

#[test]
fn what_is_seen_once_is_no_face() {
    for detect_every in [1, 3] {
        let run = run(options(detect_every), &scene(30, 25.0), |number| {
            let mut faces = vec![face(100.0, 50.0, 0.9)];
            if number % 9 == 6 {
                faces.push(face(300.0, 50.0, 0.95));
            }
            faces
        });
        assert_eq!(run.tracks(), [1], "every {detect_every}");
        assert_eq!(run.of(1).len(), 30);
    }
}

#[test]
fn a_faint_face_continues_a_track_but_starts_none() {
    let run = run(options(3), &scene(30, 25.0), |number| {
        let score = if number < 10 { 0.9 } else { 0.4 };
        vec![face(100.0, 50.0, score), face(300.0, 50.0, 0.5)]
    });
    assert_eq!(run.tracks(), [1]);
    assert_eq!(run.of(1).len(), 30);
}

#[test]
fn a_strong_detection_goes_before_a_faint_one() {
    // The faint one is nearer to where the face was.
    let run = run(options(1), &scene(10, 25.0), |number| match number {
        0..=4 => vec![face(100.0, 50.0, 0.9)],
        _ => vec![face(100.0, 50.0, 0.35), face(115.0, 50.0, 0.9)],
    });
    assert_eq!(run.tracks(), [1]);
    assert_eq!(run.frames[9].faces[0].rect.x, 115.0);
}

#[test]
fn a_cut_ends_every_track() {
    // The cut falls between two detections; the faces stay where they are.
    let frames: Vec<(f64, usize)> = (0..20).map(|k| (k as f64 / 25.0, usize::from(k >= 11))).collect();
    let run = run(options(4), &frames, |_| vec![face(100.0, 50.0, 0.9), face(300.0, 50.0, 0.9)]);
    assert_eq!(run.shown, [0, 4, 8, 10, 11, 15, 19]);
    assert_eq!(run.tracks(), [1, 2, 3, 4]);
    assert_eq!(run.of(2), (0..11).collect::<Vec<_>>());
    assert_eq!(run.of(3), (11..20).collect::<Vec<_>>());
    assert_eq!(run.ended(), [(11, 1), (11, 2)]);
    assert!(run.frames.iter().all(|out| out.cut == (out.frame.index == 11)));
}

#[test]
fn a_single_frame_has_its_faces() {
    let run =
        run(options(3), &scene(1, 25.0), |_| vec![face(300.0, 50.0, 0.9), face(100.0, 50.0, 0.9), face(0.0, 0.0, 0.5)]);
    let found: Vec<(TrackId, f32)> = run.faces().map(|(_, face)| (face.track, face.rect.x)).collect();
    assert_eq!(found, [(1, 100.0), (2, 300.0)]);
}

#[test]
fn a_video_of_few_frames_is_detected_on_each() {
    let run = run(options(3), &scene(10, 0.5), |_| vec![face(100.0, 50.0, 0.9)]);
    assert_eq!(run.shown.len(), 10);
    assert_eq!(run.of(1).len(), 10);
}

#[test]
fn nothing_in_nothing_out() {
    let run = run(options(3), &[], |_| vec![]);
    assert!(run.frames.is_empty() && run.shown.is_empty());
}

/// Any detections, cuts, rates and lengths: `run` checks order, completeness and delay; here the rest that always holds.
#[test]
fn whatever_comes_frames_are_neither_lost_nor_doubled() {
    let mut random = random(7);
    for trial in 0..300 {
        let mut pick = |below: usize| (random() * below as f32) as usize;
        let (count, detect_every) = (pick(40), 1 + pick(7));
        let (mut pts_s, mut scene) = (0.0, 0);
        let frames: Vec<(f64, usize)> = (0..count)
            .map(|_| {
                pts_s += [0.01, 0.04, 0.04, 0.3, 2.0][pick(5)];
                scene += usize::from(pick(8) == 0);
                (pts_s, scene)
            })
            .collect();
        let script: Vec<Vec<Detection>> = (0..count)
            .map(|_| {
                (0..pick(5))
                    .map(|_| face(pick(8) as f32 * 50.0, pick(3) as f32 * 60.0, 0.3 + 0.1 * pick(7) as f32))
                    .collect()
            })
            .collect();
        let result = run(options(detect_every), &frames, |number| script[number as usize].clone());
        let again = run(options(detect_every), &frames, |number| script[number as usize].clone());
        assert!(
            result.frames.iter().map(|out| &out.faces).eq(again.frames.iter().map(|out| &out.faces)),
            "trial {trial}"
        );
        assert_eq!(result.tracks(), (1..=result.tracks().len() as TrackId).collect::<Vec<_>>(), "trial {trial}");
        for (frame, track) in result.ended() {
            assert!(result.of(track).iter().all(|&with| with < frame), "trial {trial}: {track} goes on after {frame}");
        }
        // The cut detector lets a short interruption pass, so what counts is what it said.
        let cuts = |frame: u64| result.frames[..=frame as usize].iter().filter(|out| out.cut).count();
        for track in result.tracks() {
            let of = result.of(track);
            assert_eq!(cuts(of[0]), cuts(of[of.len() - 1]), "trial {trial}: {track} goes across a cut");
        }
        // Every face that is not interpolated is one that the detector named in that frame.
        for out in &result.frames {
            for face in out.faces.iter().filter(|face| !face.interpolated) {
                assert!(result.shown.contains(&out.frame.index));
                assert!(script[out.frame.index as usize].iter().any(|named| named.rect == face.rect));
            }
        }
    }
}

#[test]
fn quality_is_that_of_the_frame() {
    let run = run(options(3), &scene(4, 25.0), |_| vec![face(2.0, -40.0, 0.9)]);
    for out in &run.frames {
        let face = &out.faces[0];
        assert_eq!(face.quality, est_media::quality(&out.frame.image, face));
        assert!(face.quality < 0.5, "half of it is outside: {}", face.quality);
    }
}

#[test]
#[should_panic(expected = "order of time")]
fn frames_out_of_order_are_a_mistake_of_the_caller() {
    run(options(3), &[(0.0, 0), (0.2, 0), (0.1, 0)], |_| vec![]);
}

#[test]
fn a_detector_that_fails_is_reported() {
    struct Broken;
    impl Detector for Broken {
        fn detect(&mut self, _: &Image) -> Result<Vec<Detection>, MediaError> {
            Err(MediaError::NotFound { path: "detector".into() })
        }
    }
    let mut tracker = FaceTracker::new(Broken, options(1));
    assert!(tracker.push(Frame { index: 0, pts_s: 0.0, image: picture(0, 0), picture: None }).is_err());
}
