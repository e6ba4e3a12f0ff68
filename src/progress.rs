//! How long work reports upward and is told to pause or stop: logic knows only [`Monitor`].

mod flow;
mod meter;
mod panic;

pub use flow::Flow;
pub use meter::Meter;
pub use panic::panic_reason;

use crate::domain::Cut;
use crate::peers::{Alone, Peers};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// One measured training step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Optimiser steps since the start of the run.
    pub step: u64,
    /// Epoch, counted from 1.
    pub epoch: u32,
    /// Steps done in this epoch.
    pub step_in_epoch: u32,
    /// Steps this epoch will have.
    pub steps_per_epoch: u32,
    /// Mean loss of the batch.
    pub loss: f32,
    /// Share of the batch's clips whose most probable class is right, or among the right ones.
    pub accuracy: f32,
    /// Norm of the whole gradient before clipping.
    pub gradient_norm: f32,
    /// Learning rate used.
    pub learning_rate: f64,
    /// Clips trained on per second, smoothed.
    pub clips_per_second: f32,
    /// Share of the step spent waiting for data, 0…1.
    pub data_wait: f32,
    /// Estimated seconds until the run ends; `None` before there is a basis.
    pub eta_s: Option<f64>,
    /// Bytes the GPUs trained on hold for tensors; `None` on the CPU, whose memory is that of the process.
    #[serde(default)]
    pub device_memory_bytes: Option<u64>,
}

/// One finished epoch; the keys are those of `train --json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Counted from 1.
    pub epoch: u32,
    /// Mean training loss.
    pub train_loss: f32,
    /// Training accuracy, 0…1. In a multi-label task the share of clips whose most probable class is among theirs.
    pub train_accuracy: f32,
    /// Mean validation loss; `None` without a validation part.
    pub val_loss: Option<f32>,
    /// Validation accuracy, 0…1, of the same kind.
    pub val_accuracy: Option<f32>,
    /// Mean average precision of the validation, 0…1; only in a multi-label task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_map: Option<f32>,
    /// Average precision of each class in output order in the validation; `None` where no clip shows it. Only in a
    /// multi-label task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per_class_ap: Vec<Option<f32>>,
    /// Validation accuracy of each class in output order; `None` where a class has no clip. Empty in a multi-label task.
    pub per_class_accuracy: Vec<Option<f32>>,
    /// Support-weighted precision, recall and F1 of the training clips as the network said them while it learned; `None` in a
    /// multi-label task and in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_weighted: Option<WeightedScores>,
    /// The same of the validation; `None` without a validation part as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_weighted: Option<WeightedScores>,
    /// Learning rate used in this epoch.
    pub learning_rate: f64,
    /// Mean gradient norm before clipping.
    pub gradient_norm: f32,
    /// Wall time of the epoch.
    pub seconds: f64,
    /// Training clips per second of training time.
    pub clips_per_second: f32,
    /// Epochs since the best [score](EpochReport::score) (early stopping counts these).
    pub epochs_without_improvement: u32,
    /// Resident memory of the process in bytes at the end of the epoch.
    pub memory_bytes: u64,
    /// Processor threads kept busy, on average over the epoch.
    #[serde(default)]
    pub threads_busy: f32,
    /// Bytes the GPUs trained on hold for tensors at the end of the epoch; `None` on the CPU.
    #[serde(default)]
    pub device_memory_bytes: Option<u64>,
    /// The confusion matrix of the validation, its empty cells left out; empty without a validation part and in a multi-label
    /// task.
    #[serde(default)]
    pub confusion: Vec<ConfusionCell>,
    /// Training loss of whoever gives every clip the best same answer, without looking at it; `None` in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guessing_loss: Option<f32>,
}

impl EpochReport {
    /// How good the network is on the validation part, 0…1: mean average precision in a multi-label task, else accuracy.
    /// Early stopping, the best checkpoint and what is said of them go by it.
    pub fn score(&self) -> Option<f32> {
        self.val_map.or(self.val_accuracy)
    }

