//! The part of the head mesh that a frontal photograph shows: one sheet of skin with holes for the eyes and the mouth.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::synth::mesh::{HeadMesh, Quad};

/// Where the sheet ends, in the mesh's decimetres: above the forehead, below the chin, in front of the ears.
const TOP: f32 = 7.9;
const BOTTOM: f32 = 6.12;
const SIDE: f32 = 0.7;
/// Quads that turn further from the viewer than this (cosine) are the insides of lids, lips and nostrils.
const FACING: f32 = 0.1;

/// A vector or point: x to the subject's left, y up, z to the front.
pub type Point = [f32; 3];

/// The sheet. Vertices are counted anew; positions are the mesh's, in decimetres.
#[derive(Debug)]
pub struct Patch {
    pub positions: Vec<Point>,
    pub quads: Vec<[usize; 4]>,
    pub normals: Vec<Point>,
    /// Displacements at full strength, by the unit's name.
    pub units: BTreeMap<String, Vec<(usize, Point)>>,
    /// The viewer's left eye first.
    pub eyes: [Slit; 2],
    pub mouth: Slit,
    pub outline: Vec<usize>,
    /// Quads between a vertex and the outline, at most 3: the sheet fades into the photograph over them.
    pub rings: Vec<usize>,
    pub nose_tip: usize,
    /// The mean displacement of the lower teeth when the jaw opens.
    pub jaw: Point,
}

/// A hole between two edges, each from its smallest to its largest x.
#[derive(Debug)]
pub struct Slit {
    pub upper: Vec<usize>,
    pub lower: Vec<usize>,
}

impl Patch {
    pub fn new(mesh: &HeadMesh) -> Self {
        let quads = sheet(mesh);
        let vertices: BTreeSet<u32> = quads.iter().flat_map(|quad| quad.vertices).collect();
        let place: BTreeMap<u32, usize> = vertices.iter().enumerate().map(|(place, &vertex)| (vertex, place)).collect();
        let positions: Vec<Point> = vertices.iter().map(|&vertex| mesh.positions[vertex as usize]).collect();
        let quads: Vec<[usize; 4]> = quads.iter().map(|quad| quad.vertices.map(|vertex| place[&vertex])).collect();
        let units = mesh.units.iter().map(|(name, moves)| {
            let moves = moves.iter().filter_map(|(vertex, by)| Some((*place.get(vertex)?, *by))).collect();
            (name.clone(), moves)
        });
        let units: BTreeMap<String, Vec<(usize, Point)>> = units.collect();
        let mut loops = boundaries(&quads);
        loops.sort_by_key(|edge| std::cmp::Reverse(edge.len()));
        let outline = loops.remove(0);
        let mut hole = |inside: &dyn Fn(Point) -> bool| {
            let at = loops.iter().position(|edge| inside(mean(edge.iter().map(|&vertex| positions[vertex]))));
            loops.remove(at.expect("the tested mesh has its eyes and mouth here"))
        };
        let mut eye = |sign: f32| Slit::of_eye(&hole(&|[x, y, _]| sign * x > 0.2 && y > 7.25), &positions);
        let eyes = [eye(-1.0), eye(1.0)];
        let mouth = Slit::of_mouth(&hole(&|[_, y, _]| y < 6.7), &positions);
        let lower_teeth: BTreeSet<u32> =
            mesh.groups["helper-lower-teeth"].iter().flat_map(|quad| quad.vertices).collect();
        let jaw = mesh.units["jawOpen"].iter().filter(|(vertex, _)| lower_teeth.contains(vertex));
        let nose_tip = (0..positions.len()).max_by(|&a, &b| positions[a][2].total_cmp(&positions[b][2]));
        let mut patch = Patch {
            normals: normals(&positions, &quads),
            rings: rings(&quads, positions.len(), &outline, 3),
            jaw: mean(jaw.map(|(_, by)| *by)),
            nose_tip: nose_tip.expect("the sheet has vertices"),
            positions,
            quads,
            units,
            eyes,
            mouth,
            outline,
        };
        patch.close_the_lids();
        patch
    }

    /// The positions under weighted units.
    pub fn moved(&self, weights: &[(String, f32)]) -> Vec<Point> {
        let mut positions = self.positions.clone();
        for (name, weight) in weights {
            for (vertex, by) in &self.units[name] {
                for axis in 0..3 {
                    positions[*vertex][axis] += weight * by[axis];
                }
            }
        }
        positions
    }

