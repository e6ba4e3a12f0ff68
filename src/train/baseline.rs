//! Fitting a classical baseline: a training without epochs, which leaves a run as any other.

use super::TrainError;
use super::debug::quick_look;
use super::logs::{Logged, best_line, epoch_events, write_tables};
use super::outcome::{TrainOptions, TrainOutcome};
use super::resume::{Stored, TrainerState};
use super::tensorboard::EventWriter;
use super::validation::{Validated, complete, labels_of};
use crate::classical::{Baseline, Classifier, Samples};
use crate::config::{DeviceChoice, RunConfig};
use crate::data::{ClipPlan, ClipSource, as_configured, plan};
use crate::domain::{Clip, Dataset, Task, argmax};
use crate::eval::metrics::softmax_and_loss;
use crate::eval::{EvalError, PrCurve, clip_features};
use crate::model::write_safetensors;
use crate::process_usage::Usage;
use crate::progress::{EpochReport, Flow, Monitor, Phase, Progress};
use crate::run_folder::files::ron_text;
use crate::run_folder::writer::{NewRun, create_run, lock, make_room, write_checkpoint};
use crate::run_folder::{
    CheckpointState, Confusion, LOG_FILE, MODEL_FILE, RunDir, STATE_FILE, TrainEnd, corrections_text, environment,
    split_rows, taken,
};
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// What is told while a solver works.
const FITTING: &str = "fitting the baseline";
/// Share of the work done when the features are there.
const FEATURES_SHARE: f64 = 0.7;
/// Where it computes, for people.
const DEVICE: &str = "CPU";

/// Where a configured training computes: baselines need no GPU.
pub fn device_of(config: &RunConfig) -> DeviceChoice {
    if Baseline::find(&config.model.id).is_some() { DeviceChoice::Cpu } else { config.device }
}

/// Fits a baseline to the training clips of a dataset, and writes the run folder `out` when all is known.
///
/// # Errors
/// A run to resume, a multi-label dataset, one that cannot be trained on, features that cannot be had, a folder that is taken, a stop.
pub(super) fn fit(
    baseline: Baseline,
    dataset: &Arc<Dataset>,
    config: &RunConfig,
    out: &Path,
    options: TrainOptions,
    monitor: &dyn Monitor,
) -> Result<TrainOutcome, TrainError> {
    config.validate()?;
    if options.resume {
        return Err(TrainError::Fitted(out.to_path_buf()));
    }
    if dataset.task == Task::MultiLabel {
        return Err(TrainError::OneClassAClip(dataset.root.clone()));
    }
    if taken(out) && !(options.force && RunDir::is_run(out)) {
        // Refused before the work, not after it.
        make_room(out, options.force)?;
    }
    let logged = Logged::new(monitor);
    if options.debug {
        logged
            .warn("a baseline is fitted to clips as they are: there is no augmentation to write videos of".to_owned());
        logged.emit(Progress::Log(quick_look(config)));
    }
    let dataset = as_configured(dataset, config);
    let plan = plan(&dataset, config)?;
    plan.require_training(&dataset)?;
    for warning in &plan.warnings {
        logged.warn(format!("{}: {}", warning.path.display(), warning.message));
    }
    logged.emit(Progress::Log(format!(
        "{} on {DEVICE}; {} training clips, {} validation clips, {} classes. A baseline is fitted at once, to clips as they \
         are: epochs, optimizer, schedule, loss, sampling and augmentation do not apply",
        baseline.title(),
        plan.train.len(),
        plan.val.len(),
        plan.classes.len()
    )));
    let fitted = Fitting { baseline, dataset: &dataset, config, plan: &plan }.fit(&logged)?;
    // Only now, when everything is known to be well, may an older run go.
    make_room(out, options.force)?;
    write(&fitted, &dataset, &plan, config, out, &logged)
}

/// What a baseline is fitted to.
struct Fitting<'a> {
    baseline: Baseline,
    dataset: &'a Arc<Dataset>,
    config: &'a RunConfig,
    plan: &'a ClipPlan,
}

/// A fitted baseline and how it did.
struct Fitted {
    baseline: Baseline,
    classifier: Classifier,
    report: EpochReport,
    /// Precision and recall of each class in the validation.
    curves: Vec<Option<PrCurve>>,
}

