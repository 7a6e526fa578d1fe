//! One portrait, laid over the mesh.

use std::sync::Arc;

use est_media::Image;

use super::eyes::Eye;
use super::fit::{EYE_LOWER, EYE_UPPER, Fit, MOUTH_CORNERS, MOUTH_LOWER, MOUTH_UPPER, POINTS, PUPILS};
use super::mouth;
use super::patch::{Patch, Point, Slit, height_at};
use super::raster::Texture;
use super::relief::Relief;
use super::surroundings::Surroundings;

/// All that drawing needs.
pub struct Portrait {
    pub(super) id: String,
    pub(super) photo: Texture,
    pub(super) patch: Arc<Patch>,
    pub(super) fit: Fit,
    /// How far each vertex lies from where the fit puts it, in pixels: on the edges of lids and lips.
    pub(super) offsets: Vec<[f32; 2]>,
    /// Each vertex in the photograph at rest: pixels, y down, z in the same unit.
    pub(super) places: Vec<Point>,
    pub(super) surroundings: Surroundings,
    pub(super) eyes: [Eye; 2],
    pub(super) upper_teeth: Texture,
    pub(super) lower_teeth: Texture,
    pub(super) relief: Relief,
    /// What the photograph's light makes of white, in 0..=1.
    pub(super) white: [f32; 3],
    pub(super) pupils: [[f32; 2]; 2],
    pub(super) mouth_corners: [[f32; 2]; 2],
    pub(super) mirrored: bool,
}

impl Portrait {
    /// # Errors
    /// With the problem in words, when the points do not lie in the picture as a face's.
    pub fn new(
        id: String,
        image: &Image,
        points: &[[f32; 2]],
        patch: Arc<Patch>,
        mirrored: bool,
        tint: [f32; 3],
    ) -> Result<Self, String> {
        assert_eq!(points.len(), POINTS);
        let size = [image.width, image.height];
        let pupils = PUPILS.map(|point| points[point]);
        let mouth_corners = MOUTH_CORNERS.map(|point| points[point]);
        let upright = pupils[1][0] - pupils[0][0] > 20.0 && mouth_corners[0][1] - pupils[0][1] > 20.0;
        let inside = |point: &[f32; 2]| (0..2).all(|axis| point[axis] >= 0.0 && point[axis] < size[axis] as f32);
        if !upright || !pupils.iter().chain(&mouth_corners).all(inside) {
            return Err("its points are not those of an upright face in this picture".to_string());
        }
        let mut photo = Texture::new(image);
        for pixel in &mut photo.pixels {
            (0..3).for_each(|k| pixel[k] *= tint[k]);
        }
        let fit = Fit::new(&patch, points);
        let mut offsets = vec![[0.0; 2]; patch.positions.len()];
        for eye in 0..2 {
            snap(&mut offsets, &patch, &fit, &patch.eyes[eye], points, [&EYE_UPPER[eye], &EYE_LOWER[eye]]);
        }
        snap(&mut offsets, &patch, &fit, &patch.mouth, points, [&MOUTH_UPPER, &MOUTH_LOWER]);
        let place = |vertex: usize| {
            let [x, y, z] = patch.positions[vertex];
            let at = fit.at(x, y);
            [at[0] + offsets[vertex][0], at[1] + offsets[vertex][1], z * fit.scale]
        };
        let places: Vec<Point> = (0..patch.positions.len()).map(place).collect();
        let white = white(&photo, points);
        Ok(Portrait {
            id,
            surroundings: Surroundings::new(&patch, &places, fit.scale, size),
            eyes: [0, 1].map(|eye| Eye::new(&photo, points, eye)),
            upper_teeth: mouth::teeth(true),
            lower_teeth: mouth::teeth(false),
            relief: Relief::new(&fit, size[0], size[1]),
            photo,
            patch,
            fit,
            offsets,
            places,
            white,
            pupils,
            mouth_corners,
            mirrored,
        })
    }
}

/// Moves the vertices of a slit's edges up or down onto the portrait's own edges.
fn snap(offsets: &mut [[f32; 2]], patch: &Patch, fit: &Fit, slit: &Slit, points: &[[f32; 2]], edges: [&[usize]; 2]) {
    for (vertices, edge) in [&slit.upper, &slit.lower].into_iter().zip(edges) {
        let line: Vec<[f32; 2]> = edge.iter().map(|&point| points[point]).collect();
        for &vertex in vertices {
            let [x, y] = fit.at(patch.positions[vertex][0], patch.positions[vertex][1]);
            // Points of the same edge contradict the fit by some pixels at most; more is a corner beyond the line's end.
            let most = 0.04 * fit.scale;
            offsets[vertex] = [0.0, (height_at(&line, x) - y).clamp(-most, most)];
        }
    }
}

/// The colour of a white surface on the face: brighter than the skin of the cheeks, and less red.
fn white(photo: &Texture, points: &[[f32; 2]]) -> [f32; 3] {
    let cheeks = [165, 166, 168, 169].map(|point: usize| photo.at(points[point][0], points[point][1]));
    let mean = [0, 1, 2].map(|k: usize| cheeks.iter().map(|cheek| cheek[k]).sum::<f32>() / 4.0);
    let brightness = (mean[0] + mean[1] + mean[2]) / 3.0;
    // Dark and fair skin lie under the same lamps: the skin says little about them.
    let light = 0.72 + 0.18 * (brightness / 170.0).min(1.2);
    [light, 0.985 * light, 0.96 * light]
}
