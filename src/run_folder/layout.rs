//! Where everything lies in a run folder.

use super::RunError;
use crate::files;
use std::path::{Path, PathBuf};

/// Resolved configuration.
pub const CONFIG_FILE: &str = files::RUN_FILES[0];
/// Classes in output order.
pub const CLASSES_FILE: &str = files::RUN_FILES[1];
/// Which video was used for what.
pub const SPLIT_FILE: &str = "split.csv";
/// Versions, device, dataset.
pub const ENVIRONMENT_FILE: &str = "environment.ron";
/// The corrections of labels that it was trained with, where there were some.
pub const CORRECTIONS_COPY: &str = "corrections.ron";
/// One row an epoch.
pub const METRICS_FILE: &str = "training_metrics.csv";
/// One row an epoch, one column a class.
pub const PER_CLASS_FILE: &str = "per_class_accuracy.csv";
/// The same of a multi-label task.
pub const PER_CLASS_AP_FILE: &str = "per_class_average_precision.csv";
/// One row an epoch and cell of the validation's confusion matrix that is not empty.
pub const CONFUSION_FILE: &str = "validation_confusion.csv";
/// One row a step and layer, where statistics of layers are gathered.
pub const LAYERS_FILE: &str = "layer_statistics.csv";
/// Every sentence of the training.
pub const LOG_FILE: &str = "log.txt";
/// What a running training is asked to do: one word, see [`Flow`](crate::progress::Flow).
pub const CONTROL_FILE: &str = "control";
/// Folder of checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// Folder of evaluations.
pub const RESULTS: &str = "results";

/// A run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Opens a run folder; a path into one (its `checkpoints`, a checkpoint, a file) finds the run above it.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        if let Some(run) = absolute.ancestors().take(4).find(|a| Self::is_run(a)) {
            return Ok(Self { path: run.to_path_buf() });
        }
        let reason = match files::run_place(&absolute) {
            _ if !path.exists() => "it does not exist".to_owned(),
            Some(place) => format!("it is {place}; choose a run folder"),
            None => "it has no config.ron and classes.ron; choose a folder that `kinolens train` wrote".to_owned(),
        };
        Err(RunError::NotARun { path: path.to_path_buf(), reason })
    }

    /// A folder that has just been made.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// True when `path` is a run folder.
    pub fn is_run(path: &Path) -> bool {
        files::is_run(path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Folder of checkpoints.
    pub fn checkpoints_dir(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// Folder of evaluations.
    pub fn results_dir(&self) -> PathBuf {
        self.path.join(RESULTS)
    }
}
