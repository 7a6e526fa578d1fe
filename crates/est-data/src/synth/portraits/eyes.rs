//! An eye without its lids: the photograph's own white and iris, continued under the lids.

use super::fit::{EYE_LOWER, EYE_UPPER, IRISES, PUPILS};
use super::patch::height_at;
use super::raster::Texture;

/// The eyeball's radius in distances between the pupils: 12 of 63 mm.
const EYEBALL: f32 = 0.19;
/// The rim of the opening that belongs to the lids' shadow and lashes, in distances between the pupils.
const RIM: f32 = 0.018;

/// One eye; both pictures begin at `origin` in the photograph.
#[derive(Debug)]
pub struct Eye {
    pub origin: [f32; 2],
    /// The eyeball's radius in pixels.
    pub radius: f32,
    white: Texture,
    iris: Texture,
}

impl Eye {
    /// `eye` 0 is the viewer's left one.
    pub fn new(photo: &Texture, points: &[[f32; 2]], eye: usize) -> Self {
        let between = points[PUPILS[1]][0] - points[PUPILS[0]][0];
        let line = |points_of: [usize; 5]| points_of.map(|point| points[point]);
        let (upper, lower) = (line(EYE_UPPER[eye]), line(EYE_LOWER[eye]));
        let (left, right) = (upper[0][0], upper[4][0]);
        let centre = points[PUPILS[eye]];
        let margin = 0.16 * between;
        let origin = [(left - margin).floor(), (centre[1] - 0.3 * between).floor()];
        let (width, height) = ((right - left + 2.0 * margin) as usize + 2, (0.6 * between) as usize + 2);
        let far = |point: [f32; 2]| (point[0] - centre[0]).hypot(point[1] - centre[1]);
        let iris_radius = IRISES[eye].iter().map(|&point| far(points[point])).sum::<f32>() / 8.0;
        let rim = RIM * between;
        // How far a pixel lies within the opening, vertically; at the corners, horizontally.
        let depth = |[x, y]: [f32; 2]| -> f32 {
            (y - height_at(&upper, x)).min(height_at(&lower, x) - y).min(x - left).min(right - x)
        };
        let places: Vec<[f32; 2]> =
            (0..width * height).map(|at| [origin[0] + (at % width) as f32, origin[1] + (at / width) as f32]).collect();
        let known: Vec<([f32; 2], [f32; 4])> = places
            .iter()
            .filter(|&&place| depth(place) > rim && far(place) > iris_radius + rim)
            .map(|&place| (place, photo.at(place[0], place[1])))
            .collect();
        let white = places.iter().map(|&place| {
            let fill = average(&known, place, centre[1] - iris_radius);
            let own = photo.at(place[0], place[1]);
            let outside_iris = smooth((far(place) - iris_radius - 0.5 * rim) / rim);
            let share = smooth(depth(place) / rim) * outside_iris;
            [0, 1, 2, 3].map(|k| fill[k] + share * (own[k] - fill[k]))
        });
        let white: Vec<[f32; 4]> = white.collect();
        // Where a lid hides the iris, its mirror image below (or above) the pupil stands in; where that is hidden too,
        // the mean of what is seen at this distance from the pupil.
        let seen: Vec<(f32, [f32; 4])> = places
            .iter()
            .filter(|&&place| depth(place) > 1.5 * rim && far(place) < iris_radius)
            .map(|&place| (far(place), photo.at(place[0], place[1])))
            .collect();
        let iris = places.iter().map(|&place| {
            let opacity = smooth((iris_radius + 0.9 * rim - far(place)) / (0.9 * rim));
            let mirrored = [place[0], 2.0 * centre[1] - place[1]];
            let ring = ring(&seen, far(place));
            let mut colour = ring;
            for source in [mirrored, place] {
                let share = smooth((depth(source) - 0.5 * rim) / (1.5 * rim));
                let own = photo.at(source[0], source[1]);
                (0..3).for_each(|k| colour[k] += share * (own[k] - colour[k]));
            }
            [colour[0], colour[1], colour[2], opacity]
        });
        let iris = iris.collect();
        Eye {
            origin,
            radius: EYEBALL * between,
            white: Texture { width, height, pixels: white },
            iris: Texture { width, height, pixels: iris },
        }
    }

    pub fn size(&self) -> [f32; 2] {
        [(self.white.width - 1) as f32, (self.white.height - 1) as f32]
    }

    /// How far the pupil moves in the photograph when the eye looks `gaze` degrees to the subject's left and up.
    pub fn look(&self, gaze: [f32; 2]) -> [f32; 2] {
        [self.radius * gaze[0].to_radians().sin(), -self.radius * gaze[1].to_radians().sin()]
    }

    /// The eye at a place of its pictures, the iris moved by `look`.
    pub fn at(&self, x: f32, y: f32, look: [f32; 2]) -> [f32; 4] {
        let white = self.white.at(x, y);
        let iris = self.iris.at(x - look[0], y - look[1]);
        [0, 1, 2, 3].map(|k| if k == 3 { 1.0 } else { white[k] + iris[3] * (iris[k] - white[k]) })
    }
}

fn smooth(share: f32) -> f32 {
    let share = share.clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

/// The colour that the known pixels suggest, near ones counting most; darker above `shade`, in the lid's shadow.
fn average(known: &[([f32; 2], [f32; 4])], place: [f32; 2], shade: f32) -> [f32; 4] {
    let (mut sum, mut weights) = ([0.0; 4], 1e-9);
    for (at, colour) in known {
        let square = (at[0] - place[0]).powi(2) + (at[1] - place[1]).powi(2) + 2.0;
        // Bright pixels are the white; the dark ones are lashes and glints of the iris's edge.
        let weight = (colour[0] + colour[1] + colour[2]).powi(2) / (square * square);
        (0..4).for_each(|k| sum[k] += weight * colour[k]);
        weights += weight;
    }
    let dark = 1.0 - 0.25 * smooth((shade - place[1]) / 6.0 + 0.5);
    let mut colour = if known.is_empty() { [190.0, 180.0, 175.0, 1.0] } else { sum.map(|value| value / weights) };
    (0..3).for_each(|k| colour[k] *= dark);
    colour
}

fn ring(seen: &[(f32, [f32; 4])], distance: f32) -> [f32; 4] {
    let (mut sum, mut weights) = ([0.0; 4], 1e-9);
    for (at, colour) in seen {
        let weight = 1.0 / ((at - distance).powi(2) + 0.3).powi(2);
        (0..4).for_each(|k| sum[k] += weight * colour[k]);
        weights += weight;
    }
    if seen.is_empty() { [60.0, 45.0, 40.0, 1.0] } else { sum.map(|value| value / weights) }
}
