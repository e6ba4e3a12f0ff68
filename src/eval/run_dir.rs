//! A run folder as it lies on disk: configuration, classes, split, history, checkpoints, results.

use super::checkpoint::{REPLACED, STATE_FILE};
use super::earlier::read_evaluations;
use super::files::read_text;
use super::{Checkpoint, CheckpointState, EvalError, Evaluation, Predictions, TrainEnd};
use crate::config::RunConfig;
use crate::domain::{ClassSet, Split, choices, serialize_path};
use crate::model::WeightReport;
use crate::progress::{ConfusionCell, EpochReport};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Resolved configuration.
pub const CONFIG_FILE: &str = "config.ron";
/// Classes in output order.
pub const CLASSES_FILE: &str = "classes.ron";
/// Which video was used for what.
pub const SPLIT_FILE: &str = "split.csv";
/// Versions, device, dataset.
pub const ENVIRONMENT_FILE: &str = "environment.ron";
/// One row an epoch.
pub const METRICS_FILE: &str = "training_metrics.csv";
/// One row an epoch, one column a class.
pub const PER_CLASS_FILE: &str = "per_class_accuracy.csv";
/// One row an epoch and cell of the validation's confusion matrix that is not empty.
pub const CONFUSION_FILE: &str = "validation_confusion.csv";
/// Every sentence of the training.
pub const LOG_FILE: &str = "log.txt";
/// Folder of checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// Folder of evaluations.
pub const RESULTS: &str = "results";

/// Where and on what a run was trained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Version of kinolens.
    pub kinolens: String,
    /// Operating system and processor family.
    pub platform: String,
    /// The device trained on, as people read it.
    pub device: String,
    /// Processor threads there were.
    pub threads: usize,
    /// Folder of the dataset.
    #[serde(serialize_with = "serialize_path")]
    pub dataset_root: PathBuf,
    /// Name of the dataset.
    pub dataset_name: String,
    /// Id of its format.
    pub dataset_format: String,
    /// Changes whenever files, labels or splits of the dataset change.
    pub dataset_fingerprint: String,
    /// Seed of every random stream.
    pub seed: u64,
    /// Parameters of the network.
    pub parameters: u64,
    /// Clips trained on and validated on.
    pub train_clips: u64,
    /// Clips validated on.
    pub val_clips: u64,
    /// Training started at, in seconds since 1970.
    pub started_unix: u64,
    /// The file its first weights came from; `None` where they were drawn.
    pub weights: Option<WeightsOrigin>,
}

/// Where the first weights of a run came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WeightsOrigin {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it is, for people.
    pub format: String,
    /// What was taken and what was not, in words.
    pub report: Vec<String>,
}

impl WeightsOrigin {
    /// From the report of taking them.
    pub fn of(report: &WeightReport) -> Self {
        Self {
            path: std::path::absolute(&report.path).unwrap_or_else(|_| report.path.clone()),
            bytes: std::fs::metadata(&report.path).map_or(0, |m| m.len()),
            format: report.format.title().to_owned(),
            report: report.lines(true).into_iter().chain(report.warnings.iter().cloned()).collect(),
        }
    }
}

/// A row of `split.csv`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitRow {
    /// Name of the video in the dataset.
    pub video: String,
    /// Subject; empty when unknown.
    pub subject: String,
    /// What it was used for; `Unassigned` when for nothing.
    pub part: Split,
    /// Clips it gave.
    pub clips: u64,
    /// Digest of what is in the file (hex digits), whatever it is called; empty in runs of earlier versions.
    #[serde(default)]
    pub content: String,
}

/// Bytes of a log that are looked at from its end.
const LOG_BYTES: u64 = 1 << 20;

/// A run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

/// True when `path` has the two files every run has from its first moment.
pub(super) fn is_run(path: &Path) -> bool {
    path.join(CONFIG_FILE).is_file() && path.join(CLASSES_FILE).is_file()
}

