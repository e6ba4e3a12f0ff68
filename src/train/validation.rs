//! Validation after an epoch.

use super::features::Features;
use super::{Loss, TrainError};
use crate::config::TrainingConfig;
use crate::data::{ClassTargets, ClipSource};
use crate::domain::{ClassId, Clip, Dataset, argmax};
use crate::eval::metrics::{sigmoid_and_loss, softmax_and_loss};
use crate::eval::multi_label::{average_precisions, mean_average_precision};
use crate::eval::{PrCurve, PredictOptions, pr_curves, predict_clips};
use crate::model::{Network, read};
use crate::progress::{EpochReport, Monitor, Progress, WrongClip};
use crate::run_folder::Confusion;
use burn::tensor::{Tensor, TensorData};
use std::sync::Arc;

/// Wrong clips of a validation that are told.
const WRONG_TOLD: usize = 48;

/// A network and the clips it is validated on.
pub(super) struct Validation<'a> {
    pub network: &'a Network,
    pub source: &'a Arc<ClipSource>,
    pub dataset: &'a Dataset,
    pub clips: &'a [Clip],
    /// All classes of each clip, in a multi-label task.
    pub targets: Option<&'a ClassTargets>,
    /// What a frozen backbone makes of the clips, where that is kept.
    pub features: Option<&'a Features>,
    pub loss: &'a Loss,
    pub config: &'a TrainingConfig,
}

impl Validation<'_> {
    /// Evaluates the clips and completes the report; without clips it stays as it is. Gives the precision-recall curve of
    /// each class that a clip shows.
    pub fn evaluate(
        &self,
        report: &mut EpochReport,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Option<PrCurve>>, TrainError> {
        if self.clips.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.logits(monitor)?;
        if let Some(targets) = self.targets {
            return self.evaluate_sets(&rows, targets, report, monitor);
        }
        let loss = self.loss.of(self.tensor(&rows), &labels_of(self.clips));
        let loss = read(loss)?.first().copied().unwrap_or(f32::NAN);
        let classes = self.network.classes();
        let validated = Validated { dataset: self.dataset, clips: self.clips, rows: &rows, classes, loss };
        Ok(complete(report, &validated, monitor))
    }

    /// The same where clips have several classes.
    fn evaluate_sets(
        &self,
        rows: &[Vec<f32>],
        targets: &ClassTargets,
        report: &mut EpochReport,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Option<PrCurve>>, TrainError> {
        let sets: Vec<Vec<ClassId>> = self.clips.iter().map(|c| targets.of(c)).collect();
        let loss = self.loss.of_sets(self.tensor(rows), &sets);
        report.val_loss = Some(read(loss)?.first().copied().unwrap_or(f32::NAN));
        let probabilities: Vec<Vec<f32>> = rows.iter().map(|row| sigmoid_and_loss(row, &[]).0).collect();
        let scored = probabilities.iter().map(Vec::as_slice).zip(sets.iter().map(Vec::as_slice));
        let per_class = average_precisions(self.network.classes(), scored.clone());
        let curves = pr_curves(self.network.classes(), scored);
        report.val_map = mean_average_precision(&per_class).map(|map| map as f32);
        report.per_class_ap = per_class.into_iter().map(|ap| ap.map(|ap| ap as f32)).collect();
        let mut wrong = Vec::new();
        for ((row, set), clip) in probabilities.iter().zip(&sets).zip(self.clips) {
            let predicted = argmax(row);
            if !set.contains(&predicted) {
                let probability = row.get(predicted).copied().unwrap_or(0.0);
                let truth = set.first().copied().unwrap_or_default();
                wrong.push(wrong_clip(self.dataset, clip, (truth, set.clone()), predicted, probability));
            }
        }
        report.val_accuracy = Some((rows.len() - wrong.len()) as f32 / rows.len() as f32);
        tell(wrong, monitor);
        Ok(curves)
    }

    /// Logits as a tensor of the CPU, `[B, K]`.
    fn tensor(&self, rows: &[Vec<f32>]) -> Tensor<2> {
        let flat: Vec<f32> = rows.iter().flatten().copied().collect();
        let shape = [rows.len(), self.network.classes()];
        Tensor::from_data(TensorData::new(flat, shape), &burn::tensor::Device::flex())
    }

    /// Logits of the clips, in their order, one row of `[classes]` each.
    fn logits(&self, monitor: &dyn Monitor) -> Result<Vec<Vec<f32>>, TrainError> {
        let (batch_size, workers) = (self.config.batch_size, self.config.workers);
        let Some(features) = self.features else {
            let options = PredictOptions { batch_size, workers, label: "validating" };
            return Ok(predict_clips(self.network, self.source, self.clips, options, monitor)?);
        };
        let mut rows = Vec::with_capacity(self.clips.len());
        for clips in self.clips.chunks(batch_size.max(1)) {
            let kept = features.batch(self.network, clips);
            let batch = kept.ok_or(TrainError::Internal("features of a validation clip are not there"))?;
            let logits = self.network.device().compute(|| read(self.network.forward_features(batch)))?;
            rows.extend(logits.chunks_exact(self.network.classes()).map(<[f32]>::to_vec));
        }
        Ok(rows)
    }
}

/// Tells of the surest wrong clips.
fn tell(mut wrong: Vec<WrongClip>, monitor: &dyn Monitor) {
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    wrong.truncate(WRONG_TOLD);
    monitor.emit(Progress::WrongClips(wrong));
}

/// A clip whose most probable class is not true; `truths` are all its classes in a multi-label task, else none.
fn wrong_clip(
    dataset: &Dataset,
    clip: &Clip,
    (truth, truths): (ClassId, Vec<ClassId>),
    predicted: ClassId,
    probability: f32,
) -> WrongClip {
    let video = dataset.videos.get(clip.video).map(|v| v.name.clone()).unwrap_or_default();
    WrongClip { video, start: clip.start, cut: clip.cut, truth, truths, predicted, probability }
}

/// The class of each clip.
pub(super) fn labels_of(clips: &[Clip]) -> Vec<usize> {
    clips.iter().map(|c| c.label.and_then(|l| l.class()).unwrap_or_default()).collect()
}

/// What was said of validation clips.
pub(super) struct Validated<'a> {
    pub dataset: &'a Dataset,
    pub clips: &'a [Clip],
    /// Logits of each clip.
    pub rows: &'a [Vec<f32>],
    pub classes: usize,
    pub loss: f32,
}

