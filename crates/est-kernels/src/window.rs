use std::ops::Range;

/// A square window that slides over images of [height, width] pixels and `padding` more on every side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub height: usize,
    pub width: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Window {
    /// # Panics
    /// When the window is larger than the padded image or does not move.
    pub fn new([height, width]: [usize; 2], kernel: usize, stride: usize, padding: usize) -> Self {
        assert!(stride > 0 && kernel > 0 && height.min(width) + 2 * padding >= kernel);
        Window { height, width, kernel, stride, padding }
    }

    /// A single pixel.
    pub const ONE: Window = Window { height: 1, width: 1, kernel: 1, stride: 1, padding: 0 };

    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Output pixels of one image.
    pub fn pixels(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Runs of output columns whose windows see the same taps: at the sides columns one by one, between them all at once.
    pub(crate) fn column_runs(&self) -> impl Iterator<Item = Range<usize>> {
        let columns = self.out_width();
        let first = self.padding.div_ceil(self.stride).min(columns);
        let end = (self.width + self.padding).saturating_sub(self.kernel - 1).div_ceil(self.stride);
        let end = end.clamp(first, columns);
        let inner = (first < end).then_some(first..end);
        (0..first).map(|column| column..column + 1).chain(inner).chain((end..columns).map(|column| column..column + 1))
    }

    /// Image, and row and column of the window's first tap in it, of an output pixel; pixels count through all images.
    pub(crate) fn locate(&self, pixel: usize) -> (usize, isize, isize) {
        let (row, column) = (pixel / self.out_width(), pixel % self.out_width());
        let corner = |index: usize| (index * self.stride) as isize - self.padding as isize;
        let (image, row) = (row / self.out_height(), row % self.out_height());
        (image, corner(row), corner(column))
    }

    /// The taps (kernel row, kernel column) that lie in the image and their pixels in it, when the first is at (y, x).
    pub(crate) fn taps(&self, y: isize, x: isize) -> impl Iterator<Item = (usize, usize)> {
        let Window { width, kernel, .. } = *self;
        let columns = inside(x, kernel, width);
        inside(y, kernel, self.height).flat_map(move |ky| {
            let row = (y + ky as isize) as usize * width;
            let columns = columns.clone();
            columns.map(move |kx| (ky * kernel + kx, row + (x + kx as isize) as usize))
        })
    }
}

/// Which of `count` places from `first` on lie in 0..side.
pub(crate) fn inside(first: isize, count: usize, side: usize) -> Range<usize> {
    let count = count as isize;
    (-first).clamp(0, count) as usize..(side as isize - first).clamp(0, count) as usize
}
