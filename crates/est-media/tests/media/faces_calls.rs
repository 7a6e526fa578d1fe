//! Tracks in video calls: drawn tiles, and a detector that is told where the faces are.

use est_media::{Detection, Detector, FaceTracker, Frame, FrameFaces, Image, MediaError, Rect, TrackId, TrackOptions};

const WIDTH: usize = 320;
const HEIGHT: usize = 180;
const FRAMES: usize = 24;
/// Where the faces of four tiles are, left and top.
const TILES: [[f32; 2]; 4] = [[50.0, 15.0], [210.0, 15.0], [50.0, 105.0], [210.0, 105.0]];
/// Width and height of a face.
const FACE: [f32; 2] = [50.0, 60.0];

/// Asks `faces` for the boxes in the frame whose number the picture's first pixel has.
struct Told<F>(F);

impl<F: Fn(usize) -> Vec<Rect>> Detector for Told<F> {
    fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, MediaError> {
        Ok(self.0(usize::from(image.data[0])).into_iter().map(face).collect())
    }
}

fn face(rect: Rect) -> Detection {
    let at = |dx: f32, dy: f32| [rect.x + dx * rect.w, rect.y + dy * rect.h];
    let landmarks = [at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.35, 0.8), at(0.65, 0.8)];
    Detection { rect, score: 0.9, landmarks }
}

fn rect([x, y]: [f32; 2], scale: f32) -> Rect {
    Rect { x, y, w: scale * FACE[0], h: scale * FACE[1] }
}

fn in_tiles(_: usize) -> Vec<Rect> {
    TILES.map(|place| rect(place, 1.0)).to_vec()
}

/// What somebody or something looks like: patches whose colours follow from a number.
fn patch(number: usize, x: f32, y: f32) -> [f32; 3] {
    let (x, y) = ((x / 8.0).floor() as i64 as usize, (y / 8.0).floor() as i64 as usize);
    let hash = number.wrapping_mul(7919).wrapping_add(x.wrapping_mul(104_729)).wrapping_add(y.wrapping_mul(1_299_709));
    let hash = hash.wrapping_add(17).wrapping_mul(2_654_435_761);
    [hash >> 8, hash >> 16, hash >> 24].map(|bits| (bits & 255) as f32)
}

fn picture(number: usize, [width, height]: [usize; 2], pixel: impl Fn(f32, f32) -> [f32; 3]) -> Image {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let mut data: Vec<u8> = places.flat_map(|(x, y)| pixel(x as f32, y as f32).map(|level| level as u8)).collect();
    data[0] = number as u8;
    Image::new(width, height, data)
}

/// Four tiles, each of somebody with a wall of their own.
fn tiles(number: usize, who: [usize; 4], gain: f32) -> Image {
    let (w, h) = (WIDTH as f32 / 2.0, HEIGHT as f32 / 2.0);
    picture(number, [WIDTH, HEIGHT], |x, y| {
        let tile = who[usize::from(y >= h) * 2 + usize::from(x >= w)];
        patch(tile, x % w, y % h).map(|level| level * gain)
    })
}

/// Somebody with hair around the face, as what is drawn where the face is `scale` times as large as `FACE`.
fn person(who: usize, place: Rect, x: f32, y: f32) -> Option<[f32; 3]> {
    let scale = place.w / FACE[0];
    let [cx, cy] = place.centre();
    let (dx, dy) = ((x - cx) / scale, (y - cy) / scale);
    ((dx / 34.0).powi(2) + (dy / 40.0).powi(2) < 1.0).then(|| patch(who, dx + 40.0, dy + 40.0))
}

fn run(detect_every: usize, picture: impl Fn(usize) -> Image, faces: impl Fn(usize) -> Vec<Rect>) -> Vec<FrameFaces> {
    let mut tracker = FaceTracker::new(Told(faces), TrackOptions { detect_every, ..TrackOptions::default() });
    let mut out = vec![];
    for k in 0..FRAMES {
        let frame = Frame { index: k as u64, pts_s: k as f64 / 25.0, image: picture(k), picture: None };
        out.extend(tracker.push(frame).unwrap());
        assert!(k + 1 - out.len() <= detect_every, "{} frames out after {k}", out.len());
    }
    out.extend(tracker.finish().unwrap());
    assert!(out.iter().map(|out| out.frame.index).eq(0..FRAMES as u64));
    assert!(out.iter().all(|out| !out.cut), "the whole picture cuts");
    out
}

fn tracks(out: &FrameFaces) -> Vec<TrackId> {
    out.faces.iter().map(|face| face.track).collect()
}

#[track_caller]
fn assert_goes_on(out: &[FrameFaces], all: &[TrackId], what: &str) {
    for frame in out {
        assert_eq!((tracks(frame), frame.ended.len()), (all.to_vec(), 0), "{what}, frame {}", frame.frame.index);
    }
}

/// Wherever the change falls between two detections.
#[test]
fn two_who_change_places_are_four_tracks() {
    for detect_every in [1, 2, 3, 5] {
        for at in 9..15 {
            let shown = |k| tiles(k, if k < at { [0, 1, 2, 3] } else { [1, 0, 2, 3] }, 1.0);
            for frame in run(detect_every, shown, in_tiles) {
                let k = frame.frame.index as usize;
                let tracks = tracks(&frame);
                assert_eq!(tracks.len(), 4, "every {detect_every}, change at {at}, frame {k}");
                let ended = if k == at { 2 } else { 0 };
                assert_eq!(frame.ended.len(), ended, "every {detect_every}, change at {at}, frame {k}");
                let old = tracks.iter().filter(|&&track| track <= 4).count();
                assert_eq!(old, if k < at { 4 } else { 2 }, "every {detect_every}, change at {at}, frame {k}");
            }
        }
    }
}

