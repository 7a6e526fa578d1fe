//! A face drawn by code stands in for the photographs, which are no part of the repository.

use std::sync::OnceLock;

use est_media::JpegColour;

use super::fit::mean_shape;
use super::*;
use crate::synth::facs::Au;
use crate::synth::mesh::MESH_FILE;
use crate::synth::{FaceState, Framing, Pose};

const SIZE: usize = 128;
/// Pixels of the drawn photograph: its width, and the height from the pupils to the mouth's corners.
const WIDTH: usize = 480;
const UNIT: f32 = 90.0;

/// The mean shape: pupils at the height of 0.42 of the picture.
fn points() -> Vec<[f32; 2]> {
    mean_shape().iter().map(|[x, y]| [240.0 + UNIT * x, 200.0 + UNIT * y]).collect()
}

/// Skin with a gradient, white eyes with black irises, red lips.
fn photograph() -> Image {
    let points = points();
    let inside = |x: f32, polygon: &[usize], y: f32| {
        let mut crossings = 0;
        for (k, &from) in polygon.iter().enumerate() {
            let (a, b) = (points[from], points[polygon[(k + 1) % polygon.len()]]);
            if (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) {
                crossings += 1;
            }
        }
        crossings % 2 == 1
    };
    let mut data = vec![];
    for at in 0..WIDTH * WIDTH {
        let (x, y) = ((at % WIDTH) as f32, (at / WIDTH) as f32);
        let iris = (0..2).any(|eye| (points[eye][0] - x).hypot(points[eye][1] - y) < 8.0);
        let eyes: [&[usize]; 2] = [&[18, 19, 20, 21, 22, 30, 29, 28], &[23, 24, 25, 26, 27, 33, 32, 31]];
        let lips = [87, 88, 89, 90, 91, 92, 93, 108, 107, 106, 105, 104];
        data.extend(if eyes.iter().any(|eye| inside(x, eye, y)) {
            if iris { [10, 10, 10] } else { [235, 235, 235] }
        } else if inside(x, &lips, y) {
            [190, 80, 90]
        } else {
            [190 + (x / 20.0) as u8, 150 + (y / 20.0) as u8, 130]
        });
    }
    Image::new(WIDTH, WIDTH, data)
}

fn patch() -> Arc<Patch> {
    static PATCH: OnceLock<Arc<Patch>> = OnceLock::new();
    let new = || Arc::new(Patch::new(&HeadMesh::open(&est_goldens::download(MESH_FILE), &[]).unwrap()));
    PATCH.get_or_init(new).clone()
}

fn portrait() -> &'static Portrait {
    static PORTRAIT: OnceLock<Portrait> = OnceLock::new();
    let new = || Portrait::new("test".into(), &photograph(), &points(), patch(), false, [1.0; 3]).unwrap();
    PORTRAIT.get_or_init(new)
}

fn showing(aus: &[Au]) -> FaceState {
    let mut state = FaceState::default();
    aus.iter().for_each(|&au| state.aus.set(au, [1.0; 2]));
    state
}

fn brightness(image: &Image, [x, y]: [f32; 2]) -> i32 {
    let at = (y as usize * image.width + x as usize) * 3;
    image.data[at..at + 3].iter().map(|&value| i32::from(value)).sum::<i32>() / 3
}

#[test]
fn a_face_at_rest_is_the_photograph_at_its_place() {
    let drawn = portrait().draw(&FaceState::default(), SIZE);
    let [left_eye, right_eye, nose, left_corner, right_corner] = drawn.landmarks;
    let side = SIZE as f32;
    let near = |a: f32, b: f32| (a - b).abs() < 0.01 * side;
    assert!(near((left_eye[1] + right_eye[1]) / 2.0, Framing::EYES_Y * side), "{left_eye:?} {right_eye:?}");
    assert!(near((left_corner[1] + right_corner[1]) / 2.0, Framing::MOUTH_Y * side));
    assert!(near((left_eye[0] + right_eye[0]) / 2.0, side / 2.0) && left_eye[0] < right_eye[0]);
    assert!(left_corner[0] < nose[0] && nose[0] < right_corner[0] && nose[1] > left_eye[1] && nose[1] < left_corner[1]);
    // Each pixel against the mean of 4 x 4 samples of the photograph.
    let photo = raster::Texture::new(&photograph());
    let scale = UNIT / ((Framing::MOUTH_Y - Framing::EYES_Y) * side);
    let mut error = 0.0;
    for (at, pixel) in drawn.image.data.chunks_exact(3).enumerate() {
        let mut mean = [0.0; 3];
        for sample in 0..16 {
            let place = |pixel: usize, k: usize| pixel as f32 + (k as f32 + 0.5) / 4.0;
            let x = 240.0 + scale * (place(at % SIZE, sample % 4) - side / 2.0);
            let y = 200.0 + scale * (place(at / SIZE, sample / 4) - Framing::EYES_Y * side);
            let colour = photo.at(x, y);
            (0..3).for_each(|k| mean[k] += colour[k] / 16.0);
        }
        error += (0..3).map(|k| (f32::from(pixel[k]) - mean[k]).abs()).sum::<f32>() / 3.0;
    }
    // 8-bit rounding alone is 0.25; the rims of the eyes and lips are the rest.
    let error = error / (SIZE * SIZE) as f32;
    assert!(error < 1.5, "mean difference of {error}");
}

