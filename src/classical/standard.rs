//! Standardisation: every feature with mean 0 and deviation 1 over the training samples.

use super::samples::Samples;

/// Mean and deviation of each feature.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standardizer {
    /// Mean over the samples it was made of.
    pub mean: Vec<f32>,
    /// Deviation (divided by n); 1 for a feature that is the same in all samples.
    pub deviation: Vec<f32>,
}

impl Standardizer {
    /// Of training samples.
    pub fn of(samples: &Samples) -> Self {
        let n = samples.len().max(1) as f64;
        let mut mean = vec![0.0_f64; samples.width];
        for row in samples.rows() {
            mean.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v));
        }
        mean.iter_mut().for_each(|m| *m /= n);
        let mut square = vec![0.0_f64; samples.width];
        for row in samples.rows() {
            for ((s, v), m) in square.iter_mut().zip(row).zip(&mean) {
                *s += (f64::from(*v) - m).powi(2);
            }
        }
        // What is left of equal numbers is rounding.
        let deviation = square.iter().zip(&mean).map(|(s, m)| {
            let deviation = (s / n).sqrt();
            if deviation > 1e-6 * m.abs() && deviation > 1e-12 { deviation as f32 } else { 1.0 }
        });
        Self { deviation: deviation.collect(), mean: mean.into_iter().map(|m| m as f32).collect() }
    }

    /// Standardises a row in place.
    pub fn apply(&self, row: &mut [f32]) {
        for (value, (mean, deviation)) in row.iter_mut().zip(self.mean.iter().zip(&self.deviation)) {
            *value = (*value - mean) / deviation;
        }
    }

    /// Standardises all samples in place.
    pub fn apply_all(&self, samples: &mut Samples) {
        samples.values.chunks_exact_mut(self.mean.len().max(1)).for_each(|row| self.apply(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_get_mean_0_and_deviation_1_and_constant_ones_stay_finite() {
        let rows = [vec![1.0, 5.0], vec![3.0, 5.0], vec![5.0, 5.0]];
        let mut samples = Samples::new(&rows, vec![0, 1, 0], 2);
        let standard = Standardizer::of(&samples);
        assert_eq!(standard.mean, [3.0, 5.0]);
        assert!((standard.deviation[0] - (8.0_f32 / 3.0).sqrt()).abs() < 1e-6);
        standard.apply_all(&mut samples);
        let expected = 1.5_f32.sqrt();
        assert!((samples.row(2)[0] - expected).abs() < 1e-6 && samples.row(0)[0] == -samples.row(2)[0]);
        assert!(samples.rows().all(|r| r[1] == 0.0));
        assert_eq!(samples.counts(), [2, 1]);
    }
}
