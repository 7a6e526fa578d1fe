//! Where each place of the head mesh, seen from the front, lies in one photograph.

use super::patch::{Patch, height_at};
use super::spline::Spline;

/// Template points of a portrait in the order of the Face Research Lab London Set.
pub const POINTS: usize = 189;
/// Points on the edges of the eyes and on the line between the lips, from the smallest to the largest x.
pub const EYE_UPPER: [[usize; 5]; 2] = [[18, 19, 20, 21, 22], [23, 24, 25, 26, 27]];
pub const EYE_LOWER: [[usize; 5]; 2] = [[18, 28, 29, 30, 22], [23, 31, 32, 33, 27]];
pub const MOUTH_UPPER: [usize; 7] = [87, 94, 95, 96, 97, 98, 93];
pub const MOUTH_LOWER: [usize; 7] = [87, 99, 100, 101, 102, 103, 93];
pub const PUPILS: [usize; 2] = [0, 1];
/// Points around the irises.
pub const IRISES: [[usize; 8]; 2] = [[2, 3, 4, 5, 6, 7, 8, 9], [10, 11, 12, 13, 14, 15, 16, 17]];
pub const MOUTH_CORNERS: [usize; 2] = [87, 93];
/// Points on the rim of the face.
pub const RIM: [usize; 19] =
    [109, 110, 111, 112, 113, 114, 125, 126, 127, 128, 129, 130, 131, 132, 133, 185, 186, 187, 188];

/// The mean shape of the set's 102 neutral faces, its unit the height from the mouth's corners to the pupils, its origin
/// between the pupils.
const MEAN_SHAPE: &str = include_str!("mean_shape.json");

/// The mesh's places for the points of the mean shape: pupils and mouth corners as the mesh has them.
const EYES_Y: f32 = 7.285;
const MOUTH_Y: f32 = 6.608;

/// The mesh's plane is tabulated from here, in steps.
const LEFT: f32 = -0.9;
const BOTTOM: f32 = 5.9;
const STEP: f32 = 0.0125;
const COLUMNS: usize = 145;
const ROWS: usize = 185;

/// The mean shape's points in its own unit, y down.
pub fn mean_shape() -> Vec<[f32; 2]> {
    serde_json::from_str(MEAN_SHAPE).expect("a committed file")
}

/// A smooth map from the mesh's frontal plane (decimetres, y up) to a photograph (pixels, y down).
#[derive(Debug)]
pub struct Fit {
    table: Vec<[f32; 2]>,
    /// Pixels per decimetre.
    pub scale: f32,
}

impl Fit {
    /// The thin-plate spline through the template points of one portrait.
    pub fn new(patch: &Patch, points: &[[f32; 2]]) -> Self {
        let (used, places) = correspondences(patch);
        let targets: Vec<[f32; 2]> = used.iter().map(|&point| points[point]).collect();
        let spline = Spline::new(&places, &targets);
        let cell = |index: usize| {
            spline.at([LEFT + STEP * (index % COLUMNS) as f32, BOTTOM + STEP * (index / COLUMNS) as f32])
        };
        let middle = |pair: [usize; 2]| (points[pair[0]][1] + points[pair[1]][1]) / 2.0;
        let scale = (middle(MOUTH_CORNERS) - middle(PUPILS)) / (EYES_Y - MOUTH_Y);
        Fit { table: (0..COLUMNS * ROWS).map(cell).collect(), scale }
    }

    /// The photograph's pixel for a place in the mesh's plane.
    pub fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let column = ((x - LEFT) / STEP).clamp(0.0, (COLUMNS - 2) as f32);
        let row = ((y - BOTTOM) / STEP).clamp(0.0, (ROWS - 2) as f32);
        let (left, top) = (column as usize, row as usize);
        let (right_share, top_share) = (column - left as f32, row - top as f32);
        let cell = |row: usize, column: usize| self.table[row * COLUMNS + column];
        [0, 1].map(|axis| {
            let low = cell(top, left)[axis] * (1.0 - right_share) + cell(top, left + 1)[axis] * right_share;
            let high = cell(top + 1, left)[axis] * (1.0 - right_share) + cell(top + 1, left + 1)[axis] * right_share;
            low * (1.0 - top_share) + high * top_share
        })
    }
}

/// The points on the skin of the face: not the irises, nor ears, hair and neck.
pub fn skin() -> impl Iterator<Item = usize> {
    (18..115).chain(125..135).chain([144]).chain(158..170).chain([171]).chain(173..179).chain(185..189)
}

/// The points that the fit goes through, and their places in the mesh's plane: the mean shape laid on the mesh, with the
/// edges of eyes and lips and the rim of the face moved onto the mesh's own.
fn correspondences(patch: &Patch) -> (Vec<usize>, Vec<[f32; 2]>) {
    let unit = EYES_Y - MOUTH_Y;
    let mut places: Vec<[f32; 2]> = mean_shape().iter().map(|[x, y]| [x * unit, EYES_Y - y * unit]).collect();
    let line = |edge: &[usize]| -> Vec<[f32; 2]> {
        edge.iter().map(|&vertex| [patch.positions[vertex][0], patch.positions[vertex][1]]).collect()
    };
    for eye in 0..2 {
        for (points, edge) in
            [(EYE_UPPER[eye], line(&patch.eyes[eye].upper)), (EYE_LOWER[eye], line(&patch.eyes[eye].lower))]
        {
            for &point in &points[1..4] {
                places[point][1] = height_at(&edge, places[point][0]);
            }
        }
    }
    let lips = line(&patch.mouth.upper);
    for point in MOUTH_UPPER.into_iter().chain(MOUTH_LOWER) {
        places[point][1] = height_at(&lips, places[point][0]);
    }
    places[MOUTH_CORNERS[0]] = lips[0];
    places[MOUTH_CORNERS[1]] = lips[lips.len() - 1];
    let outline = line(&patch.outline);
    for point in RIM {
        let [x, y] = places[point];
        let far = |place: &&[f32; 2]| (place[0] - x).hypot(place[1] - y);
        let nearest = outline.iter().min_by(|a, b| far(a).total_cmp(&far(b)));
        places[point] = *nearest.expect("the outline has vertices");
    }
    // The lower line of the lips lies on the upper one in the mesh's plane; the slits are closed vertex by vertex.
    let used: Vec<usize> = skin().filter(|point| !MOUTH_LOWER[1..6].contains(point)).collect();
    let places = used.iter().map(|&point| places[point]).collect();
    (used, places)
}
