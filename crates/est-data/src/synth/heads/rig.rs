//! What every head shares: the head's part of the base mesh, its face units and identity targets, and the chart that
//! skin is painted on. "Canonical" is the base mesh at rest, before an identity: features are painted by canonical place.

use std::collections::BTreeMap;
use std::path::Path;

use super::grain::step;
use crate::error::DataError;
use crate::synth::mesh::{Displacement, HeadMesh, Quad};

/// What a triangle is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Skin,
    Mouth,
    Teeth,
    Tongue,
    Lashes,
    Curtain,
    Eye,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Triangle {
    pub corners: [u32; 3],
    pub part: Part,
}

/// Folders of identity targets.
pub(super) const FOLDERS: [&str; 11] =
    ["macrodetails", "nose", "mouth", "eyes", "head", "cheek", "chin", "ears", "forehead", "eyebrows", "asym"];

/// Below this height (decimetres) the body is cut off.
const CUT: f32 = 5.3;
/// The axis of the skin chart's cylinder.
const AXIS_Z: f32 = 0.2;

pub(super) struct Rig {
    /// Canonical places. The last 2 x [`EYE_VERTICES`] are the eyeballs', on the unit sphere about the origin.
    pub places: Vec<[f32; 3]>,
    pub triangles: Vec<Triangle>,
    /// Where each vertex lies on the chart, in [0, 1].
    pub chart: Vec<[f32; 2]>,
    pub units: BTreeMap<String, Displacement>,
    pub targets: BTreeMap<String, Displacement>,
    /// Vertices of the helper eyeballs, the subject's right and left: their mean is the centre.
    pub eyes: [Vec<u32>; 2],
    /// The nose tip and the mouth's corners, the viewer's left first.
    pub nose: u32,
    pub corners: [u32; 2],
    /// Vertices before those of long hair, and before the eyeballs'.
    pub curtain: usize,
    pub skin: usize,
}

const EYE_RINGS: usize = 14;
const EYE_SEGMENTS: usize = 28;
pub(super) const EYE_VERTICES: usize = EYE_RINGS * EYE_SEGMENTS + 1;

impl Rig {
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Ok(Rig::new(&HeadMesh::open(path, &FOLDERS)?))
    }

    fn new(mesh: &HeadMesh) -> Self {
        let mut kept = vec![u32::MAX; mesh.positions.len()];
        let mut places = vec![];
        let mut triangles = vec![];
        let mut keep = |vertex: u32| {
            let slot = &mut kept[vertex as usize];
            if *slot == u32::MAX {
                *slot = places.len() as u32;
                places.push(mesh.positions[vertex as usize]);
            }
            *slot
        };
        for (group, quads) in &mesh.groups {
            let part = match group.as_str() {
                "body" => Part::Skin,
                "helper-upper-teeth" | "helper-lower-teeth" => Part::Teeth,
                "helper-tongue" => Part::Tongue,
                name if name.contains("eyelashes") => Part::Lashes,
                _ => continue,
            };
            for quad in quads {
                let lowest = quad.vertices.iter().map(|v| mesh.positions[*v as usize][1]).fold(f32::MAX, f32::min);
                if lowest < CUT {
                    continue;
                }
                let part = if part == Part::Skin && inside_mouth(mesh, quad) { Part::Mouth } else { part };
                let [a, b, c, d] = quad.vertices.map(&mut keep);
                triangles.push(Triangle { corners: [a, b, c], part });
                triangles.push(Triangle { corners: [a, c, d], part });
            }
        }
        let eyes = ["helper-r-eye", "helper-l-eye"].map(|group| {
            let mut vertices: Vec<u32> = mesh.groups[group].iter().flat_map(|quad| quad.vertices).collect();
            vertices.sort_unstable();
            vertices.dedup();
            vertices.into_iter().map(&mut keep).collect()
        });
        let remapped = |targets: &BTreeMap<String, Displacement>| -> BTreeMap<String, Displacement> {
            let remap = |moves: &Displacement| {
                let moves = moves.iter().filter(|(vertex, _)| kept[*vertex as usize] != u32::MAX);
                moves.map(|(vertex, by)| (kept[*vertex as usize], *by)).collect()
            };
            targets.iter().map(|(name, moves)| (name.clone(), remap(moves))).collect()
        };
        let (units, targets) = (remapped(&mesh.units), remapped(&mesh.targets));
        let curtain = places.len();
        hang(&mut places, &mut triangles);
        let skin = places.len();
        let nearest = |place: [f32; 3]| -> u32 {
            let distance = |v: &[f32; 3]| (0..3).map(|k| (v[k] - place[k]).powi(2)).sum::<f32>();
            (0..curtain).min_by(|a, b| distance(&places[*a]).total_cmp(&distance(&places[*b]))).unwrap() as u32
        };
        let nose = nearest([0.0, 6.94, 1.69]);
        let corners = [nearest([-0.259, 6.609, 1.42]), nearest([0.259, 6.609, 1.42])];
        let chart = places.iter().map(|place| chart_place(*place)).collect();
        let mut rig = Rig { places, triangles, chart, units, targets, eyes, nose, corners, curtain, skin };
        rig.add_eyeball();
        rig.add_eyeball();
        rig
    }

    /// The front of a unit sphere, finer than the mesh's own eyeball.
    fn add_eyeball(&mut self) {
        let first = self.places.len() as u32;
        self.places.push([0.0, 0.0, 1.0]);
        for ring in 1..=EYE_RINGS {
            let polar = 1.45 * ring as f32 / EYE_RINGS as f32;
            for segment in 0..EYE_SEGMENTS {
                let around = std::f32::consts::TAU * segment as f32 / EYE_SEGMENTS as f32;
                self.places.push([polar.sin() * around.cos(), polar.sin() * around.sin(), polar.cos()]);
            }
        }
        let at = |ring: usize, segment: usize| match ring {
            0 => first,
            _ => first + 1 + ((ring - 1) * EYE_SEGMENTS + segment % EYE_SEGMENTS) as u32,
        };
        for ring in 0..EYE_RINGS {
            for segment in 0..EYE_SEGMENTS {
                let (a, b) = (at(ring, segment), at(ring, segment + 1));
                let (c, d) = (at(ring + 1, segment + 1), at(ring + 1, segment));
                self.triangles.push(Triangle { corners: [a, d, c], part: Part::Eye });
                if ring > 0 {
                    self.triangles.push(Triangle { corners: [a, c, b], part: Part::Eye });
                }
            }
        }
        self.chart.resize(self.places.len(), [0.0; 2]);
    }
}

