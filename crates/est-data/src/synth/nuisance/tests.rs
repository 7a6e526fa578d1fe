use super::*;

const SIZE: usize = 224;

/// Waves and edges, away from black and white.
fn picture() -> Image {
    let value = |x: usize, y: usize, c: usize| {
        let wave = 40.0 * (0.15 * x as f32 + 0.1 * y as f32 + c as f32).sin();
        let check = if (x / 16 + y / 16).is_multiple_of(2) { 30.0 } else { -30.0 };
        (120.0 + wave + check) as u8
    };
    let at = |i: usize| value(i / 3 % SIZE, i / 3 / SIZE, i % 3);
    Image::new(SIZE, SIZE, (0..SIZE * SIZE * 3).map(at).collect())
}

fn none() -> Profile {
    Profile::named("clean").unwrap()
}

fn spoiled(profile: &Profile, clip: usize, frame: usize) -> Image {
    let mut image = picture();
    PictureNuisance::new(profile, 1, 0, clip).apply(frame, &mut image);
    image
}

/// Mean square of the differences of neighbours in a row.
fn gradient(image: &Image) -> f64 {
    let rows = image.data.chunks_exact(image.width * 3);
    let squares = rows.flat_map(|row| row.iter().zip(&row[3..]).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)));
    squares.sum::<f64>() / image.data.len() as f64
}

fn distance(a: &Image, b: &Image) -> f64 {
    let squares = a.data.iter().zip(&b.data).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
    squares.sum::<f64>() / a.data.len() as f64
}

#[test]
fn everything_off_changes_nothing_and_everything_on_keeps_the_size_and_repeats() {
    assert_eq!(spoiled(&none(), 0, 5), picture());
    let all = Profile { occlusion: 4.0, ..Profile::default() };
    for clip in 0..8 {
        let image = spoiled(&all, clip, 30);
        assert_eq!((image.width, image.height, image.data.len()), (SIZE, SIZE, SIZE * SIZE * 3));
        assert_eq!(image, spoiled(&all, clip, 30));
        assert_ne!(image, picture());
    }
    let mut oblong = Image::new(61, 43, vec![90; 61 * 43 * 3]);
    PictureNuisance::new(&all, 1, 0, 0).apply(0, &mut oblong);
    assert_eq!((oblong.width, oblong.height, oblong.data.len()), (61, 43, 61 * 43 * 3));
}

#[test]
fn blur_and_lost_resolution_lower_the_gradient() {
    let sharp = gradient(&picture());
    for deviation in [[1.0, 0.0], [1.0, 1.0], [3.0, 3.0]] {
        let mut image = picture();
        camera::blur(&mut image, deviation);
        assert!(gradient(&image) < 0.8 * sharp, "{deviation:?}");
    }
    let mut coarse = picture();
    recording::coarsen(&mut coarse, 2.5);
    assert!(gradient(&coarse) < 0.8 * sharp);
    // A plain area has nothing to blur, up to its borders, whatever the weights.
    for tenth in 3..80 {
        let mut plain = Image::new(40, 30, vec![255; 40 * 30 * 3]);
        camera::blur(&mut plain, [tenth as f32 / 10.0; 2]);
        assert!(plain.data.iter().all(|&value| value == 255), "{tenth}");
    }
}

#[test]
fn noise_has_the_deviation_that_it_states_and_does_not_shift_the_mean() {
    let stream = Noise::new(1, "test");
    let mut before = vec![];
    for (grey, expected) in [(128u8, 5.0f64), (0, 0.0), (224, 5.0 * 1.375f64.sqrt())] {
        let mut image = Image::new(SIZE, SIZE, vec![grey; SIZE * SIZE * 3]);
        camera::sense(&mut image, 5.0, stream, 3);
        let count = image.data.len() as f64;
        let mean = image.data.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        let variance = image.data.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
        if grey > 0 {
            // Rounding to whole values adds 1/12 to the variance.
            assert!((mean - f64::from(grey)).abs() < 0.1, "{mean}");
            assert!((variance.sqrt() - expected).abs() < 0.1, "{} for {expected}", variance.sqrt());
        }
        before.push(image);
    }
    let mut next = Image::new(SIZE, SIZE, vec![128; SIZE * SIZE * 3]);
    camera::sense(&mut next, 5.0, stream, 4);
    // Two frames' noise is independent: variances add up to twice 25.
    assert!((distance(&next, &before[0]) - 50.0).abs() < 2.0, "{}", distance(&next, &before[0]));
}

#[test]
fn a_lower_quality_is_further_from_the_picture() {
    let off = |quality| {
        let mut image = picture();
        recording::compress(&mut image, quality);
        distance(&image, &picture())
    };
    let distances = [90, 50, 20, 5].map(off);
    assert!(distances.is_sorted() && distances[0] > 0.0 && distances[3] > 4.0 * distances[0], "{distances:?}");
}

#[test]
fn exposure_scales_and_balance_shifts_colours() {
    let mut image = Image::new(2, 1, vec![100; 6]);
    camera::expose(&mut image, [1.1, 1.0, 0.9], 1.0);
    assert_eq!(image.data, [110, 100, 90, 110, 100, 90]);
    camera::expose(&mut image, [1.0; 3], 0.5);
    assert_eq!(image.data, [119, 114, 109, 119, 114, 109]);
}

#[test]
fn a_quarter_of_the_clips_is_occluded_for_a_part_of_the_picture_and_smoothly() {
    let profile = Profile { occlusion: 1.0, ..none() };
    let occluded: Vec<usize> =
        (0..400).filter(|&clip| PictureNuisance::new(&profile, 1, 0, clip).occlusion.is_some()).collect();
    // Four standard errors of 0.25 over 400 clips are 0.087.
    assert!((65..135).contains(&occluded.len()), "{}", occluded.len());
    let mut seen = 0;
    for &clip in occluded.iter().take(40) {
        let changed = |frame| {
            let pairs = picture().data;
            spoiled(&profile, clip, frame).data.iter().zip(&pairs).filter(|(a, b)| a != b).count() as f32
                / pairs.len() as f32
        };
        let shares: Vec<f32> = (0..100).step_by(20).map(changed).collect();
        assert!(shares.iter().all(|&share| share < 0.4), "{clip}: {shares:?}");
        seen += usize::from(shares.iter().any(|&share| share > 0.005));
    }
    assert!(seen > 30, "{seen} of 40");
}

#[test]
fn effects_have_their_own_random_numbers() {
    let all = PictureNuisance::new(&Profile::default(), 1, 2, 3);
    let fewer = Profile { noise: 0.0, compression: 0.0, occlusion: 0.0, ..Profile::default() };
    let fewer = PictureNuisance::new(&fewer, 1, 2, 3);
    assert!(fewer.noise.is_none() && fewer.quality.is_none() && fewer.occlusion.is_none());
    assert_eq!(all.coarseness, fewer.coarseness);
    for frame in [0, 40, 80] {
        let at = |nuisance: &PictureNuisance| nuisance.blur.unwrap().at(frame as f32);
        assert_eq!(at(&all), at(&fewer));
    }
}
