//! A contact sheet: what a source draws, to be looked at.

use std::io::Write;
use std::path::Path;

use est_media::{Image, JpegColour};
use est_nets::whole_file;

use super::facs::Intensities;
use super::nuisance::PictureNuisance;
use super::prototypes::PROTOTYPES;
use super::script::{ClipScript, Profile};
use super::{FaceState, Source};
use crate::error::DataError;

/// Rows below the classes: one clip of each of so many subjects.
const CLIPS: usize = 3;
/// Side of a picture, and the pictures in a row: one a class.
const SIDE: usize = 160;
const COLUMNS: usize = PROTOTYPES.len();

/// JPEG quality of a sheet.
const QUALITY: u8 = 85;

/// Writes a JPEG: `subjects` rows with every class at full intensity (columns in the order of [`PROTOTYPES`], a variant further in each
/// row), then three clips of `profile` from their first to their last frame.
///
/// # Errors
/// When the source has fewer subjects, or the file cannot be written.
pub fn write_contact_sheet(
    path: &Path,
    source: &dyn Source,
    profile: &Profile,
    seed: u64,
    subjects: usize,
) -> Result<(), DataError> {
    let mut sheet =
        Image::new(SIDE * COLUMNS, SIDE * (subjects + CLIPS), vec![0; SIDE * COLUMNS * SIDE * (subjects + CLIPS) * 3]);
    for row in 0..subjects {
        let subject = source.subject(row, seed)?;
        for (column, (_, variants)) in PROTOTYPES.iter().enumerate() {
            let mut aus = Intensities::default();
            for &(au, share) in variants[row % variants.len()] {
                aus.set(au, [share; 2]);
            }
            let state = FaceState { aus, ..FaceState::default() };
            paste(&mut sheet, &subject.draw(&state, SIDE).image, column, row);
        }
    }
    for clip in 0..CLIPS {
        let subject = source.subject(clip % subjects, seed)?;
        let script = ClipScript::new(profile, seed, clip % subjects, clip);
        let nuisance = PictureNuisance::new(profile, seed, clip % subjects, clip);
        for column in 0..COLUMNS {
            let frame = column * (script.frames() - 1) / (COLUMNS - 1);
            let mut image = subject.draw(&script.state(frame), SIDE).image;
            nuisance.apply(frame, &mut image);
            paste(&mut sheet, &image, column, subjects + clip);
        }
    }
    let write = || {
        let mut file = whole_file::begin(path)?;
        file.write_all(&sheet.to_jpeg(QUALITY, JpegColour::Full))?;
        whole_file::place(file, path)
    };
    write().map_err(DataError::write(path))
}

fn paste(sheet: &mut Image, image: &Image, column: usize, row: usize) {
    for y in 0..image.height {
        let from = &image.data[y * image.width * 3..][..image.width * 3];
        let at = ((row * SIDE + y) * sheet.width + column * SIDE) * 3;
        sheet.data[at..at + from.len()].copy_from_slice(from);
    }
}
