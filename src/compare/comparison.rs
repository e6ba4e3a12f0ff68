//! Several runs on the same clips: scores with intervals, pairs with tests, spread over seeds.

use super::CompareError;
use super::evaluated::{EvaluatedRun, Facts};
use super::pairs::{Pair, pair};
use super::sets::{SetIntervals, SetScores, hamming_loss, map_of, pair_of_sets};
use super::settings::{Setting, differing, seed_groups};
use super::shared::{SharedClip, SharedClips, share};
use super::statistics::{DRAWS, Score, Spread, bootstrap, holm};
use super::units::{Resampled, Units};
use super::words::{self, Metric};
use crate::domain::{ClassSet, Task, counted, leaf, listed};
use crate::eval::metrics::evaluation_of;
use crate::eval::multi_label::evaluation_of_sets;
use crate::run_folder::{ConfidenceInterval, Evaluation, Prediction};
use serde::Serialize;
use std::collections::BTreeMap;

/// With more runs than this only the first is compared with each of the others.
const ALL_PAIRS: usize = 6;

/// A run beside the others.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedRun {
    /// What it is called here.
    pub name: String,
    /// What its folder tells.
    pub facts: Facts,
    /// Accuracy; in a multi-label task the share of clips whose most probable class is among theirs, without an interval.
    pub accuracy: Score,
    /// Mean recall of the classes that have clips; without an interval in a multi-label task.
    pub mean_class_accuracy: Score,
    /// Mean average precision: of the order of clips by the probability of each class that has some.
    pub mean_average_precision: Option<f64>,
    /// What counts in a multi-label task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sets: Option<SetScores>,
    /// All metrics over the shared clips; `run`, `checkpoint` and `warnings` are those of its own evaluation.
    pub evaluation: Evaluation,
    /// What it said about each clip, in the order of [`Comparison::clips`].
    #[serde(skip)]
    pub answers: Vec<Prediction>,
}

impl ComparedRun {
    /// What it is judged by: mAP in a multi-label task, else accuracy.
    pub fn score(&self) -> Score {
        self.sets.map_or(self.accuracy, |sets| sets.map)
    }

    /// Average precision of a class in a multi-label task; `None` where no clip shows it.
    pub fn average_precision(&self, class: usize) -> Option<f64> {
        self.evaluation.multi_label.as_ref()?.average_precision.get(class).copied().flatten()
    }
}

/// Runs that differ in the seed alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedSpread {
    /// Positions of the runs.
    pub runs: Vec<usize>,
    /// Their accuracies; mAP in a multi-label task.
    pub accuracy: Spread,
    /// The same in a sentence.
    pub sentence: String,
}

/// Runs compared on the same clips.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Dataset that was evaluated, as the first run's evaluation names it.
    pub dataset: String,
    /// Split that was evaluated.
    pub split: String,
    /// What the runs are judged by.
    pub metric: Metric,
    /// What differs in data, split or labels.
    pub notes: Vec<String>,
    /// Class names, in the numbering that all numbers here use.
    pub classes: Vec<String>,
    /// The clips.
    pub clips: Vec<SharedClip>,
    /// What was drawn for the intervals.
    pub resampled: Resampled,
    /// How the intervals were made, and of what.
    pub interval_method: String,
    /// The runs, in the order asked for.
    pub runs: Vec<ComparedRun>,
    /// The settings in which they differ.
    pub settings: Vec<Setting>,
    /// Every two of them, or the first with each of the others where there are many.
    pub pairs: Vec<Pair>,
    /// Groups of runs that differ in the seed alone.
    pub seeds: Vec<SeedSpread>,
}

