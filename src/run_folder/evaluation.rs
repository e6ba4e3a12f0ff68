//! What an evaluation found, as it is kept in `results/`.

use crate::domain::{ClassChange, ClassMatch, ClassSet, CorrectionCounts, Cut, FrameUse, SAID_AT, said};
use serde::{Deserialize, Serialize};

/// What a network said about one clip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Name of the video in the dataset.
    pub video: String,
    /// Subject, empty when unknown.
    pub subject: String,
    /// First frame.
    pub start: u32,
    /// True class (output position); the first of several.
    pub truth: usize,
    /// All true classes, ascending, in a multi-label evaluation; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truths: Vec<usize>,
    /// Most probable class.
    pub predicted: usize,
    /// Probabilities in output order: of a softmax, or of a sigmoid a class in a multi-label task.
    pub probabilities: Vec<f32>,
    /// Cross-entropy of this clip; in a multi-label task the mean over its classes.
    pub loss: f32,
    /// The part of the video it was taken from.
    #[serde(default, skip_serializing_if = "Cut::is_window_of_video")]
    pub cut: Cut,
    /// Its views one by one, where it has several; `probabilities` is their mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<ViewPrediction>,
}

/// What a network said about one view of a clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewPrediction {
    /// Which frames of the instance and which part of the picture.
    pub cut: Cut,
    /// Most probable class.
    pub predicted: usize,
    /// Probabilities in output order, as those of the clip.
    pub probabilities: Vec<f32>,
}

/// How many views of a clip were averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewCounts {
    /// Clips of an instance.
    pub clips: u16,
    /// Crops of each.
    pub crops: u8,
}

impl Prediction {
    /// Probability of the predicted class.
    pub fn confidence(&self) -> f32 {
        self.probabilities.get(self.predicted).copied().unwrap_or(0.0)
    }

    /// Distance between the two largest probabilities; small means undecided.
    pub fn margin(&self) -> f32 {
        let mut best = [0.0_f32; 2];
        for p in &self.probabilities {
            if *p > best[0] {
                best = [*p, best[0]];
            } else if *p > best[1] {
                best[1] = *p;
            }
        }
        best[0] - best[1]
    }

    /// How many of its views alone say the class that they say together, and how many views there are; `None` where it was
    /// seen in one.
    pub fn votes(&self) -> Option<(usize, usize)> {
        let for_it = self.views.iter().filter(|v| v.predicted == self.predicted).count();
        (self.views.len() > 1).then_some((for_it, self.views.len()))
    }

    /// True when the most probable class is the label, or among the labels.
    pub fn correct(&self) -> bool {
        self.true_classes().contains(&self.predicted)
    }

    /// True when exactly what is true is said: the label, or in a multi-label evaluation every class that is true and no other.
    pub fn exact(&self) -> bool {
        if self.truths.is_empty() {
            return self.predicted == self.truth;
        }
        said(&self.probabilities).eq(self.truths.iter().copied())
    }

    /// The classes that are true of it: one, or in a multi-label evaluation all.
    pub fn true_classes(&self) -> &[usize] {
        if self.truths.is_empty() { std::slice::from_ref(&self.truth) } else { &self.truths }
    }

    /// The classes said: the most probable one, or in a multi-label evaluation those of [`SAID_AT`] or more.
    pub fn said_classes(&self) -> Vec<usize> {
        if self.truths.is_empty() { vec![self.predicted] } else { said(&self.probabilities).collect() }
    }

    /// True when a class is among those said.
    pub fn says(&self, class: usize) -> bool {
        if self.truths.is_empty() {
            return self.predicted == class;
        }
        self.probabilities.get(class).is_some_and(|p| *p >= SAID_AT)
    }
}

/// All predictions of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// One a clip, in dataset order.
    pub clips: Vec<Prediction>,
}

/// Counts of (true class, predicted class).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion {
    /// `counts[truth][predicted]`.
    pub counts: Vec<Vec<u64>>,
}

/// Precision, recall, F1 and support of one class; a ratio without samples is 0 (as scikit-learn's `zero_division=0`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassMetrics {
    /// Class name.
    pub class: String,
    /// Right among predicted.
    pub precision: f64,
    /// Right among true.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// True clips.
    pub support: u64,
}

/// Precision, recall and F1 averaged over classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Averages {
    /// Precision.
    pub precision: f64,
    /// Recall.
    pub recall: f64,
    /// F1.
    pub f1: f64,
}

/// A 95 % confidence interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl ConfidenceInterval {
    /// How the interval of an evaluation's accuracy is made, for people and programs.
    pub const WILSON: &'static str = "Wilson, over clips";
}

/// Frame-wise metrics of temporal segmentation (Farha & Gall 2019); background frames are skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FrameMetrics {
    /// Share of the frames labelled with a class other than background that are right.
    pub accuracy: f64,
    /// Share of all labelled frames that are right, background included, as MS-TCN counts; `None` where no frame is labelled
    /// as background, or the network has no output for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_with_background: Option<f64>,
    /// Segmental edit score, 0…100.
    pub edit: f64,
    /// Segmental F1 at 10 % overlap, 0…100.
    pub f1_10: f64,
    /// Segmental F1 at 25 % overlap, 0…100.
    pub f1_25: f64,
    /// Segmental F1 at 50 % overlap, 0…100.
    pub f1_50: f64,
}

