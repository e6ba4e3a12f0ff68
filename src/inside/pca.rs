//! Principal components of rows of numbers.

use crate::model::RandomStream;
use rayon::prelude::*;

/// Directions beside those wanted: the more, the faster the wanted ones settle.
const SPARE: usize = 12;
/// Steps after which nothing changes any more for any sensible matrix.
const STEPS: usize = 500;
/// A direction is found when it is off by no more than this share of the largest variance.
const CLOSE: f64 = 1e-11;

/// The directions along which rows differ most.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Components {
    /// Mean of each column.
    pub mean: Vec<f64>,
    /// Unit vectors, that of the largest variance first; the entry of largest magnitude of each is positive.
    pub directions: Vec<Vec<f64>>,
    /// Variance along each, divided by rows - 1.
    pub variance: Vec<f64>,
    /// Variance along all there are.
    pub total: f64,
    /// Where each row lies along each direction, `[rows][directions]`.
    pub scores: Vec<Vec<f64>>,
}

/// The first `count` principal components of `rows` of `columns` numbers (Pearson 1901), with sums in 64 bits. There are fewer where
/// rows or columns are fewer.
pub fn principal_components(values: &[f32], columns: usize, count: usize) -> Components {
    let columns = columns.max(1);
    let rows: Vec<&[f32]> = values.chunks_exact(columns).collect();
    let n = rows.len();
    let mut mean = vec![0.0_f64; columns];
    for row in &rows {
        mean.iter_mut().zip(*row).for_each(|(m, v)| *m += f64::from(*v) / n as f64);
    }
    let centred: Vec<Vec<f64>> =
        rows.iter().map(|row| row.iter().zip(&mean).map(|(v, m)| f64::from(*v) - m).collect()).collect();
    let total = centred.iter().flatten().map(|v| v * v).sum::<f64>() / (n as f64 - 1.0).max(1.0);
    let count = count.min(n).min(columns);
    // Products of rows or of columns, whichever are fewer; their eigenvectors tell the same.
    let by_rows = n <= columns;
    let vectors: Vec<Vec<f64>> = if by_rows { centred.clone() } else { transposed(&centred, columns) };
    let matrix: Vec<Vec<f64>> = vectors.par_iter().map(|a| vectors.iter().map(|b| dot(a, b)).collect()).collect();
    let pairs = largest_eigenpairs(&matrix, count);
    let mut directions: Vec<Vec<f64>> = pairs
        .iter()
        .map(|(_, vector)| if by_rows { normal(weighted(&centred, vector, columns)) } else { vector.clone() })
        .collect();
    for direction in &mut directions {
        let largest = direction.iter().copied().fold(0.0_f64, |m, v| if v.abs() > m.abs() { v } else { m });
        if largest < 0.0 {
            direction.iter_mut().for_each(|v| *v = -*v);
        }
    }
    let variance = pairs.iter().map(|(value, _)| value.max(0.0) / (n as f64 - 1.0).max(1.0)).collect();
    let scores = centred.par_iter().map(|row| directions.iter().map(|d| dot(row, d)).collect()).collect();
    Components { mean, directions, variance, total, scores }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn transposed(rows: &[Vec<f64>], columns: usize) -> Vec<Vec<f64>> {
    (0..columns).map(|c| rows.iter().filter_map(|row| row.get(c).copied()).collect()).collect()
}

/// Sum of rows, each times its weight.
fn weighted(rows: &[Vec<f64>], weights: &[f64], columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; columns];
    for (row, weight) in rows.iter().zip(weights) {
        out.iter_mut().zip(row).for_each(|(o, v)| *o += weight * v);
    }
    out
}

fn normal(mut vector: Vec<f64>) -> Vec<f64> {
    let length = dot(&vector, &vector).sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|v| *v /= length);
    }
    vector
}

/// The `count` largest eigenvalues of a symmetric matrix and their vectors, by orthogonal iteration with Rayleigh-Ritz projections.
fn largest_eigenpairs(matrix: &[Vec<f64>], count: usize) -> Vec<(f64, Vec<f64>)> {
    let n = matrix.len();
    let width = (count + SPARE).min(n);
    let start = |i: usize| RandomStream::new(1, &format!("direction {i}")).uniform(1.0, n);
    let mut basis: Vec<Vec<f64>> = (0..width).map(|i| start(i).into_iter().map(f64::from).collect()).collect();
    orthonormalise(&mut basis);
    let apply = |vectors: &[Vec<f64>]| -> Vec<Vec<f64>> {
        vectors.par_iter().map(|v| matrix.iter().map(|row| dot(row, v)).collect()).collect()
    };
    let mut values = vec![0.0; width];
    for _ in 0..STEPS {
        let images = apply(&basis);
        let small: Vec<Vec<f64>> = basis.iter().map(|b| images.iter().map(|i| dot(b, i)).collect()).collect();
        let (found, turns) = jacobi(small);
        let turned =
            |vectors: &[Vec<f64>]| -> Vec<Vec<f64>> { turns.iter().map(|t| weighted(vectors, t, n)).collect() };
        let (next, image) = (turned(&basis), turned(&images));
        values = found;
        let largest = values.first().copied().unwrap_or(0.0).abs();
        let off = |i: usize| {
            let rest = image[i].iter().zip(&next[i]).map(|(a, v)| (a - values[i] * v).powi(2));
            rest.sum::<f64>().sqrt()
        };
        let done = width == n || (0..count).all(|i| off(i) <= CLOSE * largest);
        basis = if done { next } else { image };
        if done {
            break;
        }
        orthonormalise(&mut basis);
    }
    values.into_iter().zip(basis).take(count).collect()
}

/// Makes vectors unit vectors at right angles, in their order; what depends on earlier ones becomes 0.
fn orthonormalise(vectors: &mut [Vec<f64>]) {
    for i in 0..vectors.len() {
        let (before, rest) = vectors.split_at_mut(i);
        let Some(vector) = rest.first_mut() else { continue };
        let length = dot(vector, vector).sqrt();
        // Twice: once leaves rounding errors as large as what is left.
        for _ in 0..2 {
            for other in before.iter() {
                let along = dot(vector, other);
                vector.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
            }
        }
        let left = dot(vector, vector).sqrt();
        let scale = if left > 1e-13 * length { 1.0 / left } else { 0.0 };
        vector.iter_mut().for_each(|v| *v *= scale);
    }
}

/// All eigenvalues of a small symmetric matrix, the largest first, and their vectors, by Jacobi's rotations.
fn jacobi(mut a: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = a.len();
    // Row i is the i-th vector.
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..60 {
        let squares = |off: bool| -> f64 {
            let cells = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|(i, j)| (i != j) == off);
            cells.map(|(i, j)| a[i][j] * a[i][j]).sum()
        };
        if squares(true) <= 1e-32 * squares(false) {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let t = if theta == 0.0 { 1.0 } else { t };
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for row in a.iter_mut() {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                let (upper, lower) = a.split_at_mut(q);
                turn(&mut upper[p], &mut lower[0], c, s);
                let (upper, lower) = vectors.split_at_mut(q);
                turn(&mut upper[p], &mut lower[0], c, s);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|i, j| a[*j][*j].total_cmp(&a[*i][*i]));
    (order.iter().map(|i| a[*i][*i]).collect(), order.iter().map(|i| vectors[*i].clone()).collect())
}

fn turn(p: &mut [f64], q: &mut [f64], c: f64, s: f64) {
    for (x, y) in p.iter_mut().zip(q) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}
