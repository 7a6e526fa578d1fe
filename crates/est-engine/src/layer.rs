//! How a convolution's work is divided among threads. Its numbers do not depend on that.

use std::ops::Range;

use est_kernels::Aligned;
use est_kernels::conv::{Conv, Epilogue, Stages, leak};

use crate::threads::for_parts;

/// Parts of a stage for each thread, if it can be divided so far: what one thread finishes early another takes.
const PARTS: usize = 4;
/// Numbers between stages that are still in a cache when they are read again: images are taken in groups of no more.
const BETWEEN: usize = 6 << 20;

/// Memory between the stages of a layer.
#[derive(Default)]
pub struct Workspace {
    values: Aligned<u32>,
    products: Aligned<f32>,
    /// Between the taps of convolutions of frames.
    pub sums: Aligned<f32>,
}

/// Computes `output` from whole images on the pool that this is called in.
pub fn run(conv: &Conv, inputs: &[&[f32]], slope: Option<f32>, output: &mut [f32], workspace: &mut Workspace) {
    let shape = conv.shape();
    let (input_len, output_len) =
        (shape.window.height * shape.window.width * shape.inputs, shape.window.pixels() * shape.outputs);
    let images = output.len() / output_len;
    let threads = rayon::current_num_threads();
    if threads > 1
        && let Some(ends) = conv.output_parts(images, threads * PARTS)
    {
        return by_outputs(conv, inputs, slope, &ends, output, workspace);
    }
    if conv.stages(images, threads, 1).is_none() {
        return divide(conv, inputs[0], inputs.get(1).copied(), slope, output, threads);
    }
    let alone = conv.stages(1, threads, 1).expect("what holds of all holds of one");
    let between = alone.values_ends().last().unwrap_or(&0) + alone.product(alone.pieces());
    let group = (BETWEEN / between).clamp(1, images);
    let groups = images.div_ceil(group);
    let mut first = 0;
    for index in 0..groups {
        let end = (index + 1) * images / groups;
        let stages = conv.stages(end - first, threads, threads * PARTS).expect("the same as before");
        let part = first * output_len..end * output_len;
        let residual = inputs.get(1).map(|all| &all[part.clone()]);
        let input = &inputs[0][first * input_len..end * input_len];
        stage_by_stage(conv, &stages, input, Epilogue { residual, slope }, &mut output[part], workspace);
        first = end;
    }
}

/// Parts of the outputs, one behind the other, then joined.
fn by_outputs(
    conv: &Conv,
    inputs: &[&[f32]],
    slope: Option<f32>,
    ends: &[usize],
    output: &mut [f32],
    workspace: &mut Workspace,
) {
    let outputs = conv.shape().outputs;
    let rows = output.len() / outputs;
    let start = |part: usize| if part == 0 { 0 } else { ends[part - 1] };
    workspace.products.reserve(output.len());
    let part_ends: Vec<usize> = ends.iter().map(|end| end * rows).collect();
    for_parts(&mut workspace.products, &part_ends, |part, products| {
        conv.run_outputs(inputs[0], start(part)..ends[part], products);
    });
    for (part, &end) in ends.iter().enumerate() {
        let start = start(part);
        let products = workspace.products[start * rows..end * rows].chunks_exact(end - start);
        for (products, output) in products.zip(output.chunks_exact_mut(outputs)) {
            output[start..end].copy_from_slice(products);
        }
    }
    if let Some(residual) = inputs.get(1) {
        for (output, residual) in output.iter_mut().zip(*residual) {
            *output += residual;
        }
    }
    if let Some(slope) = slope {
        leak(slope, output);
    }
}

/// Parts of whole units.
fn divide(
    conv: &Conv,
    input: &[f32],
    residual: Option<&[f32]>,
    slope: Option<f32>,
    output: &mut [f32],
    threads: usize,
) {
    for_units(conv, Epilogue { residual, slope }, output, threads, |units, epilogue, output| {
        conv.run(input, units, epilogue, output);
    });
}

/// Divides the output into parts of whole units; `compute` gets a part's units, and its share of the residual.
fn for_units(
    conv: &Conv,
    epilogue: Epilogue,
    output: &mut [f32],
    threads: usize,
    compute: impl Fn(Range<usize>, Epilogue, &mut [f32]) + Sync,
) {
    let shape = conv.shape();
    let units = conv.units(output.len() / shape.outputs / shape.window.pixels());
    let parts = (threads * PARTS).min(units);
    let unit = |part: usize| part * units / parts;
    let place = |part: usize| conv.pixels(0..unit(part)).len() * shape.outputs;
    let ends: Vec<usize> = (1..=parts).map(place).collect();
    for_parts(output, &ends, |part, output| {
        let residual = epilogue.residual.map(|all| &all[place(part)..place(part + 1)]);
        compute(unit(part)..unit(part + 1), Epilogue { residual, ..epilogue }, output);
    });
}

fn stage_by_stage(
    conv: &Conv,
    stages: &Stages,
    input: &[f32],
    epilogue: Epilogue,
    output: &mut [f32],
    workspace: &mut Workspace,
) {
    let Workspace { values, products, .. } = workspace;
    let threads = rayon::current_num_threads();
    let blocks = stages.values_ends();
    values.reserve(blocks.last().copied().unwrap_or(0));
    for_parts(values, &blocks, |block, values| stages.values(input, block, values));
    let parts = (threads * PARTS * 4).min(stages.pieces());
    let piece = |part: usize| part * stages.pieces() / parts;
    let ends: Vec<usize> = (1..=parts).map(|part| stages.product(piece(part))).collect();
    products.reserve(stages.product(stages.pieces()));
    for_parts(products, &ends, |part, products| stages.products(values, piece(part)..piece(part + 1), products));
    for_units(conv, epilogue, output, threads, |units, epilogue, output| {
        stages.finish(products, units, epilogue, output);
    });
}
