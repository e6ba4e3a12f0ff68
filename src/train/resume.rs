//! Going on with a run exactly where its last checkpoint left it.

use super::TrainError;
use super::loss_scale::LossScale;
use super::progress::EpochSums;
use super::schedule::ScheduleState;
use crate::config::{RunConfig, key, values};
use crate::domain::{Dataset, Split};
use crate::run_folder::files::read_text;
use crate::run_folder::{CheckpointState, RunDir, RunError, STATE_FILE, TrainEnd};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// What the trainer remembers besides the tensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TrainerState {
    /// The learning rate's memory.
    pub schedule: ScheduleState,
    /// What the epoch that is going on has summed up so far.
    pub sums: EpochSums,
    /// Accuracy that early stopping measures against, and epochs since.
    pub plateau: (Option<f32>, u32),
    /// Checkpoints kept for their accuracy.
    pub kept: Vec<(String, f32)>,
    /// Bytes of the event file that belong to this state.
    pub event_bytes: u64,
    /// How the loss is scaled, where layers compute with 16 bits.
    pub scale: Option<LossScale>,
}

/// `state.ron`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    /// What every reader needs.
    pub checkpoint: CheckpointState,
    /// What only the trainer needs.
    pub trainer: TrainerState,
}

/// Reads `state.ron` of a checkpoint.
pub(super) fn read(folder: &Path) -> Result<Stored, TrainError> {
    let path = folder.join(STATE_FILE);
    let text = read_text(&path)?;
    ron::from_str(&text).map_err(|e| RunError::Damaged { path, reason: e.to_string() }.into())
}

/// The configuration with which a run goes on: its own, with those values that may change taken from `asked`.
///
/// # Errors
/// Other values differ, which would make it another run.
pub(super) fn merged(path: &Path, stored: &RunConfig, asked: &RunConfig) -> Result<RunConfig, TrainError> {
    let (ours, theirs) = (values(stored), values(asked));
    let paths: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let may_change = |path: &str| key(path).is_some_and(|k| k.resumable);
    let differing: Vec<&str> =
        paths.into_iter().filter(|p| ours.get(*p) != theirs.get(*p) && !may_change(p)).map(String::as_str).collect();
    match differing.as_slice() {
        [] => Ok(asked.clone()),
        keys => Err(TrainError::OtherSettings { path: path.to_path_buf(), keys: keys.join(", ") }),
    }
}

/// The part every video of the dataset played when the run began.
///
/// # Errors
/// The dataset is not the one the run began with.
pub(super) fn parts(run: &RunDir, dataset: &Dataset) -> Result<Vec<Split>, TrainError> {
    let other = |reason: String| TrainError::OtherData {
        path: run.path().to_path_buf(),
        dataset: dataset.root.clone(),
        reason,
    };
    let rows = run.split()?;
    let then: HashMap<&str, Split> = rows.iter().map(|r| (r.video.as_str(), r.part)).collect();
    let now: HashMap<&str, &str> = dataset.videos.iter().map(|v| (v.name.as_str(), v.content())).collect();
    for row in &rows {
        match now.get(row.video.as_str()) {
            None => return Err(other(format!("{} is not in it", row.video))),
            Some(content) if !row.content.is_empty() && !content.is_empty() && *content != row.content => {
                return Err(other(format!("{} holds something else than when the run began", row.video)));
            }
            Some(_) => {}
        }
    }
    let before = run.environment()?.dataset_fingerprint;
    if before != dataset.fingerprint {
        return Err(other("its files, labels or splits changed since".into()));
    }
    Ok(dataset.videos.iter().map(|v| then.get(v.name.as_str()).copied().unwrap_or_default()).collect())
}

/// Refuses a run that has nothing left to do.
pub(super) fn require_open(run: &RunDir, state: &CheckpointState, config: &RunConfig) -> Result<(), TrainError> {
    let path: PathBuf = run.path().to_path_buf();
    if state.end == Some(TrainEnd::Imported) {
        return Err(TrainError::Imported(path));
    }
    if state.epoch >= config.training.epochs {
        return Err(TrainError::AlreadyDone { path, reason: format!("all {} epochs are done", state.epoch) });
    }
    let waited = state.history.last().map_or(0, |e| e.epochs_without_improvement);
    if state.end == Some(TrainEnd::EarlyStopped) && config.training.early_stopping.is_some_and(|e| waited >= e.patience)
    {
        let reason = format!(
            "validation accuracy has not risen for {waited} epochs; allow more with training.early_stopping.patience, or set \
             training.early_stopping to None"
        );
        return Err(TrainError::AlreadyDone { path, reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_of_an_earlier_version_opens_with_values_that_are_no_longer_kept() {
        let text = "(best_loss: Some(0.25), best_accuracy: Some((0.75, 0.3)), plateau: (Some(0.75), 2), \
                    kept: [(\"best_epoch_0003\", 0.75)], event_bytes: 12)";
        let memory: TrainerState = ron::from_str(text).unwrap();
        assert_eq!((memory.plateau, memory.event_bytes), ((Some(0.75), 2), 12));
        assert_eq!(memory.kept, [("best_epoch_0003".to_owned(), 0.75)]);
    }
}