    /// What [`EpochReport::score`] is called.
    pub fn score_name(&self) -> &'static str {
        if self.val_map.is_some() { "mAP" } else { "accuracy" }
    }

    /// The score of each class in output order: average precision in a multi-label task, else accuracy.
    pub fn class_scores(&self) -> &[Option<f32>] {
        if self.per_class_ap.is_empty() { &self.per_class_accuracy } else { &self.per_class_ap }
    }

    /// Order of epochs by how good their networks are on the validation part, the better first: higher score, at equal
    /// score lower loss, then the earlier epoch. A value that is missing or not finite is worse than any other.
    ///
    /// This is the only rule for ties: it decides what lies in `best_accuracy/` and which epochs `training.keep_best`
    /// keeps.
    pub fn by_validation(&self, other: &Self) -> Ordering {
        let score = |e: &Self| e.finite_score().unwrap_or(f32::NEG_INFINITY);
        let loss = |e: &Self| e.finite_loss().unwrap_or(f32::INFINITY);
        score(other).total_cmp(&score(self)).then(loss(self).total_cmp(&loss(other))).then(self.epoch.cmp(&other.epoch))
    }

    fn finite_score(&self) -> Option<f32> {
        self.score().filter(|a| a.is_finite())
    }

    fn finite_loss(&self) -> Option<f32> {
        self.val_loss.filter(|l| l.is_finite())
    }
}

/// The best epoch of a history, the one in `best_accuracy/`; see [`EpochReport::by_validation`]. `None` when no epoch has a
/// finite score.
pub fn best_epoch(history: &[EpochReport]) -> Option<&EpochReport> {
    history.iter().filter(|e| e.finite_score().is_some()).min_by(|a, b| a.by_validation(b))
}

/// Epochs before it is said of a training that it has learned nothing.
const NOTHING_AFTER: usize = 4;

/// Where the training loss of no epoch so far is clearly (by 1 %) below that of always giving the same answer: the lowest of it, and
/// that of the same answer. `None` in the first three epochs and where it is not known.
pub fn learned_nothing(history: &[EpochReport]) -> Option<(f32, f32)> {
    let guessing = history.last()?.guessing_loss.filter(|_| history.len() >= NOTHING_AFTER)?;
    let lowest = history.iter().map(|e| e.train_loss).filter(|l| l.is_finite()).min_by(f32::total_cmp)?;
    (lowest > 0.99 * guessing).then_some((lowest, guessing))
}

/// The epoch with the lowest validation loss, the first of equals: the one in `best_loss/`. `None` when no epoch has a
/// finite validation loss.
pub fn lowest_loss_epoch(history: &[EpochReport]) -> Option<&EpochReport> {
    let losses = history.iter().filter_map(|e| Some((e.finite_loss()?, e)));
    losses.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, e)| e)
}

/// Precision, recall and F1 of the classes, weighted by how many clips show each; 0…1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WeightedScores {
    /// Precision.
    pub precision: f32,
    /// Recall, which with these weights is the accuracy.
    pub recall: f32,
    /// F1, the mean of each class's own.
    pub f1: f32,
}

impl WeightedScores {
    /// The three with their names in files.
    pub fn named(self) -> [(&'static str, f32); 3] {
        [("precision", self.precision), ("recall", self.recall), ("f1", self.f1)]
    }
}

/// A layer at one optimiser step of a training: its output for one clip of the batch, in inference mode after the step
/// before, and the gradient of its own parameters in this step, before clipping.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// The optimiser step, from 1.
    pub step: u64,
    /// The layer.
    pub layer: String,
    /// Mean of the output; `None` where a frozen backbone's kept features take the place of clips.
    pub mean: Option<f32>,
    /// Standard deviation of the output.
    pub std: Option<f32>,
    /// Share of outputs that are exactly 0.
    pub zero_share: Option<f32>,
    /// Channels that are 0 everywhere in the clip.
    pub silent: Option<u32>,
    /// Channels of the output.
    pub channels: Option<u32>,
    /// Norm of the gradient of all parameters of the layer; `None` where it has none that learn.
    pub gradient_norm: Option<f32>,
    /// Norm of these parameters before the step.
    pub weight_norm: Option<f32>,
}

