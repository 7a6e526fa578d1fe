//! Joining and repeating.

/// Joins `parts` row by row: row r of `output` is row r of the first part, then of the second, and so on. A part is its
/// numbers and its width.
pub fn concat(parts: &[(&[f32], usize)], output: &mut [f32]) {
    let width: usize = parts.iter().map(|(_, width)| width).sum();
    for (row, out) in output.chunks_exact_mut(width).enumerate() {
        let mut rest = out;
        for (part, width) in parts {
            let (into, after) = rest.split_at_mut(*width);
            into.copy_from_slice(&part[row * width..(row + 1) * width]);
            rest = after;
        }
    }
}

/// The rows of `table` [_, width] that `indices` name.
pub fn gather_rows(table: &[f32], width: usize, indices: &[f32], output: &mut [f32]) {
    assert_eq!(output.len(), indices.len() * width);
    for (out, &index) in output.chunks_exact_mut(width).zip(indices) {
        out.copy_from_slice(&table[index as usize * width..][..width]);
    }
}