    /// Makes a full blink bring the upper lid's edge down onto the lower one's (the mesh's own goes 3 mm further), the
    /// lid's skin above following less and less over four quads.
    fn close_the_lids(&mut self) {
        for (eye, name) in [(0, "eyeBlinkRight"), (1, "eyeBlinkLeft")] {
            let closed = self.moved(&[(name.to_string(), 1.0)]);
            let lower: Vec<[f32; 2]> =
                self.eyes[eye].lower.iter().map(|&vertex| [closed[vertex][0], closed[vertex][1]]).collect();
            let upper = self.eyes[eye].upper.clone();
            let gaps: Vec<f32> =
                upper.iter().map(|&vertex| height_at(&lower, closed[vertex][0]) - 0.006 - closed[vertex][1]).collect();
            let rings = rings(&self.quads, self.positions.len(), &upper, 5);
            let lowest = self.positions[upper[0]][1].min(self.positions[upper[upper.len() - 1]][1]);
            let unit = self.units.get_mut(name).expect("one of the 52 units");
            for vertex in 0..self.positions.len() {
                let [x, y, _] = self.positions[vertex];
                if rings[vertex] > 4 || (rings[vertex] > 0 && y < lowest) || self.eyes[eye].lower.contains(&vertex) {
                    continue;
                }
                let nearest = (0..upper.len())
                    .min_by(|&a, &b| {
                        let far = |k: usize| (self.positions[upper[k]][0] - x).abs();
                        far(a).total_cmp(&far(b))
                    })
                    .expect("an edge has vertices");
                let share = [1.0, 0.8, 0.55, 0.3, 0.12][rings[vertex]];
                unit.push((vertex, [0.0, share * gaps[nearest], 0.0]));
            }
        }
    }
}

impl Slit {
    /// Around the eyes' corners the edge turns back on itself; what lies above the line between the corners is the upper
    /// lid's.
    fn of_eye(edge: &[usize], positions: &[Point]) -> Self {
        let (left, right) = ends(edge, positions);
        let line = [left, right].map(|at| [positions[edge[at]][0], positions[edge[at]][1]]);
        let mut sorted = edge.to_vec();
        sorted.sort_by(|&a, &b| positions[a][0].total_cmp(&positions[b][0]));
        let above = |&vertex: &usize| positions[vertex][1] >= height_at(&line, positions[vertex][0]);
        let (upper, lower) = sorted.into_iter().partition(above);
        Slit { upper, lower }
    }

    fn of_mouth(edge: &[usize], positions: &[Point]) -> Self {
        let (left, right) = ends(edge, positions);
        let walk = |from: usize, to: usize| -> Vec<usize> {
            let steps = (to + edge.len() - from) % edge.len();
            (0..=steps).map(|step| edge[(from + step) % edge.len()]).collect()
        };
        let one = walk(left, right);
        let mut other = walk(right, left);
        other.reverse();
        let height = |side: &[usize]| mean(side.iter().map(|&vertex| positions[vertex]))[1];
        if height(&one) > height(&other) {
            Slit { upper: one, lower: other }
        } else {
            Slit { upper: other, lower: one }
        }
    }
}

/// Where in a closed edge the smallest and the largest x are.
fn ends(edge: &[usize], positions: &[Point]) -> (usize, usize) {
    let extreme = |sign: f32| {
        let far = |&a: &usize, &b: &usize| (sign * positions[edge[a]][0]).total_cmp(&(sign * positions[edge[b]][0]));
        (0..edge.len()).max_by(far).expect("an edge has vertices")
    };
    (extreme(-1.0), extreme(1.0))
}

/// The quads of the sheet: all that face the viewer and hang together with the tip of the nose.
fn sheet(mesh: &HeadMesh) -> Vec<Quad> {
    let body = &mesh.groups["body"];
    let corners = |quad: &Quad| quad.vertices.map(|vertex| mesh.positions[vertex as usize]);
    let fits = |quad: &Quad| {
        let at = corners(quad);
        let [x, y, _] = mean(at);
        let normal = unit(cross(minus(at[2], at[0]), minus(at[3], at[1])));
        normal[2] > FACING && y > BOTTOM && y < TOP && x.abs() < SIDE
    };
    let fitting: Vec<Quad> = body.iter().copied().filter(|quad| fits(quad)).collect();
    let mut sharing: BTreeMap<[u32; 2], Vec<usize>> = BTreeMap::new();
    for (index, quad) in fitting.iter().enumerate() {
        for k in 0..4 {
            sharing.entry(edge(quad.vertices[k], quad.vertices[(k + 1) % 4])).or_default().push(index);
        }
    }
    let front = (0..fitting.len()).max_by(|&a, &b| {
        let depth = |index: usize| mean(corners(&fitting[index]))[2];
        depth(a).total_cmp(&depth(b))
    });
    let mut queue = VecDeque::from([front.expect("the tested mesh has a nose")]);
    let mut found: BTreeSet<usize> = queue.iter().copied().collect();
    while let Some(index) = queue.pop_front() {
        let quad = fitting[index].vertices;
        for k in 0..4 {
            for &next in &sharing[&edge(quad[k], quad[(k + 1) % 4])] {
                if found.insert(next) {
                    queue.push_back(next);
                }
            }
        }
    }
    let inside: BTreeSet<u32> = found.iter().flat_map(|&index| fitting[index].vertices).collect();
    // The folds of skin within the sheet (beside the nostrils, under the lower lid) belong to it too.
    body.iter()
        .filter(|quad| quad.vertices.iter().all(|vertex| inside.contains(vertex)))
        .filter(|quad| fits(quad) || !between_the_edges(mean(corners(quad))))
        .copied()
        .collect()
}

