//! New faces out of two photographs: what a few portraits lack in people.

use est_media::Image;

use super::fit::{MOUTH_CORNERS, PUPILS, RIM, skin};
use super::raster::Texture;
use super::spline::Spline;

/// Side of the squares, in pixels, at whose corners the maps are computed; linear between.
const CELL: usize = 6;
/// From this share of the way from the middle to the rim on, the second face's skin fades; at the rim it is gone.
const FADES: f32 = 0.7;
/// How much brighter or darker the second face may be made, to have the first one's colours.
const GAIN: [f32; 2] = [0.4, 2.5];

/// A photograph and its template points, in pixels.
pub struct Face {
    pub image: Image,
    pub points: Vec<[f32; 2]>,
}

impl Face {
    /// Who lies `share` of the way from this face to `other`: the shape and, within the face, the skin of both, in this
    /// one's colours; hair, ears and all else are this one's.
    pub fn blend(&self, other: &Face, share: f32) -> Face {
        let (size, unit) = ([self.image.width, self.image.height], unit(&self.points));
        let placed = like(&other.points, &self.points);
        let points: Vec<[f32; 2]> = self
            .points
            .iter()
            .zip(&placed)
            .map(|(a, b)| [0, 1].map(|axis| a[axis] + share * (b[axis] - a[axis])))
            .collect();
        // Irises move with the eyes, and the picture's border stays.
        let used: Vec<usize> = (0..18).chain(skin()).collect();
        let border = border(size);
        let centres: Vec<[f32; 2]> =
            used.iter().map(|&k| points[k]).chain(border).map(|place| place.map(|v| v / unit)).collect();
        let to_self: Vec<[f32; 2]> = used.iter().map(|&k| self.points[k]).chain(border).collect();
        let far = like_map(&self.points, &other.points);
        let to_other: Vec<[f32; 2]> = used.iter().map(|&k| other.points[k]).chain(border.map(far)).collect();
        let maps = [to_self, to_other].map(|targets| Grid::new(&Spline::new(&centres, &targets), size, unit));

        let [own, others] = [self, other].map(|face| Texture::new(&face.image));
        let mask = Mask::new(&points);
        let colour = |map: &Grid, texture: &Texture, x: usize, y: usize| {
            let [x, y] = map.at(x, y);
            texture.at(x, y)
        };
        // Sums over the face, every third pixel.
        let mut sums = [[1.0f32; 3]; 2];
        for y in (0..size[1]).step_by(3) {
            for x in (0..size[0]).step_by(3) {
                if mask.at(x as f32, y as f32) > 0.99 {
                    for (sum, (map, texture)) in sums.iter_mut().zip(maps.iter().zip([&own, &others])) {
                        let colour = colour(map, texture, x, y);
                        (0..3).for_each(|k| sum[k] += colour[k]);
                    }
                }
            }
        }
        let gain = [0, 1, 2].map(|k| (sums[0][k] / sums[1][k]).clamp(GAIN[0], GAIN[1]));
        let mut data = Vec::with_capacity(3 * size[0] * size[1]);
        for y in 0..size[1] {
            for x in 0..size[0] {
                let (mine, weight) = (colour(&maps[0], &own, x, y), share * mask.at(x as f32, y as f32));
                let theirs = if weight > 0.0 { colour(&maps[1], &others, x, y) } else { [0.0; 4] };
                data.extend((0..3).map(|k| {
                    let mixed = mine[k] + weight * ((gain[k] * theirs[k]).min(255.0) - mine[k]);
                    (mixed + 0.5) as u8
                }));
            }
        }
        Face { image: Image::new(size[0], size[1], data), points }
    }
}

/// The middle between two points.
fn middle(points: &[[f32; 2]], pair: [usize; 2]) -> [f32; 2] {
    [0, 1].map(|axis| (points[pair[0]][axis] + points[pair[1]][axis]) / 2.0)
}

/// From the mouth's corners to the pupils, in pixels.
fn unit(points: &[[f32; 2]]) -> f32 {
    let (eyes, mouth) = (middle(points, PUPILS), middle(points, MOUTH_CORNERS));
    (mouth[0] - eyes[0]).hypot(mouth[1] - eyes[1]).max(1.0)
}