/// A cell of a confusion matrix that is not empty: true class, predicted class, clips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionCell(pub u32, pub u32, pub u64);

/// A clip that was evaluated wrong in the last validation, for the strip of errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrongClip {
    /// Name of the video in the dataset.
    pub video: String,
    /// First frame.
    pub start: u32,
    /// The part of the video it was taken from.
    #[serde(default, skip_serializing_if = "Cut::is_window_of_video")]
    pub cut: Cut,
    /// The label's class (output position).
    pub truth: usize,
    /// All its classes, in a multi-label task; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truths: Vec<usize>,
    /// The class said.
    pub predicted: usize,
    /// Probability given to `predicted`.
    pub probability: f32,
}

/// What a job tells while it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Progress {
    /// A named stage with a count; `total` 0 means unknown.
    Stage {
        /// What is being done, for people ("indexing videos").
        label: String,
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
    },
    /// Share of the whole job that is done, 0…1. Jobs of several phases tell it beside the stages; see [`Phase`].
    Share(f32),
    /// A line for the log.
    Log(String),
    /// A line that now stands at the end of the run's `log.txt`.
    Logged(String),
    /// Something went wrong that the job survived; a sentence.
    Warning(String),
    /// Weights were taken from a file.
    Weights {
        /// What was taken and what was not, in words.
        lines: Vec<String>,
        /// The same as data.
        report: serde_json::Value,
    },
    /// A training step (frequent; only the newest matters).
    Step(StepReport),
    /// Statistics of layers at a step.
    Layers(Vec<LayerReport>),
    /// A finished epoch.
    Epoch(EpochReport),
    /// Wrong clips of the last validation, most confident first.
    WrongClips(Vec<WrongClip>),
    /// A checkpoint was written.
    Checkpoint {
        /// `last`, `best_loss`, `best_accuracy` or `epoch_0010`.
        name: String,
        /// The epoch it holds.
        epoch: u32,
    },
}

/// The owner of a job, seen from inside the job.
pub trait Monitor: Send + Sync {
    /// Reports upward; must return quickly and never block on a slow reader.
    fn emit(&self, progress: Progress);

    /// What to do next.
    fn poll(&self) -> Flow;

    /// The processes that do this job together; all of them come to the same calls in the same order.
    fn peers(&self) -> &dyn Peers {
        match self.inner() {
            Some(inner) => inner.peers(),
            None => &Alone,
        }
    }

    /// Told by the job that somebody else than its owner asked it to end.
    fn asked_elsewhere(&self) {
        if let Some(inner) = self.inner() {
            inner.asked_elsewhere();
        }
    }

    /// The monitor that this one stands before, which answers whatever this one does not.
    fn inner(&self) -> Option<&dyn Monitor> {
        None
    }

    /// True when the job should end now.
    fn stopped(&self) -> bool {
        self.poll() == Flow::Stop
    }

    /// Reports a stage with a count.
    fn stage(&self, label: &str, done: u64, total: u64) {
        self.emit(Progress::Stage { label: label.to_owned(), done, total });
    }

    /// Reports a warning.
    fn warn(&self, message: String) {
        self.emit(Progress::Warning(message));
    }
}

/// One phase of a job, as the monitor of what works in it: its stages move the share of the whole job from `from` to
/// `to`.
pub struct Phase<'a> {
    /// Told everything.
    pub inner: &'a dyn Monitor,
    /// Share of the job done when the phase begins, 0…1.
    pub from: f64,
    /// Share of the job done when it ends.
    pub to: f64,
}

