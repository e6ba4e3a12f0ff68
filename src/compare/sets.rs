//! Clips with several classes each: mean average precision with paired intervals, whole sets, and every class by itself.

use super::pairs::{ClassDifference, Pair, pair};
use super::shared::SharedClips;
use super::statistics::{DRAWS, Score, bootstrap_p, holm, interval, mcnemar, resample};
use super::units::Units;
use crate::domain::ClassSet;
use crate::eval::multi_label::{average_precisions, mean_average_precision};
use crate::run_folder::{ConfidenceInterval, Prediction};
use rayon::prelude::*;
use serde::Serialize;

/// How good the sets of a run are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SetScores {
    /// Mean average precision, over the classes that a clip shows.
    pub map: Score,
    /// Share of clips of which exactly the true classes are said (scikit-learn's `accuracy_score` of sets).
    pub exact_match: Score,
    /// Share of wrong decisions among all, clip by clip and class by class (scikit-learn's `hamming_loss`).
    pub hamming_loss: f64,
}

/// Share of wrong decisions among all clips and classes; 0 without one.
pub(super) fn hamming_loss(classes: usize, clips: &[Prediction]) -> f64 {
    let wrong = |clip: &Prediction| (0..classes).filter(|c| clip.says(*c) != clip.true_classes().contains(c)).count();
    let all = classes * clips.len();
    if all == 0 { 0.0 } else { clips.iter().map(wrong).sum::<usize>() as f64 / all as f64 }
}

/// The clips of one run in the order of the probability of one class.
struct Ranking {
    /// Unit of each clip, and whether it shows the class; the most probable first.
    clips: Vec<(u32, bool)>,
    /// Where groups of equal probability end.
    ends: Vec<usize>,
}

impl Ranking {
    /// `None` where no clip shows the class.
    fn of<'a>(answers: impl Iterator<Item = (usize, &'a Prediction)>, class: usize) -> Option<Self> {
        let score = |p: &Prediction| p.probabilities.get(class).copied().unwrap_or(f32::NEG_INFINITY);
        let mut clips: Vec<(f32, u32, bool)> =
            answers.map(|(unit, p)| (score(p), unit as u32, p.true_classes().contains(&class))).collect();
        if !clips.iter().any(|(.., shown)| *shown) {
            return None;
        }
        clips.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut ends = Vec::new();
        for equal in clips.chunk_by(|a, b| a.0 == b.0) {
            ends.push(ends.last().copied().unwrap_or(0) + equal.len());
        }
        Some(Self { clips: clips.into_iter().map(|(_, unit, shown)| (unit, shown)).collect(), ends })
    }

    /// Average precision where each unit counts so many times; `None` where no clip that shows the class counts.
    fn average_precision(&self, times: &[u32]) -> Option<f64> {
        let (mut seen, mut hits, mut sum) = (0.0_f64, 0.0_f64, 0.0_f64);
        let mut clips = self.clips.iter();
        let mut start = 0;
        for end in &self.ends {
            let mut new = 0.0;
            for (unit, shown) in clips.by_ref().take(end - start) {
                let count = f64::from(times.get(*unit as usize).copied().unwrap_or(0));
                seen += count;
                new += if *shown { count } else { 0.0 };
            }
            start = *end;
            if new > 0.0 {
                hits += new;
                sum += new * hits / seen;
            }
        }
        (hits > 0.0).then(|| sum / hits)
    }
}

/// The rankings of all classes in one list of answers, for mean average precision over samples that are drawn anew.
pub(super) struct Ranked(Vec<Ranking>);

impl Ranked {
    /// Of answers, each with the position of its unit.
    pub(super) fn of(classes: usize, answers: &[(usize, &Prediction)]) -> Self {
        Self((0..classes).into_par_iter().filter_map(|c| Ranking::of(answers.iter().copied(), c)).collect())
    }

    /// The mean over classes that a counted clip shows, where each unit counts so many times; not a number without one.
    pub(super) fn map(&self, times: &[u32]) -> f64 {
        let (mut sum, mut classes) = (0.0, 0.0);
        for value in self.0.iter().filter_map(|r| r.average_precision(times)) {
            sum += value;
            classes += 1.0;
        }
        sum / classes
    }
}

/// Mean average precision of answers; `None` where no clip shows a class.
pub(super) fn map_of(classes: usize, answers: &[Prediction]) -> Option<f64> {
    mean_average_precision(&average_precisions_of(classes, answers))
}

fn average_precisions_of(classes: usize, answers: &[Prediction]) -> Vec<Option<f64>> {
    average_precisions(classes, answers.iter().map(|a| (a.probabilities.as_slice(), a.true_classes())))
}

/// Intervals of sets, all from the same draws.
pub(super) struct SetIntervals {
    /// Mean average precision and share of exact sets of each run.
    pub(super) runs: Vec<[ConfidenceInterval; 2]>,
    /// Mean average precision of the second minus that of the first of each pair, and its [`bootstrap_p`].
    pub(super) pairs: Vec<(ConfidenceInterval, f64)>,
}

