//! Triangles into samples: a z-buffer of triangle numbers, four samples a pixel.

/// A projected vertex: samples from the top left, and 1 / distance.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Projected {
    pub x: f32,
    pub y: f32,
    pub near: f32,
}

pub(super) const NONE: u32 = u32::MAX;

/// The nearest triangle of every sample.
pub(super) struct Samples {
    pub side: usize,
    pub near: Vec<f32>,
    pub triangle: Vec<u32>,
}

impl Samples {
    pub fn new(side: usize) -> Self {
        Samples { side, near: vec![0.0; side * side], triangle: vec![NONE; side * side] }
    }

    /// Draws the triangle under its number. One that shows its back is left out.
    pub fn draw(&mut self, number: u32, corners: [Projected; 3]) {
        covered(self.side, corners, false, |at, near| self.keep(at, near, number));
    }

    /// Gives the sample to the triangle if that is nearer than what it shows.
    #[inline(always)]
    pub fn keep(&mut self, at: usize, near: f32, number: u32) {
        if near > self.near[at] {
            self.near[at] = near;
            self.triangle[at] = number;
        }
    }
}

/// Calls `visit` with the place and the nearness of every sample that the triangle covers.
#[inline(always)]
pub(super) fn covered(side: usize, corners: [Projected; 3], both: bool, mut visit: impl FnMut(usize, f32)) {
    let [a, mut b, mut c] = corners;
    let mut area = (b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y);
    // Rows grow downwards, so a triangle that runs counter-clockwise seen from the camera has a negative area here.
    if area >= 0.0 {
        if !both || area == 0.0 {
            return;
        }
    } else {
        (b, c) = (c, b);
        area = -area;
    }
    let limit = side as f32 - 0.5;
    let low = |x: f32, y: f32, z: f32| (x.min(y).min(z) - 0.5).ceil().max(0.0);
    let high = |x: f32, y: f32, z: f32| (x.max(y).max(z) - 0.5).floor().min(limit - 0.5);
    let (x0, x1) = (low(a.x, b.x, c.x), high(a.x, b.x, c.x));
    let (y0, y1) = (low(a.y, b.y, c.y), high(a.y, b.y, c.y));
    if x0 > x1 || y0 > y1 {
        return;
    }
    let (px, py) = (x0 + 0.5, y0 + 0.5);
    let edge = |p: Projected, q: Projected| (q.x - p.x) * (py - p.y) - (px - p.x) * (q.y - p.y);
    let (mut e0, mut e1, mut e2) = (edge(b, c), edge(c, a), edge(a, b));
    let (dx0, dx1, dx2) = (b.y - c.y, c.y - a.y, a.y - b.y);
    let (dy0, dy1, dy2) = (c.x - b.x, a.x - c.x, b.x - a.x);
    let scale = 1.0 / area;
    let (n0, n1, n2) = (a.near * scale, b.near * scale, c.near * scale);
    let (columns, rows) = ((x1 - x0) as usize + 1, (y1 - y0) as usize + 1);
    let mut start = y0 as usize * side + x0 as usize;
    for _ in 0..rows {
        let (mut w0, mut w1, mut w2) = (e0, e1, e2);
        for at in start..start + columns {
            if w0 >= 0.0 && w1 >= 0.0 && w2 >= 0.0 {
                visit(at, w0 * n0 + w1 * n1 + w2 * n2);
            }
            w0 += dx0;
            w1 += dx1;
            w2 += dx2;
        }
        e0 += dy0;
        e1 += dy1;
        e2 += dy2;
        start += side;
    }
}
