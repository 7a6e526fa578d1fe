//! One subject, and how it is drawn.

use std::sync::Arc;

use est_media::{Image, Landmarks};

use super::expression;
use super::grain::{grain, step};
use super::identity::{mean, shaped};
use super::look::{Colour, Look};
use super::raster::{NONE, Projected, Samples, covered};
use super::rig::{EYE_VERTICES, Part, Rig};
use super::shade::{Lamp, Point, Shader};
use super::skin::{self, Folds, Texel};
use super::visibility::{DIRECTIONS, cross, directions, dot, lit, normal};
use crate::synth::strength;
use crate::synth::{Drawn, FaceState, Framing, Pose, Subject};

/// Samples a pixel along each axis.
const FINE: usize = 2;
/// The point that the head turns about, roughly the middle of the box that a detector draws: a crop follows the head, so
/// the turn itself does not carry the face out of the picture.
const PIVOT: [f32; 3] = [0.0, 6.95, 0.75];
/// The blurred picture behind the head has this many cells a side.
const BACKDROP: usize = 48;

pub(super) struct Head {
    id: String,
    rig: Arc<Rig>,
    layers: Arc<Vec<Folds>>,
    look: Look,
    /// Vertices at rest, the eyeballs' in place.
    places: Vec<[f32; 3]>,
    eyes: [Eye; 2],
    skin: Vec<Texel>,
    backdrop: Vec<Colour>,
    lit: Vec<u64>,
    open: Vec<f32>,
    camera: Camera,
}

struct Eye {
    centre: [f32; 3],
    radius: f32,
}

/// In sides of the picture; a place's height is counted from `level`.
struct Camera {
    z: f32,
    level: f32,
    focal: f32,
    middle: f32,
}

impl Head {
    pub fn new(rig: &Arc<Rig>, layers: &Arc<Vec<Folds>>, chart: &[[f32; 3]], index: usize, seed: u64) -> Self {
        let id = format!("heads-{seed}-{index}");
        let look = Look::new(seed, &id);
        let mut places = shaped(rig, seed, &id);
        let eyes = [0, 1].map(|side| {
            let centre = mean(&places, &rig.eyes[side]);
            let reach = |v: &u32| (0..3).map(|k| (places[*v as usize][k] - centre[k]).powi(2)).sum::<f32>().sqrt();
            Eye { centre, radius: rig.eyes[side].iter().map(reach).sum::<f32>() / rig.eyes[side].len() as f32 }
        });
        grow(rig, &look, &mut places);
        let width = |places: &[[f32; 3]]| {
            let skull = (0..rig.curtain).filter(|v| rig.places[*v][1] > 7.5).map(|v| places[v][0].abs());
            skull.fold(0.0, f32::max)
        };
        let wider = width(&places) / width(&rig.places);
        places[rig.curtain..].iter_mut().for_each(|place| place[0] *= wider);
        for (side, eye) in eyes.iter().enumerate() {
            let first = rig.skin + side * EYE_VERTICES;
            for unit in &rig.places[first..first + EYE_VERTICES] {
                places.push(std::array::from_fn(|k| eye.centre[k] + eye.radius * unit[k]));
            }
        }
        let lit = lit(rig, &places);
        let open = openness(rig, &places, &lit);
        let camera = Camera::new(rig, &places, &eyes, look.distance);
        let skin = skin::painted(chart, &look);
        let backdrop = backdrop(&look);
        Head { id, rig: rig.clone(), layers: layers.clone(), look, places, eyes, skin, backdrop, lit, open, camera }
    }

    /// The vertices with an expression.
    fn posed(&self, state: &FaceState) -> Vec<[f32; 3]> {
        let mut places = self.places.clone();
        for (name, weight) in strength::face_units(state) {
            for (vertex, by) in &self.rig.units[&name] {
                let place = &mut places[*vertex as usize];
                (0..3).for_each(|k| place[k] += weight * by[k]);
            }
        }
        let turn = rotation(&state.pose);
        for (place, rest) in places.iter_mut().zip(&self.rig.places) {
            let from: [f32; 3] = std::array::from_fn(|k| place[k] - PIVOT[k]);
            let turned = turn.map(|row| dot(row, from));
            // The neck bends between the shoulders and the skull.
            let share = if rest[1] > 2.0 { step(5.75, 6.35, rest[1] + 0.3 * (rest[2] - 0.2)) } else { 1.0 };
            *place = std::array::from_fn(|k| PIVOT[k] + from[k] + (turned[k] - from[k]) * share);
        }
        places
    }

