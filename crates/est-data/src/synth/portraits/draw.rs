//! Drawing a portrait: the photograph, then the eyes and the inside of the mouth, then the sheet of skin over them.

use est_media::{Image, Landmarks};

use super::light::Shading;
use super::mouth::{FRONT, HALF_WIDTH, HEIGHT, LOWER_EDGE, UPPER_EDGE};
use super::patch::{Point, dot, height_at, normals};
use super::portrait::Portrait;
use super::raster::{Canvas, Corner, Texture};
use super::surroundings::Surroundings;
use crate::synth::facs::Au;
use crate::synth::state::{Drawn, FaceState, Framing, Pose, Subject};
use crate::synth::strength;

/// The depth, in decimetres of the mesh, of the axis that the head turns about in the picture. The head's own lies
/// further back; whoever cuts out faces centres them again.
const AXIS: f32 = 0.85;
/// Where the eyes' pictures lie, in decimetres of the mesh.
const EYES_DEPTH: f32 = 1.37;
/// Columns of the grid on which a row of teeth is drawn.
const TEETH: usize = 16;

impl Subject for Portrait {
    fn id(&self) -> &str {
        &self.id
    }

    fn draw(&self, state: &FaceState, size: usize) -> Drawn {
        if !self.mirrored {
            return Scene::new(self, state, size).drawn(state);
        }
        let state = mirror(state);
        let Drawn { image, landmarks } = Scene::new(self, &state, size).drawn(&state);
        let mut data = Vec::with_capacity(image.data.len());
        for row in image.data.chunks_exact(3 * size) {
            data.extend(row.chunks_exact(3).rev().flatten());
        }
        let [left_eye, right_eye, nose, left_corner, right_corner] = landmarks.map(|[x, y]| [size as f32 - x, y]);
        Drawn { image: Image::new(size, size, data), landmarks: [right_eye, left_eye, nose, right_corner, left_corner] }
    }
}

/// The state whose picture is the mirror image.
fn mirror(state: &FaceState) -> FaceState {
    let mut mirrored = *state;
    for au in Au::ALL {
        let [left, right] = state.aus.get(au);
        mirrored.aus.set(au, [right, left]);
    }
    mirrored.gaze[0] = -state.gaze[0];
    mirrored.pose = Pose { yaw: -state.pose.yaw, roll: -state.pose.roll, ..state.pose };
    mirrored.framing.shift[0] = -state.framing.shift[0];
    mirrored.light.azimuth = -state.light.azimuth;
    mirrored
}

/// A portrait in one state, before it is drawn.
struct Scene<'a> {
    portrait: &'a Portrait,
    view: View,
    size: usize,
    /// The sheet's vertices in the photograph before the head turns, and what their colours are multiplied by.
    places: Vec<Point>,
    lights: Vec<Point>,
    /// The same of the eyes and the mouth, which face the viewer, and of the wall.
    flat_light: Point,
    far_light: Point,
    jaw: f32,
}

impl<'a> Scene<'a> {
    fn new(portrait: &'a Portrait, state: &FaceState, size: usize) -> Self {
        let weights = strength::face_units(state);
        let patch = &portrait.patch;
        let positions = patch.moved(&weights);
        let [left, right] = state.aus.get(Au::EyesClosed);
        let open = [1.0 - right, 1.0 - left];
        let places: Vec<Point> = (0..positions.len())
            .map(|vertex| {
                let [x, y, z] = positions[vertex];
                let at = portrait.fit.at(x, y);
                // A closed lid lies where the fit says, on the other one.
                let open = open[usize::from(x > 0.0)];
                let offset = portrait.offsets[vertex].map(|value| value * open);
                [at[0] + offset[0], at[1] + offset[1], z * portrait.fit.scale]
            })
            .collect();
        let view = View::new(portrait, state, size);
        let shading = Shading::new(&state.light, &state.pose);
        let lights = normals(&positions, &patch.quads);
        let lights = lights.iter().zip(&patch.normals).map(|(normal, rest)| shading.ratio(*normal, *rest));
        Scene {
            portrait,
            places,
            lights: lights.collect(),
            flat_light: shading.ratio([0.0, 0.0, 1.0], [0.0, 0.0, 1.0]),
            far_light: shading.far(),
            jaw: weights.iter().find(|(name, _)| name == "jawOpen").map_or(0.0, |(_, weight)| *weight),
            view,
            size,
        }
    }

    fn drawn(&self, state: &FaceState) -> Drawn {
        let mut canvas = Canvas::new(2 * self.size);
        self.draw_surroundings(&mut canvas);
        canvas.next_layer();
        for eye in 0..2 {
            self.draw_eye(&mut canvas, eye, state.gaze);
        }
        self.draw_mouth(&mut canvas);
        canvas.next_layer();
        self.draw_skin(&mut canvas, state);
        Drawn { image: canvas.halved(), landmarks: self.landmarks(state.gaze) }
    }

