//! t-SNE (van der Maaten and Hinton, 2008) of emotion vectors: the paper's Fig. 5b.

use bhtsne::tSNE;
use est_nets::Noise;

/// Above this many vectors the sums are approximated (Barnes-Hut), which is no longer quadratic.
const EXACT: usize = 1000;

/// Places in the plane for `vectors` of one length: a function of vectors and seed. Only nearness means something.
/// Fewer than four vectors lie on a line.
pub fn embed(vectors: &[Vec<f32>], seed: u64) -> Vec<[f64; 2]> {
    let count = vectors.len();
    if count < 4 {
        return (0..count).map(|k| [k as f64, 0.0]).collect();
    }
    let noise = Noise::new(seed, "t-sne");
    let start: Vec<f32> = (0..2 * count as u64).map(|k| 1e-4 * noise.normal(k)).collect();
    let samples: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
    // On several threads the method's sums are of another order each time.
    let places = match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(alone) => alone.install(|| fit(&samples, start)),
        Err(_) => fit(&samples, start),
    };
    places.chunks_exact(2).map(|place| [f64::from(place[0]), f64::from(place[1])]).collect()
}

/// Two numbers a sample.
fn fit(samples: &[&[f32]], start: Vec<f32>) -> Vec<f32> {
    let distance = |a: &&[f32], b: &&[f32]| a.iter().zip(*b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
    let mut method = tSNE::<f32, &[f32], 2>::new(samples);
    // 30 neighbours, or as many as so few vectors allow.
    let perplexity = 30f32.min((samples.len() - 1) as f32 / 3.0);
    method.perplexity(perplexity).epochs(1000).initial_embedding(start);
    match samples.len() <= EXACT {
        true => method.exact(distance).embedding(),
        false => method.barnes_hut(0.5, distance).embedding(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clouds far apart stay apart: every point's nearest neighbour is of its own cloud.
    #[test]
    fn clouds_stay_apart() {
        let noise = Noise::new(2, "clouds");
        let cloud = |k: u64| (0..16).map(|d| noise.normal(16 * k + d) + 20.0 * ((k % 3) as f32)).collect::<Vec<f32>>();
        let vectors: Vec<Vec<f32>> = (0..60).map(cloud).collect();
        let places = embed(&vectors, 1);
        for (k, a) in places.iter().enumerate() {
            let far = |b: &[f64; 2]| (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2);
            let others = places.iter().enumerate().filter(|&(other, _)| other != k);
            let nearest = others.min_by(|(_, a), (_, b)| far(a).total_cmp(&far(b))).unwrap().0;
            assert_eq!(nearest % 3, k % 3, "point {k}");
        }
        assert_eq!(embed(&vectors, 1), places, "a function of vectors and seed");
        assert_eq!(embed(&vectors[..2], 1).len(), 2);
    }
}
