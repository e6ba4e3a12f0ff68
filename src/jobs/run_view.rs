//! A run folder as people look at it.

use super::error::JobError;
use super::kept_motion::kept_tests;
use crate::compare::motion::{MotionReport, MotionTest};
use crate::config::RunConfig;
use crate::domain::{ClassSet, Task};
use crate::eval::Training;
use crate::progress::{EpochReport, LayerReport, StepReport};
use crate::run_folder::{CheckpointInfo, Evaluation, Identity, Notes, Predictions, RunDir};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run folder as read from disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunView {
    /// The folder.
    pub path: PathBuf,
    /// Its resolved configuration.
    pub config: RunConfig,
    /// Classes in output order.
    pub classes: ClassSet,
    /// How many classes a clip may have.
    pub task: Task,
    /// Epochs so far.
    pub history: Vec<EpochReport>,
    /// Optimiser steps so far; empty where the event file is gone.
    pub steps: Vec<StepReport>,
    /// Statistics of layers, by step and in the order of the network; empty where none were gathered.
    pub layer_reports: Vec<LayerReport>,
    /// Optimiser steps of an epoch; `None` where the run does not say how many clips it was trained on.
    pub steps_per_epoch: Option<u32>,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// Checkpoints there are, the default first.
    pub checkpoints: Vec<CheckpointInfo>,
    /// Dataset it was trained on.
    pub dataset_root: PathBuf,
    /// True when training can go on from its last checkpoint.
    pub resumable: bool,
    /// Layers heatmaps can be made at, in forward order.
    pub layers: Vec<String>,
    /// What it remembers of the data it was trained on; `None` for imported weights.
    pub training: Option<Training>,
    /// Evaluations found in `results/`, oldest first.
    pub evaluations: Vec<(Arc<Evaluation>, Arc<Predictions>)>,
    /// What of its files is damaged or missing, with what to do; what can be known without them is here.
    pub problems: Vec<String>,
    /// Motion tests found in `results/`, each by itself.
    pub motion: Vec<Arc<MotionReport>>,
    /// What people wrote about its clips.
    pub notes: Notes,
    /// Why `notes` is empty although there is a file; it must not be written over.
    pub notes_problem: Option<String>,
}

impl RunView {
    /// The checkpoint that is meant where none is named.
    pub fn default_checkpoint(&self) -> Option<&str> {
        self.checkpoints.first().map(|c| c.name.as_str())
    }

    /// A checkpoint by its name.
    pub fn checkpoint(&self, name: &str) -> Option<&CheckpointInfo> {
        self.checkpoints.iter().find(|c| c.name == name)
    }

    /// Which weights a checkpoint of this run holds, as far as the run was read.
    pub fn identity(&self, name: &str) -> Identity {
        let info = self.checkpoint(name).cloned().unwrap_or_else(|| name.into());
        let CheckpointInfo { name: checkpoint, epoch, batches, step } = info;
        Identity { run: self.path.clone(), checkpoint, epoch, batches, step, ..Identity::default() }
    }
}

/// Lines kept of a training's log.
pub const LOG_LINES: usize = 2000;

/// Reads a run folder for people to look at.
///
/// # Errors
/// A folder that is no run, or one of which neither the files that describe it nor a checkpoint can be read.
pub fn view(path: &Path) -> Result<RunView, JobError> {
    let run = RunDir::open(path)?;
    let config = run.config_as_known()?;
    let classes = run.classes_as_known()?;
    let results = run.results();
    let problems = run.damage().into_iter().chain(results.damage).map(|e| e.to_string()).collect();
    let layers = layers_of(&config, classes.len());
    let (notes, notes_problem) = match Notes::load(run.path()) {
        Ok(notes) => (notes, None),
        Err(error) => (Notes::default(), Some(error.to_string())),
    };
    Ok(RunView {
        path: run.path().to_path_buf(),
        history: run.history_as_known(),
        checkpoints: run.trained(),
        training: Training::read(&run),
        task: run.task_as_known(),
        dataset_root: run.environment().map(|e| e.dataset_root).unwrap_or_default(),
        steps: crate::train::tensorboard::read_steps(run.path()),
        layer_reports: run.layer_reports().unwrap_or_default(),
        steps_per_epoch: run
            .environment()
            .ok()
            .filter(|e| e.train_clips > 0)
            .map(|e| crate::train::schedule::steps_per_epoch(&config, e.train_clips as usize)),
        log: run.log_tail(LOG_LINES),
        resumable: run.resumable(),
        evaluations: results.evaluations.into_iter().map(|(e, p)| (Arc::new(e), Arc::new(p))).collect(),
        motion: kept_tests(run.path()).into_iter().map(alone).collect(),
        layers,
        problems,
        notes,
        notes_problem,
        config,
        classes,
    })
}

/// A motion test as a report of its own.
fn alone(test: MotionTest) -> Arc<MotionReport> {
    Arc::new(MotionReport { notes: Vec::new(), tests: vec![test] })
}

/// The layers heatmaps can be made at, in forward order; empty when there is no such network.
fn layers_of(config: &RunConfig, classes: usize) -> Vec<String> {
    let clip = [config.clip.length as usize, config.clip.height as usize, config.clip.width as usize];
    crate::model::Outline::of(&config.model, classes, clip)
        .map(|n| n.layers.into_iter().filter(|l| l.cam).map(|l| l.id).collect())
        .unwrap_or_default()
}
