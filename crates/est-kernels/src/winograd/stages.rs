//! The three stages: in blocks that stay in one core's cache, or one after the other over all images, for layers whose
//! weights are larger than what they are multiplied with and should be read once.

use std::cell::RefCell;
use std::ops::Range;

use super::{Places, Winograd};
use crate::aligned::Aligned;
use crate::epilogue::Epilogue;
use crate::simd::{Simd, Task, dispatch};
use crate::tile::{Factors, Store, multiply};

/// Tiles of a block: as many as one product takes with AVX-512.
pub(super) const BLOCK: usize = 14;

/// A part of a layer that is computed stage after stage over all of it, each stage divided among threads as they like.
pub struct Stages<'a> {
    winograd: &'a Winograd,
    all: Places,
    /// Values lie block by block, so that each block's are written by one thread.
    blocks: Vec<Places>,
}

impl Stages<'_> {
    /// Where each block's values end.
    pub fn values_ends(&self) -> Vec<usize> {
        let ends = self.blocks.iter().scan(0, |end, block| {
            *end += block.values_len(self.winograd);
            Some(*end)
        });
        ends.collect()
    }

    /// Pieces of the products, each of one plane and one panel.
    pub fn pieces(&self) -> usize {
        self.winograd.planes() * self.winograd.panels()
    }

    /// Where a piece of the products begins, or where all end.
    pub fn product(&self, piece: usize) -> usize {
        let (panel, plane) = (piece / self.winograd.planes(), piece % self.winograd.planes());
        panel * self.all.panel_len(self.winograd) + self.all.products[plane]
    }

    /// Computes the values of a block from the images.
    pub fn values(&self, input: &[f32], block: usize, values: &mut [u32]) {
        struct Values<'a>(&'a Winograd, &'a [f32], &'a Places, &'a mut [u32]);
        impl Task for Values<'_> {
            type Output = ();

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) {
                let Values(winograd, input, places, values) = self;
                winograd.input_values(simd, input, places, values);
            }
        }
        dispatch(self.winograd.isa, Values(self.winograd, input, &self.blocks[block], values));
    }

    /// Computes these pieces of the products from all values.
    pub fn products(&self, values: &[u32], pieces: Range<usize>, products: &mut [f32]) {
        struct Products<'a>(&'a Stages<'a>, &'a [u32], Range<usize>, &'a mut [f32]);
        impl Task for Products<'_> {
            type Output = ();

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) {
                let Products(stages, values, pieces, products) = self;
                let start = stages.product(pieces.start);
                let winograd = stages.winograd;
                for piece in pieces {
                    let (panel, plane) = (piece / winograd.planes(), piece % winograd.planes());
                    let mut products =
                        &mut products[stages.product(piece) - start..][..stages.all.tiles[plane] * winograd.width];
                    let mut values = values;
                    for block in &stages.blocks {
                        let (into, rest) = products.split_at_mut(block.tiles[plane] * winograd.width);
                        winograd.multiply_plane(simd, values, block, panel, plane, into);
                        products = rest;
                        values = &values[block.values_len(winograd)..];
                    }
                }
            }
        }
        dispatch(self.winograd.isa, Products(self, values, pieces, products));
    }

    /// Computes `units` from all products; `output` and the residual hold [`Winograd::rows`] of them.
    pub fn finish(&self, products: &[f32], units: Range<usize>, epilogue: Epilogue, output: &mut [f32]) {
        struct Finish<'a>(&'a Stages<'a>, &'a [f32], Range<usize>, Epilogue<'a>, &'a mut [f32]);
        impl Task for Finish<'_> {
            type Output = ();

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) {
                let Finish(stages, products, units, epilogue, output) = self;
                stages.winograd.finish(simd, products, &stages.all, units, epilogue, output);
            }
        }
        dispatch(self.winograd.isa, Finish(self, products, units, epilogue, output));
    }
}

#[derive(Default)]
struct Scratch {
    values: Aligned<u32>,
    products: Aligned<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Winograd {
    /// Units of a block.
    pub fn block(&self) -> usize {
        BLOCK.div_ceil(self.tile_columns)
    }

    /// The stages over so many images, with the values in about so many blocks.
    pub fn stages(&self, images: usize, blocks: usize) -> Stages<'_> {
        let units = self.units(images);
        let blocks = blocks.clamp(1, units.max(1));
        let block = |block: usize| self.places(block * units / blocks..(block + 1) * units / blocks);
        Stages { winograd: self, all: self.places(0..units), blocks: (0..blocks).map(block).collect() }
    }

