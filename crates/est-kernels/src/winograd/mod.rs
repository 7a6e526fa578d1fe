//! Convolution with fewer products: tiles of the output by short convolutions in both directions ([`points`]).
//!
//! Three stages: the input's tiles become values at points x points ("planes"), each plane's tiles are multiplied with
//! that plane's weights, and the products become the output's tiles. With stride 2 the even and the odd rows and columns
//! are four images of half the size ("phases") with filters of every other tap; their products are sums of one plane.

mod points;
mod stages;
mod transform;
mod weights;

use std::ops::Range;

pub use stages::Stages;

use crate::aligned::Aligned;
use crate::conv::ConvShape;
use crate::isa::Isa;
use points::{MOST, Points};

/// Planes of the largest tile.
const PLANES: usize = MOST * MOST;
/// Numbers between planes, so that their rows do not all fall into one set of the first cache.
const GAP: usize = 16;
/// Words of weights that are too many to be read again for every image, 3 MB, and for every block, 16 MB: more than
/// half of a third cache.
const LARGE: usize = 3 << 18;
const HUGE: usize = 4 << 20;

pub(crate) struct Winograd {
    isa: Isa,
    pub shape: ConvShape,
    points: Points,
    /// Words of the channels, and these rounded up to whole vectors.
    words: usize,
    padded_words: usize,
    tile_rows: usize,
    tile_columns: usize,
    /// Points that the last row of tiles of an image lacks.
    lacks: [bool; MOST],
    /// Columns of tiles that have the point.
    columns: [usize; MOST],
    /// [`Points::ratio`] by the number of points used.
    ratios: [[f32; MOST]; MOST + 1],
    /// Words of a tile in each plane, padding included.
    tile_words: [usize; PLANES],
    /// Vectors and outputs of a panel.
    vectors: usize,
    width: usize,
    /// [panel][plane][words of all its phases][width]
    weights: Aligned<u32>,
    /// First word of each plane in a panel of the weights, and the length of a panel.
    plane_weights: [usize; PLANES],
    panel_weights: usize,
    bias: Aligned<f32>,
}

impl Winograd {
    /// The short convolution for a layer that has one.
    pub fn points(shape: &ConvShape) -> Option<Points> {
        let window = shape.window;
        match (window.kernel, window.stride, shape.groups) {
            ([3, 3], [1, 1], 1) if shape.inputs >= 8 => Some(Points { count: 6, taps: 3 }),
            ([3, 3], [2, 2], 1) if shape.inputs >= 16 => Some(Points { count: 5, taps: 2 }),
            _ => None,
        }
    }

    /// F(results, taps), with the name of what it does about a stride.
    pub fn name(&self) -> String {
        let phases = if self.stride() > 1 { "polyphase " } else { "" };
        format!("{phases}winograd F({},{})", self.points.results(), self.points.taps)
    }

    /// The same down and across.
    fn stride(&self) -> usize {
        self.shape.window.stride[0]
    }

    /// Whether the weights should be read for several images at once.
    pub fn is_heavy(&self) -> bool {
        self.weights.len() > LARGE
    }

    /// Whether so many images are better computed stage by stage: the weights should be read but once, or there are fewer
    /// blocks than so many threads want.
    pub fn prefers_stages(&self, images: usize, threads: usize) -> bool {
        let short = images * self.tile_rows * self.tile_columns < 4 * threads * stages::BLOCK;
        self.weights.len() > HUGE || (threads > 1 && short)
    }

    /// Units of work: rows of tiles, counted through all images.
    pub fn units(&self, images: usize) -> usize {
        images * self.tile_rows
    }

    /// The output rows of `units`, counted through all images.
    pub fn rows(&self, units: Range<usize>) -> Range<usize> {
        let height = self.shape.window.out_height();
        let row = |unit: usize| {
            let (image, tile) = (unit / self.tile_rows, unit % self.tile_rows);
            image * height + (tile * self.points.results()).min(height)
        };
        row(units.start)..row(units.end)
    }

    /// Points of the tiles in this row of tiles, or column.
    fn used(&self, side: usize, tile: usize) -> usize {
        self.points.of_tile(side - tile * self.points.results())
    }

    /// Rows of tiles before this unit: all, and those that have every point.
    fn rows_before(&self, unit: usize) -> [usize; 2] {
        [unit, unit - unit / self.tile_rows]
    }

    /// Phases, down and across, that a plane sums: of a filter whose odd taps are fewer, these have nothing at infinity.
    fn phases(&self, plane: usize) -> [usize; 2] {
        let n = self.points.count;
        let phases = |point: usize| match self.stride() {
            1 => 1,
            stride if point == n - 1 => stride - 1,
            stride => stride,
        };
        [phases(plane / n), phases(plane % n)]
    }

    fn planes(&self) -> usize {
        self.points.count * self.points.count
    }

    fn panels(&self) -> usize {
        self.shape.outputs.div_ceil(self.width)
    }

    /// Words of a panel's weights in a plane.
    fn panel_words(&self, plane: usize) -> usize {
        let [down, across] = self.phases(plane);
        down * across * self.words * self.width
    }

    /// How the tiles of `units` lie in memory.
    fn places(&self, units: Range<usize>) -> Places {
        let n = self.points.count;
        let mut places = Places { units, tiles: [0; PLANES], values: [0; PLANES + 1], products: [0; PLANES + 1] };
        let [before, after] = [places.units.start, places.units.end].map(|unit| self.rows_before(unit));
        for plane in 0..self.planes() {
            let lacking = usize::from(self.lacks[plane / n]);
            let tiles = (after[lacking] - before[lacking]) * self.columns[plane % n];
            places.tiles[plane] = tiles;
            places.values[plane + 1] = places.values[plane] + tiles * self.tile_words[plane] + GAP;
            places.products[plane + 1] = places.products[plane] + tiles * self.width + GAP;
        }
        places
    }

    /// The number, among each plane's tiles in `places`, of the first tile of a unit.
    #[inline(always)]
    fn first_tiles(&self, places: &Places, unit: usize) -> [usize; PLANES] {
        let n = self.points.count;
        let [before, rows] = [places.units.start, unit].map(|unit| self.rows_before(unit));
        let rows = [rows[0] - before[0], rows[1] - before[1]];
        let mut first = [0; PLANES];
        for point in 0..n {
            for across in 0..n {
                first[point * n + across] = rows[usize::from(self.lacks[point])] * self.columns[across];
            }
        }
        first
    }
}

/// Where the values of tiles ([plane][tile][words]) and their products ([panel][plane][tile][width]) lie.
struct Places {
    units: Range<usize>,
    /// Tiles of each plane.
    tiles: [usize; PLANES],
    /// First word of each plane, and after the last the length of all.
    values: [usize; PLANES + 1],
    /// First number of each plane in a panel, and after the last the length of a panel.
    products: [usize; PLANES + 1],
}

impl Places {
    fn values_len(&self, winograd: &Winograd) -> usize {
        self.values[winograd.planes()]
    }

    fn panel_len(&self, winograd: &Winograd) -> usize {
        self.products[winograd.planes()]
    }
}
