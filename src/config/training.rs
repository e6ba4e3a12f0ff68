//! What is minimised, how, and for how long.

use super::Precision;
use crate::peers::Width;
use serde::{Deserialize, Serialize};

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum LossKind {
    /// Softmax cross-entropy; in a multi-label task binary cross-entropy of each class.
    CrossEntropy,
    /// Focal loss (Lin et al. 2017), `p_t` from the plain softmax; in a multi-label task from the sigmoid of each class.
    Focal {
        /// Exponent of `1 - p_t`.
        gamma: f32,
    },
}

/// What is minimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// The function.
    pub kind: LossKind,
    /// Weigh classes by inverse frequency of their training clips; in a multi-label task where they are shown.
    pub class_weights: bool,
    /// Label smoothing of cross-entropy, 0…1.
    pub label_smoothing: f32,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self { kind: LossKind::Focal { gamma: 2.0 }, class_weights: false, label_smoothing: 0.0 }
    }
}

/// The rule by which weights move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    AdamW,
    /// Adam with L2 regularisation (Kingma & Ba 2015).
    Adam,
    /// Stochastic gradient descent.
    Sgd {
        /// Momentum, 0…1.
        momentum: f32,
        /// Nesterov's variant.
        nesterov: bool,
    },
}

/// How weights move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The rule.
    pub kind: OptimizerKind,
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Decay rates of Adam's two averages.
    pub betas: (f32, f32),
    /// Adam's epsilon.
    pub epsilon: f32,
    /// Largest norm of the whole gradient; larger ones are scaled down. `None` never clips.
    pub clip_norm: Option<f32>,
    /// Batches whose gradients are added before one step.
    pub accumulate: usize,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::AdamW,
            learning_rate: 1e-4,
            weight_decay: 1e-5,
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            clip_norm: Some(1.0),
            accumulate: 1,
        }
    }
}

/// The learning rate after warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Schedule {
    /// Never changes.
    Constant,
    /// Falls when the validation loss stops falling (PyTorch's `ReduceLROnPlateau`).
    ReduceOnPlateau {
        /// Factor of each fall.
        factor: f64,
        /// Epochs without improvement before it.
        patience: u32,
        /// Relative improvement that counts.
        threshold: f64,
        /// Never below this.
        min_lr: f64,
    },
    /// Falls by a factor every so many epochs.
    Step {
        /// Epochs between falls.
        every: u32,
        /// Factor of each fall.
        gamma: f64,
    },
    /// Falls by a factor at given epochs.
    MultiStep {
        /// Epochs (counted from 0, as PyTorch does) from which the rate is lower.
        milestones: Vec<u32>,
        /// Factor of each fall.
        gamma: f64,
    },
    /// Half a cosine wave down to `min_lr` at the last epoch.
    Cosine {
        /// Rate at the end.
        min_lr: f64,
    },
    /// The one-cycle rule per step (Smith & Topin 2018).
    OneCycle {
        /// Share of the steps spent rising, 0…1.
        warmup: f64,
    },
}

impl Schedule {
    /// True when the rate is near zero at the end, whatever happens on the way: then the last epoch is the one the
    /// schedule was made for, and an epoch that did better on few validation clips before did so at a high rate.
    pub fn anneals(&self) -> bool {
        matches!(self, Self::Cosine { .. } | Self::OneCycle { .. })
    }
}

/// How the learning rate moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Epochs of linear warm-up before the schedule.
    pub warmup_epochs: u32,
    /// The schedule.
    pub schedule: Schedule,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            warmup_epochs: 0,
            schedule: Schedule::ReduceOnPlateau { factor: 0.5, patience: 5, threshold: 1e-4, min_lr: 1e-7 },
        }
    }
}

/// Stop when validation accuracy no longer rises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without improvement before stopping.
    pub patience: u32,
    /// Improvement that counts.
    pub min_delta: f32,
}

