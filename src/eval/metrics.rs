//! Classification metrics over clips, as scikit-learn defines them with `zero_division=0`.

use crate::domain::{ClassSet, Task};
use crate::progress::{ConfusionCell, WeightedScores};
use crate::run_folder::{Averages, ClassMetrics, ConfidenceInterval, Confusion, Evaluation, Prediction};

pub use crate::domain::argmax;

/// `part / whole`, 0 when there is nothing to divide by.
pub(super) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

impl Confusion {
    /// Counts `(truth, predicted)` pairs into a `classes` x `classes` matrix; pairs outside it are not counted.
    pub fn count(classes: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut confusion = Self { counts: vec![vec![0; classes]; classes] };
        pairs.into_iter().for_each(|(truth, predicted)| confusion.add(truth, predicted));
        confusion
    }

    /// Counts one clip; nothing happens outside the matrix.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        if let Some(cell) = self.counts.get_mut(truth).and_then(|row| row.get_mut(predicted)) {
            *cell += 1;
        }
    }

    /// The cells that are not 0, row by row.
    pub fn cells(&self) -> Vec<ConfusionCell> {
        let cells = self.counts.iter().enumerate().flat_map(|(truth, row)| {
            row.iter().enumerate().map(move |(predicted, clips)| (truth as u32, predicted as u32, *clips))
        });
        cells.filter(|(_, _, clips)| *clips > 0).map(|(t, p, clips)| ConfusionCell(t, p, clips)).collect()
    }

    /// A `classes` x `classes` matrix of such cells; those outside it are left out.
    pub fn of_cells(classes: usize, cells: &[ConfusionCell]) -> Self {
        let mut confusion = Self { counts: vec![vec![0; classes]; classes] };
        for ConfusionCell(truth, predicted, clips) in cells {
            let row = confusion.counts.get_mut(*truth as usize);
            if let Some(cell) = row.and_then(|row| row.get_mut(*predicted as usize)) {
                *cell += clips;
            }
        }
        confusion
    }

    /// All clips counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Clips on the diagonal.
    pub fn correct(&self) -> u64 {
        self.counts.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum()
    }

    /// Clips whose label is `class`.
    pub fn support(&self, class: usize) -> u64 {
        self.counts.get(class).map_or(0, |row| row.iter().sum())
    }

    /// Clips said to be `class`.
    pub fn predicted(&self, class: usize) -> u64 {
        self.counts.iter().filter_map(|row| row.get(class)).sum()
    }

    /// Each row divided by its sum; a row without clips stays 0.
    pub fn normalised(&self) -> Vec<Vec<f64>> {
        let of_row = |row: &Vec<u64>| {
            let sum: u64 = row.iter().sum();
            row.iter().map(|n| ratio(*n as f64, sum as f64)).collect()
        };
        self.counts.iter().map(of_row).collect()
    }

    /// Right clips among all, 0…1.
    pub fn accuracy(&self) -> f64 {
        ratio(self.correct() as f64, self.total() as f64)
    }

    /// Recall of each class in output order; `None` where no clip has that label.
    pub fn recalls(&self) -> Vec<Option<f64>> {
        let recall = |(class, row): (usize, &Vec<u64>)| {
            let support = self.support(class);
            (support > 0).then(|| row.get(class).map_or(0.0, |hit| *hit as f64 / support as f64))
        };
        self.counts.iter().enumerate().map(recall).collect()
    }

    /// Mean recall of the classes that have clips.
    pub fn mean_class_accuracy(&self) -> f64 {
        let recalls: Vec<f64> = self.recalls().into_iter().flatten().collect();
        ratio(recalls.iter().sum(), recalls.len() as f64)
    }

    /// Accuracy of always saying the commonest label.
    pub fn majority_baseline(&self) -> f64 {
        let commonest = (0..self.counts.len()).map(|c| self.support(c)).max().unwrap_or(0);
        ratio(commonest as f64, self.total() as f64)
    }

    /// Precision, recall, F1 and support of every class in output order.
    pub fn per_class(&self, classes: &ClassSet) -> Vec<ClassMetrics> {
        (0..self.counts.len())
            .map(|class| {
                let hit = self.counts[class].get(class).copied().unwrap_or(0) as f64;
                let (support, predicted) = (self.support(class), self.predicted(class));
                ClassMetrics {
                    class: classes.name(class).to_owned(),
                    precision: ratio(hit, predicted as f64),
                    recall: ratio(hit, support as f64),
                    f1: ratio(2.0 * hit, (support + predicted) as f64),
                    support,
                }
            })
            .collect()
    }

    /// Unweighted means over the classes that occur, be it as a label or as a prediction.
    pub fn macro_average(&self, per_class: &[ClassMetrics]) -> Averages {
        let weights = (0..per_class.len()).map(|c| f64::from(u8::from(self.support(c) + self.predicted(c) > 0)));
        average(per_class, weights)
    }

    /// Precision, recall and F1 weighted by support, as an epoch reports them.
    pub fn weighted_scores(&self) -> WeightedScores {
        let Averages { precision, recall, f1 } = self.weighted_average(&self.per_class(&ClassSet::default()));
        WeightedScores { precision: precision as f32, recall: recall as f32, f1: f1 as f32 }
    }

    /// Means weighted by support.
    pub fn weighted_average(&self, per_class: &[ClassMetrics]) -> Averages {
        average(per_class, per_class.iter().map(|c| c.support as f64))
    }
}