    /// How much of the key light reaches each vertex, with its direction in the head's frame.
    fn shadows(&self, to: [f32; 3]) -> Vec<f32> {
        let mut weights = [0.0; DIRECTIONS];
        for (weight, direction) in weights.iter_mut().zip(directions()) {
            *weight = dot(direction, to).max(0.0).powi(22);
        }
        let near: Vec<(u64, f32)> =
            weights.iter().enumerate().filter(|(_, w)| **w > 0.03).map(|(bit, w)| (1 << bit, *w)).collect();
        let total: f32 = near.iter().map(|(_, weight)| weight).sum();
        let share = |lit: &u64| near.iter().filter(|(bit, _)| lit & bit != 0).map(|(_, w)| w).sum::<f32>() / total;
        self.lit.iter().map(share).collect()
    }
}

impl Subject for Head {
    fn id(&self) -> &str {
        &self.id
    }

    fn draw(&self, state: &FaceState, size: usize) -> Drawn {
        let rig = &*self.rig;
        let places = self.posed(state);
        let turn = rotation(&state.pose);
        let back = [0, 1, 2].map(|k| [turn[0][k], turn[1][k], turn[2][k]]);
        let lamp = Lamp::new(&state.light);
        let shadows = self.shadows(back.map(|row| dot(row, lamp.to)));
        let normals = normals(rig, &places);
        let side = size * FINE;
        let seen: Vec<Projected> =
            places.iter().map(|place| self.camera.project(*place, &state.framing, side)).collect();
        let mut samples = Samples::new(side);
        let corners = |number: usize| rig.triangles[number].corners.map(|c| seen[c as usize]);
        for (number, triangle) in rig.triangles.iter().enumerate() {
            match triangle.part {
                Part::Lashes => {}
                Part::Curtain if !self.look.long => {}
                Part::Curtain => covered(side, corners(number), true, |at, near| samples.keep(at, near, number as u32)),
                _ => samples.draw(number as u32, corners(number)),
            }
        }
        let lashes = self.lashes(&samples, &corners, size);
        let [across, up] = state.gaze.map(f32::to_radians);
        let jaw = state.aus.face_units().iter().find(|(name, _)| name == "jawOpen").map_or(0.0, |(_, weight)| *weight);
        let shader = Shader {
            look: &self.look,
            skin: &self.skin,
            layers: &self.layers,
            lamp,
            folds: expression::folds(state),
            to_head: back,
            gaze: [across.sin() * up.cos(), up.sin(), across.cos() * up.cos()],
            open_mouth: (jaw / 0.5).clamp(0.0, 1.0),
        };
        let shade = |number: u32, x: f32, y: f32| -> Colour {
            let triangle = &rig.triangles[number as usize];
            let [a, b, c] = corners(number as usize);
            let area = 1.0 / ((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y));
            let first = (((b.x - x) * (c.y - y) - (c.x - x) * (b.y - y)) * area).clamp(0.0, 1.0);
            let second = (((c.x - x) * (a.y - y) - (a.x - x) * (c.y - y)) * area).clamp(0.0, 1.0 - first);
            let share = [first, second, 1.0 - first - second];
            let [i, j, k] = triangle.corners.map(|c| c as usize);
            let number = |values: &[f32]| share[0] * values[i] + share[1] * values[j] + share[2] * values[k];
            let (n, p, q) = (&normals, &rig.places, &rig.chart);
            let mix = |a: f32, b: f32, c: f32| share[0] * a + share[1] * b + share[2] * c;
            let point = Point {
                normal: normal(std::array::from_fn(|d| mix(n[i][d], n[j][d], n[k][d]))),
                open: number(&self.open),
                lit: number(&shadows),
                chart: std::array::from_fn(|d| mix(q[i][d], q[j][d], q[k][d])),
                place: std::array::from_fn(|d| mix(p[i][d], p[j][d], p[k][d])),
            };
            shader.colour(triangle.part, &point)
        };
        let mut data = Vec::with_capacity(size * size * 3);
        for y in 0..size {
            for x in 0..size {
                let mut colour = self.pixel(&samples, x, y, size, shader.lamp.backdrop, &shade);
                let lash = lashes[y * size + x];
                if lash > 0.0 {
                    colour = colour.map(|v| v * (1.0 - lash) + 0.006 * lash);
                }
                data.extend(colour.map(encoded));
            }
        }
        Drawn { image: Image::new(size, size, data), landmarks: self.landmarks(state, &places, &turn, size) }
    }
}

