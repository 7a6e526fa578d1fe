//! The reference's answers (safetensors files written by `make.py`, see README.md), and the weights and pictures they
//! were computed with, which both sides make from formulas: `noise.py` holds the same ones. For tests only, so what is
//! wrong panics.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use est_nets::{Graph, Noise, Tensor};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};

/// The seed of every network in the goldens but the one of `authors_tiny.pth`.
pub const SEED: u64 = 1;

/// Path of a golden file, e.g. `est.safetensors` or `authors_tiny.pth`.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A file that the tests read and nobody may commit, where `make test` puts it.
pub fn download(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../downloads").join(name);
    assert!(path.is_file(), "downloads/{name} is missing; run `tools/setup.sh detector demo test`");
    path
}

/// All tensors of a golden safetensors file, which are all float32.
pub fn load(name: &str) -> BTreeMap<String, Tensor> {
    let path = file(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; goldens/make.py writes it", path.display()));
    let tensors = SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let read = |(key, view): (&str, safetensors::tensor::TensorView)| {
        assert_eq!(view.dtype(), Dtype::F32, "{}: {key}", path.display());
        let values = view.data().chunks_exact(4);
        let data = values.map(|b| f32::from_le_bytes(b.try_into().expect("four bytes")));
        (key.to_owned(), Tensor::new(view.shape().to_vec(), data.collect()))
    };
    tensors.iter().map(read).collect()
}

/// The goldens' weights: a value for each named parameter and buffer, dependent on seed, name and shape alone. Names
/// are state-dict keys without `module.`.
pub fn fill(specs: impl IntoIterator<Item = (String, Vec<usize>)>, seed: u64) -> BTreeMap<String, Tensor> {
    let values = specs.into_iter().map(|(name, shape)| {
        let data = parameter(&name, &shape, seed);
        (name, Tensor::new(shape, data))
    });
    values.collect()
}

/// [`fill`] for all tensors of a network.
pub fn weights(graph: &Graph, seed: u64) -> BTreeMap<String, Tensor> {
    fill(graph.parameters().into_iter().map(|spec| (spec.name, spec.shape)), seed)
}

/// Something for each input of a network to read, in the order of the inputs: numbers in [-1, 1), and for the input
/// `order` each batch element's own rotation.
pub fn inputs(graph: &Graph, batch: usize) -> Vec<Vec<f32>> {
    let tensors = graph.inputs().map(|(_, node)| {
        let len = node.shape.len();
        let noise = Noise::new(5, &node.name);
        let number = |i: usize| match node.name.as_str() {
            "order" => ((i + i / len) % len) as f32,
            _ => noise.uniform(i as u64, -1.0, 1.0),
        };
        (0..len * batch).map(number).collect()
    });
    tensors.collect()
}

fn parameter(name: &str, shape: &[usize], seed: u64) -> Vec<f32> {
    let len = shape.iter().product::<usize>();
    let noise = Noise::new(seed, name);
    let uniform = |low, high| (0..len as u64).map(|i| noise.uniform(i, low, high)).collect();
    if name.ends_with("num_batches_tracked") {
        vec![1.0; len]
    } else if name.ends_with("running_var") {
        uniform(0.5, 1.5)
    } else if name.ends_with("running_mean") {
        uniform(-0.2, 0.2)
    } else if name == "pos_enc.pos_enc.weight" {
        positions(shape[0], shape[1])
    } else if name == "query_embed.weight" {
        uniform(-1.7, 1.7)
    } else if shape.len() >= 2 {
        // Kaiming's 6 would let the convolutions' outputs grow with depth, since evaluation does not normalise:
        // features of 14, 1000 and 2000 in ResNet-18, 34 and 50. 3.5 gives 1, 7 and 4.
        let gain = if shape.len() == 4 { 3.5 } else { 6.0 };
        let fan_in = shape[1..].iter().product::<usize>();
        let bound = f64::sqrt(gain / fan_in as f64);
        uniform(-bound, bound)
    } else if name.ends_with("weight") {
        uniform(0.5, 1.5)
    } else {
        uniform(-0.1, 0.1)
    }
}

/// The fixed positional table of SPEC section 2, written out here rather than taken from est-nets, which is on trial.
fn positions(rows: usize, width: usize) -> Vec<f32> {
    let table = (0..rows).flat_map(|row| (0..width).map(move |column| (row, column)));
    let code = table.map(|(row, column)| {
        let rate = 10_000f64.powf(-2.0 * (column / 2) as f64 / width as f64);
        let (sine, cosine) = (row as f64 * rate).sin_cos();
        (if column % 2 == 0 { sine } else { cosine }) as f32
    });
    code.collect()
}

/// Frame number `frame` of the goldens' clip: RGB bytes, rows from the top. Slanted waves and an xor texture that move,
/// and a brightness of each channel that changes with every frame, because a random network's pooled features hardly
/// see movement.
pub fn frame_pixels(frame: usize, width: usize, height: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for c in 0..3 {
                let phase = (x * (3 + c) + y * (5 - c) + 7 * frame * (c + 1)) & 511;
                let wave = phase.min(511 - phase);
                let texture = ((x + 2 * frame) ^ (y + frame * (c + 1))) & 255;
                let gain = 24 + ((37 + 18 * c) * frame + 71 * c) % 232;
                pixels.push(((((3 * wave + texture) >> 2) * gain) >> 8) as u8);
            }
        }
    }
    pixels
}

