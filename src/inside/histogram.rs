//! How often values occur, without keeping them.

use serde::{Deserialize, Serialize};

/// Bins between the smallest and the largest value of one clip.
pub(super) const BINS: usize = 32;
/// Most bins of several clips.
const MOST_BINS: usize = 64;
/// Fine bins of a [`GrowingHistogram`]; a power of two.
const FINE: usize = 4096;

/// Equal bins from `low` to `high`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Lower edge of the first bin.
    pub low: f64,
    /// Upper edge of the last bin; the largest value belongs to it.
    pub high: f64,
    /// Values in each bin.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Of the finite values, in `bins` equal bins between the smallest and the largest; where all are equal they lie in the
    /// first.
    pub fn of(values: &[f32], bins: usize) -> Self {
        let finite = || values.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v));
        let low = finite().fold(f64::INFINITY, f64::min);
        let high = finite().fold(f64::NEG_INFINITY, f64::max);
        let mut counts = vec![0; bins];
        if bins == 0 || low > high {
            return Self { low: 0.0, high: 0.0, counts };
        }
        let scale = if high > low { bins as f64 / (high - low) } else { 0.0 };
        for value in finite() {
            let bin = ((scale * (value - low)) as usize).min(bins - 1);
            counts.get_mut(bin).into_iter().for_each(|n| *n += 1);
        }
        Self { low, high, counts }
    }
}

/// A histogram whose range doubles when a value lies outside it. The range is symmetric around 0 and a power of two, so
/// that two old bins are exactly one new one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct GrowingHistogram {
    /// Every value is above `-reach` and below `reach`.
    reach: f64,
    counts: Vec<u64>,
}

impl GrowingHistogram {
    pub(super) fn new() -> Self {
        Self { reach: (-40.0_f64).exp2(), counts: vec![0; FINE] }
    }

    /// Counts finite values. They are sorted into bins by themselves first, so that it does not matter in which order parts come.
    pub(super) fn add(&mut self, values: &[f32]) {
        let finite = || values.iter().filter(|v| v.is_finite()).map(|v| f64::from(*v));
        let largest = finite().fold(0.0_f64, |m, v| m.max(v.abs()));
        let mut own = Self::new();
        while own.reach <= largest {
            own.reach *= 2.0;
        }
        let scale = FINE as f64 / (2.0 * own.reach);
        for value in finite() {
            let bin = ((value + own.reach) * scale) as usize;
            own.counts.get_mut(bin.min(FINE - 1)).into_iter().for_each(|n| *n += 1);
        }
        self.join(own);
    }

    /// Takes in what another one counted.
    pub(super) fn join(&mut self, mut other: Self) {
        while self.reach < other.reach {
            self.double();
        }
        while other.reach < self.reach {
            other.double();
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, n)| *sum += n);
    }

    fn double(&mut self) {
        let mut counts = vec![0; FINE];
        for (bin, n) in self.counts.iter().enumerate() {
            counts[(bin + FINE / 2) / 2] += n;
        }
        self.reach *= 2.0;
        self.counts = counts;
    }

    /// With as few bins as show it: at most [`MOST_BINS`], each a power of two of the fine ones.
    pub(super) fn coarse(&self) -> Histogram {
        let used = |n: &u64| *n > 0;
        let (Some(first), Some(last)) = (self.counts.iter().position(used), self.counts.iter().rposition(used)) else {
            return Histogram { counts: vec![0; BINS], ..Histogram::default() };
        };
        let mut together = 1;
        while last / together - first / together >= MOST_BINS {
            together *= 2;
        }
        let (from, to) = (first / together, last / together + 1);
        let width = 2.0 * self.reach / FINE as f64 * together as f64;
        let counts = self.counts.chunks(together).map(|bins| bins.iter().sum()).skip(from).take(to - from).collect();
        let edge = |bin: usize| bin as f64 * width - self.reach;
        Histogram { low: edge(from), high: edge(to), counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_equal_and_the_largest_value_is_in_the_last() {
        let h = Histogram::of(&[0.0, 0.24, 0.25, 0.5, 1.0, f32::NAN], 4);
        assert_eq!((h.low, h.high, h.counts), (0.0, 1.0, vec![2, 1, 1, 1]));
        assert_eq!(Histogram::of(&[3.0; 5], 4).counts, [5, 0, 0, 0]);
        assert_eq!(Histogram::of(&[], 3).counts, [0; 3]);
    }

    #[test]
    fn a_growing_histogram_counts_what_one_over_all_values_would() {
        let values: Vec<f32> =
            (0..3000).map(|i| ((i * 7919) % 2003) as f32 / 100.0 * if i < 1000 { 0.01 } else { 1.0 } - 3.0).collect();
        let mut growing = GrowingHistogram::new();
        values.chunks(1000).for_each(|part| growing.add(part));
        let h = growing.coarse();
        let width = (h.high - h.low) / h.counts.len() as f64;
        assert!((16..=64).contains(&h.counts.len()), "{}", h.counts.len());
        for (bin, count) in h.counts.iter().enumerate() {
            let (from, to) = (h.low + bin as f64 * width, h.low + (bin + 1) as f64 * width);
            let expected = values.iter().filter(|v| (from..to).contains(&f64::from(**v))).count() as u64;
            assert_eq!(*count, expected, "{from}..{to}");
        }
        assert_eq!(h.counts.iter().sum::<u64>(), 3000);
    }
}
