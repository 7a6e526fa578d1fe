//! The video with its faces' boxes, numbers and expressions drawn in, its sound and its times kept.

use std::path::{Path, PathBuf};

use est_media::{Image, resize};

use super::encoder::{Encoder, Sound};
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
    sound: Option<Sound>,
    /// A part begins with its first frame, the whole where its source does.
    is_part: bool,
    /// From the first frame on: what is written, and its zero.
    encoder: Option<(Encoder, f64)>,
}

impl Mp4Report {
    pub fn create(path: &Path, source: &Source, record: &RunRecord, replay: Replay) -> Self {
        let file = source.file().filter(|_| !replay.info().is_pictures());
        let sound = file.map(|file| Sound { file: file.to_owned(), from_s: 0.0, to_s: record.end_s });
        let overlay = Overlay::new(&record.model.classes);
        Mp4Report { replay, overlay, path: path.to_owned(), sound, is_part: record.start_s.is_some(), encoder: None }
    }

    fn write_ready(&mut self, over: bool) -> Result<(), EstError> {
        while let Some(Shown { pts_s, mut image, rows }) = self.replay.next(over)? {
            self.overlay.draw(&mut image, pts_s, &rows);
            // Pictures of a folder may differ in size, and a broadcast's shape may change; a video may not.
            let (width, height) = (self.replay.info().width, self.replay.info().height);
            if (image.width, image.height) != (width, height) {
                image = fitted(&image, width, height);
            }
            if self.encoder.is_none() {
                let zero_s = if self.is_part { pts_s } else { 0.0 };
                let sound = self.sound.take().map(|sound| Sound { from_s: zero_s, ..sound });
                let encoder = Encoder::start(&self.path, (width, height), pts_s - zero_s, sound.as_ref())?;
                self.encoder = Some((encoder, zero_s));
            }
            let (encoder, zero_s) = self.encoder.as_mut().expect("just started");
            encoder.frame(&image, pts_s - *zero_s)?;
        }
        Ok(())
    }
}

/// The whole picture within `width` x `height`, in its own proportions, on black.
fn fitted(image: &Image, width: usize, height: usize) -> Image {
    let scale = (width as f64 / image.width as f64).min(height as f64 / image.height as f64);
    let side = |own: usize, most: usize| ((own as f64 * scale).round() as usize).clamp(1, most);
    let inner = resize(image, side(image.width, width), side(image.height, height));
    let mut frame = Image::new(width, height, vec![0; 3 * width * height]);
    let (left, top) = ((width - inner.width) / 2, (height - inner.height) / 2);
    for (y, row) in inner.data.chunks_exact(3 * inner.width).enumerate() {
        frame.data[3 * ((top + y) * width + left)..][..row.len()].copy_from_slice(row);
    }
    frame
}

impl Report for Mp4Report {
    fn row(&mut self, row: &Row) -> Result<(), EstError> {
        self.replay.push(row);
        self.write_ready(false)
    }

    fn finish(mut self: Box<Self>, _: &Summary) -> Result<Vec<PathBuf>, EstError> {
        self.write_ready(true)?;
        self.encoder.map(|(encoder, _)| encoder.finish()).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_picture_keeps_its_shape_between_bars() {
        let white = Image::new(40, 10, vec![255; 1200]);
        let frame = fitted(&white, 20, 15);
        let rows: Vec<u8> = (0..15).map(|y| frame.data[3 * (y * 20 + 10)]).collect();
        assert_eq!(rows, [[0; 5], [255; 5], [0; 5]].concat());
        assert_eq!(fitted(&white, 40, 10).data, white.data);
        let narrow = fitted(&white, 7, 30);
        assert_eq!((narrow.width, narrow.height), (7, 30));
    }
}