pub(super) fn average(per_class: &[ClassMetrics], weights: impl Iterator<Item = f64>) -> Averages {
    let mut sum = Averages::default();
    let mut total = 0.0;
    for (class, weight) in per_class.iter().zip(weights) {
        sum.precision += weight * class.precision;
        sum.recall += weight * class.recall;
        sum.f1 += weight * class.f1;
        total += weight;
    }
    Averages { precision: ratio(sum.precision, total), recall: ratio(sum.recall, total), f1: ratio(sum.f1, total) }
}

/// True when fewer than `k` classes score higher than `truth`; equal scores rank in output order.
pub fn in_top_k(scores: &[f32], truth: usize, k: usize) -> bool {
    let Some(own) = scores.get(truth) else { return false };
    let above = scores.iter().enumerate().filter(|(i, s)| *s > own || (*s == own && *i < truth)).count();
    above < k
}

/// Wilson's 95 % score interval of `hits` in `n` trials (Wilson 1927); 0…1 without trials.
pub fn wilson_interval(hits: u64, n: u64) -> ConfidenceInterval {
    if n == 0 {
        return ConfidenceInterval { low: 0.0, high: 1.0 };
    }
    /// 97.5 % quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (n as f64, hits as f64 / n as f64);
    let scale = 1.0 + Z * Z / n;
    let centre = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ConfidenceInterval { low: (centre - half).max(0.0), high: (centre + half).min(1.0) }
}

/// Softmax probabilities and the cross-entropy of `truth`, from logits, in double precision.
pub fn softmax_and_loss(logits: &[f32], truth: usize) -> (Vec<f32>, f32) {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exps: Vec<f64> = logits.iter().map(|l| f64::from(l - max).exp()).collect();
    let sum: f64 = exps.iter().sum();
    let own = logits.get(truth).copied().unwrap_or(f32::NEG_INFINITY);
    let loss = sum.ln() - f64::from(own - max);
    (exps.iter().map(|e| (e / sum) as f32).collect(), loss as f32)
}

/// The probability of each class of a multi-label task, and the binary cross-entropy against the classes that are true
/// (`truths`), the mean over classes, from logits, in double precision.
pub fn sigmoid_and_loss(logits: &[f32], truths: &[usize]) -> (Vec<f32>, f32) {
    let sigmoid = |l: f64| if l >= 0.0 { 1.0 / (1.0 + (-l).exp()) } else { l.exp() / (1.0 + l.exp()) };
    let loss = |(class, logit): (usize, &f32)| {
        let l = f64::from(*logit);
        // -ln of the probability of what is true of the class.
        let against = if truths.contains(&class) { -l } else { l };
        against.max(0.0) + (-l.abs()).exp().ln_1p()
    };
    let sum: f64 = logits.iter().enumerate().map(loss).sum();
    let probabilities = logits.iter().map(|l| sigmoid(f64::from(*l)) as f32).collect();
    (probabilities, ratio(sum, logits.len() as f64) as f32)
}

/// Probabilities of the logits of a network that was trained for a task.
pub fn probabilities_of(task: Task, logits: &[f32]) -> Vec<f32> {
    match task {
        Task::SingleLabel => softmax_and_loss(logits, 0).0,
        Task::MultiLabel => sigmoid_and_loss(logits, &[]).0,
    }
}

/// Everything an [`Evaluation`] can say from clips of one class each alone; names, frames and warnings are left to the
/// caller.
pub fn evaluation_of(classes: &ClassSet, clips: &[Prediction]) -> Evaluation {
    let confusion = Confusion::count(classes.len(), clips.iter().map(|c| (c.truth, c.predicted)));
    let per_class = confusion.per_class(classes);
    let share_in_top = |k| {
        let hits = clips.iter().filter(|c| in_top_k(&c.probabilities, c.truth, k)).count();
        ratio(hits as f64, clips.len() as f64)
    };
    Evaluation {
        classes: classes.clone(),
        clips: clips.len() as u64,
        accuracy: confusion.accuracy(),
        accuracy_interval: wilson_interval(confusion.correct(), confusion.total()),
        accuracy_interval_method: ConfidenceInterval::WILSON.to_owned(),
        top3_accuracy: share_in_top(3),
        top5_accuracy: share_in_top(5),
        mean_class_accuracy: confusion.mean_class_accuracy(),
        loss: ratio(clips.iter().map(|c| f64::from(c.loss)).sum(), clips.len() as f64),
        majority_baseline: confusion.majority_baseline(),
        macro_average: confusion.macro_average(&per_class),
        weighted_average: confusion.weighted_average(&per_class),
        per_class,
        confusion,
        ..Evaluation::default()
    }
}
