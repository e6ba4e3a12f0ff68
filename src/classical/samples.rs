//! Feature vectors with their classes.

/// Rows of features, one a sample, with the class of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Features of a sample.
    pub width: usize,
    /// `[samples, width]`, flat.
    pub values: Vec<f32>,
    /// Class of each sample, below `classes`.
    pub labels: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
}

impl Samples {
    /// Of rows that are all as long as the first; others are cut or filled with zeros.
    pub fn new(rows: &[Vec<f32>], labels: Vec<usize>, classes: usize) -> Self {
        let width = rows.first().map_or(0, Vec::len);
        let mut values = Vec::with_capacity(rows.len() * width);
        for row in rows {
            values.extend(row.iter().copied().chain(std::iter::repeat(0.0)).take(width));
        }
        Self { width, values, labels, classes }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True without samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The features of each sample.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width.max(1))
    }

    /// The features of one sample; none for one that is not there.
    pub fn row(&self, index: usize) -> &[f32] {
        self.values.get(index * self.width..(index + 1) * self.width).unwrap_or_default()
    }

    /// Samples of each class.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for label in &self.labels {
            counts.get_mut(*label).into_iter().for_each(|n| *n += 1);
        }
        counts
    }
}

/// The inner product of two rows.
pub(super) fn dot(a: &[f32], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * b).sum()
}
