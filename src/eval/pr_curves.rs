//! Precision and recall of each class at evenly spaced thresholds of its probability.

/// Thresholds of a curve: 0, 0.01, … 1.
pub const THRESHOLDS: usize = 101;

/// What holds of the clips of one class at each threshold `t / (THRESHOLDS - 1)`: a clip is said to show the class where its
/// probability is the threshold or more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PrCurve {
    /// Clips that show the class and are said to.
    pub true_positives: Vec<u64>,
    /// Clips that do not and are said to.
    pub false_positives: Vec<u64>,
    /// Clips that show the class.
    pub positives: u64,
    /// Clips that do not.
    pub negatives: u64,
}

impl PrCurve {
    /// The curve of clips: the probability of the class, and whether they show it. `None` where none of them does, so that
    /// there is no recall.
    pub fn of(clips: impl IntoIterator<Item = (f32, bool)>) -> Option<Self> {
        let mut new = [[0_u64; 2]; THRESHOLDS];
        for (probability, shown) in clips {
            // The last threshold that the probability reaches; what is not a number reaches none but the first.
            let last = (f64::from(probability) * (THRESHOLDS - 1) as f64).clamp(0.0, (THRESHOLDS - 1) as f64) as usize;
            new[last][usize::from(shown)] += 1;
        }
        let (mut negatives, mut positives) = (0, 0);
        let mut curve = Self::default();
        for [no, yes] in new.into_iter().rev() {
            negatives += no;
            positives += yes;
            curve.true_positives.push(positives);
            curve.false_positives.push(negatives);
        }
        curve.true_positives.reverse();
        curve.false_positives.reverse();
        (positives > 0).then_some(Self { positives, negatives, ..curve })
    }

    /// Right among those said, at each threshold; 0 where nothing is said.
    pub fn precisions(&self) -> impl Iterator<Item = f64> + '_ {
        let of = |(hits, misses): (&u64, &u64)| super::metrics::ratio(*hits as f64, (hits + misses) as f64);
        self.true_positives.iter().zip(&self.false_positives).map(of)
    }

    /// Found among those that show the class, at each threshold.
    pub fn recalls(&self) -> impl Iterator<Item = f64> + '_ {
        self.true_positives.iter().map(|hits| super::metrics::ratio(*hits as f64, self.positives as f64))
    }
}

/// The curve of each of `classes` classes over clips: probabilities in output order, and the classes shown.
pub fn pr_curves<'a>(
    classes: usize,
    clips: impl Iterator<Item = (&'a [f32], &'a [usize])> + Clone,
) -> Vec<Option<PrCurve>> {
    let of_class = |class: usize| {
        let scored = |(scores, shown): (&'a [f32], &'a [usize])| {
            (scores.get(class).copied().unwrap_or(0.0), shown.contains(&class))
        };
        PrCurve::of(clips.clone().map(scored))
    };
    (0..classes).map(of_class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_by_hand() {
        let curve = PrCurve::of([(0.875, true), (0.5, false), (0.25, true), (0.0, false)]).unwrap();
        let at = |t: usize| (curve.true_positives[t], curve.false_positives[t]);
        assert_eq!(
            [at(0), at(1), at(25), at(26), at(50), at(51), at(87), at(88)],
            [(2, 2), (2, 1), (2, 1), (1, 1), (1, 1), (1, 0), (1, 0), (0, 0)]
        );
        assert_eq!((curve.positives, curve.negatives), (2, 2));
        let (p, r): (Vec<f64>, Vec<f64>) = (curve.precisions().collect(), curve.recalls().collect());
        assert_eq!([p[0], p[30], p[60], p[100]], [0.5, 0.5, 1.0, 0.0]);
        assert_eq!([r[0], r[30], r[60], r[100]], [1.0, 0.5, 0.5, 0.0]);
        // A class nobody shows has none; a probability of one reaches every threshold.
        assert_eq!(PrCurve::of([(0.5, false)]), None);
        assert_eq!(PrCurve::of([(1.0, true)]).unwrap().true_positives, [1; THRESHOLDS]);
    }
}
