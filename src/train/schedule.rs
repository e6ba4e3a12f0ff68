//! Learning-rate schedules.

use crate::config::{RunConfig, Schedule, ScheduleConfig};
use crate::data::Sampler;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// A fall smaller than this is none (PyTorch's `eps`).
const SMALLEST_FALL: f64 = 1e-8;
/// The one-cycle rule starts at the peak over this, and ends at the start over [`ONE_CYCLE_END`].
const ONE_CYCLE_START: f64 = 25.0;
const ONE_CYCLE_END: f64 = 1e4;

/// Optimiser steps of an epoch in which a run with this configuration draws from `clips` clips.
pub fn steps_per_epoch(config: &RunConfig, clips: usize) -> u32 {
    let draws = Sampler::training(&config.sampling).draws(clips);
    draws.div_ceil(config.training.batch_size.max(1)).div_ceil(config.optimizer.accumulate.max(1)) as u32
}

/// What a schedule remembers from one epoch to the next; saved with every checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// Rate that [`Schedule::ReduceOnPlateau`] has come down to; `None` before its first fall.
    rate: Option<f64>,
    /// Lowest loss seen.
    best: Option<f64>,
    /// Epochs since.
    bad_epochs: u32,
}

/// A learning rate over a run.
#[derive(Clone, Debug)]
pub struct Scheduler {
    config: ScheduleConfig,
    base: f64,
    epochs: u32,
    steps_per_epoch: u32,
    state: ScheduleState,
}

impl Scheduler {
    /// A schedule for a run of `epochs` epochs with so many optimiser steps each.
    pub fn new(config: &ScheduleConfig, base: f64, epochs: u32, steps_per_epoch: u32) -> Self {
        let (epochs, steps_per_epoch) = (epochs.max(1), steps_per_epoch.max(1));
        Self { config: config.clone(), base, epochs, steps_per_epoch, state: ScheduleState::default() }
    }

    /// What to save.
    pub fn state(&self) -> &ScheduleState {
        &self.state
    }

    /// Goes on from what was saved.
    pub fn restore(&mut self, state: ScheduleState) {
        self.state = state;
    }

    /// The rate of a step; epochs and steps are counted from 0.
    pub fn rate(&self, epoch: u32, step: u32) -> f64 {
        let warmup = self.config.warmup_epochs;
        if epoch < warmup {
            let (done, all) = (epoch * self.steps_per_epoch + step + 1, warmup * self.steps_per_epoch);
            return self.base * f64::from(done) / f64::from(all);
        }
        let epoch = epoch - warmup;
        let epochs = self.epochs.saturating_sub(warmup).max(1);
        match &self.config.schedule {
            Schedule::Constant => self.base,
            Schedule::ReduceOnPlateau { .. } => self.state.rate.unwrap_or(self.base),
            Schedule::Step { every, gamma } => self.base * gamma.powi((epoch / (*every).max(1)) as i32),
            Schedule::MultiStep { milestones, gamma } => {
                self.base * gamma.powi(milestones.iter().filter(|m| epoch >= **m).count() as i32)
            }
            Schedule::Cosine { min_lr } => {
                let share = f64::from(epoch.min(epochs)) / f64::from(epochs);
                min_lr + (self.base - min_lr) * (1.0 + (PI * share).cos()) / 2.0
            }
            Schedule::OneCycle { warmup } => {
                let last = f64::from((epochs * self.steps_per_epoch).saturating_sub(1).max(1));
                let at = f64::from(epoch * self.steps_per_epoch + step).min(last);
                let peak = (warmup.clamp(0.0, 1.0) * (last + 1.0) - 1.0).max(0.0);
                let start = self.base / ONE_CYCLE_START;
                let cosine = |from: f64, to: f64, share: f64| to + (from - to) * (1.0 + (PI * share).cos()) / 2.0;
                if at <= peak && peak > 0.0 {
                    cosine(start, self.base, at / peak)
                } else {
                    cosine(self.base, start / ONE_CYCLE_END, (at - peak) / (last - peak).max(1.0))
                }
            }
        }
    }

    /// Tells the loss of a finished epoch: validation loss, or training loss where nothing is validated.
    pub fn epoch_finished(&mut self, loss: f64) {
        let Schedule::ReduceOnPlateau { factor, patience, threshold, min_lr } = self.config.schedule else { return };
        let state = &mut self.state;
        if state.best.is_none_or(|best| loss < best * (1.0 - threshold)) {
            (state.best, state.bad_epochs) = (Some(loss), 0);
        } else {
            state.bad_epochs += 1;
        }
        if state.bad_epochs > patience {
            let old = state.rate.unwrap_or(self.base);
            let new = (old * factor).max(min_lr);
            if old - new > SMALLEST_FALL {
                state.rate = Some(new);
            }
            state.bad_epochs = 0;
        }
    }
}