fn read_ron<T: DeserializeOwned>(path: &Path) -> Result<T, EvalError> {
    ron::from_str(&read_text(path)?).map_err(|e| EvalError::Damaged { path: path.to_path_buf(), reason: e.to_string() })
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, EvalError> {
    serde_json::from_str(&read_text(path)?)
        .map_err(|e| EvalError::Damaged { path: path.to_path_buf(), reason: e.to_string() })
}

impl RunDir {
    /// Opens a run folder; a path into one (its `checkpoints`, a checkpoint, a file) finds the run above it.
    pub fn open(path: &Path) -> Result<Self, EvalError> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        if let Some(run) = absolute.ancestors().take(4).find(|a| is_run(a)) {
            return Ok(Self { path: run.to_path_buf() });
        }
        let reason = if !path.exists() {
            "it does not exist"
        } else {
            "it has no config.ron and classes.ron; choose a folder that `kinolens train` wrote"
        };
        Err(EvalError::NotARun { path: path.to_path_buf(), reason: reason.into() })
    }

    /// A folder that has just been made by the trainer.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// True when `path` is a run folder.
    pub fn is_run(path: &Path) -> bool {
        is_run(path)
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

    /// The resolved configuration.
    pub fn config(&self) -> Result<RunConfig, EvalError> {
        let path = self.path.join(CONFIG_FILE);
        RunConfig::load(&path).map_err(|e| EvalError::Damaged { path, reason: e.to_string() })
    }

    /// Classes in output order.
    pub fn classes(&self) -> Result<ClassSet, EvalError> {
        read_ron(&self.path.join(CLASSES_FILE))
    }

    /// Where and on what it was trained.
    pub fn environment(&self) -> Result<Environment, EvalError> {
        read_ron(&self.path.join(ENVIRONMENT_FILE))
    }

    /// Which video was used for what.
    pub fn split(&self) -> Result<Vec<SplitRow>, EvalError> {
        let path = self.path.join(SPLIT_FILE);
        let text = read_text(&path)?;
        let rows: Result<Vec<SplitRow>, csv::Error> = csv::Reader::from_reader(text.as_bytes()).deserialize().collect();
        rows.map_err(|e| EvalError::Damaged { path, reason: e.to_string() })
    }

    /// Epochs so far, from the CSV files (so that a run whose checkpoints were deleted still shows its curves); empty
    /// before the first epoch ended.
    pub fn history(&self) -> Result<Vec<EpochReport>, EvalError> {
        let path = self.path.join(METRICS_FILE);
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let damaged =
            |path: &Path, e: csv::Error| EvalError::Damaged { path: path.to_path_buf(), reason: e.to_string() };
        let mut per_class = self.per_class_history()?;
        let mut confusions = self.confusion_history()?;
        let text = read_text(&path)?;
        csv::Reader::from_reader(text.as_bytes())
            .deserialize()
            .map(|row| {
                let mut report = row.map(MetricsRow::into_report).map_err(|e| damaged(&path, e))?;
                report.per_class_accuracy = per_class.remove(&report.epoch).unwrap_or_default();
                report.confusion = confusions.remove(&report.epoch).unwrap_or_default();
                Ok(report)
            })
            .collect()
    }

    fn per_class_history(&self) -> Result<BTreeMap<u32, Vec<Option<f32>>>, EvalError> {
        let path = self.path.join(PER_CLASS_FILE);
        if !path.is_file() {
            return Ok(BTreeMap::new());
        }
        let text = read_text(&path)?;
        let mut out = BTreeMap::new();
        for row in csv::Reader::from_reader(text.as_bytes()).records() {
            let row = row.map_err(|e| EvalError::Damaged { path: path.clone(), reason: e.to_string() })?;
            let mut cells = row.iter();
            if let Some(epoch) = cells.next().and_then(|e| e.parse().ok()) {
                let accuracies: Vec<Option<f32>> = cells.map(|c| c.parse().ok()).collect();
                // Nothing but empty cells: there was no validation.
                let validated = accuracies.iter().any(Option::is_some);
                out.insert(epoch, if validated { accuracies } else { Vec::new() });
            }
        }
        Ok(out)
    }

    fn confusion_history(&self) -> Result<BTreeMap<u32, Vec<ConfusionCell>>, EvalError> {
        let path = self.path.join(CONFUSION_FILE);
        let mut out: BTreeMap<u32, Vec<ConfusionCell>> = BTreeMap::new();
        if !path.is_file() {
            return Ok(out);
        }
        let classes = self.classes()?;
        let text = read_text(&path)?;
        for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
            let row: ConfusionRow =
                row.map_err(|e| EvalError::Damaged { path: path.clone(), reason: e.to_string() })?;
            if let (Some(truth), Some(predicted)) = (classes.by_name(&row.truth), classes.by_name(&row.predicted)) {
                let cell = ConfusionCell(truth as u32, predicted as u32, row.clips);
                out.entry(row.epoch).or_default().push(cell);
            }
        }
        Ok(out)
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
    pub fn checkpoint(&self, name: Option<&str>) -> Result<Checkpoint, EvalError> {
        let known = self.checkpoints();
        let found = match name {
            Some(name) => known.iter().find(|k| *k == name),
            None => known.first(),
        };
        let folder = found.and_then(|n| self.checkpoint_folder(n)).ok_or_else(|| EvalError::NoCheckpoint {
            run: self.path.clone(),
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
            let mut file = File::open(self.path.join(LOG_FILE))?;
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

    /// Evaluations in `results/`, oldest first: one a checkpoint, split and dataset. Those of earlier versions, which kept
    /// one a split, lie in `results/` itself. One without its predictions has none.
    pub fn evaluations(&self) -> Vec<(Evaluation, Predictions)> {
        let results = self.results_dir();
        let entries = std::fs::read_dir(&results).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_dir()).collect();
        folders.sort();
        folders.insert(0, results);
        let mut found: Vec<(PathBuf, Evaluation)> = folders.iter().flat_map(|f| read_evaluations(f)).collect();
        found.sort_by_key(|(_, e)| e.made_unix);
        let same = |a: &Evaluation, b: &Evaluation| {
            let data = |e: &Evaluation| match e.dataset_fingerprint.is_empty() {
                true => e.dataset.clone(),
                false => e.dataset_fingerprint.clone(),
            };
            (&a.checkpoint, &a.split, data(a)) == (&b.checkpoint, &b.split, data(b))
        };
        let newest = |i: usize| !found[i + 1..].iter().any(|(_, later)| same(later, &found[i].1));
        let keep: Vec<bool> = (0..found.len()).map(newest).collect();
        let kept = found.iter().zip(keep).filter(|(_, keep)| *keep);
        kept.map(|((path, evaluation), _)| {
            let predictions = path.with_file_name(format!("predictions_{}.json", evaluation.split));
            (evaluation.clone(), read_json(&predictions).unwrap_or_default())
        })
        .collect()
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

/// A row of [`CONFUSION_FILE`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ConfusionRow {
    pub epoch: u32,
    /// Name of the true class.
    #[serde(rename = "true")]
    pub truth: String,
    /// Name of the class said.
    pub predicted: String,
    pub clips: u64,
}

/// A row of `training_metrics.csv`; empty cells where there was no validation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MetricsRow {
    epoch: u32,
    train_loss: f32,
    train_accuracy: f32,
    val_loss: Option<f32>,
    val_accuracy: Option<f32>,
    learning_rate: f64,
    gradient_norm: f32,
    seconds: f64,
    clips_per_second: f32,
    epochs_without_improvement: u32,
    memory_bytes: u64,
    /// Absent in runs of earlier versions.
    #[serde(default)]
    threads_busy: f32,
    #[serde(default)]
    device_memory_bytes: Option<u64>,
}

impl MetricsRow {
    /// The scalar part of a report.
    pub(crate) fn of(r: &EpochReport) -> Self {
        Self {
            epoch: r.epoch,
            train_loss: r.train_loss,
            train_accuracy: r.train_accuracy,
            val_loss: r.val_loss,
            val_accuracy: r.val_accuracy,
            learning_rate: r.learning_rate,
            gradient_norm: r.gradient_norm,
            seconds: r.seconds,
            clips_per_second: r.clips_per_second,
            epochs_without_improvement: r.epochs_without_improvement,
            memory_bytes: r.memory_bytes,
            threads_busy: r.threads_busy,
            device_memory_bytes: r.device_memory_bytes,
        }
    }

    fn into_report(self) -> EpochReport {
        EpochReport {
            epoch: self.epoch,
            train_loss: self.train_loss,
            train_accuracy: self.train_accuracy,
            val_loss: self.val_loss,
            val_accuracy: self.val_accuracy,
            per_class_accuracy: Vec::new(),
            learning_rate: self.learning_rate,
            gradient_norm: self.gradient_norm,
            seconds: self.seconds,
            clips_per_second: self.clips_per_second,
            epochs_without_improvement: self.epochs_without_improvement,
            memory_bytes: self.memory_bytes,
            threads_busy: self.threads_busy,
            device_memory_bytes: self.device_memory_bytes,
            confusion: Vec::new(),
        }
    }
}
