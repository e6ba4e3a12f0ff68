//! An evaluation as an event file of its own, beside its other files.

use super::confusion::confusion;
use super::message::{PREFIX, first_event, framed, pr_curve, scalar, summary_event};
use crate::eval::pr_curves;
use crate::files;
use crate::run_folder::{Evaluation, Prediction, Predictions};
use crate::train::TrainError;
use std::path::{Path, PathBuf};

/// Writes the event file of an evaluation to its folder, in the place of that of an earlier one: scores, a precision-recall curve
/// of each class that a clip shows, and the confusion matrix as a picture. Its step is the epoch of the checkpoint.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_evaluation(dir: &Path, evaluation: &Evaluation, predictions: &Predictions) -> Result<PathBuf, TrainError> {
    let split = &evaluation.split;
    let path = dir.join(format!("{PREFIX}0.kinolens.{split}"));
    let step = u64::from(evaluation.epoch.unwrap_or(0));
    let mut bytes = framed(&first_event());
    bytes.extend(framed(&summary_event(step, scores(evaluation))));
    let shown = predictions.clips.iter().map(|c: &Prediction| (c.probabilities.as_slice(), c.true_classes()));
    let classes = &evaluation.classes;
    for (class, curve) in pr_curves(classes.len(), shown).iter().enumerate() {
        let Some(curve) = curve else { continue };
        let value = pr_curve(&format!("pr_{split}/{}", classes.name(class)), curve);
        bytes.extend(framed(&summary_event(step, [value])));
    }
    if let Some(value) = confusion(&format!("confusion/{split}"), &evaluation.confusion.counts, classes) {
        bytes.extend(framed(&summary_event(step, [value])));
    }
    files::replace(&path, &bytes).map_err(|e| TrainError::file("write", &path, &e))?;
    Ok(path)
}

fn scores(e: &Evaluation) -> Vec<Vec<u8>> {
    let mut values = vec![
        ("accuracy", e.accuracy),
        ("top3_accuracy", e.top3_accuracy),
        ("top5_accuracy", e.top5_accuracy),
        ("mean_class_accuracy", e.mean_class_accuracy),
        ("loss", e.loss),
        ("macro_f1", e.macro_average.f1),
        ("weighted_f1", e.weighted_average.f1),
    ];
    values.extend(e.multi_label.as_ref().map(|m| ("mAP", m.map)));
    values.extend(e.frames.as_ref().map(|f| ("frame_accuracy", f.accuracy)));
    values.into_iter().map(|(name, value)| scalar(&format!("{name}/{}", e.split), value)).collect()
}
