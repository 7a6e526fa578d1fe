//! Joining, repeating and turning.

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

/// Channels-last items [pixels, channels] -> [channels, pixels].
pub fn planes(input: &[f32], [channels, pixels]: [usize; 2], output: &mut [f32]) {
    assert!(input.len() == output.len() && input.len().is_multiple_of(channels * pixels));
    let items = input.chunks_exact(channels * pixels).zip(output.chunks_exact_mut(channels * pixels));
    for (input, output) in items {
        for (channel, plane) in output.chunks_exact_mut(pixels).enumerate() {
            for (out, x) in plane.iter_mut().zip(input[channel..].iter().step_by(channels)) {
                *out = *x;
            }
        }
    }
}