impl Comparison {
    /// Compares runs on the clips they share.
    ///
    /// # Errors
    /// An evaluation without predictions, or no clip that all runs share.
    pub fn of(runs: &[EvaluatedRun], seed: u64) -> Result<Self, CompareError> {
        let shared = share(runs)?;
        let units = Units::of(&shared.clips);
        let which = pairs_of(runs.len());
        let metric = Metric::of(shared.task);
        let (compared, mut pairs) = match shared.task {
            Task::SingleLabel => of_classes(runs, &shared, &units, &which, seed),
            Task::MultiLabel => of_sets(runs, &shared, &units, &which, seed),
        };
        let corrected = holm(&pairs.iter().map(|p| p.p).collect::<Vec<_>>());
        let names: Vec<&str> = runs.iter().map(|r| r.name.as_str()).collect();
        for (pair, p) in pairs.iter_mut().zip(corrected) {
            pair.p_holm = p;
            pair.sentence = words::verdict(pair, names[pair.a], names[pair.b], &units.resampled, metric);
        }
        let scores: Vec<f64> = compared.iter().map(|r| r.score().value).collect();
        let seeds = seed_groups(runs).into_iter().filter_map(|g| spread(g, &scores, &names, metric)).collect();
        let first = &runs[0].evaluation;
        let mut notes = shared.notes;
        notes.extend(averaged_classes(&compared));
        Ok(Self {
            dataset: leaf(std::path::Path::new(&first.dataset)),
            split: first.split.clone(),
            metric,
            notes,
            classes: shared.classes.classes.iter().map(|c| c.name.clone()).collect(),
            clips: shared.clips,
            interval_method: words::method(&units.resampled),
            resampled: units.resampled,
            runs: compared,
            settings: differing(runs),
            pairs,
            seeds,
        })
    }

    /// What the intervals mean, and how far they can be trusted.
    pub fn interval_note(&self) -> String {
        words::intervals(&self.resampled)
    }
}

fn pairs_of(runs: usize) -> Vec<(usize, usize)> {
    let all = runs <= ALL_PAIRS;
    (0..runs).flat_map(|a| (a + 1..runs).map(move |b| (a, b))).filter(|(a, _)| all || *a == 0).collect()
}

/// Runs and pairs where clips show one class each.
fn of_classes(
    runs: &[EvaluatedRun],
    shared: &SharedClips,
    units: &Units,
    which: &[(usize, usize)],
    seed: u64,
) -> (Vec<ComparedRun>, Vec<Pair>) {
    let intervals = Intervals::of(shared, units, which, seed);
    let of_run = |((run, answers), [accuracy, mean_class]): ((&EvaluatedRun, &Vec<Prediction>), &[_; 2])| {
        let out = compared(run, shared, answers);
        let score = |score: Score, interval: &ConfidenceInterval| Score { interval: *interval, ..score };
        ComparedRun {
            accuracy: score(out.accuracy, accuracy),
            mean_class_accuracy: score(out.mean_class_accuracy, mean_class),
            ..out
        }
    };
    let pairs = which.iter().zip(intervals.pairs).map(|(ab, interval)| pair(shared, units, *ab, interval)).collect();
    (runs.iter().zip(&shared.answers).zip(&intervals.runs).map(of_run).collect(), pairs)
}

/// The same where clips show several.
fn of_sets(
    runs: &[EvaluatedRun],
    shared: &SharedClips,
    units: &Units,
    which: &[(usize, usize)],
    seed: u64,
) -> (Vec<ComparedRun>, Vec<Pair>) {
    let intervals = SetIntervals::of(shared, units, which, seed);
    let classes = shared.classes.len();
    let of_run = |((run, answers), [map, exact]): ((&EvaluatedRun, &Vec<Prediction>), &[ConfidenceInterval; 2])| {
        let out = compared(run, shared, answers);
        let right = answers.iter().filter(|a| a.exact()).count();
        let sets = SetScores {
            map: Score { value: out.mean_average_precision.unwrap_or(0.0), interval: *map },
            exact_match: Score { value: right as f64 / answers.len().max(1) as f64, interval: *exact },
            hamming_loss: hamming_loss(classes, answers),
        };
        ComparedRun { sets: Some(sets), ..out }
    };
    let pairs = which.iter().zip(intervals.pairs).map(|(ab, drawn)| pair_of_sets(shared, units, *ab, drawn)).collect();
    (runs.iter().zip(&shared.answers).zip(&intervals.runs).map(of_run).collect(), pairs)
}