impl Head {
    /// A pixel out of its samples: shaded once where they lie on one surface.
    fn pixel(
        &self,
        samples: &Samples,
        x: usize,
        y: usize,
        size: usize,
        behind: f32,
        shade: &impl Fn(u32, f32, f32) -> Colour,
    ) -> Colour {
        let corner = y * FINE * samples.side + x * FINE;
        let at = [corner, corner + 1, corner + samples.side, corner + samples.side + 1];
        let numbers = at.map(|k| samples.triangle[k]);
        let centre = [(x * FINE) as f32 + 1.0, (y * FINE) as f32 + 1.0];
        if numbers == [NONE; 4] {
            return self.behind(x, y, size, behind);
        }
        let part = |number: u32| (number != NONE).then(|| self.rig.triangles[number as usize].part);
        let first = part(numbers[0]);
        let near = at.map(|k| samples.near[k]);
        let (low, high) = (near.iter().copied().fold(f32::MAX, f32::min), near.iter().copied().fold(0.0, f32::max));
        if numbers.iter().all(|number| part(*number) == first) && high < low * 1.012 {
            return shade(numbers[0], centre[0], centre[1]);
        }
        let mut sum = [0.0; 3];
        for (k, number) in numbers.into_iter().enumerate() {
            let colour = match number {
                NONE => self.behind(x, y, size, behind),
                _ => shade(number, (x * FINE + k % 2) as f32 + 0.5, (y * FINE + k / 2) as f32 + 0.5),
            };
            (0..3).for_each(|c| sum[c] += 0.25 * colour[c]);
        }
        sum
    }

    fn behind(&self, x: usize, y: usize, size: usize, bright: f32) -> Colour {
        let scale = (BACKDROP - 1) as f32 / size as f32;
        let (u, v) = (x as f32 * scale, y as f32 * scale);
        let (i, j) = (u as usize, v as usize);
        let (tu, tv) = (u - i as f32, v - j as f32);
        let cell = |i: usize, j: usize| &self.backdrop[j * BACKDROP + i];
        let (a, b, c, d) = (cell(i, j), cell(i + 1, j), cell(i, j + 1), cell(i + 1, j + 1));
        std::array::from_fn(|k| {
            let above = a[k] + (b[k] - a[k]) * tu;
            let below = c[k] + (d[k] - c[k]) * tu;
            (above + (below - above) * tv) * bright
        })
    }

    /// How much of each pixel the lashes cover.
    fn lashes(&self, samples: &Samples, corners: &impl Fn(usize) -> [Projected; 3], size: usize) -> Vec<f32> {
        let mut cover = vec![0.0f32; size * size];
        for (number, _) in self.rig.triangles.iter().enumerate().filter(|(_, triangle)| triangle.part == Part::Lashes) {
            covered(samples.side, corners(number), true, |at, near| {
                if near > samples.near[at] {
                    let pixel = &mut cover[at / samples.side / FINE * size + at % samples.side / FINE];
                    *pixel = (*pixel + 0.2).min(0.85);
                }
            });
        }
        cover
    }

    fn landmarks(&self, state: &FaceState, places: &[[f32; 3]], turn: &[[f32; 3]; 3], size: usize) -> Landmarks {
        let [across, up] = state.gaze.map(f32::to_radians);
        let gaze = [across.sin() * up.cos(), up.sin(), across.cos() * up.cos()];
        let pupil = |eye: &Eye| {
            let from: [f32; 3] = std::array::from_fn(|k| eye.centre[k] + eye.radius * gaze[k] - PIVOT[k]);
            let turned = turn.map(|row| dot(row, from));
            std::array::from_fn(|k| PIVOT[k] + turned[k])
        };
        let vertex = |vertex: u32| places[vertex as usize];
        let rig = &self.rig;
        [pupil(&self.eyes[0]), pupil(&self.eyes[1]), vertex(rig.nose), vertex(rig.corners[0]), vertex(rig.corners[1])]
            .map(|place| {
                let seen = self.camera.project(place, &state.framing, size);
                [seen.x, seen.y]
            })
    }
}

impl Camera {
    /// The camera that sees the neutral frontal face where [`Framing`] says.
    fn new(rig: &Rig, places: &[[f32; 3]], eyes: &[Eye; 2], distance: f32) -> Self {
        let eyes_y = (eyes[0].centre[1] + eyes[1].centre[1]) / 2.0;
        let eyes_z = (eyes[0].centre[2] + eyes[0].radius + eyes[1].centre[2] + eyes[1].radius) / 2.0;
        let mouth = mean(places, &rig.corners);
        let level = (eyes_y + mouth[1]) / 2.0;
        let z = eyes_z + distance;
        let eyes = (eyes_y - level) / (z - eyes_z);
        let focal = (Framing::MOUTH_Y - Framing::EYES_Y) / (eyes - (mouth[1] - level) / (z - mouth[2]));
        Camera { z, level, focal, middle: Framing::EYES_Y + focal * eyes }
    }

