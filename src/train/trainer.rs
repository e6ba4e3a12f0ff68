//! The training loop.

use super::TrainError;
use super::baseline;
use super::best::{Checkpoints, checkpoints, plateau};
use super::data_parallel::{BatchResult, BatchTask, Copies};
use super::debug::DebugClips;
use super::features::{FeaturePhase, FrozenFeatures, changes_every_epoch};
use super::layer_watch::LayerWatch;
use super::logs::{Logged, best_line, epoch_events, not_learning, step_events, write_tables};
use super::loss::Loss;
use super::loss_scale::LossScale;
use super::optim::Optimizer;
use super::outcome::{TrainOptions, TrainOutcome};
use super::prepare::{self, Prepared};
use super::progress::{Clock, EpochSums, Work};
use super::resume::{self, Stored, TrainerState};
use super::schedule::{Scheduler, steps_per_epoch};
use super::supply::Supply;
use super::tensorboard::EventWriter;
use super::validation::Validation;
use crate::classical::Learner;
use crate::config::{Precision, RunConfig};
use crate::data::{Batch, ClipPlan, ClipSource, DataError, LoaderOptions, Sampler};
use crate::domain::{Dataset, Split};
use crate::eval::{clip_shape, hold};
use crate::model::{ComputeDevice, GradientSet, Network, read_safetensors, write_safetensors};
use crate::process_usage::Usage;
use crate::progress::{EpochReport, Flow, Monitor, Phase, Progress, StepReport, best_epoch};
use crate::run_folder::files::ron_text;
use crate::run_folder::writer::{RunLock, lock, make_room, recover, remove_checkpoint, write_checkpoint};
use crate::run_folder::{CheckpointState, LOG_FILE, MODEL_FILE, OPTIMIZER_FILE, RunDir, STATE_FILE, TrainEnd, titles};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// What the first step on a GPU waits for.
const TUNING: &str = "tuning kernels, first step only";

/// Trains a network, writing the run folder `out`. Ends early as the monitor says, always with a checkpoint from which
/// training goes on exactly: on the CPU the numbers of an interrupted and resumed run equal those of an uninterrupted one.
/// A classical baseline is fitted at once, on the CPU.
///
/// # Errors
/// Anything that makes going on impossible, as a sentence. The last checkpoint stays whole.
pub fn run(
    dataset: &Arc<Dataset>,
    config: &RunConfig,
    out: &Path,
    options: TrainOptions,
    device: &ComputeDevice,
    monitor: &dyn Monitor,
) -> Result<TrainOutcome, TrainError> {
    if let Learner::Baseline(baseline) = Learner::of(&config.model)? {
        return baseline::fit(baseline, dataset, config, out, options, monitor);
    }
    let (team, messages) = device.team(config.training.devices);
    messages.into_iter().for_each(|message| monitor.warn(message));
    run_on(dataset, config, out, options, &team, monitor)
}

/// The same on several devices, which share every batch; `training.devices` does not count here.
///
/// # Errors
/// Those of [`run`].
pub fn run_on(
    dataset: &Arc<Dataset>,
    config: &RunConfig,
    out: &Path,
    options: TrainOptions,
    devices: &[ComputeDevice],
    monitor: &dyn Monitor,
) -> Result<TrainOutcome, TrainError> {
    config.validate()?;
    for device in devices {
        device.require(config.training.precision)?;
    }
    let logged = Logged::new(monitor);
    let prepared = if options.resume {
        prepare::resume(dataset, config, out, devices, &logged)?
    } else {
        make_room(out, options.force)?;
        prepare::begin(dataset, config, out, devices, &logged)?
    };
    let mut trainer = Trainer::new(prepared, devices, &logged)?;
    if options.debug {
        trainer.debug = Some(DebugClips::new(trainer.run.path(), &trainer.plan)?);
    }
    let end = match trainer.preload() {
        Ok(()) => trainer.train(),
        Err(error) => Err(error),
    };
    trainer.events.end_session(end.as_ref().ok().copied());
    match end {
        Ok(end) => {
            logged.note(&format!("training ended: {end:?}"));
            if let Some(best) = best_epoch(&trainer.state.history) {
                logged.note(&best_line(best));
            }
            Ok(TrainOutcome { run: trainer.run.path().to_path_buf(), end, history: trainer.state.history })
        }
        Err(error) => {
            logged.note(&format!("training failed: {error}"));
            Err(error)
        }
    }
}

