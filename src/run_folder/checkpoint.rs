//! Reading checkpoints: a folder with `model.safetensors`, the optimiser's state and `state.ron`.

use super::files::{read_text, ron_fault};
use super::{RunDir, RunError};
use crate::classical::{Baseline, Classifier};
use crate::config::RunConfig;
use crate::domain::{ClassSet, Task};
use crate::model::{ComputeDevice, Network, read_safetensors};
use crate::progress::EpochReport;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// File of the weights, with PyTorch's tensor names and layouts; of a classical baseline everything it was fitted to.
pub const MODEL_FILE: &str = "model.safetensors";
/// File of the optimiser's state.
pub const OPTIMIZER_FILE: &str = "optimizer.safetensors";
/// File of everything else.
pub const STATE_FILE: &str = "state.ron";
/// Prefix of a checkpoint that is just being replaced; it stands in while its successor is moved into place.
pub const REPLACED: &str = ".replaced-";

/// Why training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrainEnd {
    /// Every epoch was trained.
    Completed,
    /// Validation accuracy no longer rose.
    EarlyStopped,
    /// The owner asked to end after the epoch.
    FinishedEarly,
    /// The owner asked to end at once; training can go on from the same step.
    Stopped,
    /// There was no training: the weights came from elsewhere.
    Imported,
}

/// What a checkpoint knows besides its tensors. It holds the whole configuration, so that a checkpoint folder that was
/// moved out of its run still loads.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// Version of kinolens that wrote it.
    pub version: String,
    /// The resolved configuration.
    pub config: RunConfig,
    /// Classes in output order.
    pub classes: ClassSet,
    /// How many classes a clip may have: whether outputs are a softmax or a sigmoid each.
    #[serde(default, skip_serializing_if = "Task::is_single")]
    pub task: Task,
    /// Epochs finished.
    pub epoch: u32,
    /// Batches done of the epoch after that; 0 at the end of an epoch.
    pub batch_in_epoch: u32,
    /// Optimiser steps since the start.
    pub step: u64,
    /// Reports of the epochs finished.
    pub history: Vec<EpochReport>,
    /// Why training ended; `None` while it was going on.
    pub end: Option<TrainEnd>,
}

/// `state.ron` as far as a reader needs it; the trainer's own part is skipped.
#[derive(Deserialize)]
struct Stored {
    checkpoint: CheckpointState,
}

impl CheckpointState {
    /// Reads `state.ron` of a checkpoint folder.
    pub fn read(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join(STATE_FILE);
        let stored: Stored = ron::from_str(&read_text(&path)?).map_err(|e| RunError::Damaged {
            path: path.clone(),
            reason: format!("{}; take another checkpoint of this run", ron_fault(&e)),
        })?;
        Ok(stored.checkpoint)
    }

    /// The report of the epoch this checkpoint was taken after.
    pub fn report(&self) -> Option<&EpochReport> {
        self.history.last()
    }
}

/// A checkpoint found on disk.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Its folder.
    pub path: PathBuf,
    /// `best_accuracy`, `best_loss`, `last`, `epoch_0010`, ….
    pub name: String,
    /// The run folder it lies in; `None` when it was moved out of one.
    pub run: Option<PathBuf>,
    /// What `state.ron` says.
    pub state: CheckpointState,
}

impl Checkpoint {
    /// Opens a run folder (its best checkpoint), a checkpoint folder, or a file in one.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        if path.is_file()
            && let Some(folder) = path.parent()
        {
            return Self::open(folder);
        }
        if path.join(STATE_FILE).is_file() {
            return Self::read(path);
        }
        let run = RunDir::open(path)?;
        if path.exists() {
            return run.checkpoint(None);
        }
        // A name that is not there, or a checkpoint that is just being replaced.
        run.checkpoint(Some(&path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()))
    }

    /// Reads a checkpoint folder.
    pub(super) fn read(path: &Path) -> Result<Self, RunError> {
        let state = CheckpointState::read(path)?;
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let name = absolute.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let name = name.strip_prefix(REPLACED).map(str::to_owned).unwrap_or(name);
        let run = absolute.ancestors().nth(2).filter(|run| RunDir::is_run(run)).map(Path::to_path_buf);
        Ok(Self { path: path.to_path_buf(), name, run, state })
    }

    /// The run folder, or else the checkpoint's own folder.
    pub fn home(&self) -> &Path {
        self.run.as_deref().unwrap_or(&self.path)
    }

    /// The classical baseline it holds; `None` for a network.
    pub fn baseline(&self) -> Option<Baseline> {
        Baseline::find(&self.state.config.model.id)
    }

    /// Reads what a classical baseline was fitted to.
    pub fn classifier(&self, baseline: Baseline) -> Result<Classifier, RunError> {
        let path = self.path.join(MODEL_FILE);
        let arrays = read_safetensors(&path)?;
        Classifier::of_arrays(baseline.solver, self.state.classes.len(), arrays)
            .map_err(|reason| RunError::Damaged { path, reason: format!("{reason}; train it again") })
    }

    /// Refuses a classical baseline.
    pub fn require_network(&self) -> Result<(), RunError> {
        match self.baseline() {
            None => Ok(()),
            Some(baseline) => Err(RunError::NoNetwork { run: self.home().to_path_buf(), title: baseline.title() }),
        }
    }

    /// Builds the network and loads the weights; every tensor must be there and fit.
    pub fn network(&self, device: &ComputeDevice) -> Result<Network, RunError> {
        self.require_network()?;
        let config = &self.state.config;
        let clip = &config.clip;
        let input = [clip.length as usize, clip.height as usize, clip.width as usize];
        let mut network = Network::build(&config.model, self.state.classes.len(), input, device, config.seed)?;
        network.load(&self.path.join(MODEL_FILE), true)?;
        Ok(network)
    }
}
