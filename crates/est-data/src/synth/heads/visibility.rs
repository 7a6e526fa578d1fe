//! From which directions light reaches each vertex: one bit a direction, found with shadow maps of the head at rest.
//! Gives ambient occlusion once a subject and a soft shadow of the key light for any light, at a few adds a frame.

use super::raster::{Projected, covered};
use super::rig::{Part, Rig};

/// Directions, spread evenly over the sphere.
pub(super) const DIRECTIONS: usize = 64;
const SIDE: usize = 256;
/// Decimetres that a picture of the shadow map spans, and those that a surface must lie behind another to be shaded.
const SPAN: f32 = 4.2;
const BIAS: f32 = 0.045;

pub(super) fn directions() -> [[f32; 3]; DIRECTIONS] {
    std::array::from_fn(|i| {
        let z = 1.0 - (2.0 * i as f32 + 1.0) / DIRECTIONS as f32;
        let around = i as f32 * 2.399_963;
        let radius = (1.0 - z * z).sqrt();
        [radius * around.cos(), radius * around.sin(), z]
    })
}

/// For every vertex the directions from which it is lit.
pub(super) fn lit(rig: &Rig, places: &[[f32; 3]]) -> Vec<u64> {
    let mut lit = vec![0u64; places.len()];
    let mut map = vec![0.0f32; SIDE * SIDE];
    for (bit, to) in directions().into_iter().enumerate() {
        let right = normal(cross([0.0, 1.0, 0.001], to));
        let up = cross(to, right);
        let scale = SIDE as f32 / SPAN;
        let project = |place: &[f32; 3]| {
            let from = [place[0], place[1] - 7.1, place[2] - 0.4];
            let x = SIDE as f32 / 2.0 + dot(from, right) * scale;
            Projected { x, y: SIDE as f32 / 2.0 - dot(from, up) * scale, near: 10.0 + dot(from, to) }
        };
        let seen: Vec<Projected> = places.iter().map(project).collect();
        map.fill(0.0);
        for triangle in rig.triangles.iter().filter(|t| matches!(t.part, Part::Skin | Part::Mouth)) {
            let corners = triangle.corners.map(|c| seen[c as usize]);
            covered(SIDE, corners, false, |at, depth| map[at] = depth.max(map[at]));
        }
        for (lit, at) in lit.iter_mut().zip(&seen) {
            let (x, y) = (at.x.clamp(0.0, SIDE as f32 - 1.0) as usize, at.y.clamp(0.0, SIDE as f32 - 1.0) as usize);
            if map[y * SIDE + x] < at.near + BIAS {
                *lit |= 1 << bit;
            }
        }
    }
    lit
}

pub(super) fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(super) fn normal(v: [f32; 3]) -> [f32; 3] {
    let length = dot(v, v).sqrt().max(1e-9);
    v.map(|x| x / length)
}