    fn draw_surroundings(&self, canvas: &mut Canvas) {
        let displacements: Vec<Point> = self
            .places
            .iter()
            .zip(&self.portrait.places)
            .map(|(a, b)| [a[0] - b[0], a[1] - b[1], a[2] - b[2]])
            .collect();
        let corners: Vec<Corner> = self
            .portrait
            .surroundings
            .nodes
            .iter()
            .map(|node| {
                let light = node.mean(&self.lights);
                Corner {
                    at: self.view.at(node.moved(&displacements)),
                    texture: [node.at[0], node.at[1]],
                    light: [0, 1, 2].map(|k| self.far_light[k] + 0.5 * node.follows * (light[k] - self.far_light[k])),
                    opacity: 1.0,
                }
            })
            .collect();
        for quad in Surroundings::quads() {
            canvas.quad(quad.map(|node| &corners[node]), &|x, y| self.portrait.photo.at(x, y));
        }
    }

    fn draw_eye(&self, canvas: &mut Canvas, eye: usize, gaze: [f32; 2]) {
        let eye = &self.portrait.eyes[eye];
        let [width, height] = eye.size();
        let corner = |texture: [f32; 2]| Corner {
            at: self.view.at([
                eye.origin[0] + texture[0],
                eye.origin[1] + texture[1],
                EYES_DEPTH * self.portrait.fit.scale,
            ]),
            texture,
            light: self.flat_light,
            opacity: 1.0,
        };
        let corners = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]].map(corner);
        let look = eye.look(gaze);
        canvas.quad(corners.each_ref(), &|x, y| eye.at(x, y, look));
    }

    fn draw_mouth(&self, canvas: &mut Canvas) {
        let mouth = &self.portrait.patch.mouth;
        let line = |places: &[Point], edge: &[usize]| -> Vec<[f32; 2]> {
            edge.iter().map(|&vertex| [places[vertex][0], places[vertex][1]]).collect()
        };
        // How far the lips have parted more than in the photograph, in pixels of it.
        let gap = |places: &[Point]| {
            let (upper, lower) = (line(places, &mouth.upper), line(places, &mouth.lower));
            let step = |k: usize| upper[0][0] + k as f32 / 8.0 * (upper[upper.len() - 1][0] - upper[0][0]);
            (1..8).map(|k| height_at(&lower, step(k)) - height_at(&upper, step(k))).fold(0.0, f32::max)
        };
        let opacity = ((gap(&self.places) - gap(&self.portrait.places)) / (0.012 * self.portrait.fit.scale)).min(1.0);
        if opacity <= 0.0 {
            return;
        }
        let white = self.portrait.white;
        let light = [0, 1, 2].map(|k| self.flat_light[k] * white[k]);
        let back = 1.2 * self.portrait.fit.scale;
        let corner = |vertex: usize, light: Point| {
            let [x, y, _] = self.places[vertex];
            Corner { at: self.view.at([x, y, back]), texture: [0.0; 2], light, opacity }
        };
        let (top, bottom) = ([0.10, 0.03, 0.03], [0.34, 0.13, 0.12]);
        let columns = 24;
        let strip = |k: usize| {
            let of = |edge: &[usize]| edge[k * (edge.len() - 1) / columns];
            let middle = 1.0 - (2.0 * k as f32 / columns as f32 - 1.0).powi(2);
            let low = [0, 1, 2].map(|k| light[k] * (top[k] + middle * (bottom[k] - top[k])));
            (corner(of(&mouth.upper), [0, 1, 2].map(|k| light[k] * top[k])), corner(of(&mouth.lower), low))
        };
        for k in 0..columns {
            let ((a, d), (b, c)) = (strip(k), strip(k + 1));
            canvas.quad([&a, &b, &c, &d], &|_, _| [255.0, 255.0, 255.0, 1.0]);
        }
        let jaw = self.portrait.patch.jaw.map(|value| value * self.jaw);
        canvas.next_layer();
        self.draw_teeth(canvas, &self.portrait.lower_teeth, [LOWER_EDGE, -1.0], jaw, light.map(|v| 0.85 * v), opacity);
        canvas.next_layer();
        self.draw_teeth(canvas, &self.portrait.upper_teeth, [UPPER_EDGE, 1.0], [0.0; 3], light, opacity);
    }

    /// `edge` is the height of the biting edge and the direction, up or down, in which the row's gum lies.
    fn draw_teeth(&self, canvas: &mut Canvas, teeth: &Texture, edge: [f32; 2], by: Point, light: Point, opacity: f32) {
        let corner = |column: usize, gum: bool| {
            let share = 2.0 * column as f32 / TEETH as f32 - 1.0;
            let x = share * HALF_WIDTH;
            let y = edge[0] + if gum { edge[1] * HEIGHT } else { 0.0 };
            let at = self.portrait.fit.at(x + by[0], y + by[1]);
            let z = FRONT - 0.3 * share * share + by[2];
            let texture =
                [(share + 1.0) / 2.0 * (teeth.width - 1) as f32, if gum { 0.0 } else { (teeth.height - 1) as f32 }];
            let at = self.view.at([at[0], at[1], z * self.portrait.fit.scale]);
            Corner { at, texture, light, opacity }
        };
        for column in 0..TEETH {
            let corners =
                [corner(column, true), corner(column + 1, true), corner(column + 1, false), corner(column, false)];
            canvas.quad(corners.each_ref(), &|x, y| teeth.at(x, y));
        }
    }

    fn draw_skin(&self, canvas: &mut Canvas, state: &FaceState) {
        let patch = &self.portrait.patch;
        let corners: Vec<Corner> = (0..self.places.len())
            .map(|vertex| {
                let rest = self.portrait.places[vertex];
                Corner {
                    at: self.view.at(self.places[vertex]),
                    texture: [rest[0], rest[1]],
                    light: self.lights[vertex],
                    opacity: (patch.rings[vertex] as f32 / 2.0).min(1.0),
                }
            })
            .collect();
        let darkness = self.portrait.relief.pressed(&state.aus);
        let colour = |x: f32, y: f32| {
            let mut colour = self.portrait.photo.at(x, y);
            let light = darkness.at(x, y);
            (0..3).for_each(|k| colour[k] *= light);
            colour
        };
        for quad in &patch.quads {
            canvas.quad(quad.map(|vertex| &corners[vertex]), &colour);
        }
    }

    fn landmarks(&self, gaze: [f32; 2]) -> Landmarks {
        let portrait = self.portrait;
        let pixel = |place: Point| {
            let [x, y, _] = self.view.at(place);
            [(x + 0.5) / 2.0, (y + 0.5) / 2.0]
        };
        let pupil = |eye: usize| {
            let (pupil, look) = (portrait.pupils[eye], portrait.eyes[eye].look(gaze));
            pixel([pupil[0] + look[0], pupil[1] + look[1], EYES_DEPTH * portrait.fit.scale])
        };
        let corner = |side: usize| {
            let upper = &portrait.patch.mouth.upper;
            let vertex = if side == 0 { upper[0] } else { upper[upper.len() - 1] };
            let (now, rest) = (self.places[vertex], portrait.places[vertex]);
            let own = portrait.mouth_corners[side];
            pixel([own[0] + now[0] - rest[0], own[1] + now[1] - rest[1], now[2]])
        };
        [pupil(0), pupil(1), pixel(self.places[portrait.patch.nose_tip]), corner(0), corner(1)]
    }
}