struct Trainer<'a> {
    run: RunDir,
    _lock: RunLock,
    config: RunConfig,
    plan: ClipPlan,
    source: Arc<ClipSource>,
    dataset: Arc<Dataset>,
    network: Network,
    /// The same network on further devices.
    copies: Copies,
    optimizer: Optimizer,
    scheduler: Scheduler,
    loss: Loss,
    events: EventWriter,
    /// Statistics of layers, where they are asked for.
    watch: Option<LayerWatch>,
    state: CheckpointState,
    memory: TrainerState,
    clock: Clock,
    work: Work,
    /// What a frozen backbone makes of the clips, where that stays the same.
    features: FrozenFeatures,
    /// Clips whose augmentation is written as videos.
    debug: Option<DebugClips>,
    /// This process has made a step.
    stepped: bool,
    /// When the last checkpoint was written, or else this process took up the run.
    saved: Instant,
    monitor: &'a Logged<'a>,
}

impl<'a> Trainer<'a> {
    fn new(prepared: Prepared, devices: &[ComputeDevice], monitor: &'a Logged<'a>) -> Result<Self, TrainError> {
        let Prepared { run, dataset, config, plan, mut network, checkpoint } = prepared;
        let lock = lock(run.path())?;
        monitor.write_to(&run.path().join(LOG_FILE))?;
        let mut optimizer = Optimizer::new(&config.optimizer, &network.parameter_infos());
        let steps = steps_per_epoch(&config, plan.train.len());
        let mut scheduler =
            Scheduler::new(&config.schedule, config.optimizer.learning_rate, config.training.epochs, steps);
        let (mut state, mut memory) = match checkpoint {
            Some(folder) => {
                // Read before tidying, which may move the folder.
                let Stored { checkpoint, trainer } = resume::read(&folder)?;
                network.load(&folder.join(MODEL_FILE), true)?;
                optimizer.restore(read_safetensors(&folder.join(OPTIMIZER_FILE))?, &network.device().tensor_device());
                scheduler.restore(trainer.schedule.clone());
                (checkpoint, trainer)
            }
            None => (CheckpointState::default(), TrainerState::default()),
        };
        recover(&run)?;
        // A run may go on with other numbers.
        memory.scale = LossScale::new(config.training.precision).map(|fresh| memory.scale.unwrap_or(fresh));
        let copies = Copies::new(&network, devices);
        let frozen = config.training.cache_features && network.has_frozen_front();
        let draws = Sampler::training(&config.sampling).draws(plan.train.len());
        let kept = [frozen && !changes_every_epoch(&config), frozen];
        let work = Work::new(config.training.epochs, draws, [plan.train.len(), plan.val.len()], kept);
        state.version = env!("CARGO_PKG_VERSION").to_owned();
        (state.config, state.classes, state.task, state.end) =
            (config.clone(), plan.classes.clone(), dataset.task, None);
        write_tables(&run, &state.classes, &state.history)?;
        let mut events = EventWriter::open(run.path(), memory.event_bytes)?;
        if memory.event_bytes == 0 {
            events.begin_session(&config)?;
        }
        let watch = LayerWatch::new(&config, &network, &run, state.step)?;
        let loss = Loss::new(&config.loss, &plan.class_counts(Split::Train));
        for warning in &plan.warnings {
            monitor.warn(format!("{}: {}", warning.path.display(), warning.message));
        }
        for advice in config.advice(plan.classes.len(), dataset.task) {
            monitor.warn(advice);
        }
        monitor.emit(Progress::Log(format!(
            "{} with {} parameters on {}; {} training clips, {} validation clips, {} classes",
            network.spec().title,
            network.parameters(),
            titles(devices),
            plan.train.len(),
            plan.val.len(),
            plan.classes.len()
        )));
        Ok(Self {
            source: Arc::new(ClipSource::new(dataset.clone(), &config).with_disk(&config)),
            dataset,
            clock: Clock::new(),
            work,
            features: FrozenFeatures::default(),
            debug: None,
            stepped: false,
            saved: Instant::now(),
            copies,
            run,
            _lock: lock,
            config,
            plan,
            network,
            optimizer,
            scheduler,
            loss,
            events,
            watch,
            state,
            memory,
            monitor,
        })
    }