#[test]
fn the_same_state_gives_the_same_bytes_and_a_mirrored_portrait_the_mirror_image() {
    let state = FaceState { pose: Pose { yaw: 8.0, pitch: -4.0, roll: 3.0 }, ..showing(&[Au::LipCornerPuller]) };
    let one = portrait().draw(&state, SIZE);
    assert_eq!(one.image.data, portrait().draw(&state, SIZE).image.data);
    let mirrored = Portrait::new("test".into(), &photograph(), &points(), patch(), true, [1.0; 3]).unwrap();
    let state = FaceState { pose: Pose { yaw: -8.0, pitch: -4.0, roll: -3.0 }, ..state };
    let other = mirrored.draw(&state, SIZE);
    let flipped = other.image.data.chunks_exact(3 * SIZE).flat_map(|row| row.chunks_exact(3).rev().flatten());
    assert_eq!(one.image.data, flipped.copied().collect::<Vec<u8>>());
    assert!((one.landmarks[0][0] + other.landmarks[1][0] - SIZE as f32).abs() < 1e-3);
}

#[test]
fn action_units_do_what_their_names_say() {
    let rest = portrait().draw(&FaceState::default(), SIZE);
    let middle =
        |drawn: &crate::synth::Drawn| [0, 1].map(|axis| (drawn.landmarks[3][axis] + drawn.landmarks[4][axis]) / 2.0);
    let smile = portrait().draw(&showing(&[Au::LipCornerPuller]), SIZE);
    let wide = |drawn: &crate::synth::Drawn| drawn.landmarks[4][0] - drawn.landmarks[3][0];
    assert!(middle(&smile)[1] < middle(&rest)[1] - 2.0 && wide(&smile) > wide(&rest) + 3.0);
    // An iris is black; closed lids are skin.
    let pupil = rest.landmarks[0];
    let blink = portrait().draw(&showing(&[Au::EyesClosed]), SIZE);
    assert!(brightness(&rest.image, pupil) < 40 && brightness(&blink.image, pupil) > 100);
    // Between parted lips it is darker than lips are.
    let jaw = portrait().draw(&showing(&[Au::JawDrop]), SIZE);
    let between = [middle(&rest)[0], middle(&rest)[1] + 0.03 * SIZE as f32];
    assert!(brightness(&rest.image, between) > 90 && brightness(&jaw.image, between) < 70);
    // Eyes that look to the subject's left show the iris further to the right.
    let look = portrait().draw(&FaceState { gaze: [25.0, 0.0], ..FaceState::default() }, SIZE);
    assert!(look.landmarks[0][0] > pupil[0] + 2.0 && brightness(&look.image, look.landmarks[0]) < 40);
    assert!(brightness(&look.image, [pupil[0] - 3.0, pupil[1]]) > 120);
}

#[test]
fn the_head_turns_where_the_pose_says() {
    let nose = |pose: Pose| {
        let marks = portrait().draw(&FaceState { pose, ..FaceState::default() }, SIZE).landmarks;
        [marks[2][0] - (marks[0][0] + marks[1][0]) / 2.0, marks[2][1] - (marks[0][1] + marks[1][1]) / 2.0]
    };
    let rest = nose(Pose::default());
    assert!(nose(Pose { yaw: 15.0, ..Pose::default() })[0] > rest[0] + 1.5);
    assert!(nose(Pose { pitch: 12.0, ..Pose::default() })[1] < rest[1] - 1.0);
    let roll =
        portrait().draw(&FaceState { pose: Pose { roll: 20.0, ..Pose::default() }, ..FaceState::default() }, SIZE);
    let [x, y] = [0, 1].map(|axis| roll.landmarks[1][axis] - roll.landmarks[0][axis]);
    assert!((y.atan2(x).to_degrees() - 20.0).abs() < 1.0);
}