/// Panics unless every element of `got` is within `tolerance` of `want`; says how many are not and which is worst. A
/// NaN is never close.
#[track_caller]
pub fn assert_close(name: &str, got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len(), "{name}: number of elements");
    let error = |i: usize| {
        let e = (got[i] - want[i]).abs();
        if e.is_nan() { f32::INFINITY } else { e }
    };
    let Some(worst) = (0..got.len()).max_by(|&a, &b| error(a).total_cmp(&error(b))) else {
        return;
    };
    let outside = (0..got.len()).filter(|&i| error(i) > tolerance).count();
    assert!(
        outside == 0,
        "{name}: {outside} of {} elements are further than {tolerance:e} from the reference; worst is [{worst}]: {} \
         instead of {}, off by {:e}",
        got.len(),
        got[worst],
        want[worst],
        error(worst)
    );
}

/// A text of ASCII in which one to five places were cut, spliced and scribbled into: for readers that must read or refuse.
pub fn scribbled(text: &str) -> impl Strategy<Value = String> + use<> {
    let text = text.to_string();
    let edit = (any::<prop::sample::Index>(), 0..12usize, "[ -~\n]{0,4}");
    prop::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut text = text.clone();
        for (at, cut, put) in edits {
            let at = at.index(text.len() + 1);
            text.replace_range(at..(at + cut).min(text.len()), &put);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by noise.py: first and last element, and the sum in float64.
    #[test]
    fn fill_is_the_one_of_the_reference() {
        let cases: [(&str, &[usize], [f32; 2], f64); 10] = [
            ("conv1.weight", &[64, 3, 7, 7], [0.055_893_33, 0.057_872_713], 8.798_495),
            ("classifier.0.weight", &[128, 512], [0.042_291_764, 0.011_094_359], 38.067_779),
            ("bn1.weight", &[64], [0.763_868_8, 0.752_489_27], 63.354_55),
            ("bn1.bias", &[64], [0.014_357_96, -0.096_727_53], -0.775_839),
            ("bn1.running_var", &[64], [1.190_047_3, 0.548_775_6], 61.534_167),
            ("bn1.running_mean", &[64], [0.064_906_81, -0.122_532_49], 0.880_123),
            ("query_embed.weight", &[1, 512], [0.942_569_5, -0.759_018_9], -42.281_945),
            ("pos_enc.pos_enc.weight", &[7, 512], [0.0, 0.999_999_8], 1_776.860_616),
            ("attn.in_proj_bias", &[1536], [-0.034_876_667, 0.048_437_953], 0.687_774),
            ("bn1.num_batches_tracked", &[], [1.0, 1.0], 1.0),
        ];
        let specs = cases.iter().map(|(name, shape, ..)| (name.to_string(), shape.to_vec()));
        let filled = fill(specs, 1);
        for (name, shape, [first, last], sum) in cases {
            let tensor = &filled[name];
            assert_eq!(tensor.shape, shape, "{name}");
            assert_eq!((tensor.data[0], *tensor.data.last().unwrap()), (first, last), "{name}");
            // Printed to six decimals; the last bit of a sine may differ between the two libraries.
            let got = tensor.data.iter().map(|&v| f64::from(v)).sum::<f64>();
            assert!((got - sum).abs() < 2e-6, "{name}: {got} instead of {sum}");
        }
    }

    #[test]
    fn frames_are_those_of_the_reference() {
        let cases = [
            (0, [[0, 0, 0], [8, 15, 22], [17, 69, 120]], 6_998_778),
            (7, [[7, 70, 97], [26, 112, 89], [32, 119, 77]], 12_679_625),
            (104, [[130, 56, 63], [100, 77, 43], [58, 121, 56]], 12_716_319),
        ];
        for (frame, places, sum) in cases {
            let pixels = frame_pixels(frame, 224, 224);
            let at = |x: usize, y: usize| pixels[(y * 224 + x) * 3..][..3].to_vec();
            assert_eq!([at(0, 0), at(37, 100), at(223, 223)], places.map(|p| p.to_vec()), "frame {frame}");
            assert_eq!(pixels.iter().map(|&p| u64::from(p)).sum::<u64>(), sum, "frame {frame}");
        }
        let oblong = frame_pixels(3, 5, 4);
        assert_eq!((oblong.len(), oblong[14], oblong[15], oblong[59]), (60, 37, 10, 41));
    }

    #[test]
    fn goldens_load_and_the_shuffle_law_holds_in_them() {
        let est = load("est.safetensors");
        assert_eq!(est["features"].shape, [35, 512]);
        let logits = ["paper.class_logits", "paper_shuffled.class_logits"].map(|key| &est[key].data);
        assert_close("class logits", logits[1], logits[0], 1e-6);
    }

    #[test]
    #[should_panic(expected = "1 of 2 elements are further than 1e-1 from the reference; worst is [1]: NaN")]
    fn nan_is_not_close() {
        assert_close("x", &[1.05, f32::NAN], &[1.0, 1.0], 0.1);
    }

    #[test]
    #[should_panic(expected = "worst is [0]: 2 instead of 1")]
    fn distance_is_reported() {
        assert_close("x", &[2.0, 1.5], &[1.0, 1.0], 0.1);
    }
}
