//! A prepared set that trains in seconds: pictures of 32 pixels whose class is their colour.

use std::path::Path;

use est_data::protocol::{Clip, Split};
use est_data::set::{ClipMaker, ClipRow, ClipStatus, MadeClip, Scratch, SetPlan, build};
use est_data::{ClipEntry, DataError};
use est_nets::Noise;
use jpeg_encoder::{ColorType, Encoder};
use serde_json::{Value, json};

/// The part of a config that makes the smallest network that has every part of EST, with the encoder that trains fastest.
macro_rules! smallest_network {
    () => {
        r#"[network]
backbone = "separable16"
snippets = 3
frames = 2
orders = 5
encoder_layers = 1
decoder_layers = 1
feed_forward = 64
"#
    };
}

pub const SIZE: u16 = 32;
const FRAMES: usize = 30;
const SUBJECTS: usize = 6;
const CLIPS: usize = 2;

/// A set of three classes, six subjects, two clips of each; three folds by subject.
pub struct SmallSet {
    pub classes: Vec<String>,
    pub rows: Vec<ClipRow>,
    /// The part of each clip; None: folds by subject.
    pub parts: Option<fn(&ClipRow) -> &'static str>,
    pub seed: u64,
}

impl SmallSet {
    pub fn new() -> Self {
        let classes = ["angry", "happy", "sad"].map(String::from).to_vec();
        let mut rows = vec![];
        for subject in 0..SUBJECTS {
            for clip in 0..classes.len() * CLIPS {
                let entry = ClipEntry {
                    id: format!("clip-{subject}-{clip}"),
                    source: est::Source::File("".into()),
                    label: Some(clip % classes.len()),
                    subject: Some(format!("subject-{subject}")),
                    part: None,
                    note: None,
                };
                rows.push(ClipRow::new(&entry, &classes, String::new()));
            }
        }
        SmallSet { classes, rows, parts: None, seed: 1 }
    }

    pub fn write(self, out: &Path) {
        let parts: Vec<Option<&str>> = self.rows.iter().map(|row| self.parts.map(|part| part(row))).collect();
        let clips: Vec<Clip> = self
            .rows
            .iter()
            .zip(&parts)
            .map(|(row, part)| Clip {
                id: &row.clip,
                label: row.label.unwrap().min(2),
                subject: row.subject.as_deref(),
                part: *part,
            })
            .collect();
        let split = match self.parts {
            Some(_) => Split::official("small", &clips),
            None => Split::by_subject("small", &clips, 3, 1),
        };
        let plan = SetPlan {
            name: "small".to_string(),
            classes: self.classes.clone(),
            settings: json!({ "size": SIZE, "seed": self.seed }),
            clips: self.rows.clone(),
            split: Some(split.unwrap()),
            shard_clips: 20,
        };
        let maker = || Ok(Painter { rows: &self.rows, seed: self.seed });
        build(&plan, out, 1, maker, |_| ()).unwrap();
    }
}

struct Painter<'a> {
    rows: &'a [ClipRow],
    seed: u64,
}

impl ClipMaker for Painter<'_> {
    fn make(&mut self, number: usize, scratch: &Scratch) -> Result<MadeClip, DataError> {
        let row = &self.rows[number];
        let noise = Noise::new(self.seed, &row.clip);
        let mut frames = scratch.frames();
        for frame in 0..FRAMES {
            let pixel = |i: usize| {
                let base = if i % 3 == row.label.unwrap() % 3 { 150.0 } else { 50.0 };
                (base + 60.0 * noise.unit((frame * 4096 + i) as u64)) as u8
            };
            let pixels: Vec<u8> = (0..usize::from(SIZE).pow(2) * 3).map(pixel).collect();
            let mut jpeg = vec![];
            Encoder::new(&mut jpeg, 90).encode(&pixels, SIZE, SIZE, ColorType::Rgb).unwrap();
            frames.push(frame as f64 / 25.0, &jpeg).unwrap();
        }
        let decoded = FRAMES as u64;
        Ok(MadeClip {
            status: ClipStatus::Ok,
            frames: Some(frames),
            decoded,
            tracks: 1,
            note: None,
            details: Value::Null,
        })
    }
}
