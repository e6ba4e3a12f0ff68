//! Predictions of an evaluation as a file for other programs.

use super::error::JobError;
use crate::files;
use crate::model::{ArrayValues, NamedArray, write_safetensors};
use crate::run_folder::{Evaluation, Prediction, Predictions, predictions_csv};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;

/// Kinds of files, by how their names end.
pub const PREDICTION_FILES: [&str; 2] = ["csv", "safetensors"];

/// True where a file can be written, as its name ends.
pub fn is_prediction_file(path: &Path) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| PREDICTION_FILES.contains(&e))
}

/// Writes the predictions of an evaluation to a file: a table where its name ends in `csv`, else arrays in the safetensors format.
///
/// The arrays: `probabilities` `[clips, classes]` (32-bit floats), `targets` (64-bit integers: the class of each clip `[clips]`, in
/// a multi-label evaluation 0 or 1 `[clips, classes]`), `predicted` `[clips]`, `starts` and `ends` `[clips]` (frames of the
/// part that a clip was taken from, the end outside; -1 is the end of the video). The metadata has `classes`, `clips`
/// (`VIDEO:START`), `subjects` as JSON lists, and which weights saw which data.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_predictions(path: &Path, evaluation: &Evaluation, predictions: &Predictions) -> Result<(), JobError> {
    if path.extension().is_some_and(|e| e == "csv") {
        let text = predictions_csv(evaluation, predictions);
        let failed = |source| JobError::Write { path: path.to_path_buf(), source };
        return files::replace(path, text.as_bytes()).map_err(failed);
    }
    Ok(write_safetensors(path, &arrays(evaluation, predictions), metadata(evaluation, predictions))?)
}

fn arrays(evaluation: &Evaluation, predictions: &Predictions) -> Vec<NamedArray> {
    let (clips, classes) = (predictions.clips.len(), evaluation.classes.len());
    let floats =
        |p: &Prediction| (0..classes).map(|c| p.probabilities.get(c).copied().unwrap_or(0.0)).collect::<Vec<_>>();
    let of = |name: &str, shape: Vec<usize>, values: ArrayValues| NamedArray { name: name.to_owned(), shape, values };
    let numbers = |name: &str, number: &dyn Fn(&Prediction) -> i64| {
        of(name, vec![clips], ArrayValues::I64(predictions.clips.iter().map(number).collect()))
    };
    let targets = match evaluation.multi_label {
        None => numbers("targets", &|p| p.truth as i64),
        Some(_) => {
            let row =
                |p: &Prediction| (0..classes).map(|c| i64::from(p.true_classes().contains(&c))).collect::<Vec<_>>();
            of("targets", vec![clips, classes], ArrayValues::I64(predictions.clips.iter().flat_map(row).collect()))
        }
    };
    let probabilities = ArrayValues::F32(predictions.clips.iter().flat_map(floats).collect());
    vec![
        of("probabilities", vec![clips, classes], probabilities),
        targets,
        numbers("predicted", &|p| p.predicted as i64),
        numbers("starts", &|p| p.start.into()),
        numbers("ends", &|p| if p.cut.end == u32::MAX { -1 } else { p.cut.end.into() }),
    ]
}

fn metadata(e: &Evaluation, predictions: &Predictions) -> HashMap<String, String> {
    let classes: Vec<&str> = e.classes.classes.iter().map(|c| c.name.as_str()).collect();
    let clips: Vec<String> = predictions.clips.iter().map(|p| format!("{}:{}", p.video, p.start)).collect();
    let subjects: Vec<&str> = predictions.clips.iter().map(|p| p.subject.as_str()).collect();
    let task = if e.multi_label.is_some() { crate::domain::Task::MultiLabel } else { crate::domain::Task::SingleLabel };
    let texts = [
        ("format", "kinolens predictions 1".to_owned()),
        ("classes", json!(classes).to_string()),
        ("clips", json!(clips).to_string()),
        ("subjects", json!(subjects).to_string()),
        ("task", task.name().to_owned()),
        ("split", e.split.clone()),
        ("dataset", e.dataset.clone()),
        ("dataset_fingerprint", e.dataset_fingerprint.clone()),
        ("run", e.run.clone()),
        ("checkpoint", e.checkpoint.clone()),
        ("step", e.step.to_string()),
    ];
    texts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}