    fn project(&self, [x, y, z]: [f32; 3], framing: &Framing, side: usize) -> Projected {
        let near = 1.0 / (self.z - z).max(0.5);
        let at = [0.5 + self.focal * x * near, self.middle - self.focal * (y - self.level) * near];
        let [x, y] = [0, 1].map(|k| (0.5 + (at[k] - 0.5) * framing.zoom + framing.shift[k]) * side as f32);
        Projected { x, y, near }
    }
}

/// Moves the scalp outwards to the surface of the hair.
fn grow(rig: &Rig, look: &Look, places: &mut [[f32; 3]]) {
    let normals = normals(rig, places);
    for (vertex, place) in places.iter_mut().enumerate() {
        let rest = rig.places[vertex];
        let inside = skin::hair(rest, look);
        if look.volume > 0.0 && inside > 0.0 {
            let lumps = 1.0 + 0.25 * grain(rest.map(|v| v * 3.0), look.seed ^ 21);
            let out = look.volume * lumps * step(0.0, 0.35, inside);
            (0..3).for_each(|k| place[k] += out * normals[vertex][k]);
        }
    }
}

/// Smooth normals.
fn normals(rig: &Rig, places: &[[f32; 3]]) -> Vec<[f32; 3]> {
    let mut sums = vec![[0.0f32; 3]; places.len()];
    for triangle in &rig.triangles {
        let [a, b, c] = triangle.corners.map(|c| c as usize);
        if a.max(b).max(c) >= places.len() {
            continue;
        }
        let (p, q, r) = (places[a], places[b], places[c]);
        let to = |v: [f32; 3]| [v[0] - p[0], v[1] - p[1], v[2] - p[2]];
        let across = cross(to(q), to(r));
        for corner in [a, b, c] {
            (0..3).for_each(|k| sums[corner][k] += across[k]);
        }
    }
    sums.into_iter().map(normal).collect()
}

/// The share of the upper sky that each vertex sees, weighted by its normal.
fn openness(rig: &Rig, places: &[[f32; 3]], lit: &[u64]) -> Vec<f32> {
    let sky = directions();
    let share = |(normal, lit): (&[f32; 3], &u64)| {
        let (mut seen, mut all) = (0.0, 1e-6);
        for (bit, direction) in sky.iter().enumerate() {
            let weight = dot(*normal, *direction).max(0.0) * (1.0 + 0.5 * direction[1]);
            all += weight;
            seen += weight * (lit >> bit & 1) as f32;
        }
        seen / all
    };
    normals(rig, places).iter().zip(lit).map(share).collect()
}

/// Rows of the rotation from the head's frame to the camera's.
fn rotation(pose: &Pose) -> [[f32; 3]; 3] {
    let [(ys, yc), (ps, pc), (rs, rc)] =
        [pose.yaw, pose.pitch, pose.roll].map(|degrees| degrees.to_radians().sin_cos());
    // Pitch first, then yaw, then roll.
    let tilted = |v: [f32; 3]| [v[0], v[1] * pc + v[2] * ps, v[2] * pc - v[1] * ps];
    let turned = |v: [f32; 3]| [v[0] * yc + v[2] * ys, v[1], v[2] * yc - v[0] * ys];
    let rolled = |v: [f32; 3]| [v[0] * rc + v[1] * rs, v[1] * rc - v[0] * rs, v[2]];
    let columns = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(|axis| rolled(turned(tilted(axis))));
    [0, 1, 2].map(|k| [columns[0][k], columns[1][k], columns[2][k]])
}

/// A blurred room.
fn backdrop(look: &Look) -> Vec<Colour> {
    let [above, below, patch] = look.backdrop;
    let cell = |k: usize| -> Colour {
        let (u, v) = ((k % BACKDROP) as f32 / BACKDROP as f32, (k / BACKDROP) as f32 / BACKDROP as f32);
        let blur =
            grain([u * 3.0, v * 3.0, 0.0], look.seed ^ 31) + 0.5 * grain([u * 8.0, v * 6.0, 0.0], look.seed ^ 32);
        let share = look.backdrop_grain * step(-0.3, 0.9, blur);
        std::array::from_fn(|k| {
            let wall = above[k] + (below[k] - above[k]) * v;
            wall + (patch[k] - wall) * share
        })
    };
    (0..BACKDROP * BACKDROP).map(cell).collect()
}

/// Linear light to a byte of sRGB, with a soft shoulder.
fn encoded(light: f32) -> u8 {
    let light = if light < 0.6 { light.max(0.0) } else { 1.0 - 0.4 * (-(light - 0.6) / 0.4).exp() };
    let value = if light < 0.003_130_8 { 12.92 * light } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0 + 0.5) as u8
}
