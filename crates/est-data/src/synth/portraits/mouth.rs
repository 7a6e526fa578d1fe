//! The inside of the mouth: drawn teeth, since no closed mouth shows its own.

use super::raster::Texture;

/// Where the rows of teeth lie in the mesh, in decimetres: the edges of the upper and the lower incisors, how far the
/// teeth reach to the side, their height with the gum, and the depth of the incisors.
pub const UPPER_EDGE: f32 = 6.597;
pub const LOWER_EDGE: f32 = 6.565;
pub const HALF_WIDTH: f32 = 0.225;
pub const HEIGHT: f32 = 0.13;
pub const FRONT: f32 = 1.47;

const WIDTH_PIXELS: usize = 240;
const HEIGHT_PIXELS: usize = 60;

/// Widths of the teeth from the middle outwards, in millimetres (Wheeler's Dental Anatomy).
const UPPER: [f32; 6] = [8.5, 6.5, 7.5, 7.0, 7.0, 10.0];
const LOWER: [f32; 6] = [5.0, 5.5, 7.0, 7.0, 7.0, 11.0];

/// Seen flat: the middle of the row in the middle, the biting edge at the bottom (of the lower row too, which is drawn
/// upside down).
pub fn teeth(upper: bool) -> Texture {
    let widths = if upper { UPPER } else { LOWER };
    let whole: f32 = widths.iter().sum();
    let pixels = (0..WIDTH_PIXELS * HEIGHT_PIXELS).map(|at| {
        let across = (at % WIDTH_PIXELS) as f32 / (WIDTH_PIXELS - 1) as f32 * 2.0 - 1.0;
        let down = (at / WIDTH_PIXELS) as f32 / (HEIGHT_PIXELS - 1) as f32;
        // Foreshortened towards the sides, as the row curves away.
        let mut along = across.abs().asin() / std::f32::consts::FRAC_PI_2 * whole;
        let mut tooth = 0;
        while tooth < 5 && along > widths[tooth] {
            along -= widths[tooth];
            tooth += 1;
        }
        let share = (along / widths[tooth]).clamp(0.0, 1.0);
        let round = (2.0 * share - 1.0).abs();
        let edge = 0.97 - 0.07 * round.powi(4) - if upper && tooth == 1 { 0.04 } else { 0.0 };
        let gum = 0.30 + 0.16 * round.powi(2);
        let opacity = ((edge - down) / 0.05).clamp(0.0, 1.0);
        let seam = 1.0 - 0.28 * round.powi(14);
        let body = ((down - gum) / 0.06).clamp(0.0, 1.0);
        let enamel = [226.0, 216.0, 197.0].map(|value| value * seam * (0.90 + 0.10 * (1.0 - round * round)));
        let flesh = [168.0, 92.0, 88.0];
        // The further back, the less light comes in.
        let light = (1.0 - 0.75 * across.abs().powf(2.2)) * (0.72 + 0.28 * down);
        let colour = |k: usize| (flesh[k] + body * (enamel[k] - flesh[k])) * light;
        [colour(0), colour(1), colour(2), opacity]
    });
    Texture { width: WIDTH_PIXELS, height: HEIGHT_PIXELS, pixels: pixels.collect() }
}
