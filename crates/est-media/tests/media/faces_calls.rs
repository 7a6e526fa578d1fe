//! Tracks in video calls: drawn tiles, and a detector that says where the faces are.

use est_media::{Detection, Detector, FaceTracker, Frame, FrameFaces, Image, MediaError, Rect, TrackId, TrackOptions};

const WIDTH: usize = 320;
const HEIGHT: usize = 180;

struct Tiles;

impl Detector for Tiles {
    /// A face in each of four tiles.
    fn detect(&mut self, _: &Image) -> Result<Vec<Detection>, MediaError> {
        let places = [[50.0, 15.0], [210.0, 15.0], [50.0, 105.0], [210.0, 105.0]];
        Ok(places.map(|[x, y]| face(x, y)).to_vec())
    }
}

fn face(x: f32, y: f32) -> Detection {
    let (w, h) = (50.0, 60.0);
    let at = |dx: f32, dy: f32| [x + dx * w, y + dy * h];
    Detection {
        rect: Rect { x, y, w, h },
        score: 0.9,
        landmarks: [at(0.3, 0.4), at(0.7, 0.4), at(0.5, 0.6), at(0.35, 0.8), at(0.65, 0.8)],
    }
}

/// Four tiles of patches, each drawn from its number.
fn picture(tiles: [usize; 4], gain: f32) -> Image {
    let patch = |tile: usize, x: usize, y: usize| {
        let hash = (tile * 7919 + x / 8 * 104_729 + y / 8 * 1_299_709 + 17).wrapping_mul(2_654_435_761);
        [hash >> 8, hash >> 16, hash >> 24].map(|bits| ((bits & 255) as f32 * gain) as u8)
    };
    let (w, h) = (WIDTH / 2, HEIGHT / 2);
    let pixels = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    let data = pixels.flat_map(|(x, y)| patch(tiles[y / h * 2 + x / w], x % w, y % h)).collect();
    Image::new(WIDTH, HEIGHT, data)
}

fn run(detect_every: usize, picture: impl Fn(usize) -> Image) -> Vec<FrameFaces> {
    let mut tracker = FaceTracker::new(Tiles, TrackOptions { detect_every, ..TrackOptions::default() });
    let mut out = vec![];
    for k in 0..24 {
        let frame = Frame { index: k as u64, pts_s: k as f64 / 25.0, image: picture(k), picture: None };
        out.extend(tracker.push(frame).unwrap());
        assert!(k + 1 - out.len() <= detect_every, "{} frames out after {k}", out.len());
    }
    out.extend(tracker.finish().unwrap());
    assert!(out.iter().map(|out| out.frame.index).eq(0..24));
    out
}

fn tracks(out: &FrameFaces) -> Vec<TrackId> {
    out.faces.iter().map(|face| face.track).collect()
}

/// Wherever the change falls between two detections.
#[test]
fn two_who_change_places_are_four_tracks() {
    for detect_every in [1, 2, 3, 5] {
        for at in 9..15 {
            let out = run(detect_every, |k| picture(if k < at { [0, 1, 2, 3] } else { [1, 0, 2, 3] }, 1.0));
            for frame in &out {
                let k = frame.frame.index as usize;
                let tracks = tracks(frame);
                assert!(tracks.len() == 4 && !frame.cut, "every {detect_every}, change at {at}, frame {k}");
                let ended = if k == at { 2 } else { 0 };
                assert_eq!(frame.ended.len(), ended, "every {detect_every}, change at {at}, frame {k}");
                let old = tracks.iter().filter(|&&track| track <= 4).count();
                assert_eq!(old, if k < at { 4 } else { 2 }, "every {detect_every}, change at {at}, frame {k}");
            }
        }
    }
}

#[test]
fn a_flash_ends_nothing() {
    for at in 9..15 {
        let out = run(3, |k| picture([0, 1, 2, 3], if k == at { 1.0 } else { 0.6 }));
        assert!(out.iter().all(|out| tracks(out) == [1, 2, 3, 4] && out.ended.is_empty()), "flash at {at}");
    }
}