impl Monitor for Phase<'_> {
    fn emit(&self, progress: Progress) {
        if let Progress::Stage { done, total, .. } = &progress
            && *total > 0
        {
            let share = (*done as f64 / *total as f64).clamp(0.0, 1.0);
            self.inner.emit(Progress::Share((self.from + (self.to - self.from) * share) as f32));
        }
        self.inner.emit(progress);
    }

    fn poll(&self) -> Flow {
        self.inner.poll()
    }

    fn inner(&self) -> Option<&dyn Monitor> {
        Some(self.inner)
    }
}

/// A monitor nobody listens to, for tests and one-shot calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn emit(&self, _progress: Progress) {}

    fn poll(&self) -> Flow {
        Flow::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn stage(label: &str, done: u64, total: u64) -> Progress {
        Progress::Stage { label: label.into(), done, total }
    }

    #[test]
    fn the_best_epoch_has_the_highest_accuracy_then_the_lowest_loss_then_is_the_first() {
        let history = |values: &[(Option<f32>, Option<f32>)]| -> Vec<EpochReport> {
            let numbered = values.iter().zip(1..);
            let report = |(v, epoch): (&(_, _), u32)| EpochReport {
                epoch,
                val_accuracy: v.0,
                val_loss: v.1,
                ..Default::default()
            };
            numbered.map(report).collect()
        };
        let (nan, inf) = (Some(f32::NAN), Some(f32::INFINITY));
        /// Accuracy and loss of each epoch, the best epoch, and that of the lowest loss.
        type Case<'a> = (&'a [(Option<f32>, Option<f32>)], Option<u32>, Option<u32>);
        let cases: &[Case<'_>] = &[
            (&[], None, None),
            (&[(None, None), (None, None)], None, None),
            (&[(Some(0.5), Some(1.0)), (Some(0.8), Some(0.9)), (Some(0.8), Some(0.7))], Some(3), Some(3)),
            (&[(Some(0.8), Some(0.7)), (Some(0.8), Some(0.9)), (Some(0.8), Some(0.7))], Some(1), Some(1)),
            (&[(Some(0.8), None), (Some(0.8), None)], Some(1), None),
            (&[(Some(0.9), Some(2.0)), (Some(0.8), Some(0.1))], Some(1), Some(2)),
            (&[(nan, Some(0.1)), (Some(0.0), Some(5.0))], Some(2), Some(1)),
            (&[(Some(0.8), nan), (Some(0.8), Some(3.0)), (Some(0.8), inf)], Some(2), Some(2)),
            (&[(nan, nan), (inf, inf)], None, None),
            (&[(Some(0.0), nan)], Some(1), None),
        ];
        for (values, best, lowest) in cases {
            let history = history(values);
            assert_eq!(best_epoch(&history).map(|e| e.epoch), *best, "{values:?}");
            assert_eq!(lowest_loss_epoch(&history).map(|e| e.epoch), *lowest, "{values:?}");
        }
    }

    #[test]
    fn a_part_moves_the_whole_by_its_share() {
        #[derive(Default)]
        struct Heard(Mutex<Vec<Progress>>);
        impl Monitor for Heard {
            fn emit(&self, progress: Progress) {
                self.0.lock().unwrap().push(progress);
            }
            fn poll(&self) -> Flow {
                Flow::Finish
            }
        }
        let heard = Heard::default();
        let part = Phase { inner: &heard, from: 0.5, to: 0.75 };
        part.stage("validating", 1, 2);
        part.stage("tuning", 0, 0);
        assert_eq!(part.poll(), Flow::Finish);
        let told = heard.0.into_inner().unwrap();
        assert_eq!(told, [Progress::Share(0.625), stage("validating", 1, 2), stage("tuning", 0, 0)]);
    }
}
