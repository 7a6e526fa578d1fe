//! No kernel touches a byte outside its slices: each slice ends where a page begins that nobody may touch, then begins
//! where one ends.
#![cfg(target_os = "linux")]

use est_kernels::conv::{Conv, ConvShape, Epilogue};
use est_kernels::pool::{max_pool, max_pool_of};
use est_kernels::{Isa, Window};

/// Numbers between two pages that may not be touched.
struct Guarded {
    base: *mut u8,
    bytes: usize,
    first: *mut f32,
    len: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Against {
    End,
    Beginning,
}

impl Guarded {
    fn new(numbers: &[f32], against: Against) -> Guarded {
        // SAFETY: plain system calls; the pages belong to this value until it is dropped.
        unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
            let inner = size_of_val(numbers).next_multiple_of(page);
            let bytes = inner + 2 * page;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let base = libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0).cast::<u8>();
            assert_ne!(base.cast(), libc::MAP_FAILED);
            assert_eq!(libc::mprotect(base.add(page).cast(), inner, libc::PROT_READ | libc::PROT_WRITE), 0);
            let first = match against {
                Against::Beginning => base.add(page),
                Against::End => base.add(page + inner - size_of_val(numbers)),
            };
            let mut guarded = Guarded { base, bytes, first: first.cast(), len: numbers.len() };
            guarded.slice().copy_from_slice(numbers);
            guarded
        }
    }

    fn slice(&mut self) -> &mut [f32] {
        // SAFETY: the numbers lie in the middle pages, which may be read and written and which nothing else points to.
        unsafe { std::slice::from_raw_parts_mut(self.first, self.len) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`.
        unsafe { libc::munmap(self.base.cast(), self.bytes) };
    }
}

fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 37 % 101) as f32 * 0.01 - 0.5).collect()
}

fn check(shape: ConvShape) {
    let window = shape.window;
    let (weights, bias) = (numbers(shape.weights()), numbers(shape.outputs));
    let input = numbers(2 * window.height * window.width * shape.inputs);
    let residual = numbers(2 * window.pixels() * shape.outputs);
    for isa in Isa::available() {
        let conv = Conv::new(isa, shape, &weights, &bias);
        for against in [Against::End, Against::Beginning] {
            let [mut input, mut residual, mut output] =
                [&input, &residual, &residual].map(|numbers| Guarded::new(numbers, against));
            let epilogue = Epilogue { residual: Some(residual.slice()), slope: Some(0.0) };
            conv.run(input.slice(), 0..conv.units(2), epilogue, output.slice());

            // The same by parts of the outputs.
            if let Some(ends) = conv.output_parts(2, 4) {
                let mut start = 0;
                for end in ends {
                    let mut part = Guarded::new(&vec![f32::NAN; 2 * window.pixels() * (end - start)], against);
                    conv.run_outputs(input.slice(), start..end, part.slice());
                    assert!(part.slice().iter().all(|x| x.is_finite()), "{shape:?} {isa} outputs {start} to {end}");
                    start = end;
                }
                assert_eq!(start, shape.outputs);
            }

            // The same, stage by stage.
            if let Some(stages) = conv.stages(2, 2, 3) {
                let values_ends = stages.values_ends();
                let mut values = vec![];
                for (block, end) in values_ends.iter().enumerate() {
                    let part = vec![0.0; end - values.len()];
                    let mut part = Guarded::new(&part, against);
                    // SAFETY: f32 and u32 have the same size and alignment, and any bits are numbers of both.
                    let words = unsafe { &mut *(std::ptr::from_mut(part.slice()) as *mut [u32]) };
                    stages.values(input.slice(), block, words);
                    values.extend_from_slice(words);
                }
                let as_numbers: Vec<f32> = values.iter().map(|&word| f32::from_bits(word)).collect();
                let mut values = Guarded::new(&as_numbers, against);
                // SAFETY: as above.
                let values = unsafe { &*(std::ptr::from_mut(values.slice()) as *mut [u32]) };
                let mut products = Guarded::new(&vec![0.0; stages.product(stages.pieces())], against);
                stages.products(values, 0..stages.pieces(), products.slice());
                let mut again = Guarded::new(output.slice(), against);
                let epilogue = Epilogue { residual: Some(residual.slice()), slope: Some(0.0) };
                again.slice().fill(f32::NAN);
                stages.finish(products.slice(), 0..conv.units(2), epilogue, again.slice());
                assert!(again.slice() == output.slice(), "{shape:?} {isa} stage by stage has other bits");
            }
        }
    }
}

fn layer(size: [usize; 2], channels: [usize; 2], kernel: usize, stride: usize, groups: usize) -> ConvShape {
    ConvShape::new(Window::new(size, kernel, stride, kernel / 2), channels, groups)
}

#[test]
fn the_layers_of_the_networks() {
    check(layer([20, 23], [3, 64], 7, 2, 1));
    for channels in [16, 64, 128] {
        check(layer([14, 7], [channels, channels], 3, 1, 1));
        check(layer([14, 7], [channels, 2 * channels], 3, 2, 1));
        check(layer([14, 7], [channels, 2 * channels], 1, 2, 1));
        check(layer([14, 7], [channels, channels], 1, 1, 1));
        check(layer([14, 7], [channels, channels], 3, 2, channels));
    }
    check(layer([12, 16], [3, 8], 3, 2, 1));
    check(ConvShape::linear(512, 2048));
    check(ConvShape::linear(1031, 67)); // by parts of the outputs, with something left over
}

/// Numbers of channels and sides that leave something over everywhere.
#[test]
fn ragged_layers() {
    for (inputs, outputs) in [(1, 1), (3, 5), (9, 17), (13, 33), (21, 7), (40, 31)] {
        for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (5, 2), (7, 2)] {
            for size in [[5, 6], [9, 11]] {
                check(layer(size, [inputs, outputs], kernel, stride, 1));
            }
        }
        check(layer([5, 6], [inputs, inputs], 3, 1, inputs));
        check(ConvShape::linear(inputs, outputs));
    }
    check(layer([5, 6], [12, 20], 3, 1, 4));
}

#[test]
fn pools() {
    for channels in [1, 5, 16, 19, 64] {
        for against in [Against::End, Against::Beginning] {
            let window = Window::new([9, 12], 3, 2, 1);
            let mut input = Guarded::new(&numbers(2 * 9 * 12 * channels), against);
            let mut output = Guarded::new(&numbers(2 * window.pixels() * channels), against);
            max_pool(&window, channels, input.slice(), 0..2 * window.out_height(), output.slice());

            // Behind a layer.
            let shape = layer([18, 24], [3, channels], 7, 2, 1);
            let (weights, bias) = (numbers(shape.weights()), numbers(channels));
            let mut input = Guarded::new(&numbers(2 * 18 * 24 * 3), against);
            for isa in Isa::available() {
                let conv = Conv::new(isa, shape, &weights, &bias);
                let rows = 0..2 * window.out_height();
                max_pool_of(&conv, Some(0.0), &window, input.slice(), rows, output.slice());
            }
        }
    }
}
