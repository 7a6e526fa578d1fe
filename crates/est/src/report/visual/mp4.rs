//! The video with its faces' boxes, numbers and expressions drawn in, its sound and its times kept.

use std::path::{Path, PathBuf};

use est_media::resize;

use super::encoder::Encoder;
use super::overlay::Overlay;
use super::replay::{Replay, Shown};
use crate::error::EstError;
use crate::report::record::RunRecord;
use crate::report::reports::Report;
use crate::report::summary::Summary;
use crate::row::Row;
use crate::source::Source;

pub struct Mp4Report {
    replay: Replay,
    overlay: Overlay,
    path: PathBuf,
    sound: Option<PathBuf>,
    /// From the first frame on.
    encoder: Option<Encoder>,
}

impl Mp4Report {
    pub fn create(path: &Path, source: &Source, record: &RunRecord, replay: Replay) -> Self {
        let sound = match source {
            Source::File(path) if replay.info().container != "images" => Some(path.clone()),
            _ => None,
        };
        let overlay = Overlay::new(&record.model.classes);
        Mp4Report { replay, overlay, path: path.to_owned(), sound, encoder: None }
    }

    fn write_ready(&mut self, over: bool) -> Result<(), EstError> {
        while let Some(Shown { pts_s, mut image, rows }) = self.replay.next(over)? {
            self.overlay.draw(&mut image, pts_s, &rows);
            // Pictures of a folder may differ in size; a video may not.
            let (width, height) = (self.replay.info().width, self.replay.info().height);
            if (image.width, image.height) != (width, height) {
                image = resize(&image, width, height);
            }
            if self.encoder.is_none() {
                let sound = self.sound.as_deref();
                self.encoder = Some(Encoder::start(&self.path, (width, height), pts_s, sound)?);
            }
            self.encoder.as_mut().expect("just started").frame(&image, pts_s)?;
        }
        Ok(())
    }
}

impl Report for Mp4Report {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        self.replay.push(row);
        self.write_ready(false)
    }

    fn finish(mut self: Box<Self>, _: &Summary) -> Result<Vec<PathBuf>, EstError> {
        self.write_ready(true)?;
        self.encoder.map(Encoder::finish).into_iter().collect()
    }
}
