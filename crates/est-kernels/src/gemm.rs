//! Matrix product on the crate `gemm-f32` (the f32 part of `gemm`), which picks AVX-512, AVX2 with FMA or NEON at run time.

use gemm_common::Parallelism;
use gemm_f32::gemm::f32::get_gemm_fn;

/// Products summed in registers before a partial sum is rounded to f32 and stored.
pub const DEPTH: usize = 512;

/// `c += a b`: `c` [rows, n] with `c_stride` numbers from row to row, `a` [rows, k] with `a_stride`, `b` [k, n] dense.
///
/// A row of `c` depends on its row of `a` and on `b` alone, bit for bit: batches of any size give equal results. For
/// that the sum over k is cut here at multiples of [`DEPTH`] (the crate would cut by the sizes of all three), and the
/// shapes that the crate would hand to a matrix-vector kernel with another order of summation are led around it.
///
/// # Panics
/// When a slice does not hold its matrix, or a stride is less than a row.
pub fn add_product(rows: usize, a: &[f32], a_stride: usize, b: &[f32], c: &mut [f32], c_stride: usize, n: usize) {
    if rows == 0 || n == 0 || b.is_empty() {
        return;
    }
    assert_eq!(b.len() % n, 0, "b of {} numbers in rows of {n}", b.len());
    let k = b.len() / n;
    assert!(a_stride >= k && c_stride >= n, "strides {a_stride}, {c_stride} of {k}, {n}");
    assert!(a.len() >= (rows - 1) * a_stride + k, "a");
    assert!(c.len() >= (rows - 1) * c_stride + n, "c");

    if n == 1 {
        for row in 0..rows {
            let terms = a[row * a_stride..].iter().zip(b).map(|(a, b)| a * b);
            c[row * c_stride] += terms.sum::<f32>();
        }
        return;
    }
    if rows == 1 {
        // Twice the same row: stride 0.
        let mut twice = vec![0.0; 2 * n];
        twice[..n].copy_from_slice(&c[..n]);
        // SAFETY: both rows of `a` are the one of k numbers checked above; `twice` is [2, n] dense.
        unsafe { product(2, k, n, a, 0, b, &mut twice, n) };
        c[..n].copy_from_slice(&twice[..n]);
        return;
    }
    // SAFETY: the lengths are checked above.
    unsafe { product(rows, k, n, a, a_stride, b, c, c_stride) };
}

/// # Safety
/// `a` holds `rows` rows of `k` numbers, `a_stride` apart, `b` k * n numbers, `c` `rows` rows of `n`, `c_stride` apart
/// and not overlapping.
#[allow(clippy::too_many_arguments)]
unsafe fn product(
    rows: usize,
    k: usize,
    n: usize,
    a: &[f32],
    a_stride: usize,
    b: &[f32],
    c: &mut [f32],
    c_stride: usize,
) {
    for start in (0..k).step_by(DEPTH) {
        let depth = DEPTH.min(k - start);
        // SAFETY: columns start.. of `a` and rows start.. of `b` lie in their slices by this function's contract. The
        // crate's first operand is b transposed, so that its unit stride runs along the vectors of the result.
        unsafe {
            get_gemm_fn()(
                n,
                rows,
                depth,
                c.as_mut_ptr(),
                c_stride as isize,
                1,
                true,
                b[start * n..].as_ptr(),
                n as isize,
                1,
                a[start..].as_ptr(),
                a_stride as isize,
                1,
                1.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    }
}
