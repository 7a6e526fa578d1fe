//! Drawing textured triangles.

use est_media::Image;

/// A picture that triangles take their colours from: RGB, in 0..=255.
#[derive(Debug, Clone)]
pub struct Texture {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[f32; 4]>,
}

impl Texture {
    pub fn new(image: &Image) -> Self {
        let pixels = image.data.chunks_exact(3).map(|rgb| [rgb[0].into(), rgb[1].into(), rgb[2].into(), 1.0]).collect();
        Texture { width: image.width, height: image.height, pixels }
    }

    /// Bilinear, pixel centres at whole numbers; beyond the edge the edge's. The fourth value is opacity.
    pub fn at(&self, x: f32, y: f32) -> [f32; 4] {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let left = (x as usize).min(self.width - 2);
        let top = (y as usize).min(self.height - 2);
        let (right_share, low_share) = (x - left as f32, y - top as f32);
        let at = top * self.width + left;
        let (upper, lower) = (&self.pixels[at..at + 2], &self.pixels[at + self.width..at + self.width + 2]);
        let mut colour = [0.0; 4];
        for (k, value) in colour.iter_mut().enumerate() {
            let high = upper[0][k] + right_share * (upper[1][k] - upper[0][k]);
            let low = lower[0][k] + right_share * (lower[1][k] - lower[0][k]);
            *value = high + low_share * (low - high);
        }
        colour
    }
}

/// A triangle's corner: its place on the canvas in pixels (z towards the viewer), its place in the texture, what each
/// colour is multiplied by, and its opacity.
#[derive(Debug, Clone, Copy)]
pub struct Corner {
    pub at: [f32; 3],
    pub texture: [f32; 2],
    pub light: [f32; 3],
    pub opacity: f32,
}

/// What is drawn so far.
pub struct Canvas {
    size: usize,
    pixels: Vec<[f32; 3]>,
    depth: Vec<f32>,
}

impl Canvas {
    pub fn new(size: usize) -> Self {
        Canvas { size, pixels: vec![[0.0; 3]; size * size], depth: vec![f32::MIN; size * size] }
    }

    /// Draws over everything so far, whatever its depth.
    pub fn next_layer(&mut self) {
        self.depth.fill(f32::MIN);
    }

    /// Draws one triangle where it is not behind the same layer's; `colour` gives RGB and opacity for a place in the
    /// texture.
    pub fn triangle(&mut self, corners: [&Corner; 3], colour: &impl Fn(f32, f32) -> [f32; 4]) {
        let [a, b, c] = corners.map(|corner| corner.at);
        let area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        if area.abs() < 1e-6 {
            return;
        }
        let range = |axis: usize| {
            let low = a[axis].min(b[axis]).min(c[axis]).ceil().max(0.0);
            let high = a[axis].max(b[axis]).max(c[axis]).floor().min((self.size - 1) as f32);
            (low as usize, high)
        };
        let ((left, right), (top, bottom)) = (range(0), range(1));
        if right < left as f32 || bottom < top as f32 {
            return;
        }
        let inverse = 1.0 / area;
        for y in top..=bottom as usize {
            let dy = y as f32 - a[1];
            // The shares of b and c are linear in x.
            let share = |x: f32| {
                let dx = x - a[0];
                let to_b = (dx * (c[1] - a[1]) - dy * (c[0] - a[0])) * inverse;
                let to_c = ((b[0] - a[0]) * dy - (b[1] - a[1]) * dx) * inverse;
                (to_b, to_c)
            };
            for x in left..=right as usize {
                let (to_b, to_c) = share(x as f32);
                let to_a = 1.0 - to_b - to_c;
                if to_a < -1e-5 || to_b < -1e-5 || to_c < -1e-5 {
                    continue;
                }
                let mix = |a: f32, b: f32, c: f32| to_a * a + to_b * b + to_c * c;
                let z = mix(a[2], b[2], c[2]);
                let at = y * self.size + x;
                if z <= self.depth[at] {
                    continue;
                }
                let [p, q, r] = corners;
                let pixel = colour(
                    mix(p.texture[0], q.texture[0], r.texture[0]),
                    mix(p.texture[1], q.texture[1], r.texture[1]),
                );
                let opacity = pixel[3] * mix(p.opacity, q.opacity, r.opacity);
                if opacity > 0.5 {
                    self.depth[at] = z;
                }
                for (k, below) in self.pixels[at].iter_mut().enumerate() {
                    let value = pixel[k] * mix(p.light[k], q.light[k], r.light[k]);
                    *below += opacity * (value - *below);
                }
            }
        }
    }

    /// Two triangles.
    pub fn quad(&mut self, corners: [&Corner; 4], colour: &impl Fn(f32, f32) -> [f32; 4]) {
        let [a, b, c, d] = corners;
        self.triangle([a, b, c], colour);
        self.triangle([a, c, d], colour);
    }

    /// The picture at half the canvas's size, each pixel the mean of four.
    pub fn halved(&self) -> Image {
        let size = self.size / 2;
        let mut data = Vec::with_capacity(size * size * 3);
        for y in 0..size {
            for x in 0..size {
                let at = 2 * y * self.size + 2 * x;
                for k in 0..3 {
                    let sum: f32 = [at, at + 1, at + self.size, at + self.size + 1]
                        .iter()
                        .map(|&at| self.pixels[at][k].clamp(0.0, 255.0))
                        .sum();
                    data.push((sum / 4.0 + 0.5) as u8);
                }
            }
        }
        Image::new(size, size, data)
    }
}
