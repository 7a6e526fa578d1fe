//! Smooth noise in space.

fn lattice(x: i32, y: i32, z: i32, seed: u32) -> f32 {
    let mut h = seed ^ (x as u32).wrapping_mul(0x8DA6_B343) ^ (y as u32).wrapping_mul(0xD816_3841);
    h ^= (z as u32).wrapping_mul(0xCB1A_B31F);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    (h >> 8) as f32 / 8_388_608.0 - 1.0
}

/// Value noise in [-1, 1] with features of size 1.
pub(super) fn grain([x, y, z]: [f32; 3], seed: u32) -> f32 {
    let (fx, fy, fz) = (x.floor(), y.floor(), z.floor());
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (tx, ty, tz) = (smooth(x - fx), smooth(y - fy), smooth(z - fz));
    let (ix, iy, iz) = (fx as i32, fy as i32, fz as i32);
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    let row = |y: i32, z: i32| mix(lattice(ix, y, z, seed), lattice(ix + 1, y, z, seed), tx);
    let sheet = |z: i32| mix(row(iy, z), row(iy + 1, z), ty);
    mix(sheet(iz), sheet(iz + 1), tz)
}

/// Two octaves.
pub(super) fn cloud(place: [f32; 3], frequency: f32, seed: u32) -> f32 {
    let coarse = grain(place.map(|v| v * frequency), seed);
    let fine = grain(place.map(|v| v * frequency * 2.1), seed ^ 0x9E37);
    (coarse + 0.5 * fine) / 1.5
}

/// 0 below `low`, 1 above `high`, smooth between.
pub(super) fn step(low: f32, high: f32, value: f32) -> f32 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A bump of height 1 and width `width` about 0.
pub(super) fn bump(value: f32, width: f32) -> f32 {
    (-(value / width).powi(2)).exp()
}

/// The straight lines through `points` (rising first numbers), level outside.
pub(super) fn line(points: &[(f32, f32)], at: f32) -> f32 {
    let after = points.iter().position(|(x, _)| *x > at).unwrap_or(points.len());
    match (after.checked_sub(1).map(|k| points[k]), points.get(after).copied()) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (at - x0) / (x1 - x0),
        (Some((_, y)), None) | (None, Some((_, y))) => y,
        (None, None) => unreachable!("a line has points"),
    }
}