/// The speaker's view: one wall for all, so that only the person changes.
#[test]
fn another_speaker_before_the_same_wall_is_another_track() {
    let place = rect([120.0, 50.0], 1.4);
    for at in 9..15 {
        let shown = |k| {
            picture(k, [WIDTH, HEIGHT], |x, y| {
                person(1 + usize::from(k >= at), place, x, y).unwrap_or_else(|| patch(9, x, y))
            })
        };
        for frame in run(3, shown, |_| vec![place]) {
            let want = if frame.frame.index < at as u64 { [1] } else { [2] };
            assert_eq!(tracks(&frame), want, "change at {at}, frame {}", frame.frame.index);
        }
    }
}

#[test]
fn a_picture_in_the_picture_cuts_alone() {
    let (large, small) = (rect([60.0, 40.0], 1.6), rect([262.0, 130.0], 0.6));
    for at in 9..15 {
        let shown = |k| {
            picture(k, [WIDTH, HEIGHT], |x, y| match x >= 240.0 && y >= 115.0 {
                true => patch(5 + usize::from(k >= at), x, y),
                false => person(1, large, x, y).unwrap_or_else(|| patch(9, x, y)),
            })
        };
        for frame in run(3, shown, |_| vec![large, small]) {
            let want = if frame.frame.index < at as u64 { [1, 2] } else { [1, 3] };
            assert_eq!(tracks(&frame), want, "change at {at}, frame {}", frame.frame.index);
        }
    }
}

#[test]
fn a_flash_ends_nothing() {
    for at in 9..15 {
        let out = run(3, |k| tiles(k, [0, 1, 2, 3], if k == at { 1.0 } else { 0.6 }), in_tiles);
        assert_goes_on(&out, &[1, 2, 3, 4], &format!("flash at {at}"));
    }
}

/// Somebody else joins: a tile moves and gets smaller at one frame, with its wall. Who stays near goes on.
#[test]
fn a_tile_that_moves_and_shrinks_goes_on() {
    let place = |k: usize| if k < 11 { rect([120.0, 50.0], 1.2) } else { rect([112.0, 46.0], 0.96) };
    let shown = |k| {
        let (scale, [cx, cy]) = (place(k).w / FACE[0], place(k).centre());
        picture(k, [WIDTH, HEIGHT], |x, y| {
            let (dx, dy) = ((x - cx) / scale, (y - cy) / scale);
            // Larger patches: of small ones, other pixels are seen at another size.
            match dx.abs() < 90.0 && dy.abs() < 60.0 {
                true => patch(1, dx / 2.0, dy / 2.0),
                false => [120.0; 3],
            }
        })
    };
    assert_goes_on(&run(3, shown, |k| vec![place(k)]), &[1], "a smaller tile");
}

/// WebRTC sends smaller pictures when the line gets worse.
#[test]
fn a_stream_that_changes_its_size_goes_on() {
    let scale = |k: usize| if (8..16).contains(&k) { 0.5 } else { 1.0 };
    let shown = |k: usize| {
        let [w, h] = [WIDTH, HEIGHT].map(|side| (side as f32 * scale(k)) as usize);
        let (cw, ch) = (WIDTH as f32 / 2.0, HEIGHT as f32 / 2.0);
        picture(k, [w, h], |x, y| {
            let (x, y) = (x / scale(k), y / scale(k));
            patch(usize::from(y >= ch) * 2 + usize::from(x >= cw), x % cw, y % ch)
        })
    };
    let faces = |k: usize| TILES.map(|[x, y]| rect([x * scale(k), y * scale(k)], scale(k))).to_vec();
    assert_goes_on(&run(3, shown, faces), &[1, 2, 3, 4], "smaller pictures");
}

#[test]
fn a_hand_before_the_face_ends_nothing() {
    // It comes from below, 12 pixels a frame (3.6 faces a second), over mouth and nose, and goes again. One of 20 pixels that stops
    // dead within a frame, as no hand does, would end the track.
    let place = rect([120.0, 50.0], 1.4);
    let shown = |k: usize| {
        let height = 12.0 * (8.0 - (k as f32 - 12.0).abs()).clamp(0.0, 7.0);
        picture(k, [WIDTH, HEIGHT], |x, y| match (130.0..185.0).contains(&x) && y > HEIGHT as f32 - height {
            true => patch(7, x / 3.0, (y + height) / 3.0),
            false => person(1, place, x, y).unwrap_or_else(|| patch(9, x, y)),
        })
    };
    assert_goes_on(&run(3, shown, |_| vec![place]), &[1], "a hand");
}

#[test]
fn fast_motion_ends_nothing() {
    // A tenth of the face's width a frame, to and fro.
    let place = |k: usize| rect([90.0 + 7.0 * (12.0 - (k as f32 - 12.0).abs()), 50.0], 1.4);
    let shown =
        |k: usize| picture(k, [WIDTH, HEIGHT], |x, y| person(1, place(k), x, y).unwrap_or_else(|| patch(9, x, y)));
    assert_goes_on(&run(3, shown, |k| vec![place(k)]), &[1], "fast motion");
}

/// At the edge something new comes in with every frame.
#[test]
fn who_slides_into_the_picture_is_one_track() {
    let place = |k: usize| rect([-35.0 + 6.0 * k as f32, 50.0], 1.4);
    let shown = |k: usize| picture(k, [WIDTH, HEIGHT], |x, y| person(1, place(k), x, y).unwrap_or([120.0; 3]));
    let out = run(3, shown, |k| vec![place(k)]);
    assert_goes_on(&out, &[1], "sliding in");
}