impl Fitting<'_> {
    fn fit(&self, monitor: &Logged<'_>) -> Result<Fitted, TrainError> {
        let (begun, used) = (Instant::now(), Usage::now());
        let source = Arc::new(ClipSource::new(self.dataset.clone(), self.config).with_disk(self.config));
        let [train, val] = [&self.plan.train, &self.plan.val];
        let of_train = FEATURES_SHARE * train.len() as f64 / (train.len() + val.len()).max(1) as f64;
        let features = |clips: &[Clip], label: &str, from: f64, to: f64| {
            let part = Phase { inner: monitor, from, to };
            clip_features(self.baseline.features, &source, clips, label, &part)
        };
        let train_rows = features(train, "features of training clips", 0.0, of_train)?;
        let val_rows = features(val, "features of validation clips", of_train, FEATURES_SHARE)?;
        let width = train_rows.first().map_or(0, Vec::len);
        if let Some((row, clip)) = val_rows.iter().zip(val).find(|(row, _)| row.len() != width) {
            let video = self.dataset.videos.get(clip.video).map(|v| v.path.clone()).unwrap_or_default();
            return Err(EvalError::Features { video, found: row.len(), wanted: width }.into());
        }
        monitor.stage(FITTING, 0, 0);
        let classes = self.plan.classes.len();
        let samples = Samples::new(&train_rows, labels_of(train), classes);
        let classifier = Classifier::fit(self.baseline.solver, samples, self.config.seed);
        if monitor.poll() == Flow::Stop {
            return Err(EvalError::Stopped.into());
        }
        let said = |rows: &[Vec<f32>]| -> Vec<Vec<f32>> { rows.par_iter().map(|r| classifier.logits(r)).collect() };
        let (on_train, on_val) = (said(&train_rows), said(&val_rows));
        let (train_loss, train_accuracy) = scores(&on_train, &labels_of(train));
        let pairs = labels_of(train).into_iter().zip(on_train.iter().map(|row| argmax(row)));
        let train_weighted = Some(Confusion::count(classes, pairs).weighted_scores());
        let mut report = EpochReport { epoch: 1, train_loss, train_accuracy, train_weighted, ..EpochReport::default() };
        let mut curves = Vec::new();
        if !val.is_empty() {
            let loss = scores(&on_val, &labels_of(val)).0;
            let validated = Validated { dataset: self.dataset, clips: val, rows: &on_val, classes, loss };
            curves = complete(&mut report, &validated, monitor);
        }
        report.seconds = begun.elapsed().as_secs_f64();
        report.clips_per_second = (train.len() as f64 / report.seconds.max(1e-9)) as f32;
        let now = Usage::now();
        report.memory_bytes = now.memory_bytes;
        report.threads_busy = now.threads_busy_since(&used, report.seconds);
        Ok(Fitted { baseline: self.baseline, classifier, report, curves })
    }
}

/// Mean cross-entropy and accuracy.
fn scores(rows: &[Vec<f32>], labels: &[usize]) -> (f32, f32) {
    let each = rows.iter().zip(labels);
    let loss: f64 = each.clone().map(|(row, label)| f64::from(softmax_and_loss(row, *label).1)).sum();
    let right = each.filter(|(row, label)| argmax(row) == **label).count();
    let count = labels.len().max(1) as f64;
    ((loss / count) as f32, (right as f64 / count) as f32)
}

/// Writes the run: one epoch, one checkpoint.
fn write(
    fitted: &Fitted,
    dataset: &Dataset,
    plan: &ClipPlan,
    config: &RunConfig,
    out: &Path,
    monitor: &Logged<'_>,
) -> Result<TrainOutcome, TrainError> {
    let mut config = config.clone();
    config.model.num_classes = Some(plan.classes.len());
    config.training.epochs = 1;
    config.device = DeviceChoice::Cpu;
    let parameters = fitted.classifier.parameters();
    let new = NewRun {
        config: &config,
        classes: &plan.classes,
        split: &split_rows(dataset, plan),
        environment: &environment(dataset, plan, parameters, DEVICE.to_owned(), config.seed, None),
        corrections: corrections_text(dataset)?,
    };
    let run = create_run(out, &new)?;
    let _lock = lock(run.path())?;
    monitor.write_to(&run.path().join(LOG_FILE))?;
    let history = vec![fitted.report.clone()];
    let mut events = EventWriter::open(run.path(), 0)?;
    events.begin_session(&config)?;
    events.pr_curves(1, "val", &plan.classes, &fitted.curves)?;
    epoch_events(&mut events, &plan.classes, &fitted.report, true)?;
    events.end_session(Some(TrainEnd::Completed));
    let checkpoint = CheckpointState {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        classes: plan.classes.clone(),
        epoch: 1,
        history: history.clone(),
        end: Some(TrainEnd::Completed),
        config,
        ..CheckpointState::default()
    };
    write_weights(&run, fitted, checkpoint)?;
    write_tables(&run, &plan.classes, &history)?;
    monitor.emit(Progress::Epoch(fitted.report.clone()));
    monitor.emit(Progress::Checkpoint { name: "last".to_owned(), epoch: 1 });
    if fitted.report.val_accuracy.is_some() {
        monitor.note(&best_line(&fitted.report));
    }
    monitor.emit(Progress::Share(1.0));
    Ok(TrainOutcome { run: run.path().to_path_buf(), end: TrainEnd::Completed, history })
}

fn write_weights(run: &RunDir, fitted: &Fitted, checkpoint: CheckpointState) -> Result<(), TrainError> {
    let text = ron_text(&Stored { checkpoint, trainer: TrainerState::default() })?;
    let named = HashMap::from([("baseline".to_owned(), fitted.baseline.id())]);
    write_checkpoint(run, &[], |folder| {
        write_safetensors(&folder.join(MODEL_FILE), &fitted.classifier.arrays(), named)?;
        let path = folder.join(STATE_FILE);
        std::fs::write(&path, &text).map_err(|e| TrainError::file("write", &path, &e))
    })
}
