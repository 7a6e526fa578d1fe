use std::fmt;
use std::ops::Range;

/// A window that slides over images of [height, width] pixels and `padding` more on both sides of each axis. Pairs are down,
/// then across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub height: usize,
    pub width: usize,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
}

impl Window {
    /// A window that is the same in both directions.
    ///
    /// # Panics
    /// When the window is larger than the padded image or does not move.
    pub fn new(size: [usize; 2], kernel: usize, stride: usize, padding: usize) -> Self {
        Self::oblong(size, [kernel; 2], [stride; 2], [padding; 2])
    }

    /// # Panics
    /// As [`Window::new`], on either axis.
    pub fn oblong([height, width]: [usize; 2], kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Self {
        let window = Window { height, width, kernel, stride, padding };
        let moves = |axis: usize| stride[axis] > 0 && kernel[axis] > 0;
        let fits = |axis: usize, side: usize| side + 2 * padding[axis] >= kernel[axis];
        assert!(moves(0) && moves(1) && fits(0, height) && fits(1, width), "{window:?}");
        window
    }

    /// A single pixel.
    pub const ONE: Window = Window { height: 1, width: 1, kernel: [1; 2], stride: [1; 2], padding: [0; 2] };

    /// Pixels under the window.
    pub fn taps_len(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding[0] - self.kernel[0]) / self.stride[0] + 1
    }

    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding[1] - self.kernel[1]) / self.stride[1] + 1
    }

    /// Output pixels of one image.
    pub fn pixels(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Runs of output columns whose windows see the same taps: at the sides columns one by one, between them all at once.
    pub(crate) fn column_runs(&self) -> impl Iterator<Item = Range<usize>> {
        let columns = self.out_width();
        let (kernel, stride, padding) = (self.kernel[1], self.stride[1], self.padding[1]);
        let first = padding.div_ceil(stride).min(columns);
        let end = (self.width + padding).saturating_sub(kernel - 1).div_ceil(stride);
        let end = end.clamp(first, columns);
        let inner = (first < end).then_some(first..end);
        (0..first).map(|column| column..column + 1).chain(inner).chain((end..columns).map(|column| column..column + 1))
    }

    /// Image, and row and column of the window's first tap in it, of an output pixel; pixels count through all images.
    pub(crate) fn locate(&self, pixel: usize) -> (usize, isize, isize) {
        let (row, column) = (pixel / self.out_width(), pixel % self.out_width());
        let corner = |axis: usize, index: usize| (index * self.stride[axis]) as isize - self.padding[axis] as isize;
        let (image, row) = (row / self.out_height(), row % self.out_height());
        (image, corner(0, row), corner(1, column))
    }

    /// The taps (kernel row, kernel column) that lie in the image and their pixels in it, when the first is at (y, x).
    pub(crate) fn taps(&self, y: isize, x: isize) -> impl Iterator<Item = (usize, usize)> {
        let Window { width, kernel: [down, across], .. } = *self;
        let columns = inside(x, across, width);
        inside(y, down, self.height).flat_map(move |ky| {
            let row = (y + ky as isize) as usize * width;
            let columns = columns.clone();
            columns.map(move |kx| (ky * across + kx, row + (x + kx as isize) as usize))
        })
    }
}

/// Kernel and stride, for a printed plan.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Window { kernel: [down, across], stride, .. } = self;
        match stride {
            [down_step, across_step] if down_step == across_step => write!(f, "{down}x{across}/{down_step}"),
            [down_step, across_step] => write!(f, "{down}x{across}/{down_step}x{across_step}"),
        }
    }
}

/// Which of `count` places from `first` on lie in 0..side.
pub(crate) fn inside(first: isize, count: usize, side: usize) -> Range<usize> {
    let count = count as isize;
    (-first).clamp(0, count) as usize..(side as isize - first).clamp(0, count) as usize
}