/// A run on the shared clips, its intervals left out.
fn compared(run: &EvaluatedRun, shared: &SharedClips, answers: &[Prediction]) -> ComparedRun {
    let own = &run.evaluation;
    let evaluation = Evaluation {
        run: own.run.clone(),
        checkpoint: own.checkpoint.clone(),
        step: own.step,
        epoch: own.epoch,
        batches: own.batches,
        made_unix: own.made_unix,
        dataset: own.dataset.clone(),
        dataset_fingerprint: own.dataset_fingerprint.clone(),
        split: own.split.clone(),
        class_match: own.class_match.clone(),
        // Of the run's own clips and labels: the same for all only where nothing was left out and labels are alike.
        frames: own.frames.filter(|_| own.classes == shared.classes && run.predictions.clips.len() == answers.len()),
        warnings: own.warnings.clone(),
        ..evaluation_for(shared.task, &shared.classes, answers)
    };
    let alone = |value: f64| Score { value, interval: ConfidenceInterval { low: f64::NAN, high: f64::NAN } };
    ComparedRun {
        name: run.name.clone(),
        facts: run.facts.clone(),
        accuracy: alone(evaluation.accuracy),
        mean_class_accuracy: alone(evaluation.mean_class_accuracy),
        mean_average_precision: map_of(shared.classes.len(), answers),
        sets: None,
        evaluation,
        answers: answers.to_vec(),
    }
}

/// The evaluation that clips of a task come to.
pub(super) fn evaluation_for(task: Task, classes: &ClassSet, clips: &[Prediction]) -> Evaluation {
    match task {
        Task::SingleLabel => evaluation_of(classes, clips),
        Task::MultiLabel => evaluation_of_sets(classes, clips),
    }
}

fn spread(runs: Vec<usize>, scores: &[f64], names: &[&str], metric: Metric) -> Option<SeedSpread> {
    let values: Vec<f64> = runs.iter().filter_map(|i| scores.get(*i).copied()).collect();
    let accuracy = Spread::of(&values)?;
    let names: Vec<&str> = runs.iter().filter_map(|i| names.get(*i).copied()).collect();
    let sentence = words::seeds(&names, &accuracy, metric);
    Some(SeedSpread { runs, accuracy, sentence })
}

/// Says that means over classes are of other classes from run to run: each is of those that its labels or predictions name.
fn averaged_classes(runs: &[ComparedRun]) -> Option<String> {
    let occurs = |run: &ComparedRun, class: usize| {
        let matrix = &run.evaluation.confusion;
        matrix.support(class) + matrix.predicted(class) > 0
    };
    let classes = runs.iter().map(|r| r.evaluation.per_class.len()).max().unwrap_or(0);
    let of = |run: &ComparedRun| (0..classes).filter(|c| occurs(run, *c)).collect::<Vec<usize>>();
    let all: Vec<Vec<usize>> = runs.iter().map(of).collect();
    let (first, others) = all.split_first()?;
    if others.iter().all(|o| o == first) {
        return None;
    }
    let told = |(run, classes): (&ComparedRun, &Vec<usize>)| {
        let without_clips = |c: &&usize| run.evaluation.confusion.support(**c) == 0;
        let name = |c: &usize| run.evaluation.per_class.get(*c).map(|m| m.class.clone()).unwrap_or_default();
        let more: Vec<String> = classes.iter().filter(without_clips).map(name).collect();
        let more =
            if more.is_empty() { String::new() } else { format!(", with {} that no clip shows", listed(&more, 4)) };
        format!("{} of {}{more}", counted(classes.len() as u64, "class"), run.name)
    };
    let told: Vec<String> = runs.iter().zip(&all).map(told).collect();
    Some(format!(
        "macro precision, recall and F1 are means over the classes that labels or predictions name, which differ: {}; mean class \
         accuracy is over the same classes for all",
        told.join("; ")
    ))
}

