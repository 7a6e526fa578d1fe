//! What lies around the sheet of skin in a photograph: hair, neck, ears and the wall, which the head carries along.

use super::patch::{Patch, Point};

/// Nodes in each direction, over half the photograph beyond each of its edges too.
const NODES: usize = 56;
const BEYOND: f32 = 0.3;
/// Vertices of the sheet that pull at a node.
const PULLING: usize = 12;
/// How far, in decimetres, an expression pulls at what is around the face, and how far the head's depth reaches.
const PULL: f32 = 0.35;
const DEPTH: f32 = 0.9;
/// The depth of the wall, in decimetres of the mesh.
const WALL: f32 = 0.75;

/// A net over the photograph.
#[derive(Debug)]
pub struct Surroundings {
    pub nodes: Vec<Node>,
}

#[derive(Debug)]
pub struct Node {
    /// Pixels of the photograph, y down, and the depth in the same unit.
    pub at: Point,
    pulls: Vec<(usize, f32)>,
    /// How much of the near vertices' movement it shares.
    pub follows: f32,
}

impl Node {
    /// The weighted mean of what the near vertices have.
    pub fn mean(&self, values: &[Point]) -> Point {
        let mut sum = [0.0; 3];
        for &(vertex, weight) in &self.pulls {
            (0..3).for_each(|k| sum[k] += weight * values[vertex][k]);
        }
        sum
    }

    /// Its place when the sheet's vertices are displaced by so much.
    pub fn moved(&self, displacements: &[Point]) -> Point {
        let by = self.mean(displacements);
        [0, 1, 2].map(|k| self.at[k] + self.follows * by[k])
    }
}

impl Surroundings {
    /// `places` are the sheet's vertices in the photograph at rest.
    pub fn new(patch: &Patch, places: &[Point], scale: f32, size: [usize; 2]) -> Self {
        let node = |at: usize| {
            let share = |step: usize| step as f32 / (NODES - 1) as f32 * (1.0 + 2.0 * BEYOND) - BEYOND;
            let x = share(at % NODES) * size[0] as f32;
            let y = share(at / NODES) * size[1] as f32;
            let mut near: Vec<(f32, usize)> =
                (0..patch.positions.len()).map(|v| ((places[v][0] - x).hypot(places[v][1] - y), v)).collect();
            near.select_nth_unstable_by(PULLING, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            near.truncate(PULLING);
            near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let weights = near.iter().map(|(far, _)| 1.0 / (far * far + 4.0));
            let whole: f32 = weights.clone().sum();
            let pulls: Vec<(usize, f32)> =
                near.iter().zip(weights).map(|(&(_, vertex), weight)| (vertex, weight / whole)).collect();
            let far = near[0].0 / scale;
            let depth: f32 = pulls.iter().map(|&(vertex, weight)| weight * places[vertex][2]).sum();
            let wall = WALL * scale;
            let z = wall + (depth - wall) * (-(far / DEPTH).powi(2)).exp();
            Node { at: [x, y, z], pulls, follows: (-(far / PULL).powi(2)).exp() }
        };
        Surroundings { nodes: (0..NODES * NODES).map(node).collect() }
    }

    /// The net's meshes: indices of nodes.
    pub fn quads() -> impl Iterator<Item = [usize; 4]> {
        (0..NODES - 1).flat_map(|row| {
            (0..NODES - 1).map(move |column| {
                let at = row * NODES + column;
                [at, at + 1, at + NODES + 1, at + NODES]
            })
        })
    }
}
