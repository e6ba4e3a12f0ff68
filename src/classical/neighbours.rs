//! Nearest neighbours.

use super::samples::Samples;

/// The samples nearest to a row by Euclidean distance: positions and squared distances, the nearest first, of equal ones
/// the earlier.
pub fn nearest(samples: &Samples, row: &[f32], count: usize) -> Vec<(usize, f64)> {
    let distance = |sample: &[f32]| sample.iter().zip(row).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    let mut all: Vec<(usize, f64)> = samples.rows().map(distance).enumerate().collect();
    let order = |a: &(usize, f64), b: &(usize, f64)| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0));
    if count < all.len() {
        all.select_nth_unstable_by(count, order);
        all.truncate(count);
    }
    all.sort_unstable_by(order);
    all
}

/// The share of each class among the nearest samples.
pub fn shares(samples: &Samples, row: &[f32], count: usize) -> Vec<f32> {
    let found = nearest(samples, row, count);
    let mut shares = vec![0.0; samples.classes];
    for (index, _) in &found {
        let share = samples.labels.get(*index).and_then(|label| shares.get_mut(*label));
        share.into_iter().for_each(|s| *s += 1.0 / found.len() as f32);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_vote() {
        let rows = [vec![0.0, 0.0], vec![3.0, 4.0], vec![1.0, 0.0], vec![0.0, 1.0]];
        let samples = Samples::new(&rows, vec![0, 1, 1, 0], 2);
        assert_eq!(nearest(&samples, &[0.0, 0.0], 3), [(0, 0.0), (2, 1.0), (3, 1.0)]);
        assert_eq!(nearest(&samples, &[3.0, 4.0], 9).len(), 4);
        let shares = shares(&samples, &[0.1, 0.0], 3);
        assert!((shares[0] - 2.0 / 3.0).abs() < 1e-6 && (shares[1] - 1.0 / 3.0).abs() < 1e-6);
    }
}
