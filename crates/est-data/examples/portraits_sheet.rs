//! Draws portraits in all classes and states on one sheet, for people to look at:
//! `portraits_sheet FOLDER MESH OUT.ppm SIZE KIND INDEX...`, where KIND is `classes`, `states` or `single` (one file each,
//! `OUT.ppm` being a folder).

use std::path::Path;

use est_data::synth::facs::Au;
use est_data::synth::prototypes::PROTOTYPES;
use est_data::synth::{FaceState, Portraits, Source};
use est_media::Image;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, mesh, out, size, kind, indices @ ..] = &arguments[..] else {
        return Err("portraits_sheet FOLDER MESH OUT SIZE KIND INDEX...".into());
    };
    let size: usize = size.parse()?;
    let portraits = Portraits::open(Path::new(folder), Path::new(mesh))?;
    let mut rows = vec![];
    for index in indices {
        let index: usize = index.parse()?;
        // A seed under which the portrait is not mirrored shows the folder's own picture.
        let subject = portraits.subject(index, 0)?;
        if kind == "single" {
            for (class, variants) in &PROTOTYPES {
                for (variant, prototype) in variants.iter().enumerate() {
                    for intensity in [0.9] {
                        let image = subject.draw(&shown(prototype, intensity), size).image;
                        let name = format!("{class}_{index:03}_{variant}_{}.jpg", (intensity * 10.0) as usize);
                        let path = Path::new(out).join(name);
                        let encoder = jpeg_encoder::Encoder::new_file(path, 95)?;
                        encoder.encode(&image.data, size as u16, size as u16, jpeg_encoder::ColorType::Rgb)?;
                    }
                }
            }
            continue;
        }
        let states: Vec<FaceState> = match kind.as_str() {
            "classes" => PROTOTYPES.iter().flat_map(|(_, variants)| variants.iter().map(|v| shown(v, 1.0))).collect(),
            "aus" => Au::ALL.iter().map(|&au| shown(&[(au, 1.0)], 1.0)).collect(),
            _ => states(),
        };
        let started = std::time::Instant::now();
        rows.push(states.iter().map(|state| subject.draw(state, size).image).collect::<Vec<_>>());
        println!("{:.1} ms a frame", started.elapsed().as_secs_f64() * 1000.0 / states.len() as f64);
    }
    if !rows.is_empty() {
        write(Path::new(out), &rows, size)?;
    }
    Ok(())
}

fn shown(prototype: &[(Au, f32)], intensity: f32) -> FaceState {
    let mut state = FaceState::default();
    for &(au, share) in prototype {
        state.aus.set(au, [share * intensity; 2]);
    }
    state
}

fn states() -> Vec<FaceState> {
    let happy = PROTOTYPES[3].1[1];
    let mut states = vec![FaceState::default()];
    states.extend([0.3, 0.6, 1.0].map(|intensity| shown(happy, intensity)));
    states.extend([0.5, 1.0].map(|closed| shown(&[(Au::EyesClosed, closed)], 1.0)));
    states.push(shown(&[(Au::JawDrop, 1.0)], 1.0));
    states.push(shown(&[(Au::LipPuckerer, 0.8), (Au::LipFunneler, 0.4)], 1.0));
    for gaze in [[-25.0, 0.0], [25.0, 0.0], [0.0, 18.0], [0.0, -18.0]] {
        states.push(FaceState { gaze, ..FaceState::default() });
    }
    for (yaw, pitch, roll) in
        [(-15.0, 0.0, 0.0), (15.0, 0.0, 0.0), (0.0, 12.0, 0.0), (0.0, -12.0, 0.0), (8.0, 5.0, 15.0)]
    {
        let mut state = shown(happy, 0.6);
        state.pose.yaw = yaw;
        state.pose.pitch = pitch;
        state.pose.roll = roll;
        states.push(state);
    }
    for azimuth in [-60.0, 60.0] {
        let mut state = FaceState::default();
        state.light.azimuth = azimuth;
        states.push(state);
    }
    states
}

fn write(path: &Path, rows: &[Vec<Image>], size: usize) -> std::io::Result<()> {
    let columns = rows[0].len();
    let mut data = format!("P6 {} {} 255\n", columns * size, rows.len() * size).into_bytes();
    for row in rows {
        for y in 0..size {
            for image in row {
                data.extend(&image.data[y * size * 3..(y + 1) * size * 3]);
            }
        }
    }
    std::fs::write(path, data)
}
