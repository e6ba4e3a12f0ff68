//! Sums over an epoch, speed, and the time left.

use crate::progress::EpochReport;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Weight of the newest step in the smoothed speed.
const SMOOTHING: f64 = 0.1;

/// What an epoch has summed up so far; saved when training stops within an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct EpochSums {
    /// Loss times clips.
    pub loss: f64,
    /// Clips that were right.
    pub correct: u64,
    /// Clips seen.
    pub clips: u64,
    /// Gradient norms.
    pub norm: f64,
    /// Optimiser steps.
    pub steps: u64,
    /// Seconds of training, without validation.
    pub seconds: f64,
}

impl EpochSums {
    /// Adds one optimiser step.
    pub fn add(&mut self, loss: f64, correct: u64, clips: u64, norm: f32) {
        self.loss += loss * clips as f64;
        self.correct += correct;
        self.clips += clips;
        self.norm += f64::from(norm);
        self.steps += 1;
    }

    /// The training part of an epoch's report.
    pub fn report(&self, epoch: u32, learning_rate: f64) -> EpochReport {
        let clips = self.clips.max(1) as f64;
        EpochReport {
            epoch,
            train_loss: (self.loss / clips) as f32,
            train_accuracy: (self.correct as f64 / clips) as f32,
            learning_rate,
            gradient_norm: (self.norm / self.steps.max(1) as f64) as f32,
            clips_per_second: (clips / self.seconds.max(1e-9)) as f32,
            ..EpochReport::default()
        }
    }
}

/// Measures steps of this process; nothing here influences the result.
#[derive(Debug)]
pub(super) struct Clock {
    step_s: Option<f64>,
    wait_share: f64,
    speed: f64,
    validation_s: f64,
    /// What the devices held, and when they were asked.
    memory: Option<(Instant, Option<u64>)>,
}

impl Clock {
    pub fn new() -> Self {
        Self { step_s: None, wait_share: 0.0, speed: 0.0, validation_s: 0.0, memory: None }
    }

    /// One step took `seconds`, of which `waited` for data.
    pub fn step(&mut self, seconds: f64, waited: f64, clips: u64) {
        let blend = |old: f64, new: f64| old + SMOOTHING * (new - old);
        let (share, speed) = (waited / seconds.max(1e-9), clips as f64 / seconds.max(1e-9));
        match &mut self.step_s {
            Some(step) => {
                *step = blend(*step, seconds);
                self.wait_share = blend(self.wait_share, share);
                self.speed = blend(self.speed, speed);
            }
            None => (self.step_s, self.wait_share, self.speed) = (Some(seconds), share, speed),
        }
    }

    /// A validation took this long.
    pub fn validated(&mut self, since: Instant) {
        self.validation_s = since.elapsed().as_secs_f64();
    }

    /// What the devices hold, asked about once a second.
    pub fn memory(&mut self, ask: impl FnOnce() -> Option<u64>) -> Option<u64> {
        match self.memory {
            Some((at, known)) if at.elapsed().as_secs_f64() < 1.0 => known,
            _ => self.memory.insert((Instant::now(), ask())).1,
        }
    }

    /// Clips a second, smoothed.
    pub fn clips_per_second(&self) -> f32 {
        self.speed as f32
    }

    /// Share of the time spent waiting for data, smoothed.
    pub fn data_wait(&self) -> f32 {
        self.wait_share as f32
    }

    /// Seconds left for so many steps and validations.
    pub fn eta(&self, steps: u64, validations: u32) -> Option<f64> {
        Some(self.step_s? * steps as f64 + self.validation_s * f64::from(validations))
    }
}
