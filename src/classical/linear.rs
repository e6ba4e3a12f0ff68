//! Linear scores, and the support vector machine that finds them.

use super::samples::{Samples, dot};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// A weight a feature and a bias for each class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Linear {
    /// `[classes, features]`, flat.
    pub weight: Vec<f32>,
    /// `[classes]`.
    pub bias: Vec<f32>,
}

impl Linear {
    /// The score of each class.
    pub fn scores(&self, row: &[f32]) -> Vec<f32> {
        let product = |weight: &[f32]| weight.iter().zip(row).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>();
        let weights = self.weight.chunks_exact(row.len().max(1));
        weights.zip(&self.bias).map(|(weight, bias)| (product(weight) + f64::from(*bias)) as f32).collect()
    }

    /// Of a separating function for each class; of one function for two classes half of it speaks for the second class, and
    /// half against the first.
    pub(super) fn of(functions: &[Separator], classes: usize) -> Self {
        let mut all = Self::default();
        let mut push = |f: &Separator, share: f64| {
            all.weight.extend(f.weight.iter().map(|w| (w * share) as f32));
            all.bias.push((f.bias * share) as f32);
        };
        match functions {
            [only] if classes == 2 => [-0.5, 0.5].iter().for_each(|share| push(only, *share)),
            each => each.iter().for_each(|f| push(f, 1.0)),
        }
        all
    }
}

/// A function `weight · x + bias` that is positive on one side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Separator {
    /// A weight a feature.
    pub weight: Vec<f64>,
    /// Added to it.
    pub bias: f64,
}

impl Separator {
    /// Its value for a row.
    pub fn value(&self, row: &[f32]) -> f64 {
        dot(row, &self.weight) + self.bias
    }
}

/// Passes over the samples after which the support vector machine is taken as it is.
const PASSES: usize = 2000;

/// The support vector machine of one class against the rest: minimises `|w|²/2 + b²/2 + c · Σ max(0, 1 - y f)²`, as
/// scikit-learn's `LinearSVC` does, by dual coordinate descent (Hsieh et al., ICML 2008, algorithm 1) until the projected
/// gradient of every sample lies within `tolerance`. Samples are visited in an order that `seed` draws; the solution does
/// not depend on it.
pub fn svm(samples: &Samples, positive: usize, c: f64, tolerance: f64, seed: u64) -> Separator {
    let slack = 0.5 / c;
    let curvature: Vec<f64> =
        samples.rows().map(|row| row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() + 1.0 + slack).collect();
    let mut found = Separator { weight: vec![0.0; samples.width], bias: 0.0 };
    let mut dual = vec![0.0_f64; samples.len()];
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..PASSES {
        order.shuffle(&mut rng);
        let mut largest = 0.0_f64;
        for &i in &order {
            let (Some(label), Some(alpha), Some(q)) = (samples.labels.get(i), dual.get_mut(i), curvature.get(i)) else {
                continue;
            };
            let (row, y) = (samples.row(i), if *label == positive { 1.0 } else { -1.0 });
            let gradient = y * found.value(row) - 1.0 + slack * *alpha;
            let projected = if *alpha == 0.0 { gradient.min(0.0) } else { gradient };
            largest = largest.max(projected.abs());
            if projected == 0.0 {
                continue;
            }
            let moved = (*alpha - gradient / q).max(0.0);
            let step = (moved - *alpha) * y;
            *alpha = moved;
            found.weight.iter_mut().zip(row).for_each(|(w, v)| *w += step * f64::from(*v));
            found.bias += step;
        }
        if largest <= tolerance {
            break;
        }
    }
    found
}

/// [`svm`] for every class against the rest, or for the second of two.
pub fn svms(samples: &Samples, c: f64, tolerance: f64, seed: u64) -> Linear {
    let classes: Vec<usize> = if samples.classes == 2 { vec![1] } else { (0..samples.classes).collect() };
    let functions: Vec<Separator> = classes.into_par_iter().map(|k| svm(samples, k, c, tolerance, seed)).collect();
    Linear::of(&functions, samples.classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_points_are_parted_in_the_middle() {
        // min w²/2 + b²/2 + c·2·max(0, 1 - w)²: b = 0 and w = 4c(1 - w), so w = 4/5 for c = 1.
        let samples = Samples::new(&[vec![1.0], vec![-1.0]], vec![1, 0], 2);
        let found = svm(&samples, 1, 1.0, 1e-12, 1);
        assert!((found.weight[0] - 0.8).abs() < 1e-9 && found.bias.abs() < 1e-9, "{found:?}");
        let scores = svms(&samples, 1.0, 1e-12, 1).scores(&[1.0]);
        assert!((scores[1] - 0.4).abs() < 1e-6 && (scores[0] + 0.4).abs() < 1e-6, "{scores:?}");
    }

    #[test]
    fn three_classes_in_a_triangle() {
        let rows =
            [vec![2.0, 0.0], vec![-1.0, 1.5], vec![-1.0, -1.5], vec![2.5, 0.1], vec![-1.2, 1.4], vec![-0.9, -1.7]];
        let samples = Samples::new(&rows, vec![0, 1, 2, 0, 1, 2], 3);
        let linear = svms(&samples, 1.0, 1e-8, 1);
        for (row, label) in samples.rows().zip(&samples.labels) {
            assert_eq!(crate::domain::argmax(&linear.scores(row)), *label);
        }
    }
}