/// The similarity that lays eyes and mouth of `from` on those of `onto`.
fn like_map(from: &[[f32; 2]], onto: &[[f32; 2]]) -> impl Fn([f32; 2]) -> [f32; 2] + use<> {
    let axis = |points: &[[f32; 2]]| {
        let (eyes, mouth) = (middle(points, PUPILS), middle(points, MOUTH_CORNERS));
        (eyes, [mouth[0] - eyes[0], mouth[1] - eyes[1]])
    };
    let ((origin, a), (place, b)) = (axis(from), axis(onto));
    let square = (a[0] * a[0] + a[1] * a[1]).max(1.0);
    // b / a as complex numbers.
    let (re, im) = ((b[0] * a[0] + b[1] * a[1]) / square, (b[1] * a[0] - b[0] * a[1]) / square);
    move |point| {
        let (x, y) = (point[0] - origin[0], point[1] - origin[1]);
        [place[0] + re * x - im * y, place[1] + im * x + re * y]
    }
}

fn like(points: &[[f32; 2]], onto: &[[f32; 2]]) -> Vec<[f32; 2]> {
    points.iter().copied().map(like_map(points, onto)).collect()
}

/// Four points on each edge of a picture.
fn border([width, height]: [usize; 2]) -> [[f32; 2]; 16] {
    let (width, height) = (width as f32, height as f32);
    std::array::from_fn(|k| {
        let along = (k % 4) as f32 / 4.0;
        match k / 4 {
            0 => [along * width, 0.0],
            1 => [width, along * height],
            2 => [width - along * width, height],
            _ => [0.0, height - along * height],
        }
    })
}

/// A map of a picture, tabulated.
struct Grid {
    columns: usize,
    table: Vec<[f32; 2]>,
}

impl Grid {
    fn new(spline: &Spline, [width, height]: [usize; 2], unit: f32) -> Self {
        let [columns, rows] = [width, height].map(|side| side / CELL + 2);
        let corner = |at: usize| [at % columns, at / columns].map(|step| (step * CELL) as f32 / unit);
        Grid { columns, table: (0..columns * rows).map(|at| spline.at(corner(at))).collect() }
    }

    fn at(&self, x: usize, y: usize) -> [f32; 2] {
        let at = y / CELL * self.columns + x / CELL;
        let [right, low] = [x, y].map(|value| (value % CELL) as f32 / CELL as f32);
        [0, 1].map(|axis| {
            let row = |at: usize| self.table[at][axis] * (1.0 - right) + self.table[at + 1][axis] * right;
            row(at) * (1.0 - low) + row(at + self.columns) * low
        })
    }
}

/// 1 within the face, 0 from its rim on.
struct Mask {
    middle: [f32; 2],
    /// Direction from the middle, in radians, and distance of the rim's points, by direction.
    rim: Vec<[f32; 2]>,
}

impl Mask {
    fn new(points: &[[f32; 2]]) -> Self {
        let mean = |axis: usize| RIM.iter().map(|&point| points[point][axis]).sum::<f32>() / RIM.len() as f32;
        let middle = [mean(0), mean(1)];
        let polar = |point: &usize| {
            let [x, y] = [0, 1].map(|axis| points[*point][axis] - middle[axis]);
            [y.atan2(x), x.hypot(y)]
        };
        let mut rim: Vec<[f32; 2]> = RIM.iter().map(polar).collect();
        rim.sort_by(|a, b| a[0].total_cmp(&b[0]));
        Mask { middle, rim }
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let (x, y) = (x - self.middle[0], y - self.middle[1]);
        let (direction, count) = (y.atan2(x), self.rim.len());
        let next = self.rim.partition_point(|point| point[0] < direction);
        let (before, after) = (self.rim[(next + count - 1) % count], self.rim[next % count]);
        let turn = |from: f32, to: f32| (to - from).rem_euclid(std::f32::consts::TAU);
        let share = turn(before[0], direction) / turn(before[0], after[0]).max(1e-6);
        let rim = before[1] + share.min(1.0) * (after[1] - before[1]);
        let out = ((x.hypot(y) / rim.max(1e-6) - FADES) / (1.0 - FADES)).clamp(0.0, 1.0);
        1.0 - out * out * (3.0 - 2.0 * out)
    }
}
