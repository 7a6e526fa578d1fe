//! Heads that are drawn from a mesh: any number of subjects, every one a random mix of shapes and materials.

mod expression;
mod grain;
mod identity;
mod look;
mod raster;
mod rig;
mod scene;
mod shade;
mod skin;
mod visibility;

use std::path::Path;
use std::sync::Arc;

use self::rig::Rig;
use self::scene::Head;
use self::skin::Folds;
use super::{Source, Subject};
use crate::error::DataError;

/// A source of subjects drawn from MakeHuman's head mesh by a software rasteriser.
pub struct Heads {
    rig: Arc<Rig>,
    layers: Arc<Vec<Folds>>,
    /// The canonical place that each texel of the skin shows.
    chart: Vec<[f32; 3]>,
}

impl Heads {
    /// Reads the mesh out of the package that [`super::mesh::MESH_FILE`] names.
    ///
    /// # Errors
    /// As [`super::mesh::HeadMesh::open`].
    pub fn open(mesh_file: &Path) -> Result<Self, DataError> {
        let rig = Rig::open(mesh_file)?;
        let chart = rig::charted(&rig, skin::WIDTH, skin::HEIGHT);
        let layers = Arc::new(skin::folded(&chart));
        Ok(Heads { rig: Arc::new(rig), layers, chart })
    }
}

impl Source for Heads {
    fn name(&self) -> &'static str {
        "heads"
    }

    fn subjects(&self) -> Option<usize> {
        None
    }

    fn subject(&self, index: usize, seed: u64) -> Result<Box<dyn Subject>, DataError> {
        Ok(Box::new(Head::new(&self.rig, &self.layers, &self.chart, index, seed)))
    }
}
