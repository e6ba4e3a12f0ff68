//! Running means over an epoch, throughput, and the time left.

use crate::progress::{ConfusionCell, EpochReport};
use crate::run_folder::Confusion;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Weight of the newest step in the smoothed speed.
const SMOOTHING: f64 = 0.1;

/// What an epoch has summed up so far; saved when training stops within an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// What was said of the clips, by true class and the one said; empty in a multi-label task.
    #[serde(default)]
    pub said: Vec<ConfusionCell>,
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

    /// Counts what was said of clips, as pairs of the true class and the one said.
    pub fn count(&mut self, said: Vec<(usize, usize)>) {
        for (truth, predicted) in said {
            self.add_cells(&[ConfusionCell(truth as u32, predicted as u32, 1)]);
        }
    }

    /// Adds what another count has said.
    pub fn add_cells(&mut self, cells: &[ConfusionCell]) {
        for cell in cells {
            match self.said.binary_search_by_key(&(cell.0, cell.1), |own| (own.0, own.1)) {
                Ok(at) => self.said.get_mut(at).into_iter().for_each(|own| own.2 += cell.2),
                Err(at) => self.said.insert(at, *cell),
            }
        }
    }

    /// The training part of an epoch's report.
    pub fn report(&self, epoch: u32, learning_rate: f64, classes: usize) -> EpochReport {
        let clips = self.clips.max(1) as f64;
        let said = Confusion::of_cells(classes, &self.said);
        // An epoch that an earlier version began knows only a part of its clips.
        let whole = self.clips > 0 && said.total() == self.clips;
        EpochReport {
            epoch,
            train_loss: (self.loss / clips) as f32,
            train_accuracy: (self.correct as f64 / clips) as f32,
            train_weighted: whole.then(|| said.weighted_scores()),
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
    /// Seconds of the last validation.
    validation_s: Option<f64>,
    /// What the devices held, and when they were asked.
    memory: Option<(Instant, Option<u64>)>,
}

impl Clock {
    pub fn new() -> Self {
        Self { step_s: None, wait_share: 0.0, speed: 0.0, validation_s: None, memory: None }
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
        self.validation_s = Some(since.elapsed().as_secs_f64());
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

    /// Seconds left for so many steps and validations; a validation is worth `usual` steps until one was measured.
    pub fn eta(&self, steps: u64, validations: u32, usual: f64) -> Option<f64> {
        let step = self.step_s?;
        let validation = self.validation_s.unwrap_or(step * usual);
        Some(step * steps as f64 + validation * f64::from(validations))
    }
}

/// Work of learning from a clip, where seeing it (a forward pass) is 1.
const LEARNING: f64 = 3.0;
/// The same where a frozen backbone's features are kept: only the head computes.
const HEAD: f64 = 0.1;

/// What a training has to do, in clips seen, so that every phase has its share of the whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    /// Decoding ahead of the first step. How long it takes is not known: about as long as an epoch.
    decode: f64,
    /// The frozen backbone's features.
    features: f64,
    /// One epoch's training.
    train: f64,
    /// One epoch's validation.
    validate: f64,
    epochs: f64,
}

impl Work {
    /// Of a run of `epochs` epochs that draws `draws` of the `clips` to train on in each, and validates `val`. `kept` says
    /// of which of the two a frozen backbone's features are computed once for all.
    pub fn new(epochs: u32, draws: usize, [clips, val]: [usize; 2], kept: [bool; 2]) -> Self {
        let once = |kept: bool, clips: usize| if kept { clips as f64 } else { 0.0 };
        let each = |kept: bool, work: f64| if kept { HEAD * work } else { work };
        let learning = draws.max(1) as f64 * LEARNING;
        Self {
            decode: learning,
            features: once(kept[0], clips) + once(kept[1], val),
            train: each(kept[0], learning),
            validate: each(kept[1], val as f64),
            epochs: f64::from(epochs.max(1)),
        }
    }

    /// How many training steps a validation is worth, when an epoch has so many.
    pub fn validation_in_steps(&self, steps_per_epoch: u32) -> f64 {
        self.validate / self.train * f64::from(steps_per_epoch)
    }

    fn share(&self, decoded: f64, gathered: f64, epochs: f64) -> f64 {
        let epoch = self.train + self.validate;
        let done = self.decode * decoded + self.features * gathered + epoch * epochs;
        (done / (self.decode + self.features + epoch * self.epochs)).clamp(0.0, 1.0)
    }

    /// Shares of the whole before and after decoding, when training goes on with this epoch (counted from 0).
    pub fn decoding(&self, epoch: u32) -> (f64, f64) {
        (self.share(0.0, 0.0, f64::from(epoch)), self.share(1.0, 0.0, f64::from(epoch)))
    }

    /// Those before and after computing the share from `from` to `to` of the features.
    pub fn gathering(&self, epoch: u32, from: f64, to: f64) -> (f64, f64) {
        (self.share(1.0, from, f64::from(epoch)), self.share(1.0, to, f64::from(epoch)))
    }

    /// The share of the whole when `trained` (0…1) of an epoch's steps are done.
    pub fn training(&self, epoch: u32, trained: f64) -> f64 {
        self.share(1.0, 1.0, f64::from(epoch) + trained * self.train / (self.train + self.validate))
    }

    /// Those before and after the validation of an epoch.
    pub fn validation(&self, epoch: u32) -> (f64, f64) {
        (self.training(epoch, 1.0), self.share(1.0, 1.0, f64::from(epoch + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_each_other_from_nothing_to_all() {
        let none = [false, false];
        let works = [
            Work::new(3, 100, [100, 40], none),
            Work::new(3, 100, [100, 40], [true; 2]),
            Work::new(1, 10, [10, 0], none),
        ];
        for work in works {
            let (from, decoded) = work.decoding(0);
            let mut ends = vec![from, decoded];
            ends.extend([work.gathering(0, 0.0, 0.5).1, work.gathering(0, 0.5, 1.0).1]);
            for epoch in 0..work.epochs as u32 {
                ends.extend([0.0, 0.5, 1.0].map(|trained| work.training(epoch, trained)));
                let (before, after) = work.validation(epoch);
                ends.extend([before, after]);
            }
            assert!(ends.windows(2).all(|w| w[1] >= w[0] - 1e-12), "{ends:?}");
            assert_eq!((ends.first().copied(), ends.last().copied()), (Some(0.0), Some(1.0)), "{work:?}");
        }
        // Three epochs of 300 + 40, and decoding that counts like 300.
        let work = Work::new(3, 100, [100, 40], none);
        assert!((work.training(1, 1.0) - (300.0 + 340.0 + 300.0) / 1320.0).abs() < 1e-12);
        // A run that goes on with its third epoch begins where it was.
        assert!((work.decoding(2).0 - 680.0 / 1320.0).abs() < 1e-12);
    }

    #[test]
    fn the_first_validation_is_part_of_the_time_left_before_it_was_measured() {
        let mut clock = Clock::new();
        clock.step(2.0, 0.0, 8);
        assert_eq!(clock.eta(10, 2, 3.0), Some(2.0 * 10.0 + 2.0 * 6.0));
    }
}
