//! Reading what describes a run, and which checkpoints it has.

use super::checkpoint::{REPLACED, STATE_FILE};
use super::files::{damaged_table, read_ron, read_text};
use super::layout::{CLASSES_FILE, CONFIG_FILE, ENVIRONMENT_FILE, LOG_FILE, SPLIT_FILE};
use super::{Checkpoint, CheckpointState, Environment, RunDir, RunError, SplitRow, TrainEnd};
use crate::config::{ConfigError, RunConfig};
use crate::domain::{ClassSet, choices};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Bytes of a log that are looked at from its end.
const LOG_BYTES: u64 = 1 << 20;

impl RunDir {
    /// The resolved configuration.
    pub fn config(&self) -> Result<RunConfig, RunError> {
        let path = self.path().join(CONFIG_FILE);
        RunConfig::load(&path).map_err(|e| match e {
            ConfigError::Io { source, .. } => RunError::file("read", &path, &source),
            ConfigError::Parse { message: reason, .. } => RunError::Damaged { path, reason },
            other => RunError::Damaged { path, reason: other.to_string() },
        })
    }

    /// Classes in output order.
    pub fn classes(&self) -> Result<ClassSet, RunError> {
        read_ron(&self.path().join(CLASSES_FILE))
    }

    /// Where and on what it was trained.
    pub fn environment(&self) -> Result<Environment, RunError> {
        read_ron(&self.path().join(ENVIRONMENT_FILE))
    }

    /// Which video was used for what.
    pub fn split(&self) -> Result<Vec<SplitRow>, RunError> {
        let path = self.path().join(SPLIT_FILE);
        let text = read_text(&path)?;
        let rows: Result<Vec<SplitRow>, csv::Error> = csv::Reader::from_reader(text.as_bytes()).deserialize().collect();
        rows.map_err(|e| damaged_table(&path, &e))
    }

    /// Names of the checkpoints there are, the one to use first: `best_accuracy`, `best_loss`, `last`, then the others,
    /// newest first. `last` comes before them when its learning rate was taken down to the end ([`crate::config::Schedule::anneals`]).
    pub fn checkpoints(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.checkpoints_dir()) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .flatten()
            .filter(|e| e.path().join(STATE_FILE).is_file())
            .filter_map(|e| e.file_name().into_string().ok())
            .map(|n| n.strip_prefix(REPLACED).map(str::to_owned).unwrap_or(n))
            .filter(|n| !n.starts_with('.'))
            .collect();
        let annealed = self.annealed();
        let rank = |n: &str| match n {
            "last" if annealed => 0,
            "best_accuracy" => 1,
            "best_loss" => 2,
            "last" => 3,
            n if n.starts_with("best_") => 4,
            _ => 5,
        };
        names.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| b.cmp(a)));
        names.dedup();
        names
    }

    /// True when training came to its end with a learning rate that had been taken down.
    fn annealed(&self) -> bool {
        let state = self.checkpoint_folder("last").and_then(|folder| CheckpointState::read(&folder).ok());
        state.is_some_and(|s| s.end == Some(TrainEnd::Completed) && s.config.schedule.schedule.anneals())
    }

    /// Folder of a checkpoint, also while it is being replaced.
    pub(crate) fn checkpoint_folder(&self, name: &str) -> Option<PathBuf> {
        let dir = self.checkpoints_dir();
        [dir.join(name), dir.join(format!("{REPLACED}{name}"))].into_iter().find(|p| p.join(STATE_FILE).is_file())
    }

    /// Opens a checkpoint by name; `None` takes the first of [`RunDir::checkpoints`].
    pub fn checkpoint(&self, name: Option<&str>) -> Result<Checkpoint, RunError> {
        let known = self.checkpoints();
        let found = match name {
            Some(name) => known.iter().find(|k| *k == name),
            None => known.first(),
        };
        let folder = found.and_then(|n| self.checkpoint_folder(n)).ok_or_else(|| RunError::NoCheckpoint {
            run: self.path().to_path_buf(),
            name: name.unwrap_or("last").to_owned(),
            known: match known.is_empty() {
                true => "none yet; train it first".to_owned(),
                false => choices(name.unwrap_or_default(), known.iter().map(String::as_str)),
            },
        })?;
        Checkpoint::read(&folder)
    }

    /// True when training can go on: it never got to a checkpoint, or its last one is not the end.
    pub fn resumable(&self) -> bool {
        let Some(folder) = self.checkpoint_folder("last") else { return self.checkpoints().is_empty() };
        CheckpointState::read(&folder).is_ok_and(|s| match s.end {
            Some(TrainEnd::Completed) => s.epoch < s.config.training.epochs,
            Some(TrainEnd::EarlyStopped | TrainEnd::Imported) => false,
            Some(TrainEnd::FinishedEarly | TrainEnd::Stopped) | None => true,
        })
    }

    /// The last lines of `log.txt`, at most `most`; none where there is no log.
    pub fn log_tail(&self, most: usize) -> Vec<String> {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(self.path().join(LOG_FILE))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            // The first line may be cut.
            if length > LOG_BYTES
                && let Some(end) = bytes.iter().position(|b| *b == b'\n')
            {
                bytes.drain(..=end);
            }
            Ok(bytes)
        };
        let bytes = read().unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let first = lines.len().saturating_sub(most);
        lines.into_iter().skip(first).map(str::to_owned).collect()
    }

    /// The checkpoints there are with how far each was trained, in the order of [`RunDir::checkpoints`].
    pub fn trained(&self) -> Vec<CheckpointInfo> {
        let info = |name: String| {
            let state = self.checkpoint_folder(&name).and_then(|folder| CheckpointState::read(&folder).ok());
            // One that is damaged stays in the list: whoever chooses it is told.
            let (epoch, batches, step) = state.map_or((None, 0, 0), |s| (Some(s.epoch), s.batch_in_epoch, s.step));
            CheckpointInfo { name, epoch, batches, step }
        };
        self.checkpoints().into_iter().map(info).collect()
    }
}

/// A checkpoint as lists show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckpointInfo {
    /// `best_accuracy`, `last`, `epoch_0010`, ….
    pub name: String,
    /// Whole epochs it was trained, when known.
    pub epoch: Option<u32>,
    /// Batches of the epoch after that it was trained.
    pub batches: u32,
    /// Optimiser steps it was trained.
    pub step: u64,
}

impl From<&str> for CheckpointInfo {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}