/// Epochs, batches, stopping, checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// Most epochs.
    pub epochs: u32,
    /// Clips in a batch.
    pub batch_size: usize,
    /// Early stopping; `None` always trains all epochs.
    pub early_stopping: Option<EarlyStopping>,
    /// A checkpoint is kept every so many epochs.
    pub checkpoint_every: u32,
    /// Minutes after which the last checkpoint is written anew within an epoch, so that little is lost when the process
    /// is killed in a long one; 0 writes it at the ends of epochs only.
    pub checkpoint_minutes: f64,
    /// How many checkpoints by validation accuracy are kept besides.
    pub keep_best: usize,
    /// Loading threads; 0 loads in the training thread.
    pub workers: usize,
    /// Memory for decoded frames at training size, in MiB.
    pub cache_mib: usize,
    /// Disk space for them, in MiB, in the cache folder (`KINOLENS_CACHE` overrides where): what memory cannot hold is
    /// still decoded only once, and later runs on the same videos decode nothing. 0 keeps nothing on disk.
    pub disk_cache_mib: usize,
    /// Compute what a frozen backbone makes of a clip once and not in every epoch, where clips stay the same: those of
    /// validation, and those of training without augmentation.
    pub cache_features: bool,
    /// Numbers the layers compute with while they learn.
    pub precision: Precision,
    /// GPUs of this machine that share every batch; 0 takes all that are like the chosen one.
    pub devices: usize,
    /// Numbers with which processes on several machines send their gradients.
    pub exchange: Width,
    /// Keep only a few layers' outputs for the way back and compute the others a second time: somewhat less memory for
    /// somewhat more work. The numbers are the same.
    pub recompute: bool,
    /// Every so many optimiser steps the outputs and gradients of layers are summed up; 0 never does.
    pub statistics_every: u32,
    /// The layers of these statistics; none are the outermost ones and the classifier's last. A list, or names with commas
    /// between them.
    #[serde(deserialize_with = "names")]
    pub statistics_layers: Vec<String>,
}

/// A list of names, or one text with commas between them.
fn names<'d, D: serde::Deserializer<'d>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Names::deserialize(from)? {
        Names::List(names) => names,
        Names::Text(text) => text.split(',').map(str::trim).filter(|n| !n.is_empty()).map(str::to_owned).collect(),
    })
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 100,
            batch_size: 8,
            early_stopping: Some(EarlyStopping { patience: 10, min_delta: 0.001 }),
            checkpoint_every: 10,
            checkpoint_minutes: 10.0,
            keep_best: 3,
            workers: 2,
            cache_mib: 2048,
            disk_cache_mib: 8192,
            cache_features: true,
            precision: Precision::F32,
            devices: 1,
            exchange: Width::Full,
            recompute: false,
            statistics_every: 0,
            statistics_layers: Vec::new(),
        }
    }
}

impl LossConfig {
    /// What is wrong with the values.
    pub(super) fn fault(&self) -> Option<String> {
        let sound = (0.0..1.0).contains(&self.label_smoothing);
        (!sound).then(|| "loss.label_smoothing must be at least 0 and below 1".into())
    }
}

impl OptimizerConfig {
    /// What is wrong with the values.
    pub(super) fn fault(&self) -> Option<String> {
        let fault = if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            "optimizer.learning_rate must be above 0"
        } else if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) || self.accumulate == 0 {
            "optimizer.weight_decay must be 0 or more and optimizer.accumulate at least 1"
        } else if self.clip_norm.is_some_and(|n| !(n.is_finite() && n > 0.0)) {
            "optimizer.clip_norm must be above 0, or None for no clipping"
        } else {
            return None;
        };
        Some(fault.into())
    }
}

impl TrainingConfig {
    /// What is wrong with the values.
    pub(super) fn fault(&self) -> Option<String> {
        let fault = if self.epochs == 0 || self.batch_size == 0 {
            "training.epochs and training.batch_size must be at least 1"
        } else if self.checkpoint_every == 0 {
            "training.checkpoint_every must be at least 1"
        } else if !(self.checkpoint_minutes.is_finite() && self.checkpoint_minutes >= 0.0) {
            "training.checkpoint_minutes must be 0 (only at the ends of epochs) or more"
        } else {
            return None;
        };
        Some(fault.into())
    }
}