/// Intervals of all scores and differences, from the same draws.
struct Intervals {
    /// Accuracy and mean class accuracy of each run.
    runs: Vec<[ConfidenceInterval; 2]>,
    /// Accuracy of the second minus that of the first, of each pair.
    pairs: Vec<ConfidenceInterval>,
}

/// Clips and right ones of every class in every unit, laid out so that a draw runs through them once.
struct Counts {
    /// Where the entries of each unit end.
    ends: Vec<usize>,
    /// The class of each entry.
    class: Vec<usize>,
    /// Its clips, then how many of them each run has right: `1 + runs` numbers an entry.
    values: Vec<f64>,
}

impl Counts {
    fn of(shared: &SharedClips, units: &Units) -> Self {
        let width = 1 + shared.answers.len();
        let mut of_unit: Vec<BTreeMap<usize, Vec<f64>>> = vec![BTreeMap::new(); units.count()];
        for (i, (clip, unit)) in shared.clips.iter().zip(&units.of_clip).enumerate() {
            let Some(classes) = of_unit.get_mut(*unit) else { continue };
            let entry = classes.entry(clip.truth).or_insert_with(|| vec![0.0; width]);
            let right = shared.answers.iter().map(|a| f64::from(u8::from(a.get(i).is_some_and(Prediction::exact))));
            entry.iter_mut().zip(std::iter::once(1.0).chain(right)).for_each(|(sum, n)| *sum += n);
        }
        let mut out = Self { ends: Vec::with_capacity(of_unit.len()), class: Vec::new(), values: Vec::new() };
        for classes in of_unit {
            for (class, values) in classes {
                out.class.push(class);
                out.values.extend(values);
            }
            out.ends.push(out.class.len());
        }
        out
    }

    /// The numbers of every class, over units that were drawn so many times: `[classes][1 + runs]`.
    fn sums(&self, times: &[u32], classes: usize, width: usize) -> Vec<f64> {
        let mut sums = vec![0.0; classes * width];
        let mut entries = self.class.iter().zip(self.values.chunks_exact(width));
        let mut start = 0;
        for (times, end) in times.iter().zip(&self.ends) {
            let of_unit = entries.by_ref().take(end - start);
            start = *end;
            if *times == 0 {
                of_unit.for_each(drop);
                continue;
            }
            let times = f64::from(*times);
            for (class, values) in of_unit {
                let of_class = sums.get_mut(class * width..(class + 1) * width).unwrap_or_default();
                of_class.iter_mut().zip(values).for_each(|(sum, n)| *sum += times * n);
            }
        }
        sums
    }
}

impl Intervals {
    fn of(shared: &SharedClips, units: &Units, pairs: &[(usize, usize)], seed: u64) -> Self {
        let (runs, classes) = (shared.answers.len(), shared.classes.len());
        let counts = Counts::of(shared, units);
        let statistic = |times: &[u32]| -> Vec<f64> {
            let sums = counts.sums(times, classes, 1 + runs);
            let present: Vec<&[f64]> = sums.chunks_exact(1 + runs).filter(|class| class[0] > 0.0).collect();
            let all: f64 = present.iter().map(|class| class[0]).sum();
            let accuracy = |run: usize| present.iter().map(|class| class[1 + run]).sum::<f64>() / all;
            let recalls = |run: usize| present.iter().map(|class| class[1 + run] / class[0]).sum::<f64>();
            let accuracies: Vec<f64> = (0..runs).map(accuracy).collect();
            let scores = (0..runs).flat_map(|run| [accuracies[run], recalls(run) / present.len() as f64]);
            scores.chain(pairs.iter().map(|(a, b)| accuracies[*b] - accuracies[*a])).collect()
        };
        let found = bootstrap(units.count(), DRAWS, seed, statistic);
        let (scores, differences) = found.split_at(found.len().min(2 * runs));
        Self { runs: scores.as_chunks::<2>().0.to_vec(), pairs: differences.to_vec() }
    }
}