#[test]
fn errors_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mesh = est_goldens::download(MESH_FILE);
    let problem = || Portraits::open(folder.path(), &mesh).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(problem().contains("landmarks.json"));
    let points = points();
    std::fs::write(folder.path().join("landmarks.json"), serde_json::json!({ "001": points }).to_string()).unwrap();
    std::fs::create_dir(folder.path().join("neutral")).unwrap();
    assert!(problem().contains("neutral"));
    std::fs::write(folder.path().join("neutral/001.jpg"), "no picture").unwrap();
    let portraits = Portraits::open(folder.path(), &mesh).unwrap();
    assert_eq!((portraits.subjects(), portraits.name()), (Some(1), "portraits"));
    let refused = |index| portraits.subject(index, 1).err().unwrap().to_string();
    assert!(refused(0).contains("001.jpg") && refused(1).contains("there is no 1"));
    std::fs::write(folder.path().join("neutral/002.jpg"), "").unwrap();
    assert!(problem().contains("002.jpg"));
    std::fs::write(folder.path().join("neutral/001.jpg"), photograph().to_jpeg(90, JpegColour::Full)).unwrap();
    assert_eq!(portraits.subject(0, 1).unwrap().id(), "portrait_001");
    // One photograph has nothing to be blended with.
    std::fs::remove_file(folder.path().join("neutral/002.jpg")).unwrap();
    assert_eq!(Portraits::open(folder.path(), &mesh).unwrap().with_blends().subjects(), Some(1));
}

/// A face that is darker, wider and turned, in the middle of another: the blend lies between them, its border is the first's.
#[test]
fn a_blend_lies_between_its_faces() {
    let first = || Face { image: photograph(), points: points() };
    let mut second = first();
    second.image.data.iter_mut().for_each(|value| *value /= 2);
    for point in &mut second.points {
        *point = [240.0 + 1.2 * (point[0] - 240.0), point[1] + 6.0];
    }
    let same = first().blend(&first(), 0.5);
    let unlike = same.image.data.iter().zip(&photograph().data).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
    // The maps are linear within cells of six pixels and miss their points by up to one: on edges that shows.
    assert!(unlike / (same.image.data.len() as f64) < 1.0, "{unlike}");
    let far = |face: &Face, other: &[[f32; 2]]| {
        face.points.iter().zip(other).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).fold(0.0, f32::max)
    };
    assert!(far(&same, &points()) < 1e-3);
    let blend = first().blend(&second, 0.5);
    let wide = |points: &[[f32; 2]]| points[93][0] - points[87][0];
    assert!((wide(&blend.points) / wide(&points()) - 1.1).abs() < 0.02, "{}", wide(&blend.points));
    let border = |image: &Image| [image.data[..30].to_vec(), image.data[image.data.len() - 30..].to_vec()];
    let apart =
        border(&blend.image).concat().iter().zip(border(&photograph()).concat()).map(|(a, b)| a.abs_diff(b)).max();
    assert!(apart <= Some(2), "{apart:?}");
    // The second face's darkness is taken out: colours are the first one's.
    let cheek = points()[165];
    assert!((brightness(&blend.image, cheek) - brightness(&photograph(), cheek)).abs() < 12);
}

/// The real photographs, where someone has fetched them: lids cover the irises of all.
#[test]
fn real_portraits_close_their_eyes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/london");
    if !folder.exists() {
        return;
    }
    let portraits = Portraits::open(&folder, &est_goldens::download(MESH_FILE)).unwrap();
    assert_eq!(portraits.subjects(), Some(102));
    for index in [0, 40, 90] {
        let subject = portraits.subject(index, 1).unwrap();
        let blink = subject.draw(&showing(&[Au::EyesClosed]), SIZE);
        let rest = subject.draw(&FaceState::default(), SIZE);
        let [x, y] = rest.landmarks[0];
        // Skin is red where an eye is black, brown, blue or white.
        let red = |image: &Image| {
            let at = (y as usize * SIZE + x as usize) * 3;
            i32::from(image.data[at]) - i32::from(image.data[at + 2])
        };
        assert!(red(&blink.image) > red(&rest.image), "{}", subject.id());
    }
}
