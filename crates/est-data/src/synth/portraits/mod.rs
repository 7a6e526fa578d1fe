//! Photographs of neutral faces, moved by action units: each portrait is laid over the head mesh, whose face units move
//! it.

mod blend;
mod draw;
mod eyes;
mod fit;
mod light;
mod mouth;
mod patch;
mod portrait;
mod raster;
mod relief;
mod spline;
mod surroundings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use est_media::Image;
use est_nets::Noise;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::mesh::HeadMesh;
use super::state::{Source, Subject};
use crate::error::DataError;
use blend::Face;
use patch::Patch;
use portrait::Portrait;

const LANDMARKS: &str = "landmarks.json";

/// A folder of frontal photographs of neutral faces as the Face Research Lab London Set has them: `neutral/NNN.jpg`, and
/// `landmarks.json` with the 189 template points of each in its pixels, by the file's name without its ending.
pub struct Portraits {
    files: Vec<PathBuf>,
    points: Vec<Vec<[f32; 2]>>,
    patch: Arc<Patch>,
    blends: bool,
}

impl Portraits {
    /// Reads the folder's lists and the head mesh; the photographs themselves are read one by one.
    ///
    /// # Errors
    /// When `landmarks.json` or the mesh is missing or not what it should be, when there is no photograph, or when one
    /// has no points.
    pub fn open(folder: &Path, mesh_file: &Path) -> Result<Self, DataError> {
        let list = folder.join(LANDMARKS);
        let text = std::fs::read_to_string(&list).map_err(DataError::read(&list))?;
        let mut known: BTreeMap<String, Vec<[f32; 2]>> = serde_json::from_str(&text).map_err(|error| {
            DataError::set(&list, format!("not a list of points by portrait ({error}); fetch the folder again"))
        })?;
        let neutral = folder.join("neutral");
        let mut files = vec![];
        for entry in std::fs::read_dir(&neutral).map_err(DataError::read(&neutral))? {
            let path = entry.map_err(DataError::read(&neutral))?.path();
            if path.extension().is_some_and(|ending| ending == "jpg") {
                files.push(path);
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(DataError::set(&neutral, "holds no portrait (NNN.jpg)"));
        }
        let points = files.iter().map(|file| match known.remove(&name(file)) {
            Some(points) if points.len() == fit::POINTS => Ok(points),
            Some(points) => {
                let problem = format!("{} has {} points instead of {}", file.display(), points.len(), fit::POINTS);
                Err(DataError::set(&list, problem))
            }
            None => Err(DataError::set(&list, format!("has no points of {}; add them or remove it", file.display()))),
        });
        let points = points.collect::<Result<_, _>>()?;
        let patch = Arc::new(Patch::new(&HeadMesh::open(mesh_file, &[])?));
        Ok(Portraits { files, points, patch, blends: false })
    }

    /// Lets subjects beyond the photographs be blends of two of them.
    pub fn with_blends(self) -> Self {
        Portraits { blends: true, ..self }
    }

    fn photographed(&self, index: usize) -> Result<Face, DataError> {
        Ok(Face { image: photograph(&self.files[index])?, points: self.points[index].clone() })
    }

    /// Any two portraits, mixed by 30 to 70 %.
    fn blended(&self, index: usize, noise: Noise) -> Result<(String, Face), DataError> {
        let count = self.files.len();
        let draw = |k: u64, limit: usize| ((noise.unit(k) * limit as f64) as usize).min(limit - 1);
        let first = draw(4, count);
        let second = (first + 1 + draw(5, count - 1)) % count;
        let share = noise.uniform(6, 0.3, 0.7);
        let face = self.photographed(first)?.blend(&self.photographed(second)?, share);
        let [first, second] = [first, second].map(|portrait| name(&self.files[portrait]));
        Ok((format!("blend_{index}_of_{first}_and_{second}"), face))
    }
}

impl Source for Portraits {
    fn name(&self) -> &'static str {
        "portraits"
    }

    fn subjects(&self) -> Option<usize> {
        (!self.blends || self.files.len() < 2).then_some(self.files.len())
    }

    fn mixes_faces(&self) -> bool {
        self.blends
    }

    /// Portrait `index` in the order of names, or beyond them a blend; the seed decides which two it is of, whether the
    /// face is mirrored, and tints its colours a little.
    fn subject(&self, index: usize, seed: u64) -> Result<Box<dyn Subject>, DataError> {
        let folder = self.files[0].parent().unwrap_or(Path::new(""));
        if self.subjects().is_some_and(|there| index >= there) {
            return Err(DataError::set(folder, format!("holds {} portraits; there is no {index}", self.files.len())));
        }
        let noise = Noise::new(seed, &format!("portraits.{index}"));
        let (id, face) = match self.files.get(index) {
            Some(file) => (format!("portrait_{}", name(file)), self.photographed(index)?),
            None => self.blended(index, noise)?,
        };
        let tint = [1, 2, 3].map(|k| 1.0 + noise.uniform(k, -0.04, 0.04));
        let mirrored = noise.unit(0) < 0.5;
        let subject = Portrait::new(id.clone(), &face.image, &face.points, self.patch.clone(), mirrored, tint);
        Ok(Box::new(subject.map_err(|problem| DataError::set(folder, format!("{id}: {problem}")))?))
    }
}

fn name(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn photograph(file: &Path) -> Result<Image, DataError> {
    let bytes = std::fs::read(file).map_err(DataError::read(file))?;
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&bytes), options);
    let broken = |error| DataError::set(file, format!("not a JPEG that can be read ({error}); fetch it again"));
    let pixels = decoder.decode().map_err(broken)?;
    let (width, height) = decoder.dimensions().expect("known once decoded");
    Ok(Image::new(width, height, pixels))
}