/// What only an evaluation of a multi-label task has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MultiLabel {
    /// Mean average precision: the mean over the classes that a clip shows, 0…1.
    pub map: f64,
    /// What an order of the clips by chance is worth: the mean share of clips that show a class.
    pub chance: f64,
    /// Average precision of each class in output order; `None` where no clip shows it.
    pub average_precision: Vec<Option<f64>>,
    /// `co_occurrence[a][b]`: clips labelled `a` for which `b` was said, among other classes or alone. A clip counts in
    /// several cells of a row, so that no sum over cells is a number of clips.
    pub co_occurrence: Confusion,
    /// Clips labelled with each class for which nothing was said.
    pub said_nothing: Vec<u64>,
    /// Clips for which each class was said.
    pub said: Vec<u64>,
    /// Clips for which nothing was said.
    pub silent: u64,
}

fn is_zero(batches: &u32) -> bool {
    *batches == 0
}

/// The report of an evaluation; the keys are those of `evaluate --json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Run folder.
    pub run: String,
    /// Checkpoint name.
    pub checkpoint: String,
    /// Optimiser steps the checkpoint had been trained.
    #[serde(default)]
    pub step: u64,
    /// Epochs the checkpoint had been trained.
    #[serde(default)]
    pub epoch: Option<u32>,
    /// Batches of the epoch after that it had been trained; 0 at the end of an epoch.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub batches: u32,
    /// When it was evaluated, in seconds since 1970.
    #[serde(default)]
    pub made_unix: Option<u64>,
    /// Dataset root.
    pub dataset: String,
    /// Changes whenever files, labels or splits of the dataset change.
    #[serde(default)]
    pub dataset_fingerprint: String,
    /// Split evaluated.
    pub split: String,
    /// How the dataset's classes were found among the run's.
    #[serde(default, skip_serializing_if = "ClassMatch::is_auto")]
    pub class_match: ClassMatch,
    /// What a label map made of the dataset's classes: that of the run, or the one the dataset was read with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label_map: Vec<ClassChange>,
    /// How many labels of the dataset are corrected.
    #[serde(default, skip_serializing_if = "CorrectionCounts::is_none")]
    pub corrections: CorrectionCounts,
    /// Classes in output order.
    pub classes: ClassSet,
    /// Clips evaluated.
    pub clips: u64,
    /// How many views each of them was seen in, where that is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views: Option<ViewCounts>,
    /// Share of clips whose most probable class is right, or among the right ones.
    pub accuracy: f64,
    /// Wilson interval of `accuracy`. Clips of one video are not independent, so the truth is wider.
    pub accuracy_interval: ConfidenceInterval,
    /// How that interval was made and what it counts; empty in results of earlier versions, whose intervals are the same.
    #[serde(default)]
    pub accuracy_interval_method: String,
    /// Share whose label is among the 3 most probable.
    pub top3_accuracy: f64,
    /// Share whose label is among the 5 most probable.
    pub top5_accuracy: f64,
    /// Mean recall of the classes that have clips.
    pub mean_class_accuracy: f64,
    /// Mean cross-entropy; binary, over clips and classes, in a multi-label task.
    pub loss: f64,
    /// Accuracy of always predicting the commonest class.
    pub majority_baseline: f64,
    /// Per class, in output order.
    pub per_class: Vec<ClassMetrics>,
    /// Unweighted mean over classes that occur (in labels or predictions).
    #[serde(rename = "macro")]
    pub macro_average: Averages,
    /// Mean weighted by support.
    #[serde(rename = "weighted")]
    pub weighted_average: Averages,
    /// The matrix; empty in a multi-label evaluation, which has [`MultiLabel::co_occurrence`] in its place.
    pub confusion: Confusion,
    /// What only an evaluation of a multi-label task has. `per_class` and its averages are then of the classes said at
    /// [`SAID_AT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_label: Option<MultiLabel>,
    /// Frame-wise metrics, where labels are frame-wise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<FrameMetrics>,
    /// What became of the frames of the split's videos.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_use: Option<FrameUse>,
    /// Sentences that put the score in doubt.
    pub warnings: Vec<String>,
}

impl Evaluation {
    /// How good it is in one number, 0…1: mean average precision of a multi-label task, else accuracy.
    pub fn score(&self) -> f64 {
        self.multi_label.as_ref().map_or(self.accuracy, |m| m.map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_right_only_as_a_whole() {
        let of = |probabilities: [f32; 3]| Prediction {
            truths: vec![0, 2],
            predicted: 0,
            probabilities: probabilities.to_vec(),
            ..Prediction::default()
        };
        assert!(of([0.9, 0.4, 0.5]).exact());
        // One too many, one missing.
        assert!(!of([0.9, 0.5, 0.5]).exact() && !of([0.9, 0.4, 0.4]).exact());
        let one = |predicted| Prediction { truth: 1, predicted, ..Prediction::default() };
        assert!(one(1).exact() && !one(0).exact());
    }

    #[test]
    fn votes_are_counted_for_what_the_views_say_together() {
        let view = |predicted: usize, probabilities: [f32; 3]| ViewPrediction {
            cut: Cut::default(),
            predicted,
            probabilities: probabilities.to_vec(),
        };
        // Two sure views are outweighed by one that is surer: the mean is 0.4, 0.45, 0.15.
        let views = vec![view(0, [0.6, 0.2, 0.2]), view(0, [0.55, 0.25, 0.2]), view(1, [0.05, 0.9, 0.05])];
        let clip = Prediction { predicted: 1, probabilities: vec![0.4, 0.45, 0.15], views, ..Prediction::default() };
        assert_eq!(clip.votes(), Some((1, 3)));
        assert_eq!(Prediction::default().votes(), None);
    }
}