/// Completes the report of an epoch by its validation, and tells the most confident errors. Gives the precision-recall curve of
/// each class that a clip shows.
pub(super) fn complete(
    report: &mut EpochReport,
    validated: &Validated<'_>,
    monitor: &dyn Monitor,
) -> Vec<Option<PrCurve>> {
    let Validated { dataset, clips, rows, classes, loss } = *validated;
    let labels = labels_of(clips);
    let probabilities: Vec<Vec<f32>> = rows.iter().map(|row| softmax_and_loss(row, 0).0).collect();
    let mut confusion = Confusion::count(classes, []);
    let mut wrong = Vec::new();
    for (((row, said), label), clip) in rows.iter().zip(&probabilities).zip(&labels).zip(clips) {
        let predicted = argmax(row);
        confusion.add(*label, predicted);
        if predicted != *label {
            let probability = said.get(predicted).copied().unwrap_or(0.0);
            wrong.push(wrong_clip(dataset, clip, (*label, Vec::new()), predicted, probability));
        }
    }
    report.val_loss = Some(loss);
    report.val_accuracy = Some(confusion.correct() as f32 / labels.len() as f32);
    report.per_class_accuracy = confusion.recalls().into_iter().map(|r| r.map(|r| r as f32)).collect();
    report.val_weighted = Some(confusion.weighted_scores());
    report.confusion = confusion.cells();
    tell(wrong, monitor);
    pr_curves(classes, probabilities.iter().map(Vec::as_slice).zip(labels.iter().map(std::slice::from_ref)))
}
