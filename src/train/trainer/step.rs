//! The steps of an epoch.

use super::{TUNING, Trainer};
use crate::config::Precision;
use crate::data::{Batch, DataError, LoaderOptions, Sampler};
use crate::eval::clip_shape;
use crate::model::GradientSet;
use crate::progress::{Flow, Monitor, Progress, StepReport};
use crate::train::TrainError;
use crate::train::data_parallel::{BatchResult, BatchTask};
use crate::train::logs::step_events;
use crate::train::supply::Supply;
use crate::train::team::StepSums;
use std::time::Instant;

/// What is told of a step.
struct Told {
    loss: f32,
    right: u64,
    clips: u64,
    norm: f32,
    rate: f64,
}

impl Trainer<'_> {
    /// Trains the batches that are left of an epoch.
    pub(super) fn train_batches(&mut self, epoch: u32) -> Result<Flow, TrainError> {
        let options = LoaderOptions {
            batch_size: self.config.training.batch_size,
            workers: self.config.training.workers,
            sampler: Sampler::training(&self.config.sampling),
            targets: self.plan.targets.clone(),
            augment: Some(self.config.augment.clone()),
            seed: self.config.seed,
            epoch: u64::from(epoch),
            skip_batches: self.state.batch_in_epoch as usize,
            share: self.team.share(),
        };
        let mut supply = Supply::new(&self.source, &self.plan.train, &options, self.features.train.is_some());
        let batches = supply.batches();
        let group = self.config.optimizer.accumulate;
        while (self.state.batch_in_epoch as usize) < batches {
            let told = self.told.take();
            match self.team.hold(told, self.monitor)? {
                Flow::Stop => return Ok(Flow::Stop),
                Flow::Continue | Flow::Pause | Flow::Finish => {}
            }
            let begun = Instant::now();
            let mut waited = 0.0;
            let mut micro = Vec::with_capacity(group);
            for _ in 0..group {
                let asked = Instant::now();
                let Some(batch) = supply.next() else { break };
                waited += asked.elapsed().as_secs_f64();
                micro.push(batch);
            }
            if micro.is_empty() {
                break;
            }
            let micro: Result<Vec<Batch>, DataError> = micro.into_iter().collect();
            self.step(epoch, batches, micro.map_err(TrainError::from), (begun, waited))?;
            self.save_in_time()?;
        }
        self.team.flow(self.monitor.poll())
    }

    /// One optimiser step over one or more batches, whose clips may be shared with other processes.
    fn step(
        &mut self,
        epoch: u32,
        batches: usize,
        micro: Result<Vec<Batch>, TrainError>,
        (begun, waited): (Instant, f64),
    ) -> Result<(), TrainError> {
        let group = self.config.optimizer.accumulate;
        let rate = self.scheduler.rate(epoch, self.state.batch_in_epoch / group as u32);
        let found = micro.as_deref().map_or(&[][..], |micro| micro);
        let (count, clips) = (found.len() as u32, found.iter().map(|b| b.whole.len() as u64).sum::<u64>());
        let tuning = self.announce_tuning(found);
        let step = self.state.step + 1;
        let watched = match &self.watch {
            Some(watch) => watch.before(step, &self.network, found.iter().find(|b| b.size > 0))?,
            None => None,
        };
        let own = match self.trouble.take() {
            Some(error) => Err(error),
            None => micro.and_then(|micro| self.learn_all(epoch, micro, clips)),
        };
        let StepSums { loss, right, flow, save, gradients } = self.team.step(own)?;
        (self.told, self.due) = (Some(flow), save);
        self.require_finite("loss", loss as f32, rate)?;
        self.state.batch_in_epoch += count;
        let Some(gradients) = gradients else { return Ok(()) };
        if let (Some(watch), Some(gathered), Some(events)) = (&self.watch, watched, &mut self.events) {
            let layers = watch.after(&gathered, step, &mut self.network, &gradients, events)?;
            self.monitor.emit(Progress::Layers(layers));
        }
        let norm = self.move_weights(gradients, rate)?;
        self.state.step += 1;
        if let Some((shapes, since)) = tuning {
            self.network.device().tuned(&shapes);
            self.monitor.note(&format!("kernels tuned, the first step took {:.1} s", since.elapsed().as_secs_f64()));
        }
        let seconds = begun.elapsed().as_secs_f64();
        self.memory.sums.add(loss, right, clips, norm);
        self.memory.sums.seconds += seconds;
        self.clock.step(seconds, waited, clips);
        let told = Told { loss: loss as f32, right, clips, norm, rate };
        let told = self.report_step(epoch, batches.div_ceil(group) as u32, told);
        self.later(told)
    }

    /// What this process's clips of some batches come to; `clips` are those of all processes.
    fn learn_all(&mut self, epoch: u32, micro: Vec<Batch>, clips: u64) -> Result<StepSums, TrainError> {
        let (mut loss, mut right) = (0.0_f64, 0_u64);
        let mut gradients: Option<GradientSet> = None;
        for batch in micro {
            if batch.size == 0 {
                continue;
            }
            let weight = |labels: &[usize]| self.loss.weight_of(labels, !batch.sets.is_empty());
            let share = batch.whole.len() as f64 / clips as f64 * (weight(&batch.labels) / weight(&batch.whole));
            let lesson = self.learn(epoch, batch)?;
            loss += lesson.loss * share;
            right += lesson.right;
            self.team.count(lesson.said, &mut self.memory.sums);
            let Some(mut found) = lesson.gradients else {
                // No number: the step does not happen, whatever the other batches say.
                (loss, gradients) = (lesson.loss, None);
                break;
            };
            if share != 1.0 {
                found.scale(share as f32);
            }
            gradients = Some(match gradients.take() {
                None => found,
                Some(mut sum) => {
                    sum.add(found);
                    sum
                }
            });
        }
        Ok(StepSums { loss, right, flow: self.monitor.poll(), save: self.is_due(), gradients })
    }

    fn report_step(&mut self, epoch: u32, steps_per_epoch: u32, told: Told) -> Result<(), TrainError> {
        let Told { loss, right, clips, norm, rate } = told;
        let group = self.config.optimizer.accumulate as u32;
        let done = self.state.batch_in_epoch.div_ceil(group);
        let epochs_left = self.config.training.epochs.saturating_sub(epoch + 1);
        let steps_left = u64::from(epochs_left) * u64::from(steps_per_epoch)
            + u64::from(steps_per_epoch - done.min(steps_per_epoch));
        let report = StepReport {
            step: self.state.step,
            epoch: epoch + 1,
            step_in_epoch: done,
            steps_per_epoch,
            loss,
            accuracy: right as f32 / clips as f32,
            gradient_norm: norm,
            learning_rate: rate,
            clips_per_second: self.clock.clips_per_second(),
            data_wait: self.clock.data_wait(),
            eta_s: self.clock.eta(steps_left, epochs_left + 1, self.work.validation_in_steps(steps_per_epoch)),
            device_memory_bytes: self.clock.memory(|| self.copies.memory(&self.network)),
        };
        let written = self.events.as_mut().map_or(Ok(()), |events| step_events(events, &report));
        let trained = f64::from(done.min(steps_per_epoch)) / f64::from(steps_per_epoch.max(1));
        self.monitor.emit(Progress::Share(self.work.training(epoch, trained) as f32));
        self.monitor.emit(Progress::Step(report));
        written
    }

    /// Loss, right clips and gradients of one batch.
    fn learn(&mut self, epoch: u32, batch: Batch) -> Result<BatchResult, TrainError> {
        let task = BatchTask {
            loss: &self.loss,
            features: self.features.train.as_ref(),
            clip: clip_shape(&self.source),
            seed: dropout_seed(self.config.seed, epoch, batch.index as u64) ^ self.team.salt(),
            scale: self.memory.scale.map_or(1.0, |s| s.factor()),
        };
        self.copies.learn(&mut self.network, batch, task)
    }

    /// Moves the weights on all devices; gives the norm of the gradient, 0 when it did not fit into 16 bits and nothing
    /// moved.
    fn move_weights(&mut self, mut gradients: GradientSet, rate: f64) -> Result<f32, TrainError> {
        let norm = match self.config.optimizer.clip_norm {
            Some(most) => gradients.clip(most)?,
            None => gradients.global_norm()?,
        };
        if let Some(scale) = &mut self.memory.scale {
            if norm.is_finite() {
                scale.fitted();
            } else if scale.overflowed() {
                let factor = scale.factor();
                let step = self.state.step + 1;
                self.monitor.note(&format!(
                    "step {step} moved nothing: a gradient did not fit into 16 bits; the loss is now scaled by {factor}"
                ));
                return Ok(0.0);
            }
        }
        self.require_finite("gradient norm", norm, rate)?;
        let device = self.network.device().clone();
        device.compute(|| self.optimizer.step(&mut self.network, gradients, rate));
        self.copies.follow(&self.network);
        Ok(norm)
    }

    /// Says what the first step of this process waits for, when it is going to; the shapes that are tuned.
    fn announce_tuning(&mut self, batches: &[Batch]) -> Option<(String, Instant)> {
        if std::mem::replace(&mut self.stepped, true) {
            return None;
        }
        let size = batches.first().map_or(0, |b| b.size);
        let [t, h, w] = clip_shape(&self.source);
        let (model, precision) = (&self.config.model, self.config.training.precision.name());
        let shapes = format!("{} {:?} {size} x {t}x{h}x{w} {precision}", model.id, model.options);
        if !self.network.device().will_tune(&shapes) {
            return None;
        }
        self.monitor.emit(Progress::Log(TUNING.to_owned()));
        self.monitor.stage(TUNING, 0, 0);
        Some((shapes, Instant::now()))
    }

    /// Ends a training whose numbers are none; all processes have the same ones.
    fn require_finite(&self, what: &'static str, value: f32, learning_rate: f64) -> Result<(), TrainError> {
        if value.is_finite() {
            return Ok(());
        }
        let kept = match self.run.checkpoints().first() {
            Some(name) => format!("checkpoint '{name}' from before is kept"),
            None => "no checkpoint was written yet".to_owned(),
        };
        let kept = match self.config.training.precision {
            Precision::F32 => kept,
            other => format!("{kept}. {} may be too small for these numbers: try training.precision=f32", other.name()),
        };
        let (epoch, step) = (self.state.epoch + 1, self.state.step + 1);
        self.team.agree(Err(TrainError::Diverged { epoch, step, what, value, learning_rate, kept }))
    }

    /// An error of this process alone: at once where there is no other, else with the next step, so that all end together.
    fn later(&mut self, written: Result<(), TrainError>) -> Result<(), TrainError> {
        if self.team.peers.is_alone() {
            return written;
        }
        if let Err(error) = written {
            self.trouble.get_or_insert(error);
        }
        Ok(())
    }
}

/// A seed for the dropout of one batch, spread over all bits (the finaliser of splitmix64).
fn dropout_seed(seed: u64, epoch: u32, batch: u64) -> u64 {
    let mut z = seed ^ (u64::from(epoch) << 32 | batch).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
