//! How long work reports upward and is told to pause or stop: logic knows only [`Monitor`].

use serde::{Deserialize, Serialize};

/// What a job should do next, as its owner sees it. Polled between steps, so it never queues behind work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    #[default]
    Continue,
    /// Wait without losing state until the flow changes.
    Pause,
    /// Finish the current epoch or sample, then end with a checkpoint.
    Finish,
    /// End as soon as possible, with a checkpoint.
    Stop,
}

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
    /// Share of the batch's clips that were right.
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
    /// Training accuracy, 0…1.
    pub train_accuracy: f32,
    /// Mean validation loss; `None` without a validation part.
    pub val_loss: Option<f32>,
    /// Validation accuracy, 0…1.
    pub val_accuracy: Option<f32>,
    /// Validation accuracy of each class in output order; `None` where a class has no clip.
    pub per_class_accuracy: Vec<Option<f32>>,
    /// Learning rate used in this epoch.
    pub learning_rate: f64,
    /// Mean gradient norm before clipping.
    pub gradient_norm: f32,
    /// Wall time of the epoch.
    pub seconds: f64,
    /// Training clips per second of training time.
    pub clips_per_second: f32,
    /// Epochs since the best validation accuracy (early stopping counts these).
    pub epochs_without_improvement: u32,
    /// Resident memory of the process in bytes at the end of the epoch.
    pub memory_bytes: u64,
    /// Processor threads kept busy, on average over the epoch.
    #[serde(default)]
    pub threads_busy: f32,
    /// Bytes the GPUs trained on hold for tensors at the end of the epoch; `None` on the CPU.
    #[serde(default)]
    pub device_memory_bytes: Option<u64>,
    /// The confusion matrix of the validation, its empty cells left out; empty without a validation part.
    #[serde(default)]
    pub confusion: Vec<ConfusionCell>,
}

/// A cell of a confusion matrix that is not empty: true class, predicted class, clips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionCell(pub u32, pub u32, pub u64);

/// A clip that was judged wrong in the last validation, for the strip of errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrongClip {
    /// Name of the video in the dataset.
    pub video: String,
    /// First frame.
    pub start: u32,
    /// The label's class (output position).
    pub truth: usize,
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
    /// A line for the log.
    Log(String),
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

/// A monitor nobody listens to, for tests and one-shot calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn emit(&self, _progress: Progress) {}

    fn poll(&self) -> Flow {
        Flow::Continue
    }
}