/// Whether a point lies where lids or lips meet, so that a quad across it would close them.
fn between_the_edges([x, y, _]: Point) -> bool {
    (y > 7.25 && y < 7.36 && x.abs() > 0.15) || (y > 6.59 && y < 6.63 && x.abs() < 0.27)
}

fn edge(a: u32, b: u32) -> [u32; 2] {
    [a.min(b), a.max(b)]
}

/// The closed lines of edges that only one quad has.
fn boundaries(quads: &[[usize; 4]]) -> Vec<Vec<usize>> {
    let mut next: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let edges: BTreeSet<[usize; 2]> =
        quads.iter().flat_map(|quad| (0..4).map(|k| [quad[k], quad[(k + 1) % 4]])).collect();
    for &[a, b] in edges.iter().filter(|&&[a, b]| !edges.contains(&[b, a])) {
        next.entry(a).or_default().push(b);
    }
    let mut loops = vec![];
    while let Some((&start, _)) = next.iter().find(|(_, targets)| !targets.is_empty()) {
        let mut walked = vec![start];
        let mut at = next.get_mut(&start).and_then(Vec::pop).expect("found above");
        while at != start {
            walked.push(at);
            at = next.get_mut(&at).and_then(Vec::pop).expect("a boundary is closed");
        }
        loops.push(walked);
    }
    loops
}

/// How many quads lie between each vertex and the nearest of `from`, up to `most`.
fn rings(quads: &[[usize; 4]], vertices: usize, from: &[usize], most: usize) -> Vec<usize> {
    let mut rings = vec![most; vertices];
    for &vertex in from {
        rings[vertex] = 0;
    }
    for ring in 1..most {
        let reached: Vec<usize> = quads
            .iter()
            .filter(|quad| quad.iter().any(|&vertex| rings[vertex] == ring - 1))
            .flatten()
            .copied()
            .filter(|&vertex| rings[vertex] > ring)
            .collect();
        for vertex in reached {
            rings[vertex] = ring;
        }
    }
    rings
}

/// Unit normals, weighted by area.
pub fn normals(positions: &[Point], quads: &[[usize; 4]]) -> Vec<Point> {
    let mut sums = vec![[0.0; 3]; positions.len()];
    for quad in quads {
        let at = quad.map(|vertex| positions[vertex]);
        let normal = cross(minus(at[2], at[0]), minus(at[3], at[1]));
        for vertex in quad {
            for axis in 0..3 {
                sums[*vertex][axis] += normal[axis];
            }
        }
    }
    sums.into_iter().map(unit).collect()
}

/// The y of a line with rising x, at `x`; beyond its ends the end's.
pub fn height_at(line: &[[f32; 2]], x: f32) -> f32 {
    let last = line[line.len() - 1];
    if x <= line[0][0] {
        return line[0][1];
    }
    let Some(segment) = line.windows(2).find(|ends| ends[0][0] <= x && x < ends[1][0]) else {
        return last[1];
    };
    let share = (x - segment[0][0]) / (segment[1][0] - segment[0][0]);
    segment[0][1] + share * (segment[1][1] - segment[0][1])
}

pub fn minus(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

pub fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub fn dot(a: Point, b: Point) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub fn unit(a: Point) -> Point {
    let length = dot(a, a).sqrt().max(1e-9);
    a.map(|value| value / length)
}

fn mean(points: impl IntoIterator<Item = Point>) -> Point {
    let mut sum = [0.0; 3];
    let mut count: f32 = 0.0;
    for point in points {
        (0..3).for_each(|axis| sum[axis] += point[axis]);
        count += 1.0;
    }
    sum.map(|value| value / count.max(1.0))
}
