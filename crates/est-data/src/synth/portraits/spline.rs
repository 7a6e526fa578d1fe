//! Smooth maps through scattered points.

/// A smooth map of the plane: a smoothing thin-plate spline (Bookstein 1989).
pub struct Spline {
    centres: Vec<[f32; 2]>,
    /// Of each centre, then of 1, x and y; for both axes of the targets.
    weights: Vec<[f64; 2]>,
}

/// How far the spline may miss its points, in squares of a unit of a face's size: about a pixel of a portrait where two
/// points contradict each other.
const SMOOTHING: f64 = 2e-5;

fn kernel(square: f64) -> f64 {
    if square > 0.0 { square * square.ln() } else { 0.0 }
}

impl Spline {
    /// The map that takes `centres`, in units of about a face's size, to `targets`.
    pub fn new(centres: &[[f32; 2]], targets: &[[f32; 2]]) -> Self {
        let count = centres.len();
        let size = count + 3;
        let mut rows = vec![vec![0.0; size + 2]; size];
        for i in 0..count {
            for j in 0..count {
                rows[i][j] = kernel(square(centres[i], centres[j]));
            }
            rows[i][i] += SMOOTHING;
            let affine = [1.0, f64::from(centres[i][0]), f64::from(centres[i][1])];
            for k in 0..3 {
                rows[i][count + k] = affine[k];
                rows[count + k][i] = affine[k];
            }
            rows[i][size] = f64::from(targets[i][0]);
            rows[i][size + 1] = f64::from(targets[i][1]);
        }
        Spline { centres: centres.to_vec(), weights: solve(rows) }
    }

    pub fn at(&self, place: [f32; 2]) -> [f32; 2] {
        let count = self.centres.len();
        let kernels = self.centres.iter().map(|&centre| kernel(square(place, centre)));
        let terms = kernels.chain([1.0, f64::from(place[0]), f64::from(place[1])]);
        let mut sum = [0.0; 2];
        for (term, weight) in terms.zip(&self.weights[..count + 3]) {
            sum[0] += term * weight[0];
            sum[1] += term * weight[1];
        }
        sum.map(|value| value as f32)
    }
}

fn square(a: [f32; 2], b: [f32; 2]) -> f64 {
    let (x, y) = (f64::from(a[0] - b[0]), f64::from(a[1] - b[1]));
    x * x + y * y
}

/// Solves a linear system with two right-hand sides, which are the last two columns of each row (Gauss, with pivots).
fn solve(mut rows: Vec<Vec<f64>>) -> Vec<[f64; 2]> {
    let size = rows.len();
    for column in 0..size {
        let pivot = (column..size).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()));
        rows.swap(column, pivot.expect("rows are left"));
        let (above, below) = rows.split_at_mut(column + 1);
        let pivot = &above[column];
        for row in below {
            let factor = row[column] / pivot[column];
            if factor != 0.0 {
                for k in column..size + 2 {
                    row[k] -= factor * pivot[k];
                }
            }
        }
    }
    let mut solution = vec![[0.0; 2]; size];
    for row in (0..size).rev() {
        for side in 0..2 {
            let known: f64 = (row + 1..size).map(|k| rows[row][k] * solution[k][side]).sum();
            solution[row][side] = (rows[row][size + side] - known) / rows[row][row];
        }
    }
    solution
}