    /// Decodes everything once before the first step, so that all epochs are alike and the wait has a name.
    fn preload(&mut self) -> Result<(), TrainError> {
        let augmented = self.config.augment.enabled;
        let (from, to) = self.work.decoding(self.state.epoch);
        self.monitor.emit(Progress::Share(from as f32));
        let part = Phase { inner: self.monitor, from, to };
        match self.source.preload(&self.plan.train, augmented, &part) {
            // Asked to stop before the first step: the loop sees it too, and ends as it always does.
            Ok(()) | Err(DataError::Stopped) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn train(&mut self) -> Result<TrainEnd, TrainError> {
        while self.state.epoch < self.config.training.epochs {
            match self.epoch()? {
                Some(end) => return Ok(end),
                None => continue,
            }
        }
        Ok(TrainEnd::Completed)
    }

    /// One epoch; `Some` when training ends with it.
    fn epoch(&mut self) -> Result<Option<TrainEnd>, TrainError> {
        let epoch = self.state.epoch;
        let (begun, used) = (Instant::now(), Usage::now());
        if let Some(debug) = &self.debug {
            debug.write(&self.source, (&self.dataset, &self.plan, &self.config), epoch, self.monitor)?;
        }
        match self.gather_features() {
            Ok(()) => {}
            // The loop sees it too, and ends as it always does.
            Err(error) if error.is_stop() => {}
            Err(error) => return Err(error),
        }
        if self.train_batches(epoch)? == Flow::Stop {
            self.state.end = Some(TrainEnd::Stopped);
            self.checkpoint(&[])?;
            return Ok(Some(TrainEnd::Stopped));
        }
        let rate = self.scheduler.rate(epoch, 0);
        let mut report = self.memory.sums.report(epoch + 1, rate, self.network.classes());
        let validating = Instant::now();
        match self.validate(&mut report) {
            Ok(()) => {}
            Err(error) if error.is_stop() => {
                // All batches are done: resuming begins with this validation again.
                self.state.end = Some(TrainEnd::Stopped);
                self.checkpoint(&[])?;
                return Ok(Some(TrainEnd::Stopped));
            }
            Err(error) => return Err(error),
        }
        self.clock.validated(validating);
        report.seconds = begun.elapsed().as_secs_f64();
        let now = Usage::now();
        report.memory_bytes = now.memory_bytes;
        report.threads_busy = now.threads_busy_since(&used, report.seconds);
        report.device_memory_bytes = self.copies.memory(&self.network);
        self.finish_epoch(report)
    }

    /// Trains the batches that are left of an epoch.
    fn train_batches(&mut self, epoch: u32) -> Result<Flow, TrainError> {
        let options = LoaderOptions {
            batch_size: self.config.training.batch_size,
            workers: self.config.training.workers,
            sampler: Sampler::training(&self.config.sampling),
            targets: self.plan.targets.clone(),
            augment: Some(self.config.augment.clone()),
            seed: self.config.seed,
            epoch: u64::from(epoch),
            skip_batches: self.state.batch_in_epoch as usize,
        };
        let mut supply = Supply::new(&self.source, &self.plan.train, &options, self.features.train.is_some());
        let batches = supply.batches();
        let group = self.config.optimizer.accumulate;
        while (self.state.batch_in_epoch as usize) < batches {
            match hold(self.monitor) {
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
                micro.push(batch?);
            }
            if micro.is_empty() {
                break;
            }
            self.step(epoch, batches, micro, begun, waited)?;
            self.save_in_time()?;
        }
        Ok(self.monitor.poll())
    }

    /// Writes the last checkpoint anew when it has become old: a killed process loses minutes, not a long epoch.
    fn save_in_time(&mut self) -> Result<(), TrainError> {
        let minutes = self.config.training.checkpoint_minutes;
        if minutes > 0.0 && self.saved.elapsed().as_secs_f64() >= 60.0 * minutes {
            self.checkpoint(&[])?;
            let done = self.state.batch_in_epoch;
            self.monitor.note(&format!("checkpoint last (epoch {}, batch {done})", self.state.epoch + 1));
        }
        Ok(())
    }

    /// One optimiser step over one or more batches.
    fn step(
        &mut self,
        epoch: u32,
        batches: usize,
        micro: Vec<Batch>,
        begun: Instant,
        waited: f64,
    ) -> Result<(), TrainError> {
        let group = self.config.optimizer.accumulate;
        let step_in_epoch = self.state.batch_in_epoch / group as u32;
        let rate = self.scheduler.rate(epoch, step_in_epoch);
        let clips: u64 = micro.iter().map(|b| b.size as u64).sum();
        let (mut total, mut correct) = (0.0_f64, 0_u64);
        let mut gradients: Option<GradientSet> = None;
        let tuning = self.announce_tuning(&micro);
        let step = self.state.step + 1;
        let watched = match &self.watch {
            Some(watch) => watch.before(step, &self.network, micro.first())?,
            None => None,
        };
        for batch in micro {
            let share = batch.size as f64 / clips as f64;
            let lesson = self.learn(epoch, batch)?;
            self.require_finite("loss", lesson.loss as f32, rate)?;
            total += lesson.loss * share;
            correct += lesson.right;
            self.memory.sums.count(lesson.said);
            let Some(mut found) = lesson.gradients else { return Ok(()) };
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
            self.state.batch_in_epoch += 1;
        }
        let Some(gradients) = gradients else { return Ok(()) };
        if let Some((watch, gathered)) = self.watch.as_ref().zip(watched) {
            let layers = watch.after(&gathered, step, &mut self.network, &gradients, &mut self.events)?;
            self.monitor.emit(Progress::Layers(layers));
        }
        let norm = self.move_weights(gradients, rate)?;
        self.state.step += 1;
        if let Some((shapes, since)) = tuning {
            self.network.device().tuned(&shapes);
            self.monitor.note(&format!("kernels tuned, the first step took {:.1} s", since.elapsed().as_secs_f64()));
        }
        let seconds = begun.elapsed().as_secs_f64();
        self.memory.sums.add(total, correct, clips, norm);
        self.memory.sums.seconds += seconds;
        self.clock.step(seconds, waited, clips);
        self.report_step(epoch, batches.div_ceil(group) as u32, total as f32, correct, clips, norm, rate)
    }

    #[allow(clippy::too_many_arguments)]
    fn report_step(
        &mut self,
        epoch: u32,
        steps_per_epoch: u32,
        loss: f32,
        correct: u64,
        clips: u64,
        norm: f32,
        rate: f64,
    ) -> Result<(), TrainError> {
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
            accuracy: correct as f32 / clips as f32,
            gradient_norm: norm,
            learning_rate: rate,
            clips_per_second: self.clock.clips_per_second(),
            data_wait: self.clock.data_wait(),
            eta_s: self.clock.eta(steps_left, epochs_left + 1, self.work.validation_in_steps(steps_per_epoch)),
            device_memory_bytes: self.clock.memory(|| self.copies.memory(&self.network)),
        };
        step_events(&mut self.events, &report)?;
        let trained = f64::from(done.min(steps_per_epoch)) / f64::from(steps_per_epoch.max(1));
        self.monitor.emit(Progress::Share(self.work.training(epoch, trained) as f32));
        self.monitor.emit(Progress::Step(report));
        Ok(())
    }

    /// Loss, right clips and gradients of one batch.
    fn learn(&mut self, epoch: u32, batch: Batch) -> Result<BatchResult, TrainError> {
        let task = BatchTask {
            loss: &self.loss,
            features: self.features.train.as_ref(),
            clip: clip_shape(&self.source),
            seed: dropout_seed(self.config.seed, epoch, batch.index as u64),
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
        Err(TrainError::Diverged { epoch, step, what, value, learning_rate, kept })
    }

    /// Computes what a frozen backbone makes of the clips, where that is kept.
    fn gather_features(&mut self) -> Result<(), TrainError> {
        let phase = FeaturePhase {
            network: &self.network,
            source: &self.source,
            config: &self.config,
            clips: [&self.plan.train, &self.plan.val],
            work: self.work,
            epoch: self.state.epoch,
            first: self.state.step == 0,
        };
        self.features.gather(&phase, self.monitor)
    }

    /// Evaluates the validation clips and completes the report.
    fn validate(&mut self, report: &mut EpochReport) -> Result<(), TrainError> {
        let (from, to) = self.work.validation(self.state.epoch);
        let validation = Validation {
            network: &self.network,
            source: &self.source,
            dataset: &self.dataset,
            clips: &self.plan.val,
            targets: self.plan.targets.as_deref(),
            features: self.features.val.as_ref(),
            loss: &self.loss,
            config: &self.config.training,
        };
        let curves = validation.evaluate(report, &Phase { inner: self.monitor, from, to })?;
        self.events.pr_curves(u64::from(report.epoch), "val", &self.state.classes, &curves)
    }

    /// Schedule, best values, checkpoints, logs; `Some` when training ends here.
    fn finish_epoch(&mut self, mut report: EpochReport) -> Result<Option<TrainEnd>, TrainError> {
        self.scheduler.epoch_finished(f64::from(report.val_loss.unwrap_or(report.train_loss)));
        self.memory.schedule = self.scheduler.state().clone();
        let stop_early = plateau(&mut self.memory.plateau, &mut report, &self.config.training);
        self.state.history.push(report.clone());
        let Checkpoints { written, removed } =
            checkpoints(&self.state.history, &mut self.memory.kept, &self.config.training);
        self.state.epoch = report.epoch;
        self.state.batch_in_epoch = 0;
        self.memory.sums = EpochSums::default();
        let finished = self.state.epoch >= self.config.training.epochs;
        self.state.end = match self.monitor.poll() {
            _ if finished => Some(TrainEnd::Completed),
            _ if stop_early => Some(TrainEnd::EarlyStopped),
            Flow::Finish => Some(TrainEnd::FinishedEarly),
            Flow::Stop => Some(TrainEnd::Stopped),
            Flow::Continue | Flow::Pause => None,
        };
        let drawn = self.state.end.is_some() || written.iter().any(|name| name == "best_accuracy");
        epoch_events(&mut self.events, &self.state.classes, &report, drawn)?;
        self.checkpoint(&written)?;
        for name in removed {
            remove_checkpoint(&self.run, &name)?;
        }
        write_tables(&self.run, &self.state.classes, &self.state.history)?;
        let epoch = report.epoch;
        self.monitor.emit(Progress::Share(self.work.training(epoch, 0.0) as f32));
        self.monitor.emit(Progress::Epoch(report));
        for name in written.into_iter().chain(["last".to_owned()]) {
            self.monitor.emit(Progress::Checkpoint { name, epoch });
        }
        if let Some(advice) = not_learning(&self.state.history, self.config.optimizer.learning_rate) {
            self.monitor.warn(advice);
        }
        Ok(self.state.end)
    }

    /// Writes `last`, and the same under other names.
    fn checkpoint(&mut self, also: &[String]) -> Result<(), TrainError> {
        self.memory.event_bytes = self.events.flush()?;
        let text = ron_text(&Stored { checkpoint: self.state.clone(), trainer: self.memory.clone() })?;
        let (network, optimizer) = (&self.network, &self.optimizer);
        write_checkpoint(&self.run, also, |folder| {
            network.save(&folder.join(MODEL_FILE))?;
            write_safetensors(&folder.join(OPTIMIZER_FILE), &optimizer.state()?, Default::default())?;
            let path = folder.join(STATE_FILE);
            std::fs::write(&path, &text).map_err(|e| TrainError::file("write", &path, &e))
        })?;
        self.saved = Instant::now();
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
