//! RetinaFace on real pictures against the reference's decode (goldens/make.py retinaface).

use est_engine::Options;
use est_goldens::{assert_close, download, load};
use est_media::{DecodeOptions, Detector, DetectorOptions, Face, Image, Rect, RetinaFace, Video, crop};
use est_nets::weights::load_tensors;
use est_nets::{Crop, Preprocessing};

fn picture(name: &str) -> Image {
    let mut video = Video::open(&download(name), &DecodeOptions::default()).unwrap();
    video.next_frame().unwrap().unwrap().image
}

fn retinaface(options: DetectorOptions) -> RetinaFace {
    let tensors = load_tensors(&download("retinaface_mobilenet0.25.pth")).unwrap().tensors;
    RetinaFace::new(tensors, options, &Options { threads: 1, ..Options::EXACT }).unwrap()
}

/// The reference keeps scores above 0.5 and does not reduce the picture.
fn as_reference() -> RetinaFace {
    retinaface(DetectorOptions { size: 1024, low_score: 0.5, ..DetectorOptions::default() })
}

fn compare(name: &str, file: &str, pixels: f32) {
    let golden = load("retinaface.safetensors");
    let image = picture(file);
    let mut sums = [0u64; 3];
    for pixel in image.data.chunks_exact(3) {
        (0..3).for_each(|channel| sums[channel] += u64::from(pixel[channel]));
    }
    let mean = sums.map(|sum| (sum as f64 / (image.width * image.height) as f64) as f32);
    // Two decoders may differ by a level here and there, not on average: else it is another picture.
    assert_close(&format!("{name}: mean of the picture"), &mean, &golden[&format!("{name}.picture_mean")].data, 0.3);

    let mut found = as_reference().detect(&image).unwrap();
    let scores: Vec<f32> = found.iter().map(|face| face.score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    // From left to right, since scores of 0.9999 may change places.
    found.sort_by(|a, b| a.rect.x.total_cmp(&b.rect.x));
    let [boxes, points, scores] = ["boxes", "points", "scores"].map(|part| &golden[&format!("{name}.{part}")].data);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| boxes[4 * a].total_cmp(&boxes[4 * b]));
    assert_eq!(found.len(), order.len(), "{name}: faces");
    for (face, k) in found.iter().zip(order) {
        let rect = face.rect;
        let corners = [rect.x, rect.y, rect.x + rect.w, rect.y + rect.h];
        assert_close(&format!("{name}: box"), &corners, &boxes[4 * k..][..4], pixels);
        assert_close(&format!("{name}: points"), face.landmarks.as_flattened(), &points[10 * k..][..10], pixels);
        assert_close(&format!("{name}: score"), &[face.score], &scores[k..][..1], 1e-3);
    }
}

/// The picture is lossless, so only arithmetic differs: PyTorch's own float32 is 3e-5 pixels off its float64.
#[test]
fn one_face_as_the_reference_finds_it() {
    compare("astronaut", "astronaut.png", 1e-3);
}

/// The reference's JPEG decoder enlarges the chroma planes by another filter: that moves boxes by a fraction of a pixel.
#[test]
fn five_faces_as_the_reference_finds_them() {
    compare("multi_face", "multi_face.jpg", 0.5);
}

/// The default size reduces 1000 to 640 pixels: the same five faces, up to the detector's own unsteadiness between
/// scales (the worst box overlaps by 0.89, the worst points are 4.5 % of the face's size apart).
#[test]
fn reduced_pictures_give_the_same_faces() {
    let image = picture("multi_face.jpg");
    let mut whole = as_reference().detect(&image).unwrap();
    let mut reduced = retinaface(DetectorOptions::default()).detect(&image).unwrap();
    assert_eq!((whole.len(), reduced.len()), (5, 5));
    for faces in [&mut whole, &mut reduced] {
        faces.sort_by(|a, b| a.rect.x.total_cmp(&b.rect.x));
    }
    for (a, b) in whole.iter().zip(&reduced) {
        let apart = a.landmarks.iter().zip(&b.landmarks).map(|(p, q)| (p[0] - q[0]).hypot(p[1] - q[1]));
        let apart = apart.sum::<f32>() / 5.0 / a.rect.area().sqrt();
        let overlap = a.rect.iou(&b.rect);
        assert!(overlap > 0.85 && apart < 0.06, "overlap {overlap}, points {apart} of the face apart");
    }
}

#[test]
fn pictures_of_any_size_in_any_order() {
    let mut detector = retinaface(DetectorOptions::default());
    let astronaut = picture("astronaut.png");
    let first = detector.detect(&astronaut).unwrap();
    for (width, height) in [(1, 1), (32, 32), (33, 31), (10_000, 16), (64, 640)] {
        let gray = Image::new(width, height, vec![128; width * height * 3]);
        assert_eq!(detector.detect(&gray).unwrap(), [], "{width} x {height}");
    }
    // Noise has no face and does no harm.
    let noise = Image::new(
        640,
        480,
        (0..640u64 * 480 * 3).map(|k| (k.wrapping_mul(k).wrapping_mul(2_654_435_761) >> 13) as u8).collect(),
    );
    detector.detect(&noise).unwrap();
    // The session was dropped and built again meanwhile.
    assert_eq!(detector.detect(&astronaut).unwrap(), first);
}

#[test]
fn foreign_weights_are_refused_at_once() {
    let mut tensors = load_tensors(&download("retinaface_mobilenet0.25.pth")).unwrap().tensors;
    tensors.remove("ssh2.conv5X5_1.0.weight").unwrap();
    let error = RetinaFace::new(tensors, DetectorOptions::default(), &Options::default()).err().unwrap();
    assert!(error.to_string().contains("ssh2.conv5X5_1.0.weight"), "{error}");
}

/// Other programs cut faces out with nothing around them. Each of the five, cut out along its box and reduced to 48 pixels, is found,
/// its points where the whole picture has them: within 8 % of the face's size, for a reduced face has lost detail.
#[test]
fn faces_that_were_cut_out_are_found() {
    let image = picture("multi_face.jpg");
    let mut detector = retinaface(DetectorOptions::default());
    let faces = detector.detect(&image).unwrap();
    assert_eq!(faces.len(), 5);
    let cut = Preprocessing { size: 48, crop: Crop::Square { margin: 1.0 }, ..Preprocessing::PAPER };
    for face in faces {
        let [cx, cy] = face.rect.centre();
        let side = face.rect.w;
        let (left, top) = (cx - side / 2.0, cy - side / 2.0);
        let step = side / 48.0;
        let square = Face {
            track: 1,
            rect: Rect { x: left, y: top, w: side, h: side },
            landmarks: face.landmarks,
            score: face.score,
            quality: 1.0,
            interpolated: false,
        };
        let found = detector.detect(&crop(&image, &square, &cut)).unwrap();
        assert_eq!(found.len(), 1, "at {left}, {top}");
        for ([x, y], [u, v]) in face.landmarks.into_iter().zip(found[0].landmarks) {
            let apart = (left + step * u - x).hypot(top + step * v - y) / face.rect.area().sqrt();
            assert!(apart < 0.08, "a point {apart} of the face apart");
        }
    }
}
