//! The training loop.

mod ending;
mod step;

use super::TrainError;
use super::baseline;
use super::crew;
use super::data_parallel::Copies;
use super::debug::DebugClips;
use super::features::{FeaturePhase, FrozenFeatures, changes_every_epoch};
use super::layer_watch::LayerWatch;
use super::logs::{Logged, best_line, write_tables};
use super::loss::Loss;
use super::loss_scale::LossScale;
use super::optim::Optimizer;
use super::outcome::{TrainOptions, TrainOutcome};
use super::prepare::{self, Prepared};
use super::progress::{Clock, Work};
use super::resume::{self, Stored, TrainerState};
use super::schedule::{Scheduler, steps_per_epoch};
use super::team::Team;
use super::tensorboard::EventWriter;
use super::validation::Validation;
use crate::classical::Learner;
use crate::config::RunConfig;
use crate::data::{ClipPlan, ClipSource, DataError, Sampler};
use crate::domain::{Clip, Dataset, Split};
use crate::model::{ComputeDevice, Network, read_safetensors};
use crate::process_usage::Usage;
use crate::progress::{EpochReport, Flow, Monitor, Phase, Progress, best_epoch};
use crate::run_folder::writer::{FolderLock, lock, recover};
use crate::run_folder::{CheckpointState, LOG_FILE, MODEL_FILE, OPTIMIZER_FILE, RunDir, TrainEnd, titles};
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
        let peers = monitor.peers();
        let alone = if peers.is_alone() { Ok(()) } else { Err(TrainError::OneProcess(peers.size())) };
        peers.agree(alone, TrainError::is_stop)?;
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
    let logged = Logged::new(monitor);
    let prepared = prepare::prepare(dataset, config, out, options, devices, &logged)?;
    let mut trainer = Trainer::new(prepared, devices, &logged)?;
    if options.debug && trainer.team.leads() {
        trainer.debug = Some(DebugClips::new(trainer.run.path(), &trainer.plan, &trainer.config, &logged)?);
    }
    let loaded = trainer.preload();
    let end = match trainer.team.agree(loaded) {
        Ok(()) => trainer.train(),
        Err(error) => Err(error),
    };
    if let Some(events) = &mut trainer.events {
        events.end_session(end.as_ref().ok().copied());
    }
    logged.obeyed();
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
    /// The run folder, which the first process alone writes.
    run: RunDir,
    _lock: Option<FolderLock>,
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
    /// What the loss is of who gives every training clip the same answer.
    guessing: Option<f32>,
    /// `None` in processes that write nothing.
    events: Option<EventWriter>,
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
    /// The processes of this training.
    team: Team<'a>,
    /// What all were told to do with the last step.
    told: Option<Flow>,
    /// All know that a checkpoint is due.
    due: bool,
    /// What went wrong in this process since the others last heard of it.
    trouble: Option<TrainError>,
    monitor: &'a Logged<'a>,
}

