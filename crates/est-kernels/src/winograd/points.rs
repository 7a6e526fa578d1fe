//! The arithmetic of Winograd's (Toom and Cook's) short convolutions.
//!
//! A filter of r taps slides over n = m + r - 1 numbers to m results. Read both as polynomials: their values at n - 1
//! points and the leading coefficient (the value "at infinity") are multiplied point by point, n products instead of m r,
//! and the results are sums of those products. The points are 0, A, -A, B, -B in this order and infinity; fewer points
//! are the first of them and infinity. So an edge that has less than m results left uses a subset of the points that
//! the inner tiles use, with the same transformed filters: what the subset lacks in their normalisation,
//! [`Points::ratio`] puts right.
//!
//! A = 3/4, B = 3/2 instead of the usual 1 and 2: of the pairs tried they give nearly the smallest errors where factors are
//! rounded to bf16 (1.3e-2 of ResNet-18's features instead of 2.3e-2), and smaller ones in f32 as well.

use crate::simd::Simd;

pub(crate) const A: f32 = 0.75;
pub(crate) const B: f32 = 1.5;
/// The finite points.
const FINITE: [f64; 5] = [0.0, A as f64, -A as f64, B as f64, -B as f64];
/// The most points that there are, infinity included.
pub(crate) const MOST: usize = 6;

/// A short convolution's sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Points {
    /// n of the inner tiles, 5 or 6.
    pub count: usize,
    /// r
    pub taps: usize,
}

impl Points {
    /// m of the inner tiles.
    pub fn results(self) -> usize {
        self.count + 1 - self.taps
    }

    /// Points of a tile that has `left` results or more to give.
    pub fn of_tile(self, left: usize) -> usize {
        (left + self.taps - 1).clamp(3, self.count)
    }

    /// Whether a tile of `used` points has this one.
    pub fn active(self, point: usize, used: usize) -> bool {
        point < used - 1 || point == self.count - 1
    }

    /// The transformed filter's coefficients: its value at `point` is the sum of taps times these.
    pub fn filter(self, point: usize) -> Vec<f64> {
        if point == self.count - 1 {
            return (0..self.taps).map(|tap| f64::from(u8::from(tap == self.taps - 1))).collect();
        }
        let p = FINITE[point];
        let others = FINITE[..self.count - 1].iter().filter(|&&q| q != p);
        let norm: f64 = others.map(|q| p - q).product();
        (0..self.taps).map(|tap| p.powi(tap as i32) / norm).collect()
    }

    /// What the products at each point are multiplied by in a tile of `used` points.
    pub fn ratio(self, used: usize) -> [f32; MOST] {
        let mut ratio = [1.0; MOST];
        for (ratio, p) in ratio.iter_mut().zip(&FINITE[..used - 1]) {
            *ratio = FINITE[used - 1..self.count - 1].iter().map(|q| p - q).product::<f64>() as f32;
        }
        ratio
    }
}

/// Values at `used` of `N` points of the numbers `d`. Those of points that are not used are of no use.
#[inline(always)]
pub(crate) fn values<S: Simd, const N: usize>(s: S, used: usize, d: [S::V; N]) -> [S::V; N] {
    let mut out = d;
    let (a, b) = (s.splat(A), s.splat(B));
    let (minus_a, minus_b) = (s.splat(-A), s.splat(-B));
    let (minus_aa, minus_bb) = (s.splat(-A * A), s.splat(-B * B));
    match used {
        6 => {
            let (odd, even) = (s.mul_add(minus_bb, d[1], d[3]), s.mul_add(minus_bb, d[2], d[4]));
            out[1] = s.mul_add(a, odd, even);
            out[2] = s.mul_add(minus_a, odd, even);
            let (odd, even) = (s.mul_add(minus_aa, d[1], d[3]), s.mul_add(minus_aa, d[2], d[4]));
            out[3] = s.mul_add(b, odd, even);
            out[4] = s.mul_add(minus_b, odd, even);
            let (sum, product) = (s.splat(-(A * A + B * B)), s.splat(A * A * B * B));
            out[0] = s.mul_add(product, d[0], s.mul_add(sum, d[2], d[4]));
            out[N - 1] = s.mul_add(product, d[1], s.mul_add(sum, d[3], d[5]));
        }
        5 => {
            // Divided by the point B first: the rest is as with four.
            let q: [S::V; 5] = std::array::from_fn(|i| if i == 0 { d[0] } else { s.mul_add(minus_b, d[i - 1], d[i]) });
            out[0] = s.mul_add(minus_aa, q[1], q[3]);
            out[1] = s.mul_add(a, q[2], q[3]);
            out[2] = s.mul_add(minus_a, q[2], q[3]);
            out[3] = s.mul_add(minus_aa, d[1], d[3]);
            out[N - 1] = s.mul_add(minus_aa, q[2], q[4]);
        }
        4 => {
            out[0] = s.mul_add(minus_aa, d[0], d[2]);
            out[1] = s.mul_add(a, d[1], d[2]);
            out[2] = s.mul_add(minus_a, d[1], d[2]);
            out[N - 1] = s.mul_add(minus_aa, d[1], d[3]);
        }
        _ => {
            out[0] = s.mul_add(minus_a, d[0], d[1]);
            out[1] = d[1];
            out[N - 1] = s.mul_add(minus_a, d[1], d[2]);
        }
    }
    out
}

/// The results, `used - TAPS + 1` of them, from the products at `used` of `N` points.
#[inline(always)]
pub(crate) fn results<S: Simd, const N: usize, const TAPS: usize>(
    s: S,
    used: usize,
    ratio: &[f32; MOST],
    mut p: [S::V; N],
) -> [S::V; 4] {
    let (a, b) = (s.splat(A), s.splat(B));
    let (aa, bb) = (s.splat(A * A), s.splat(B * B));
    let (aaa, bbb) = (s.splat(A * A * A), s.splat(B * B * B));
    if used < N {
        for (p, &ratio) in p.iter_mut().zip(ratio).take(used - 1) {
            *p = s.mul(*p, s.splat(ratio));
        }
    }
    let infinity = p[N - 1];
    let mut y = if used == 3 {
        [s.add(p[0], p[1]), s.mul(a, p[1]), s.mul(aa, p[1]), p[1]]
    } else {
        let (even, odd) = (s.add(p[1], p[2]), s.sub(p[1], p[2]));
        let y = [s.add(p[0], even), s.mul(a, odd), s.mul(aa, even), s.mul(aaa, odd)];
        match used {
            4 => y,
            5 => [s.add(y[0], p[3]), s.mul_add(b, p[3], y[1]), s.mul_add(bb, p[3], y[2]), s.mul_add(bbb, p[3], y[3])],
            _ => {
                let (even, odd) = (s.add(p[3], p[4]), s.sub(p[3], p[4]));
                [s.add(y[0], even), s.mul_add(b, odd, y[1]), s.mul_add(bb, even, y[2]), s.mul_add(bbb, odd, y[3])]
            }
        }
    };
    y[used - TAPS] = s.add(y[used - TAPS], infinity);
    y
}