    /// Computes `units`, counted through all images; `output` and the residual hold [`Winograd::rows`] of them.
    pub fn run(&self, input: &[f32], units: Range<usize>, epilogue: Epilogue, output: &mut [f32]) {
        struct Run<'a>(&'a Winograd, &'a [f32], Range<usize>, Epilogue<'a>, &'a mut [f32], &'a mut Scratch);
        impl Task for Run<'_> {
            type Output = ();

            #[inline(always)]
            fn run<S: Simd>(self, simd: S) {
                let Run(winograd, input, units, epilogue, output, scratch) = self;
                winograd.blocks(simd, input, units, epilogue, output, scratch);
            }
        }
        SCRATCH.with_borrow_mut(|scratch| dispatch(self.isa, Run(self, input, units, epilogue, output, scratch)));
    }

    #[inline(always)]
    fn blocks<S: Simd>(
        &self,
        simd: S,
        input: &[f32],
        units: Range<usize>,
        epilogue: Epilogue,
        output: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let row = self.shape.window.out_width() * self.shape.outputs;
        let first_row = self.rows(units.clone()).start;
        let mut start = units.start;
        while start < units.end {
            let block = start..(start + self.block()).min(units.end);
            start = block.end;
            let places = self.places(block.clone());
            scratch.values.reserve(places.values_len(self));
            scratch.products.reserve(places.panel_len(self) * self.panels());
            self.input_values(simd, input, &places, &mut scratch.values);
            let panels = scratch.products.chunks_exact_mut(places.panel_len(self));
            for (panel, products) in panels.enumerate().take(self.panels()) {
                for plane in 0..self.planes() {
                    let products = &mut products[places.products[plane]..places.products[plane + 1]];
                    self.multiply_plane(simd, &scratch.values, &places, panel, plane, products);
                }
            }
            let rows = self.rows(block.clone());
            let done = (rows.start - first_row) * row..(rows.end - first_row) * row;
            let epilogue = Epilogue { residual: epilogue.residual.map(|all| &all[done.clone()]), ..epilogue };
            self.finish(simd, &scratch.products, &places, block, epilogue, &mut output[done]);
        }
    }

    /// Values of all tiles of `places`, image by image.
    #[inline(always)]
    fn input_values<S: Simd>(&self, simd: S, input: &[f32], places: &Places, words: &mut [u32]) {
        let window = self.shape.window;
        let image_len = window.height * window.width * self.shape.inputs;
        let mut start = places.units.start;
        while start < places.units.end {
            let image = start / self.tile_rows;
            let end = places.units.end.min((image + 1) * self.tile_rows);
            self.values(simd, &input[image * image_len..][..image_len], start..end, places, words);
            start = end;
        }
    }

    /// Products of one plane's tiles with one panel: [tile][width].
    #[inline(always)]
    fn multiply_plane<S: Simd>(
        &self,
        simd: S,
        values: &[u32],
        places: &Places,
        panel: usize,
        plane: usize,
        products: &mut [f32],
    ) {
        let [down, across] = self.phases(plane);
        let runs = down * across;
        let tiles = places.tiles[plane];
        let step = self.tile_words[plane];
        let whole = self.words == self.padded_words;
        let values = &values[places.values[plane]..][..tiles * step];
        let factors = Factors {
            first: values.as_ptr(),
            row_step: step,
            runs: if whole { 1 } else { runs },
            run: if whole { step } else { self.words },
            run_step: self.padded_words,
        };
        let len = self.panel_words(plane);
        let weights = &self.weights[panel * self.panel_weights + self.plane_weights[plane]..][..len];
        assert!(products.len() >= tiles * self.width && self.width == self.vectors * S::LANES);
        // SAFETY: the slices above hold the tiles' words, the panel's weights and the products.
        unsafe { multiply(simd, tiles, self.vectors, factors, weights.as_ptr(), Store(products.as_mut_ptr())) };
    }
}
