//! Activations. Each number is computed in f64 and rounded once.

/// `f` of every number.
pub fn each(f: impl Fn(f64) -> f64, x: &[f32], out: &mut [f32]) {
    assert_eq!(x.len(), out.len());
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(f64::from(x)) as f32;
    }
}

/// `1 / (1 + exp(-x))`
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `x * sigmoid(x)`
pub fn silu(x: f64) -> f64 {
    x * sigmoid(x)
}

/// `x` where positive, else `alpha * (exp(x) - 1)`.
pub fn elu(alpha: f64, x: f64) -> f64 {
    if x > 0.0 { x } else { alpha * x.exp_m1() }
}

/// `x` times the normal distribution function of `x`.
pub fn gelu(x: f64) -> f64 {
    let tail = 0.5 * erfc(x.abs() * std::f64::consts::FRAC_1_SQRT_2);
    x * if x < 0.0 { tail } else { 1.0 - tail }
}

/// Chebyshev coefficients of `(1 + z) exp(z^2) erfc(z)` in `(z - 3) / (z + 3)`, fitted with 40 digits; the series is off by
/// 8e-11 of the value at most.
const ERFC: [f64; 15] = [
    0.753_712_674_474_798_4,
    -0.224_153_807_999_093_2,
    0.033_311_418_699_360_44,
    0.004_729_202_203_160_197,
    -0.004_667_584_028_574_755,
    0.001_505_458_991_859_158,
    -0.000_266_279_401_850_757_8,
    1.487_337_202_881_344_6e-5,
    4.608_056_130_651_457e-6,
    -9.676_802_292_406_136e-7,
    -4.580_496_022_125_077e-8,
    3.403_835_840_664_566e-8,
    -2.518_340_232_136_375_3e-10,
    -1.196_647_748_124_685_7e-9,
    3.164_433_134_105_99e-11,
];

/// The complementary error function of `z >= 0`.
fn erfc(z: f64) -> f64 {
    let t = (z - 3.0) / (z + 3.0);
    // Clenshaw's recurrence.
    let [mut next, mut after] = [0.0, 0.0];
    for &coefficient in ERFC[1..].iter().rev() {
        (next, after) = (coefficient + 2.0 * t * next - after, next);
    }
    (ERFC[0] + t * next - after) / (1.0 + z) * (-z * z).exp()
}
