//! Crops whose content is known beforehand.

use est_media::{Face, Image, Landmarks, Rect, crop, middle};
use est_nets::{Crop, Preprocessing};

fn picture(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Image {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    Image::new(width, height, places.flat_map(|(x, y)| pixel(x, y)).collect())
}

/// A picture of a function of the plane: each pixel has the value at its centre.
fn drawn(width: usize, height: usize, at: impl Fn([f64; 2]) -> [f64; 3]) -> Image {
    picture(width, height, |x, y| {
        at([x as f64 + 0.5, y as f64 + 0.5]).map(|value| value.round().clamp(0.0, 255.0) as u8)
    })
}

fn noise(width: usize, height: usize) -> Image {
    picture(width, height, |x, y| {
        let hash = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
        let hash = (hash ^ hash >> 15).wrapping_mul(0x2C1B_3C6D);
        [hash as u8, (hash >> 8) as u8, (hash >> 16) as u8]
    })
}

fn face(rect: [f32; 4], landmarks: Landmarks) -> Face {
    let [x, y, w, h] = rect;
    Face { track: 1, rect: Rect { x, y, w, h }, landmarks, score: 1.0, quality: 1.0, interpolated: false }
}

fn with(crop: Crop, size: usize) -> Preprocessing {
    Preprocessing { crop, size, ..Preprocessing::PAPER }
}

fn square(image: &Image, rect: [f32; 4], margin: f32, size: usize) -> Image {
    crop(image, &face(rect, [[0.0; 2]; 5]), &with(Crop::Square { margin }, size))
}

/// The box must not matter.
fn aligned(image: &Image, landmarks: Landmarks, scale: f32, size: usize) -> Image {
    crop(image, &face([0.0, 0.0, 1.0, 1.0], landmarks), &with(Crop::Aligned { scale }, size))
}

fn pixel(image: &Image, x: usize, y: usize) -> [u8; 3] {
    image.data[(y * image.width + x) * 3..][..3].try_into().unwrap()
}

/// Every pixel of `image` within `tolerance` of `at` at its centre, unless `skip` says otherwise.
#[track_caller]
fn assert_shows(image: &Image, at: impl Fn([f64; 2]) -> [f64; 3], tolerance: f64, skip: impl Fn([f64; 2]) -> bool) {
    let mut seen = 0;
    for y in 0..image.height {
        for x in 0..image.width {
            let centre = [x as f64 + 0.5, y as f64 + 0.5];
            if skip(centre) {
                continue;
            }
            seen += 1;
            let (got, want) = (pixel(image, x, y), at(centre));
            for channel in 0..3 {
                let off = (f64::from(got[channel]) - want[channel]).abs();
                assert!(off <= tolerance, "({x}, {y}): {got:?} is not {want:?}");
            }
        }
    }
    assert!(seen * 2 > image.width * image.height, "most of the crop is looked at");
}

#[test]
fn a_crop_of_full_size_is_a_copy() {
    let image = noise(300, 280);
    let crop = square(&image, [31.0, 17.0, 224.0, 200.0], 1.0, 224);
    // The box is wide, so its height grows by 12 above and below.
    let copy = picture(224, 224, |x, y| pixel(&image, x + 31, y + 5));
    assert!(crop == copy);
}

/// Bicubic interpolation keeps linear functions; rounding of the picture and of the crop each add half a level.
#[test]
fn gradients_stay_gradients() {
    let gradient = |[x, y]: [f64; 2]| [20.0 + 0.25 * x, 230.0 - 0.2 * y, 10.0 + 0.125 * x + 0.125 * y];
    let image = drawn(640, 480, gradient);
    // Enlarged, reduced, at fractions of pixels, wide and tall.
    for (rect, margin) in
        [([100.3, 80.7, 51.2, 60.1], 1.2), ([120.0, 90.0, 300.5, 250.0], 1.2), ([200.0, 100.25, 80.0, 160.0], 1.0)]
    {
        let size = 224;
        let crop = square(&image, rect, margin, size);
        let [x, y, w, h] = rect.map(f64::from);
        let side = w.max(h) * f64::from(margin);
        let corner = [x + w / 2.0 - side / 2.0, y + h / 2.0 - side / 2.0];
        let place = |centre: [f64; 2]| [0, 1].map(|axis| corner[axis] + centre[axis] * side / size as f64);
        assert_shows(&crop, |centre| gradient(place(centre)), 1.0, |_| false);
    }
}

#[test]
fn fine_detail_does_not_alias() {
    // Squares of one pixel, reduced four times and a bit: gray, not a new pattern.
    let image = picture(1000, 1000, |x, y| [if (x + y) % 2 == 0 { 0 } else { 255 }; 3]);
    let crop = square(&image, [10.0, 10.0, 900.0, 900.0], 1.0, 217);
    assert_shows(&crop, |_| [127.5; 3], 2.0, |_| false);
}

#[test]
fn fine_detail_does_not_alias_when_turned() {
    let image = picture(1000, 1000, |x, y| [if (x + y) % 2 == 0 { 0 } else { 255 }; 3]);
    let pose = Pose { scale: 8.3, degrees: 20.0, place: [230.0, 80.0] };
    let crop = aligned(&image, pose.landmarks(), 1.0, 224);
    // The turned square has its corners outside, where the repeated edge makes stripes.
    let corner = |centre: [f64; 2]| centre.iter().all(|at| !(40.0..184.0).contains(at));
    assert_shows(&crop, |_| [127.5; 3], 2.0, corner);
}

#[test]
fn beyond_the_picture_its_edge_is_repeated() {
    let level = |[x, y]: [f64; 2]| [40.0 + 2.0 * x, 200.0 - y, 100.0];
    let image = drawn(100, 100, level);
    // A quarter of the box lies in the picture; one crop pixel is half a picture pixel.
    let crop = square(&image, [-50.0, -50.0, 100.0, 100.0], 1.0, 200);
    let nearest = |centre: [f64; 2]| centre.map(|at| (at / 2.0 - 50.0).clamp(0.5, 99.5));
    // At the edge itself the slope changes: the cubic overshoots there, two picture pixels far.
    let kink = |centre: [f64; 2]| centre.iter().any(|at| (at - 101.0).abs() <= 4.0);
    assert_shows(&crop, |centre| level(nearest(centre)), 1.0, kink);

    for (rect, corner) in [([-500.0, -300.0, 60.0, 70.0], (0, 0)), ([400.0, 900.0, 60.0, 70.0], (99, 99))] {
        let crop = square(&image, rect, 1.2, 50);
        let want = pixel(&image, corner.0, corner.1);
        assert!(crop.data.chunks_exact(3).all(|pixel| pixel == want), "{rect:?}");
    }
}

#[test]
fn absurd_boxes_and_tiny_pictures_give_a_crop() {
    let image = noise(40, 30);
    for rect in [[-1e6, -1e6, 2e6, 2e6], [20.0, 10.0, 0.01, 0.01], [1e7, 0.0, 10.0, 10.0]] {
        assert_eq!(square(&image, rect, 1.2, 224).data.len(), 224 * 224 * 3);
    }
    let dot = Image::new(1, 1, vec![1, 2, 3]);
    let crop = square(&dot, [0.0, 0.0, 1.0, 1.0], 1.2, 224);
    assert!(crop.data.chunks_exact(3).all(|pixel| pixel == [1, 2, 3]));
}

/// Positions of the five points in a square of side 112 (as in align.rs, counted from the corner), written out again
/// because the crop must put them there.
const TEMPLATE: [[f64; 2]; 5] =
    [[38.7946, 52.1963], [74.0318, 52.0014], [56.5252, 72.2366], [42.0493, 92.8655], [71.2299, 92.7041]];

/// Smooth over a few pixels of the template, so that resampling keeps it; without symmetry, so that a turn or a mirror
/// image shows.
fn pattern([u, v]: [f64; 2]) -> [f64; 3] {
    [
        128.0 + 90.0 * (u / 9.0).sin() * (v / 13.0).cos(),
        128.0 + 80.0 * (u / 17.0 + v / 8.0).sin(),
        60.0 + 0.8 * u + 0.6 * v,
    ]
}

/// How a face stands in a picture: the template's square enlarged, turned and moved.
struct Pose {
    scale: f64,
    degrees: f64,
    place: [f64; 2],
}

impl Pose {
    fn to_picture(&self, [u, v]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let [x, y] = self.place;
        [x + self.scale * (cos * u - sin * v), y + self.scale * (sin * u + cos * v)]
    }

    fn to_template(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let (x, y) = ((x - self.place[0]) / self.scale, (y - self.place[1]) / self.scale);
        [cos * x + sin * y, cos * y - sin * x]
    }

    fn landmarks(&self) -> Landmarks {
        TEMPLATE.map(|point| self.to_picture(point).map(|value| value as f32))
    }
}

#[test]
fn aligned_crops_are_upright() {
    // Small and large faces, so that the crop enlarges and reduces; every quadrant of turns.
    for (enlarged, degrees, place, shown) in [
        (1.0, 0.0, [200.0, 150.0], 1.0),
        (0.6, 25.0, [260.0, 180.0], 1.0),
        (2.0, 0.0, [100.0, 60.0], 1.0),
        (2.6, -20.0, [120.0, 180.0], 0.8),
        (3.5, 12.0, [150.0, 20.0], 1.0),
        (2.2, 100.0, [420.0, 100.0], 0.9),
        (2.4, 180.0, [450.0, 400.0], 1.0),
    ] {
        let pose = Pose { scale: enlarged, degrees, place };
        let image = drawn(640, 480, |at| pattern(pose.to_template(at)));
        let crop = aligned(&image, pose.landmarks(), shown, 224);
        let template = |centre: [f64; 2]| centre.map(|at| 56.0 + (at / 2.0 - 56.0) / f64::from(shown));
        // Where the crop shows what lies outside the picture, its edge is repeated instead.
        let outside = |centre: [f64; 2]| {
            let [x, y] = pose.to_picture(template(centre));
            !(4.0..636.0).contains(&x) || !(4.0..476.0).contains(&y)
        };
        // Three roundings of half a level (picture, region, crop), and a filter that softens the steepest waves a
        // little when it reduces: 1.96 at most in these cases.
        let tolerance = 2.5;
        assert_shows(&crop, |centre| pattern(template(centre)), tolerance, outside);
    }
}

#[test]
fn an_aligned_crop_of_full_size_is_a_copy() {
    let image = noise(400, 300);
    let landmarks = TEMPLATE.map(|[u, v]| [(2.0 * u + 61.0) as f32, (2.0 * v + 33.0) as f32]);
    let crop = aligned(&image, landmarks, 1.0, 224);
    // Landmarks in f32 leave 1e-5 pixels of shift, a hundredth of a level between black and white.
    assert!(crop == picture(224, 224, |x, y| pixel(&image, x + 61, y + 33)));
}

#[test]
fn without_landmarks_the_square_is_taken() {
    let image = noise(400, 300);
    let rect = [120.0, 80.0, 90.0, 110.0];
    for landmarks in
        [[[f32::NAN; 2]; 5], [[150.0, 120.0]; 5], [[0.0, 0.0], [1e9, 3e8], [5.0, 5.0], [1e9, 0.0], [0.0, 1e9]]]
    {
        let aligned = crop(&image, &face(rect, landmarks), &with(Crop::Aligned { scale: 0.8 }, 224));
        assert!(aligned == square(&image, rect, 1.25, 224), "{landmarks:?}");
    }
}

#[test]
fn landmarks_beyond_the_picture_give_a_crop() {
    let image = noise(100, 80);
    let landmarks = TEMPLATE.map(|[u, v]| [u as f32 - 300.0, v as f32 + 500.0]);
    let crop = aligned(&image, landmarks, 1.0, 64);
    let corner = pixel(&image, 0, 79);
    assert!(crop.data.chunks_exact(3).all(|pixel| pixel == corner));
}

/// The middle of a wide crop is the tight crop: of a smooth picture, for each is resampled from other pixels.
#[test]
fn the_middle_of_a_crop_is_a_tighter_crop() {
    let at = |[x, y]: [f64; 2]| [x, y, 0.5 * (x + y)];
    let image = drawn(240, 240, at);
    let rect = [70.0, 60.0, 100.0, 100.0];
    let wide = square(&image, rect, 1.2, 120);
    let (tight, cut) = (square(&image, rect, 1.0, 64), middle(&wide, 1.0 / 1.2, 64));
    assert_eq!((cut.width, cut.height), (64, 64));
    // Each rounds twice or once, by half a level.
    let furthest = tight.data.iter().zip(&cut.data).map(|(&a, &b)| a.abs_diff(b)).max();
    assert!(furthest <= Some(1), "{furthest:?}");
}
