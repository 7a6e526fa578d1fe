//! Functions of rows and of small groups of rows. Inputs of several groups lie one behind the other, as do outputs. Sums
//! run in f64: these layers are too small to be worth more.

/// Sums that are carried side by side: one sum would wait for each addition before the next.
const SUMS: usize = 8;

fn dot(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (a.as_chunks::<SUMS>(), b.as_chunks::<SUMS>());
    let mut sums = [0.0; SUMS];
    for (a, b) in a.0.iter().zip(b.0) {
        for lane in 0..SUMS {
            sums[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    let rest: f64 = a.1.iter().zip(b.1).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
    sums.iter().sum::<f64>() + rest
}

/// The sum of `term` of each number.
fn sum(x: &[f32], term: impl Fn(f64) -> f64) -> f64 {
    let (chunks, rest) = x.as_chunks::<SUMS>();
    let mut sums = [0.0; SUMS];
    for chunk in chunks {
        for lane in 0..SUMS {
            sums[lane] += term(f64::from(chunk[lane]));
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&x| term(f64::from(x))).sum::<f64>()
}

/// `(x - mean) / sqrt(variance + eps) * gain + shift` of each row of `gain.len()` numbers.
pub fn layer_norm(x: &[f32], gain: &[f32], shift: &[f32], eps: f32, out: &mut [f32]) {
    let width = gain.len();
    assert!(shift.len() == width && x.len() == out.len() && x.len().is_multiple_of(width));
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let mean = sum(x, |x| x) / width as f64;
        let variance = sum(x, |x| (x - mean).powi(2)) / width as f64;
        let scale = 1.0 / (variance + f64::from(eps)).sqrt();
        for (i, out) in out.iter_mut().enumerate() {
            *out = ((f64::from(x[i]) - mean) * scale) as f32 * gain[i] + shift[i];
        }
    }
}

/// `exp(x)` of each row of `width` numbers, divided by its sum.
pub fn softmax(x: &[f32], width: usize, out: &mut [f32]) {
    assert!(x.len() == out.len() && x.len().is_multiple_of(width));
    let mut exps = vec![0.0; width];
    for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let largest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (exp, x) in exps.iter_mut().zip(x) {
            // Of two numbers, as the detector has 12,600 times, one has the exponential 1.
            let below = x - largest;
            *exp = if below == 0.0 { 1.0 } else { f64::from(below).exp() };
        }
        let sum: f64 = exps.iter().sum();
        for (out, exp) in out.iter_mut().zip(&exps) {
            *out = (exp / sum) as f32;
        }
    }
}

/// Groups [rows, width] -> [width]: the largest of each column; a NaN where there is one, as in PyTorch.
pub fn max_over_rows(x: &[f32], rows: usize, width: usize, out: &mut [f32]) {
    assert!(rows > 0 && x.len() == out.len() * rows && out.len().is_multiple_of(width));
    for (x, out) in x.chunks_exact(rows * width).zip(out.chunks_exact_mut(width)) {
        out.copy_from_slice(&x[..width]);
        for row in x.chunks_exact(width).skip(1) {
            for (out, &x) in out.iter_mut().zip(row) {
                *out = if x > *out || x.is_nan() { x } else { *out };
            }
        }
    }
}

/// Groups [rows, width] -> [width]: the mean of each column. With pixels for rows, the global average pool of an image.
pub fn mean_over_rows(x: &[f32], rows: usize, width: usize, out: &mut [f32]) {
    assert!(rows > 0 && x.len() == out.len() * rows && out.len().is_multiple_of(width));
    let mut sums = vec![0.0f64; width];
    for (x, out) in x.chunks_exact(rows * width).zip(out.chunks_exact_mut(width)) {
        sums.fill(0.0);
        for row in x.chunks_exact(width) {
            for (sum, &x) in sums.iter_mut().zip(row) {
                *sum += f64::from(x);
            }
        }
        for (out, sum) in out.iter_mut().zip(&sums) {
            *out = (sum / rows as f64) as f32;
        }
    }
}

/// Groups x [rows, width] and g [width] -> [width]: the mean of the rows, weighted by their cosines to `g`, no weight
/// below 1e-8 (SPEC section 2, "AA-SFE level 2").
pub fn cosine_pool(x: &[f32], g: &[f32], rows: usize, width: usize, out: &mut [f32]) {
    const SMALL: f64 = 1e-8;
    assert!(x.len() == out.len() * rows && g.len() == out.len() && out.len().is_multiple_of(width));
    let length = |x: &[f32]| dot(x, x).sqrt().max(SMALL);
    let mut sums = vec![0.0f64; width];
    let groups = x.chunks_exact(rows * width).zip(g.chunks_exact(width));
    for ((x, g), out) in groups.zip(out.chunks_exact_mut(width)) {
        let weight = |x: &[f32]| (dot(x, g) / (length(x) * length(g))).max(SMALL);
        let weights: Vec<f64> = x.chunks_exact(width).map(weight).collect();
        let all: f64 = weights.iter().sum();
        sums.fill(0.0);
        for (x, weight) in x.chunks_exact(width).zip(&weights) {
            for (sum, &x) in sums.iter_mut().zip(x) {
                *sum += weight * f64::from(x);
            }
        }
        for (out, sum) in out.iter_mut().zip(&sums) {
            *out = (sum / all) as f32;
        }
    }
}

/// Sizes of one attention layer between its projections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    pub queries: usize,
    pub keys: usize,
    pub width: usize,
    pub heads: usize,
}

/// Groups query [queries, width], key and value [keys, width], all projected, -> [queries, width]: in each head, the
/// values weighted by `softmax(query . key / sqrt(width / heads))`.
pub fn attention(shape: &AttentionShape, query: &[f32], key: &[f32], value: &[f32], out: &mut [f32]) {
    let (queries, keys, width) = (shape.queries, shape.keys, shape.width);
    assert!(query.len() == out.len() && out.len().is_multiple_of(queries * width), "{shape:?}");
    assert!(key.len() == out.len() / queries * keys && value.len() == key.len(), "{shape:?}");
    let head_width = width / shape.heads;
    let scale = 1.0 / (head_width as f64).sqrt();
    let mut scores = vec![0.0f32; keys];
    let mut weights = vec![0.0f32; keys];
    for (row, (query, out)) in query.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate() {
        let group = row / queries * keys * width..(row / queries + 1) * keys * width;
        let (key, value) = (&key[group.clone()], &value[group]);
        for (head, out) in out.chunks_exact_mut(head_width).enumerate() {
            let columns = head * head_width..(head + 1) * head_width;
            for (score, key) in scores.iter_mut().zip(key.chunks_exact(width)) {
                *score = (dot(&query[columns.clone()], &key[columns.clone()]) * scale) as f32;
            }
            softmax(&scores, keys, &mut weights);
            out.fill(0.0);
            for (&weight, value) in weights.iter().zip(value.chunks_exact(width)) {
                for (out, &value) in out.iter_mut().zip(&value[columns.clone()]) {
                    *out += weight * value;
                }
            }
        }
    }
}

/// Groups x [rows, width] and y [width] -> `x + y` for every row. With one row a group, the plain sum.
pub fn add(x: &[f32], y: &[f32], rows: usize, width: usize, out: &mut [f32]) {
    with_each_row(x, y, rows, width, out, |x, y| x + y);
}

/// Groups x [rows, width] and gate [width] -> every row times the gate.
pub fn gate(x: &[f32], gate: &[f32], rows: usize, width: usize, out: &mut [f32]) {
    with_each_row(x, gate, rows, width, out, |x, y| x * y);
}

fn with_each_row(x: &[f32], y: &[f32], rows: usize, width: usize, out: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    assert!(x.len() == out.len() && x.len() == y.len() * rows && y.len().is_multiple_of(width));
    for (row, (x, out)) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)).enumerate() {
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(&y[row / rows * width..][..width]) {
            *out = f(x, y);
        }
    }
}