impl SetIntervals {
    pub(super) fn of(shared: &SharedClips, units: &Units, pairs: &[(usize, usize)], seed: u64) -> Self {
        let classes = shared.classes.len();
        let ranked: Vec<Ranked> = shared
            .answers
            .iter()
            .map(|answers| Ranked::of(classes, &units.of_clip.iter().copied().zip(answers).collect::<Vec<_>>()))
            .collect();
        // Clips of every unit, and how many of them each run has exactly.
        let mut exact = vec![vec![0.0; 1 + shared.answers.len()]; units.count()];
        for (clip, unit) in units.of_clip.iter().enumerate() {
            let right = |answers: &Vec<Prediction>| answers.get(clip).is_some_and(Prediction::exact);
            let row = std::iter::once(true).chain(shared.answers.iter().map(right));
            if let Some(sums) = exact.get_mut(*unit) {
                sums.iter_mut().zip(row).for_each(|(sum, counts)| *sum += f64::from(u8::from(counts)));
            }
        }
        let statistic = |times: &[u32]| -> Vec<f64> {
            let maps: Vec<f64> = ranked.iter().map(|r| r.map(times)).collect();
            let total = |i: usize| -> f64 {
                times.iter().zip(&exact).map(|(n, sums)| f64::from(*n) * sums.get(i).copied().unwrap_or(0.0)).sum()
            };
            let clips = total(0);
            let runs = maps.iter().enumerate().flat_map(|(run, map)| [*map, total(1 + run) / clips]);
            runs.chain(pairs.iter().map(|(a, b)| maps[*b] - maps[*a])).collect()
        };
        let drawn = resample(units.count(), DRAWS, seed, statistic);
        let (runs, differences) = drawn.split_at(drawn.len().min(2 * ranked.len()));
        let intervals: Vec<ConfidenceInterval> = runs.iter().map(|values| interval(values)).collect();
        Self {
            runs: intervals.as_chunks::<2>().0.to_vec(),
            pairs: differences.iter().map(|values| (interval(values), bootstrap_p(values))).collect(),
        }
    }
}

/// Compares runs `a` and `b`: the difference of mean average precision by the draws, whole sets by the exact test. The
/// correction over pairs and the sentence are left to the caller.
pub(super) fn pair_of_sets(
    shared: &SharedClips,
    units: &Units,
    (a, b): (usize, usize),
    (interval, p): (ConfidenceInterval, f64),
) -> Pair {
    let classes = shared.classes.len();
    let (first, second) = (&shared.answers[a], &shared.answers[b]);
    let map = |answers: &[Prediction]| map_of(classes, answers).unwrap_or(0.0);
    let whole = pair(shared, units, (a, b), interval);
    Pair {
        difference: map(second) - map(first),
        p,
        p_holm: p,
        exact_p: Some(whole.p),
        too_few: units.resampled.few(),
        classes: class_differences_of_sets(&shared.classes, first, second),
        ..whole
    }
}

/// What each class gained and lost between two runs: of every clip each class is a decision of its own, right or wrong. Tests
/// are corrected for as many classes as have clips.
pub(super) fn class_differences_of_sets(
    classes: &ClassSet,
    a: &[Prediction],
    b: &[Prediction],
) -> Vec<ClassDifference> {
    let count = classes.len();
    let (ap_a, ap_b) = (average_precisions_of(count, a), average_precisions_of(count, b));
    let mut out: Vec<ClassDifference> = (0..count)
        .into_par_iter()
        .map(|class| {
            let mut of = Decisions::default();
            a.iter().zip(b).for_each(|(a, b)| of.add(a.true_classes().contains(&class), a.says(class), b.says(class)));
            let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
            // 0 where nothing is to be said and nothing is, as scikit-learn has it.
            let f1 = |run: usize| share(2 * of.hits[run], of.support + of.said[run]).unwrap_or(0.0);
            ClassDifference {
                class: classes.name(class).to_owned(),
                support: of.support,
                recall_a: share(of.hits[0], of.support),
                recall_b: share(of.hits[1], of.support),
                fixed: of.fixed,
                broken: of.broken,
                p: if of.support > 0 { mcnemar(of.fixed, of.broken) } else { 1.0 },
                p_holm: 1.0,
                ap_a: ap_a.get(class).copied().flatten(),
                ap_b: ap_b.get(class).copied().flatten(),
                f1_a: (of.support > 0).then(|| f1(0)),
                f1_b: (of.support > 0).then(|| f1(1)),
            }
        })
        .collect();
    let tested: Vec<usize> = (0..count).filter(|c| out[*c].support > 0).collect();
    let corrected = holm(&tested.iter().map(|c| out[*c].p).collect::<Vec<_>>());
    for (class, p) in tested.into_iter().zip(corrected) {
        out[class].p_holm = p;
    }
    out
}

/// Decisions of two runs about one class.
#[derive(Default)]
struct Decisions {
    support: u64,
    said: [u64; 2],
    hits: [u64; 2],
    fixed: u64,
    broken: u64,
}

impl Decisions {
    fn add(&mut self, shown: bool, a: bool, b: bool) {
        self.support += u64::from(shown);
        for (run, said) in [a, b].into_iter().enumerate() {
            self.said[run] += u64::from(said);
            self.hits[run] += u64::from(said && shown);
        }
        self.fixed += u64::from(a != shown && b == shown);
        self.broken += u64::from(a == shown && b != shown);
    }
}
