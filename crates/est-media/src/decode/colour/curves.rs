//! The standards' formulas in double precision: what a code value means in light, and the way between sets of primaries.
//!
//! Light is counted in SDR white: 1 is 203 cd/m2 of PQ and HLG (ITU-R BT.2408), and code value 1 of SDR.

/// SDR white in HDR video, cd/m2 (ITU-R BT.2408, table 1).
const WHITE: f64 = 203.0;
/// The display that HLG is shown on (ITU-R BT.2100, table 5), cd/m2, and its system gamma.
const HLG_PEAK: f64 = 1000.0;
const HLG_GAMMA: f64 = 1.2;
/// Of the display that SDR video is made for (ITU-R BT.1886 with a black of 0).
const SDR_GAMMA: f64 = 2.4;

/// How code values between 0 and 1 stand for light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Curve {
    /// SMPTE ST 2084.
    Pq,
    /// ARIB STD-B67. Light of the scene: [`system_gamma`] makes it the display's.
    Hlg,
    Linear,
    Srgb,
    Gamma(f64),
}

impl Curve {
    pub const SDR: Curve = Curve::Gamma(SDR_GAMMA);

    /// The light of a code value.
    pub fn light(self, code: f64) -> f64 {
        match self {
            Curve::Pq => pq(code) / WHITE,
            Curve::Hlg => hlg_scene(code),
            Curve::Linear => code,
            Curve::Srgb if code <= 0.04045 => code / 12.92,
            Curve::Srgb => ((code + 0.055) / 1.055).powf(2.4),
            Curve::Gamma(gamma) => code.powf(gamma),
        }
    }

    /// The 8-bit level, before rounding, of light that came through this curve. SDR keeps its own curve, so that only
    /// its primaries change.
    pub fn level(self, light: f64) -> f64 {
        255.0
            * match self {
                Curve::Pq | Curve::Hlg | Curve::Linear => light.powf(1.0 / SDR_GAMMA),
                Curve::Srgb if light <= 0.04045 / 12.92 => light * 12.92,
                Curve::Srgb => 1.055 * light.powf(1.0 / 2.4) - 0.055,
                Curve::Gamma(gamma) => light.powf(1.0 / gamma),
            }
            .clamp(0.0, 1.0)
    }
}

/// cd/m2 of a PQ code value.
fn pq(code: f64) -> f64 {
    const M1: f64 = 2610.0 / 16384.0;
    const M2: f64 = 2523.0 / 4096.0 * 128.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 4096.0 * 32.0;
    const C3: f64 = 2392.0 / 4096.0 * 32.0;
    let root = code.powf(1.0 / M2);
    10_000.0 * ((root - C1).max(0.0) / (C2 - C3 * root)).powf(1.0 / M1)
}

/// Light of the scene, 0 to 1, of an HLG code value.
fn hlg_scene(code: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 1.0 - 4.0 * A;
    if code <= 0.5 {
        return code * code / 3.0;
    }
    let c = 0.5 - A * (4.0 * A).ln();
    (((code - c) / A).exp() + B) / 12.0
}

/// What each channel of an HLG scene is multiplied by to be light of the display, from the scene's luminance.
pub fn system_gamma(luminance: f64) -> f64 {
    HLG_PEAK / WHITE * luminance.powf(HLG_GAMMA - 1.0)
}

pub type Matrix3 = [[f64; 3]; 3];

/// Corners in CIE x, y: red, green, blue, white.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gamut(pub [[f64; 2]; 4]);

const D65: [f64; 2] = [0.3127, 0.3290];
const C: [f64; 2] = [0.310, 0.316];

impl Gamut {
    pub const BT709: Gamut = Gamut([[0.640, 0.330], [0.300, 0.600], [0.150, 0.060], D65]);
    pub const BT2020: Gamut = Gamut([[0.708, 0.292], [0.170, 0.797], [0.131, 0.046], D65]);
    pub const DISPLAY_P3: Gamut = Gamut([[0.680, 0.320], [0.265, 0.690], [0.150, 0.060], D65]);
    pub const DCI_P3: Gamut = Gamut([[0.680, 0.320], [0.265, 0.690], [0.150, 0.060], [0.314, 0.351]]);
    pub const NTSC_1953: Gamut = Gamut([[0.670, 0.330], [0.210, 0.710], [0.140, 0.080], C]);
    pub const FILM: Gamut = Gamut([[0.681, 0.319], [0.243, 0.692], [0.145, 0.049], C]);

