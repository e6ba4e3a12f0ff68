//! Two runs on the same clips: what the second has fixed and broken, and whether that is luck.

use super::shared::SharedClips;
use super::statistics::{FEWEST_DISCORDANT, holm, mcnemar};
use super::units::Units;
use crate::domain::ClassSet;
use crate::run_folder::{ConfidenceInterval, Prediction};
use serde::{Deserialize, Serialize};

/// The clips of two runs, `a` and `b`, by who has them right; positions in [`Comparison::clips`](super::Comparison::clips).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FourLists {
    /// Right in both.
    pub both_right: Vec<usize>,
    /// Wrong in `a`, right in `b`.
    pub fixed: Vec<usize>,
    /// Right in `a`, wrong in `b`.
    pub broken: Vec<usize>,
    /// Wrong in both.
    pub both_wrong: Vec<usize>,
}

impl FourLists {
    /// Sorts clips by two lists of answers to them.
    pub fn of(a: &[Prediction], b: &[Prediction]) -> Self {
        let mut out = Self::default();
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            let list = match (a.correct(), b.correct()) {
                (true, true) => &mut out.both_right,
                (false, true) => &mut out.fixed,
                (true, false) => &mut out.broken,
                (false, false) => &mut out.both_wrong,
            };
            list.push(i);
        }
        out
    }

    /// The lists with their names, in reading order.
    pub fn named(&self) -> [(&'static str, &[usize]); 4] {
        [
            ("both right", &self.both_right),
            ("fixed", &self.fixed),
            ("broken", &self.broken),
            ("both wrong", &self.both_wrong),
        ]
    }

    /// Clips on which exactly one of the two is right.
    pub fn discordant(&self) -> u64 {
        (self.fixed.len() + self.broken.len()) as u64
    }
}

/// One class in two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassDifference {
    /// Class name.
    pub class: String,
    /// True clips.
    pub support: u64,
    /// Recall in the first run; `None` without a clip of the class.
    pub recall_a: Option<f64>,
    /// Recall in the second run.
    pub recall_b: Option<f64>,
    /// Clips of it wrong in the first run and right in the second.
    pub fixed: u64,
    /// Clips of it right in the first run and wrong in the second.
    pub broken: u64,
    /// McNemar's exact p on these.
    pub p: f64,
    /// The same corrected for as many classes as have clips (Holm).
    pub p_holm: f64,
}

/// A subject or video in two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitDifference {
    /// Its name.
    pub name: String,
    /// Its clips.
    pub clips: u64,
    /// Share of them right in the second run minus that in the first.
    pub difference: f64,
}

/// Two runs compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Position of the first run.
    pub a: usize,
    /// Position of the second run.
    pub b: usize,
    /// Accuracy of `b` minus that of `a`.
    pub difference: f64,
    /// Its paired bootstrap interval.
    pub interval: ConfidenceInterval,
    /// McNemar's exact p.
    pub p: f64,
    /// The same corrected for all pairs compared (Holm).
    pub p_holm: f64,
    /// True where too few clips differ for the test ever to reach 0.05.
    pub too_few: bool,
    /// What it comes to, in a sentence.
    pub sentence: String,
    /// Clips by who has them right.
    pub lists: FourLists,
    /// Per class, in the numbering of the comparison.
    pub classes: Vec<ClassDifference>,
    /// Per subject or video, where they are too few for an interval to be trusted.
    pub units: Vec<UnitDifference>,
    /// Confusion matrix of `a` minus that of `b`, in clips.
    pub confusion_difference: Vec<Vec<i64>>,
}

/// Compares runs `a` and `b`; the correction over pairs and the sentence are left to the caller.
pub(super) fn pair(shared: &SharedClips, units: &Units, (a, b): (usize, usize), interval: ConfidenceInterval) -> Pair {
    let (first, second) = (&shared.answers[a], &shared.answers[b]);
    let lists = FourLists::of(first, second);
    let (fixed, broken) = (lists.fixed.len() as u64, lists.broken.len() as u64);
    let p = mcnemar(fixed, broken);
    Pair {
        a,
        b,
        difference: (fixed as f64 - broken as f64) / first.len().max(1) as f64,
        interval,
        p,
        p_holm: p,
        too_few: lists.discordant() < FEWEST_DISCORDANT,
        sentence: String::new(),
        classes: class_differences(&shared.classes, first, second),
        units: if units.resampled.few() { unit_differences(units, first, second) } else { Vec::new() },
        confusion_difference: confusion_difference(shared.classes.len(), first, second),
        lists,
    }
}

/// What each class gained and lost, with tests corrected for their number.
pub(super) fn class_differences(classes: &ClassSet, a: &[Prediction], b: &[Prediction]) -> Vec<ClassDifference> {
    let count = classes.len();
    // Clips, right in a, right in b, fixed, broken.
    let mut sums = vec![[0_u64; 5]; count];
    for (a, b) in a.iter().zip(b) {
        let Some(sum) = sums.get_mut(a.truth) else { continue };
        let (a, b) = (a.correct(), b.correct());
        for (n, counts) in sum.iter_mut().zip([true, a, b, !a && b, a && !b]) {
            *n += u64::from(counts);
        }
    }
    let tested: Vec<usize> = (0..count).filter(|c| sums[*c][0] > 0).collect();
    let p: Vec<f64> = tested.iter().map(|c| mcnemar(sums[*c][3], sums[*c][4])).collect();
    let mut corrected = vec![(1.0, 1.0); count];
    for ((class, p), holm) in tested.iter().zip(&p).zip(holm(&p)) {
        corrected[*class] = (*p, holm);
    }
    (0..count)
        .map(|class| {
            let [support, right_a, right_b, fixed, broken] = sums[class];
            let recall = |right: u64| (support > 0).then(|| right as f64 / support as f64);
            ClassDifference {
                class: classes.name(class).to_owned(),
                support,
                recall_a: recall(right_a),
                recall_b: recall(right_b),
                fixed,
                broken,
                p: corrected[class].0,
                p_holm: corrected[class].1,
            }
        })
        .collect()
}

fn unit_differences(units: &Units, a: &[Prediction], b: &[Prediction]) -> Vec<UnitDifference> {
    let mut sums = vec![(0_u64, 0_i64); units.count()];
    for ((a, b), unit) in a.iter().zip(b).zip(&units.of_clip) {
        if let Some((clips, gain)) = sums.get_mut(*unit) {
            *clips += 1;
            *gain += i64::from(b.correct()) - i64::from(a.correct());
        }
    }
    let of_unit = |(name, (clips, gain)): (&String, (u64, i64))| UnitDifference {
        name: name.clone(),
        clips,
        difference: gain as f64 / clips.max(1) as f64,
    };
    units.names.iter().zip(sums).map(of_unit).collect()
}

fn confusion_difference(classes: usize, a: &[Prediction], b: &[Prediction]) -> Vec<Vec<i64>> {
    let mut out = vec![vec![0; classes]; classes];
    let mut add = |p: &Prediction, sign: i64| {
        if let Some(cell) = out.get_mut(p.truth).and_then(|row| row.get_mut(p.predicted)) {
            *cell += sign;
        }
    };
    a.iter().for_each(|p| add(p, 1));
    b.iter().for_each(|p| add(p, -1));
    out
}
