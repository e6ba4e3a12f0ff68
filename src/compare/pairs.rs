//! Two runs on the same clips: what the second has fixed and broken, and whether that is luck.

use super::shared::SharedClips;
use super::statistics::{FEWEST_DISCORDANT, LEVEL, holm, mcnemar};
use super::units::Units;
use crate::domain::ClassSet;
use crate::run_folder::{ConfidenceInterval, Prediction};
use serde::{Deserialize, Serialize};

/// The clips of two runs, `a` and `b`, by who has them right (in a multi-label task: the whole set); positions in [`Comparison::clips`](super::Comparison::clips).
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
            let list = match (a.exact(), b.exact()) {
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassDifference {
    /// Class name.
    pub class: String,
    /// True clips.
    pub support: u64,
    /// Recall in the first run; `None` without a clip of the class.
    pub recall_a: Option<f64>,
    /// Recall in the second run.
    pub recall_b: Option<f64>,
    /// Clips of it wrong in the first run and right in the second; in a multi-label task clips of any label of which the
    /// first run wrongly said the class or did not, and the second rightly.
    pub fixed: u64,
    /// The same the other way round.
    pub broken: u64,
    /// McNemar's exact p on these.
    pub p: f64,
    /// The same corrected for as many classes as have clips (Holm).
    pub p_holm: f64,
    /// Average precision in the first run, in a multi-label task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ap_a: Option<f64>,
    /// Average precision in the second run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ap_b: Option<f64>,
    /// F1 of what the first run says at one half, in a multi-label task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1_a: Option<f64>,
    /// F1 of what the second run says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1_b: Option<f64>,
}

impl ClassDifference {
    /// How good the class is in both runs: average precision in a multi-label task, else recall.
    pub fn values(&self) -> [Option<f64>; 2] {
        if self.ap_a.is_some() || self.ap_b.is_some() { [self.ap_a, self.ap_b] } else { [self.recall_a, self.recall_b] }
    }

    /// What [`ClassDifference::values`] are called.
    pub fn measure(&self) -> &'static str {
        if self.ap_a.is_some() || self.ap_b.is_some() { "average precision" } else { "recall" }
    }

    /// The second of [`ClassDifference::values`] minus the first; what is not known counts as 0.
    pub fn change(&self) -> f64 {
        let [a, b] = self.values().map(|v| v.unwrap_or(0.0));
        b - a
    }
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
    /// Accuracy of `b` minus that of `a`; of mAP in a multi-label task.
    pub difference: f64,
    /// Its paired bootstrap interval.
    pub interval: ConfidenceInterval,
    /// McNemar's exact p; in a multi-label task that of the difference of mAP, by the bootstrap.
    pub p: f64,
    /// The same corrected for all pairs compared (Holm).
    pub p_holm: f64,
    /// McNemar's exact p of clips whose whole set is right, in a multi-label task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact_p: Option<f64>,
    /// True where too few clips differ for the test ever to reach 0.05; in a multi-label task where too few people or videos
    /// were drawn.
    pub too_few: bool,
    /// What it comes to, in a sentence.
    pub sentence: String,
    /// Clips by who has them right.
    pub lists: FourLists,
    /// Per class, in the numbering of the comparison.
    pub classes: Vec<ClassDifference>,
    /// Per subject or video, where they are too few for an interval to be trusted.
    pub units: Vec<UnitDifference>,
    /// Confusion matrix of `a` minus that of `b`, in clips; co-occurrence (label, said) in a multi-label task.
    pub confusion_difference: Vec<Vec<i64>>,
}

impl Pair {
    /// True where test and interval agree that the difference is no luck.
    pub fn sure(&self) -> bool {
        let excluded = self.interval.low > 0.0 || self.interval.high < 0.0;
        !self.too_few && self.p_holm < LEVEL && excluded
    }
}

/// Compares runs `a` and `b` on clips of one class each; the correction over pairs and the sentence are left to the caller.
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
        exact_p: None,
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
        let (a, b) = (a.exact(), b.exact());
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
                ..ClassDifference::default()
            }
        })
        .collect()
}

fn unit_differences(units: &Units, a: &[Prediction], b: &[Prediction]) -> Vec<UnitDifference> {
    let mut sums = vec![(0_u64, 0_i64); units.count()];
    for ((a, b), unit) in a.iter().zip(b).zip(&units.of_clip) {
        if let Some((clips, gain)) = sums.get_mut(*unit) {
            *clips += 1;
            *gain += i64::from(b.exact()) - i64::from(a.exact());
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
        let said = p.said_classes();
        for truth in p.true_classes() {
            let Some(row) = out.get_mut(*truth) else { continue };
            said.iter().for_each(|class| row.get_mut(*class).into_iter().for_each(|cell| *cell += sign));
        }
    };
    a.iter().for_each(|p| add(p, 1));
    b.iter().for_each(|p| add(p, -1));
    out
}