/// From the photograph's pixels with depth to the canvas's pixels.
struct View {
    axis: Point,
    /// Rows of the head's rotation; x to the right, y up, z to the front.
    rotation: [Point; 3],
    /// The canvas's pixel for the photograph's: first a factor, then what is added.
    scale: f32,
    offset: [f32; 2],
}

impl View {
    fn new(portrait: &Portrait, state: &FaceState, size: usize) -> Self {
        let middle = |pair: [[f32; 2]; 2]| [0, 1].map(|axis| (pair[0][axis] + pair[1][axis]) / 2.0);
        let (eyes, mouth) = (middle(portrait.pupils), middle(portrait.mouth_corners));
        let side = (mouth[1] - eyes[1]) / (Framing::MOUTH_Y - Framing::EYES_Y);
        let centre = [(eyes[0] + mouth[0]) / 2.0, eyes[1] + (0.5 - Framing::EYES_Y) * side];
        let Framing { shift, zoom } = state.framing;
        let canvas = 2.0 * size as f32;
        let scale = canvas * zoom / side;
        let Pose { yaw, pitch, roll } = state.pose;
        let ((sin_y, cos_y), (sin_p, cos_p), (sin_r, cos_r)) =
            (yaw.to_radians().sin_cos(), pitch.to_radians().sin_cos(), roll.to_radians().sin_cos());
        // Yaw, then pitch, then roll.
        let turned =
            [[cos_y, 0.0, sin_y], [-sin_y * sin_p, cos_p, cos_y * sin_p], [-sin_y * cos_p, -sin_p, cos_y * cos_p]];
        let combine = |a: Point, x: f32, b: Point, y: f32| [0, 1, 2].map(|k| x * a[k] + y * b[k]);
        let rotation =
            [combine(turned[0], cos_r, turned[1], sin_r), combine(turned[0], -sin_r, turned[1], cos_r), turned[2]];
        View {
            axis: [centre[0], centre[1], AXIS * portrait.fit.scale],
            rotation,
            scale,
            offset: [0, 1].map(|k| canvas * (0.5 + shift[k]) - scale * centre[k] - 0.5),
        }
    }

    fn at(&self, [x, y, z]: Point) -> Point {
        let from = [x - self.axis[0], self.axis[1] - y, z - self.axis[2]];
        let [right, up, front] = self.rotation.map(|row| dot(row, from));
        [
            self.scale * (self.axis[0] + right) + self.offset[0],
            self.scale * (self.axis[1] - up) + self.offset[1],
            self.scale * front,
        ]
    }
}
