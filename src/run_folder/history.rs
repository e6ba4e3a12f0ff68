//! The tables of a run's epochs: one row an epoch, written by the trainer and read for the curves.

use super::files::{damaged_table, read_text};
use super::layout::{CONFUSION_FILE, LAYERS_FILE, METRICS_FILE, PER_CLASS_AP_FILE, PER_CLASS_FILE};
use super::{RunDir, RunError};
use crate::progress::{ConfusionCell, EpochReport, LayerReport, WeightedScores};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

impl RunDir {
    /// Epochs so far, from the CSV files (so that a run whose checkpoints were deleted still shows its curves); empty
    /// before the first epoch ended.
    pub fn history(&self) -> Result<Vec<EpochReport>, RunError> {
        let path = self.path().join(METRICS_FILE);
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let mut per_class = self.per_class_history(PER_CLASS_FILE)?;
        let mut per_class_ap = self.per_class_history(PER_CLASS_AP_FILE)?;
        let mut confusions = self.confusion_history()?;
        let text = read_text(&path)?;
        csv::Reader::from_reader(text.as_bytes())
            .deserialize()
            .map(|row| {
                let mut report = row.map(MetricsRow::into_report).map_err(|e| damaged_table(&path, &e))?;
                report.per_class_accuracy = per_class.remove(&report.epoch).unwrap_or_default();
                report.per_class_ap = per_class_ap.remove(&report.epoch).unwrap_or_default();
                report.confusion = confusions.remove(&report.epoch).unwrap_or_default();
                Ok(report)
            })
            .collect()
    }

    /// Statistics of layers so far; none where none were gathered. A row that was torn by a crash ends them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn layer_reports(&self) -> Result<Vec<LayerReport>, RunError> {
        let path = self.path().join(LAYERS_FILE);
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let text = read_text(&path)?;
        Ok(csv::Reader::from_reader(text.as_bytes()).deserialize().map_while(Result::ok).collect())
    }

    /// The columns of a table with one a class, by epoch; none where there is no such table.
    fn per_class_history(&self, file: &str) -> Result<BTreeMap<u32, Vec<Option<f32>>>, RunError> {
        let path = self.path().join(file);
        if !path.is_file() {
            return Ok(BTreeMap::new());
        }
        let text = read_text(&path)?;
        let mut out = BTreeMap::new();
        for row in csv::Reader::from_reader(text.as_bytes()).records() {
            let row = row.map_err(|e| damaged_table(&path, &e))?;
            let wrong = |what: &str, cell: &str| RunError::Damaged {
                path: path.clone(),
                reason: format!("line {}: '{cell}' is no {what}", row.position().map_or(0, csv::Position::line)),
            };
            let mut cells = row.iter();
            let epoch = cells.next().unwrap_or_default();
            let epoch: u32 = epoch.parse().map_err(|_| wrong("number of an epoch", epoch))?;
            let share = |c: &str| match c {
                "" => Ok(None),
                c => c.parse().map(Some).map_err(|_| wrong("score", c)),
            };
            let accuracies: Vec<Option<f32>> = cells.map(share).collect::<Result<_, _>>()?;
            // Nothing but empty cells: there was no validation.
            let validated = accuracies.iter().any(Option::is_some);
            out.insert(epoch, if validated { accuracies } else { Vec::new() });
        }
        Ok(out)
    }

    fn confusion_history(&self) -> Result<BTreeMap<u32, Vec<ConfusionCell>>, RunError> {
        let path = self.path().join(CONFUSION_FILE);
        let mut out: BTreeMap<u32, Vec<ConfusionCell>> = BTreeMap::new();
        if !path.is_file() {
            return Ok(out);
        }
        let classes = self.classes()?;
        let text = read_text(&path)?;
        for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
            let row: ConfusionRow = row.map_err(|e| damaged_table(&path, &e))?;
            if let (Some(truth), Some(predicted)) = (classes.by_name(&row.truth), classes.by_name(&row.predicted)) {
                let cell = ConfusionCell(truth as u32, predicted as u32, row.clips);
                out.entry(row.epoch).or_default().push(cell);
            }
        }
        Ok(out)
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
    /// Only in runs of a multi-label task: `Some` around what may be missing.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    val_map: Option<Option<f32>>,
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
    /// The six weighted scores are only in runs whose clips have one class, and absent in runs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    train_weighted_precision: Option<Option<f32>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    train_weighted_recall: Option<Option<f32>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    train_weighted_f1: Option<Option<f32>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    val_weighted_precision: Option<Option<f32>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    val_weighted_recall: Option<Option<f32>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    val_weighted_f1: Option<Option<f32>>,
    #[serde(default)]
    guessing_loss: Option<f32>,
}

/// A column that is there, whatever its cell.
fn given<'d, D: serde::Deserializer<'d>>(from: D) -> Result<Option<Option<f32>>, D::Error> {
    Option::<f32>::deserialize(from).map(Some)
}

impl MetricsRow {
    /// The scalar part of a report; with the column of a multi-label task or without.
    pub(crate) fn of(r: &EpochReport, multi_label: bool) -> Self {
        let weighted =
            |scores: Option<WeightedScores>, of: fn(WeightedScores) -> f32| (!multi_label).then_some(scores.map(of));
        Self {
            epoch: r.epoch,
            train_loss: r.train_loss,
            train_accuracy: r.train_accuracy,
            val_loss: r.val_loss,
            val_accuracy: r.val_accuracy,
            val_map: multi_label.then_some(r.val_map),
            learning_rate: r.learning_rate,
            gradient_norm: r.gradient_norm,
            seconds: r.seconds,
            clips_per_second: r.clips_per_second,
            epochs_without_improvement: r.epochs_without_improvement,
            memory_bytes: r.memory_bytes,
            threads_busy: r.threads_busy,
            device_memory_bytes: r.device_memory_bytes,
            train_weighted_precision: weighted(r.train_weighted, |s| s.precision),
            train_weighted_recall: weighted(r.train_weighted, |s| s.recall),
            train_weighted_f1: weighted(r.train_weighted, |s| s.f1),
            val_weighted_precision: weighted(r.val_weighted, |s| s.precision),
            val_weighted_recall: weighted(r.val_weighted, |s| s.recall),
            val_weighted_f1: weighted(r.val_weighted, |s| s.f1),
            guessing_loss: r.guessing_loss,
        }
    }

    fn into_report(self) -> EpochReport {
        let weighted = |precision: Option<Option<f32>>, recall: Option<Option<f32>>, f1: Option<Option<f32>>| {
            Some(WeightedScores { precision: precision??, recall: recall??, f1: f1?? })
        };
        EpochReport {
            epoch: self.epoch,
            train_loss: self.train_loss,
            train_accuracy: self.train_accuracy,
            val_loss: self.val_loss,
            val_accuracy: self.val_accuracy,
            val_map: self.val_map.flatten(),
            per_class_ap: Vec::new(),
            per_class_accuracy: Vec::new(),
            train_weighted: weighted(self.train_weighted_precision, self.train_weighted_recall, self.train_weighted_f1),
            val_weighted: weighted(self.val_weighted_precision, self.val_weighted_recall, self.val_weighted_f1),
            learning_rate: self.learning_rate,
            gradient_norm: self.gradient_norm,
            seconds: self.seconds,
            clips_per_second: self.clips_per_second,
            epochs_without_improvement: self.epochs_without_improvement,
            memory_bytes: self.memory_bytes,
            threads_busy: self.threads_busy,
            device_memory_bytes: self.device_memory_bytes,
            confusion: Vec::new(),
            guessing_loss: self.guessing_loss,
        }
    }
}
