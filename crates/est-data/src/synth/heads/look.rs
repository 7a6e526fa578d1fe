//! The colours and materials of a subject, in linear light.

use est_nets::Noise;

pub(super) type Colour = [f32; 3];

pub(super) struct Look {
    pub seed: u32,
    pub skin: Colour,
    pub lips: Colour,
    pub brows: Colour,
    pub hair: Colour,
    pub iris: Colour,
    pub cloth: Colour,
    /// Each from 0 to 1.
    pub freckles: f32,
    pub redness: f32,
    pub stubble: f32,
    pub shine: f32,
    pub lines: f32,
    pub make_up: f32,
    /// Thickness of the brows, 1 as usual.
    pub brow: f32,
    /// Height of the hairline against the usual one in decimetres, and thickness of the hair; bald when that is 0.
    pub hairline: f32,
    pub volume: f32,
    /// Whether the hair falls down the sides.
    pub long: bool,
    pub backdrop: [Colour; 3],
    pub backdrop_grain: f32,
    /// From the camera to the eyes, in decimetres.
    pub distance: f32,
}

impl Look {
    pub fn new(seed: u64, id: &str) -> Self {
        let noise = Noise::new(seed, &format!("{id}/look"));
        let range = |i: u64, low: f64, high: f64| noise.uniform(i, low, high);
        let chance = |i: u64, share: f64| noise.unit(i) < share;
        let depth = range(0, 0.0, 1.0);
        const SKIN: [(f32, Colour); 5] = [
            (0.0, [0.78, 0.52, 0.40]),
            (0.3, [0.65, 0.40, 0.28]),
            (0.55, [0.46, 0.26, 0.165]),
            (0.8, [0.25, 0.125, 0.075]),
            (1.0, [0.13, 0.062, 0.038]),
        ];
        let ruddy = range(1, 0.9, 1.1);
        let skin: Colour =
            std::array::from_fn(|k| super::grain::line(&SKIN.map(|(at, colour)| (at, colour[k])), depth));
        let skin = [skin[0], skin[1] * (2.0 - ruddy), skin[2] * (2.0 - ruddy).powi(2)];
        const HAIR: [Colour; 6] = [
            [0.012, 0.010, 0.009],
            [0.030, 0.019, 0.013],
            [0.075, 0.042, 0.024],
            [0.16, 0.085, 0.04],
            [0.33, 0.20, 0.09],
            [0.36, 0.34, 0.32],
        ];
        let hair = match depth {
            depth if depth > 0.6 => [0, 0, 0, 1, 1, 5][(range(2, 0.0, 6.0) as usize).min(5)],
            _ => [0, 1, 1, 2, 2, 3, 4, 5][(range(2, 0.0, 8.0) as usize).min(7)],
        };
        let hair = HAIR[hair].map(|v| v * range(3, 0.8, 1.25));
        const IRIS: [Colour; 5] =
            [[0.05, 0.025, 0.012], [0.10, 0.05, 0.02], [0.10, 0.10, 0.04], [0.10, 0.17, 0.24], [0.09, 0.14, 0.11]];
        let iris = IRIS[(range(4, 0.0, if depth > 0.5 { 2.0 } else { 5.0 }) as usize).min(4)];
        let make_up = if chance(5, 0.3) { range(6, 0.3, 1.0) } else { 0.0 };
        let red = 0.25 + 0.5 * make_up;
        let lip_tone = [skin[0] * 0.80 + 0.04, skin[1] * 0.52, skin[2] * 0.55];
        let paint = [range(7, 0.30, 0.5), range(8, 0.02, 0.10), range(9, 0.03, 0.10)];
        let lips = std::array::from_fn(|k| lip_tone[k] + (paint[k] - lip_tone[k]) * make_up * red);
        let long = make_up > 0.0 && chance(10, 0.8) || chance(10, 0.15);
        let bald = !long && chance(11, 0.10);
        let hue = |i: u64| -> Colour {
            let grey = range(i, 0.05, 0.7);
            [grey * range(i + 1, 0.8, 1.2), grey, grey * range(i + 2, 0.75, 1.25)]
        };
        Look {
            seed: (noise.unit(12) * 4e9) as u32,
            skin,
            lips,
            brows: hair.map(|v| v.min(0.10) * 0.55 + 0.004),
            hair,
            iris,
            cloth: hue(13),
            freckles: if chance(16, 0.25) && depth < 0.5 { range(17, 0.3, 1.0) } else { 0.0 },
            redness: range(18, 0.2, 1.0),
            stubble: if make_up == 0.0 && !long && chance(19, 0.45) { range(20, 0.2, 1.0) } else { 0.0 },
            shine: range(21, 0.3, 1.0),
            lines: range(22, 0.5, 1.0),
            make_up,
            brow: range(23, 0.8, 1.3),
            hairline: range(24, -0.12, 0.12),
            volume: if bald { 0.0 } else { range(25, 0.05, 0.22) },
            long,
            backdrop: [hue(26), hue(29), hue(32)],
            backdrop_grain: range(35, 0.0, 1.0),
            distance: range(36, 7.0, 13.0),
        }
    }
}
