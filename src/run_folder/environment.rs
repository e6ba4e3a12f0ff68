//! What a run was made with: versions, device, dataset, first weights, and the part every video plays.

use super::RunError;
use crate::data::ClipPlan;
use crate::domain::{CorrectionCounts, Dataset, Split, Task, serialize_path};
use crate::model::{ComputeDevice, WeightReport};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

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
    /// The processes that began it together, each with its machine and device; none where there was one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<String>,
    /// Folder of the dataset.
    #[serde(serialize_with = "serialize_path")]
    pub dataset_root: PathBuf,
    /// Name of the dataset.
    pub dataset_name: String,
    /// Id of its format.
    pub dataset_format: String,
    /// Changes whenever files, labels or splits of the dataset change.
    pub dataset_fingerprint: String,
    /// The same without its label map; empty where there was none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub files_fingerprint: String,
    /// How many labels of the dataset were corrected; the corrections stand in `corrections.ron`.
    #[serde(skip_serializing_if = "CorrectionCounts::is_none")]
    pub corrections: CorrectionCounts,
    /// How many classes a clip may have.
    #[serde(skip_serializing_if = "Task::is_single")]
    pub task: Task,
    /// Seed of every random stream.
    pub seed: u64,
    /// Parameters of the network, or numbers a classical baseline keeps.
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

/// Versions, device, dataset and seed of a run that begins now.
pub(crate) fn environment(
    dataset: &Dataset,
    plan: &ClipPlan,
    parameters: usize,
    device: String,
    seed: u64,
    weights: Option<WeightsOrigin>,
) -> Environment {
    Environment {
        dataset_root: std::path::absolute(&dataset.root).unwrap_or_else(|_| dataset.root.clone()),
        dataset_name: dataset.name.clone(),
        dataset_format: dataset.format.clone(),
        dataset_fingerprint: dataset.fingerprint.clone(),
        files_fingerprint: dataset.mapped.as_ref().map(|m| m.fingerprint.clone()).unwrap_or_default(),
        corrections: dataset.correction_counts(),
        task: dataset.task,
        train_clips: plan.train.len() as u64,
        val_clips: plan.val.len() as u64,
        weights,
        ..without_data(parameters, device, seed)
    }
}

/// The corrections that a run is trained with, as `corrections.ron` has them; `None` where no label is corrected.
///
/// # Errors
/// Text that cannot be made of them.
pub(crate) fn corrections_text(dataset: &Dataset) -> Result<Option<String>, RunError> {
    let kept = dataset.corrections.as_deref().filter(|c| !c.all.videos.is_empty());
    let text = kept.map(|c| c.text(&dataset.root)).transpose();
    text.map_err(|e| RunError::Damaged { path: dataset.root.clone(), reason: e.to_string() })
}

/// The devices of a run, for people.
pub(crate) fn titles(devices: &[ComputeDevice]) -> String {
    devices.iter().map(ComputeDevice::title).collect::<Vec<_>>().join(" + ")
}

/// Versions, device and seed of a run that no dataset belongs to yet.
pub(crate) fn without_data(parameters: usize, device: String, seed: u64) -> Environment {
    Environment {
        kinolens: env!("CARGO_PKG_VERSION").to_owned(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        device,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        seed,
        parameters: parameters as u64,
        started_unix: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        ..Environment::default()
    }
}

/// The part every video plays, with its clips, for `split.csv`.
pub(crate) fn split_rows(dataset: &Dataset, plan: &ClipPlan) -> Vec<SplitRow> {
    let videos =
        dataset.videos.iter().zip(&plan.parts).enumerate().filter(|(_, (_, part))| **part != Split::Unassigned);
    videos
        .map(|(index, (video, part))| SplitRow {
            video: video.name.clone(),
            subject: video.subject.clone(),
            part: *part,
            clips: plan.clips(*part).iter().filter(|c| c.video == index).count() as u64,
            content: video.content().to_owned(),
        })
        .collect()
}
