//! Initial weights.

use std::collections::BTreeMap;

use crate::graph::Graph;
use crate::noise::Noise;
use crate::parameters::Init;
use crate::tensor::Tensor;

/// Untrained weights of `graph`: a function of the seed and each tensor's name alone.
pub fn random_weights(graph: &Graph, seed: u64) -> BTreeMap<String, Tensor> {
    let parameters = graph.parameters().into_iter();
    parameters.map(|spec| (spec.name.clone(), initial(&spec.name, spec.shape, spec.init, seed))).collect()
}

fn initial(name: &str, shape: Vec<usize>, init: Init, seed: u64) -> Tensor {
    let noise = Noise::new(seed, name);
    let len = shape.iter().product::<usize>();
    let data = match init {
        Init::Zeros => vec![0.0; len],
        Init::Ones => vec![1.0; len],
        Init::Uniform(bound) => (0..len as u64).map(|i| noise.uniform(i, -bound, bound)).collect(),
        Init::Normal(deviation) => (0..len as u64).map(|i| deviation as f32 * noise.normal(i)).collect(),
        Init::Positions => positions(shape[0], shape[1]),
    };
    Tensor::new(shape, data)
}

/// The fixed positional table [rows, width] (SPEC section 2, "positions").
fn positions(rows: usize, width: usize) -> Vec<f32> {
    let code = |row: usize, column: usize| {
        let angle = row as f64 / 10_000f64.powf((column - column % 2) as f64 / width as f64);
        (if column.is_multiple_of(2) { angle.sin() } else { angle.cos() }) as f32
    };
    (0..rows).flat_map(|row| (0..width).map(move |column| code(row, column))).collect()
}
