//! Writes contact sheets of generated heads: `heads_sheet MESH_FILE OUT_FOLDER [SUBJECTS] [SIZE]`.
//! `expressions.jpg` has a row a subject and a column a class; `poses.jpg` a row a subject and a column a pose;
//! `single/` has one picture a class, variant and subject.

use std::path::PathBuf;

use est_data::synth::facs::{Au, Intensities};
use est_data::synth::prototypes::PROTOTYPES;
use est_data::synth::{FaceState, Heads, Light, Pose, Source};
use est_media::Image;

fn intensities(prototype: &[(Au, f32)], strength: f32) -> Intensities {
    let mut aus = Intensities::default();
    prototype.iter().for_each(|(au, share)| aus.set(*au, [share * strength; 2]));
    aus
}

fn write(path: PathBuf, image: &Image) {
    let encoder = jpeg_encoder::Encoder::new_file(path, 92).expect("a file to write to");
    encoder.encode(&image.data, image.width as u16, image.height as u16, jpeg_encoder::ColorType::Rgb).expect("a jpeg");
}

fn sheet(rows: &[Vec<Image>]) -> Image {
    let (size, columns) = (rows[0][0].width, rows[0].len());
    let mut data = Vec::new();
    for row in rows {
        for y in 0..size {
            row.iter().for_each(|image| data.extend(&image.data[y * size * 3..(y + 1) * size * 3]));
        }
    }
    Image::new(size * columns, size * rows.len(), data)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let out = PathBuf::from(&arguments[2]);
    let count = |k: usize, usual: usize| arguments.get(k).map_or(usual, |text| text.parse().expect("a number"));
    let (subjects, size) = (count(3, 6), count(4, 224));
    std::fs::create_dir_all(out.join("single")).expect("a folder to write to");
    let started = std::time::Instant::now();
    let heads = Heads::open(arguments[1].as_ref()).expect("the mesh");
    println!("open {:?}", started.elapsed());
    let (mut expressions, mut poses) = (vec![], vec![]);
    let (mut drawn, mut spent) = (0, 0.0);
    for index in 0..subjects {
        let started = std::time::Instant::now();
        let subject = heads.subject(index, 1).expect("a subject");
        println!("subject {index} {:?}", started.elapsed());
        let mut draw = |state: &FaceState| {
            let started = std::time::Instant::now();
            let image = subject.draw(state, size).image;
            drawn += 1;
            spent += started.elapsed().as_secs_f64();
            image
        };
        let mut row = vec![];
        for (class, variants) in PROTOTYPES {
            for (variant, prototype) in variants.iter().enumerate() {
                for strength in [1.0, 0.8] {
                    let image = draw(&FaceState { aus: intensities(prototype, strength), ..FaceState::default() });
                    let name = format!("single/{class}-{variant}-{index}-{}.jpg", (strength * 10.0) as u32);
                    write(out.join(name), &image);
                    if variant == 0 && strength == 1.0 {
                        row.push(image);
                    }
                }
            }
        }
        expressions.push(row);
        let pose =
            |yaw: f32, pitch: f32, roll: f32| FaceState { pose: Pose { yaw, pitch, roll }, ..FaceState::default() };
        let closed = FaceState { aus: intensities(&[(Au::EyesClosed, 1.0)], 1.0), ..FaceState::default() };
        let side = FaceState { light: Light { azimuth: 60.0, ..Light::default() }, ..FaceState::default() };
        let aside = FaceState { gaze: [20.0, 0.0], ..FaceState::default() };
        let states = [
            pose(30.0, 0.0, 0.0),
            pose(-20.0, 0.0, 0.0),
            pose(0.0, 15.0, 0.0),
            pose(0.0, -15.0, 10.0),
            closed,
            side,
            aside,
        ];
        poses.push(states.iter().map(&mut draw).collect());
    }
    println!("{:.1} ms a picture", 1e3 * spent / f64::from(drawn));
    write(out.join("expressions.jpg"), &sheet(&expressions));
    write(out.join("poses.jpg"), &sheet(&poses));
}