impl<'a> Trainer<'a> {
    fn new(prepared: Prepared, devices: &[ComputeDevice], monitor: &'a Logged<'a>) -> Result<Self, TrainError> {
        let Prepared { run, dataset, config, plan, mut network, checkpoint } = prepared;
        let peers = monitor.peers();
        let mut optimizer = Optimizer::new(&config.optimizer, &network.parameter_infos());
        let steps = steps_per_epoch(&config, plan.train.len());
        let mut scheduler =
            Scheduler::new(&config.schedule, config.optimizer.learning_rate, config.training.epochs, steps);
        let taken = match peers.leads() {
            true => take_up(&run, checkpoint.as_deref(), (&mut network, &mut optimizer), monitor).map(Some),
            false => Ok(None),
        };
        let (lock, stored) = peers.agree(taken, TrainError::is_stop)?.unzip();
        let stored = crew::share(peers, (&mut network, &mut optimizer), stored.flatten())?;
        let (mut state, mut memory) = match stored {
            Some(Stored { checkpoint, trainer }) => {
                scheduler.restore(trainer.schedule.clone());
                (checkpoint, trainer)
            }
            None => (CheckpointState::default(), TrainerState::default()),
        };
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
        let open = || -> Result<_, TrainError> {
            write_tables(&run, &state.classes, &state.history)?;
            let mut events = EventWriter::open(run.path(), memory.event_bytes)?;
            if memory.event_bytes == 0 {
                events.begin_session(&config)?;
            }
            Ok((events, LayerWatch::new(&config, &network, &run, [state.step, steps.into()], monitor)?))
        };
        let opened = if peers.leads() { open().map(Some) } else { Ok(None) };
        let (events, watch) = peers.agree(opened, TrainError::is_stop)?.unzip();
        let loss = Loss::new(&config.loss, &plan.class_counts(Split::Train));
        let shares = plan.class_shares(Sampler::training(&config.sampling));
        let guessing = Some(loss.of_guessing(&shares, plan.targets.is_some()) as f32).filter(|g| g.is_finite());
        if peers.leads() {
            tell_beginning(&network, &plan, (&config, &dataset), devices, monitor);
        }
        Ok(Self {
            team: Team::new(peers, config.training.exchange, &network),
            told: None,
            due: false,
            trouble: None,
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
            guessing,
            events,
            watch: watch.flatten(),
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
        let shown = match &self.debug {
            Some(debug) => debug.write(&self.source, (&self.dataset, &self.plan, &self.config), epoch, self.monitor),
            None => Ok(()),
        };
        let gathered = shown.and_then(|()| self.gather_features());
        // The loop sees a stop too, and ends as it always does.
        let stopped = gathered.as_ref().is_err_and(TrainError::is_stop);
        self.team.agree(if stopped { Ok(()) } else { gathered })?;
        if self.train_batches(epoch)? == Flow::Stop {
            self.state.end = Some(TrainEnd::Stopped);
            self.checkpoint(&[])?;
            return Ok(Some(TrainEnd::Stopped));
        }
        self.team.bring_together(&mut self.memory.sums)?;
        if self.team.align(&mut self.network, &mut self.optimizer)? {
            self.monitor.note("the weights of another process had other last digits; all take those of the first");
        }
        self.copies.follow(&self.network);
        let rate = self.scheduler.rate(epoch, 0);
        let mut report = self.memory.sums.report(epoch + 1, rate, self.network.classes());
        report.guessing_loss = self.guessing;
        let validating = Instant::now();
        let validated = self.validate(&mut report);
        match self.team.agree(validated) {
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
        match &mut self.events {
            Some(events) => events.pr_curves(u64::from(report.epoch), "val", &self.state.classes, &curves),
            None => Ok(()),
        }
    }
}

/// Takes the run folder for this process; what its checkpoint remembers, whose weights are loaded.
fn take_up(
    run: &RunDir,
    checkpoint: Option<&Path>,
    (network, optimizer): (&mut Network, &mut Optimizer),
    monitor: &Logged<'_>,
) -> Result<(FolderLock, Option<Stored>), TrainError> {
    let lock = lock(run.path())?;
    monitor.write_to(&run.path().join(LOG_FILE))?;
    lock.left.iter().for_each(|told| monitor.warn(told.clone()));
    monitor.obey(run.path());
    // Read before tidying, which may move the folder.
    let stored = match checkpoint {
        Some(folder) => {
            let stored = resume::read(folder)?;
            network.load(&folder.join(MODEL_FILE), true)?;
            optimizer.restore(read_safetensors(&folder.join(OPTIMIZER_FILE))?, &network.device().tensor_device());
            Some(stored)
        }
        None => None,
    };
    recover(run)?;
    Ok((lock, stored))
}

/// Says what begins.
fn tell_beginning(
    network: &Network,
    plan: &ClipPlan,
    (config, dataset): (&RunConfig, &Dataset),
    devices: &[ComputeDevice],
    monitor: &Logged<'_>,
) {
    for warning in &plan.warnings {
        monitor.warn(format!("{}: {}", warning.path.display(), warning.message));
    }
    let still =
        |clip: &Clip| config.clip.length == 1 || dataset.videos.get(clip.video).is_some_and(|v| v.frames() == 1);
    let stand_still = plan.train.iter().filter(|c| still(c)).count();
    if network.spec().sees_only_changes() && stand_still > 0 {
        monitor.warn(format!(
            "{} takes away what stands still, and {stand_still} of {} training clips stand still (single pictures): nothing is left of \
             them; take a network that sees pictures, such as resnet-18, or clips of several frames",
            network.spec().title,
            plan.train.len(),
        ));
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
    super::team::tell(monitor, network, config).into_iter().for_each(|line| monitor.emit(Progress::Log(line)));
}