    /// Linear RGB -> CIE XYZ. Its middle row is what red, green and blue weigh in luminance.
    pub fn to_xyz(self) -> Matrix3 {
        let xyz = |[x, y]: [f64; 2]| [x / y, 1.0, (1.0 - x - y) / y];
        let [red, green, blue, white] = self.0.map(xyz);
        let columns: Matrix3 = std::array::from_fn(|row| [red[row], green[row], blue[row]]);
        let weights = apply(&inverse(&columns), white);
        columns.map(|row| std::array::from_fn(|column| row[column] * weights[column]))
    }

    /// Linear RGB of these primaries -> of BT.709. Another white becomes D65 as the eye would have it (Bradford).
    pub fn to_bt709(self) -> Matrix3 {
        const BRADFORD: Matrix3 = [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]];
        let cones = |gamut: Gamut| apply(&BRADFORD, apply(&gamut.to_xyz(), [1.0; 3]));
        let (from, to) = (cones(self), cones(Gamut::BT709));
        let scale =
            std::array::from_fn(|row| std::array::from_fn(|column| f64::from(row == column) * to[row] / from[row]));
        let adapt = times(&inverse(&BRADFORD), &times(&scale, &BRADFORD));
        times(&inverse(&Gamut::BT709.to_xyz()), &times(&adapt, &self.to_xyz()))
    }
}

pub fn apply(matrix: &Matrix3, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

pub fn times(a: &Matrix3, b: &Matrix3) -> Matrix3 {
    a.map(|row| std::array::from_fn(|column| (0..3).map(|i| row[i] * b[i][column]).sum()))
}

pub fn inverse(m: &Matrix3) -> Matrix3 {
    let minor = |row: usize, column: usize| {
        let (r, c) = ([(row + 1) % 3, (row + 2) % 3], [(column + 1) % 3, (column + 2) % 3]);
        m[r[0]][c[0]] * m[r[1]][c[1]] - m[r[0]][c[1]] * m[r[1]][c[0]]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * minor(0, column)).sum();
    std::array::from_fn(|row| std::array::from_fn(|column| minor(column, row) / determinant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_own_numbers() {
        // BT.2408, table 1: 203 cd/m2 is 58 % of PQ and 75 % of HLG.
        let close = |got: f64, want: f64, by: f64| assert!((got - want).abs() < by, "{got} for {want}");
        close(Curve::Pq.light(0.58), 1.0, 0.02);
        close(Curve::Pq.light(1.0), 10_000.0 / 203.0, 1e-9);
        let scene = Curve::Hlg.light(0.75);
        close(scene * system_gamma(scene), 1.0, 0.005);
        close(system_gamma(1.0) * Curve::Hlg.light(1.0), 1000.0 / 203.0, 1e-6);
        // The two branches of HLG meet.
        close(Curve::Hlg.light(0.5), 1.0 / 12.0, 1e-9);
        close(Curve::Hlg.light(0.5 + 1e-9), 1.0 / 12.0, 1e-7);
        // BT.2087, BT.2020 -> BT.709.
        let bt2087 = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];
        for (got, want) in Gamut::BT2020.to_bt709().iter().flatten().zip(bt2087.iter().flatten()) {
            close(*got, *want, 1e-4);
        }
        for (got, want) in Gamut::BT709.to_xyz()[1].into_iter().zip([0.2126, 0.7152, 0.0722]) {
            close(got, want, 1e-4);
        }
    }

    #[test]
    fn gray_stays_gray() {
        for gamut in [Gamut::BT2020, Gamut::DISPLAY_P3, Gamut::DCI_P3, Gamut::NTSC_1953, Gamut::FILM, Gamut::BT709] {
            for value in apply(&gamut.to_bt709(), [0.5; 3]) {
                assert!((value - 0.5).abs() < 1e-9, "{gamut:?}");
            }
        }
    }
}