/// Long hair: a sheet that hangs beside the head and behind it.
fn hang(places: &mut Vec<[f32; 3]>, triangles: &mut Vec<Triangle>) {
    const COLUMNS: usize = 24;
    const ROWS: usize = 10;
    let first = places.len() as u32;
    for row in 0..=ROWS {
        let down = row as f32 / ROWS as f32;
        let out = 0.80 + 0.20 * step(0.0, 0.35, down);
        for column in 0..=COLUMNS {
            let around = (68.0 + 224.0 * column as f32 / COLUMNS as f32).to_radians();
            places.push([0.95 * out * around.sin(), 8.1 - 2.8 * down, 0.15 + 1.05 * out * around.cos()]);
        }
    }
    let at = |row: usize, column: usize| first + (row * (COLUMNS + 1) + column) as u32;
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            let (a, b, c) = (at(row, column), at(row + 1, column), at(row + 1, column + 1));
            triangles.push(Triangle { corners: [a, b, c], part: Part::Curtain });
            triangles.push(Triangle { corners: [a, c, at(row, column + 1)], part: Part::Curtain });
        }
    }
}

/// The lining of the mouth has a texture island of its own.
fn inside_mouth(mesh: &HeadMesh, quad: &Quad) -> bool {
    quad.texture.iter().all(|t| {
        let [u, v] = mesh.texture[*t as usize];
        (0.74..0.94).contains(&u) && v < 0.145
    })
}

/// Half the chart's angle, and its heights.
const HALF_ANGLE: f32 = 2.2;
const BOTTOM: f32 = 5.9;
const TOP: f32 = 8.5;

/// Where a canonical place lies on the chart, a cylinder about the head.
fn chart_place([x, y, z]: [f32; 3]) -> [f32; 2] {
    let angle = x.atan2(z - AXIS_Z).clamp(-HALF_ANGLE, HALF_ANGLE);
    [0.5 + 0.5 * angle / HALF_ANGLE, ((TOP - y) / (TOP - BOTTOM)).clamp(0.0, 1.0)]
}

/// For every texel of the chart the canonical place that it shows, the outermost where several do; [`f32::NAN`] where
/// none does.
pub(super) fn charted(rig: &Rig, width: usize, height: usize) -> Vec<[f32; 3]> {
    let mut places = vec![[f32::NAN; 3]; width * height];
    let mut reach = vec![0.0f32; width * height];
    for triangle in rig.triangles.iter().filter(|triangle| triangle.part == Part::Skin) {
        let at = triangle.corners.map(|c| {
            let [u, v] = rig.chart[c as usize];
            [u * width as f32, v * height as f32]
        });
        let corner = triangle.corners.map(|c| rig.places[c as usize]);
        let area = (at[1][0] - at[0][0]) * (at[2][1] - at[0][1]) - (at[2][0] - at[0][0]) * (at[1][1] - at[0][1]);
        let low = |k: usize| at.iter().map(|p| p[k]).fold(f32::MAX, f32::min).max(0.0) as usize;
        let high = |k: usize, n: usize| (at.iter().map(|p| p[k]).fold(0.0, f32::max) as usize + 1).min(n);
        if area == 0.0 || high(0, width) - low(0) > width / 2 {
            continue;
        }
        for y in low(1)..high(1, height) {
            for x in low(0)..high(0, width) {
                let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
                let edge = |a: [f32; 2], b: [f32; 2]| (b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1]);
                let share = [edge(at[1], at[2]) / area, edge(at[2], at[0]) / area, edge(at[0], at[1]) / area];
                if share.iter().all(|s| *s >= -0.02) {
                    let place: [f32; 3] = std::array::from_fn(|k| (0..3).map(|c| share[c] * corner[c][k]).sum());
                    let radius = place[0].hypot(place[2] - AXIS_Z);
                    if radius > reach[y * width + x] {
                        reach[y * width + x] = radius;
                        places[y * width + x] = place;
                    }
                }
            }
        }
    }
    places
}
