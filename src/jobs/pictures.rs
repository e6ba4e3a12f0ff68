//! Pictures of datasets, runs and evaluations.

use super::error::JobError;
use super::run_view::RunView;
use crate::data::{ClassStatistics, Statistics};
use crate::domain::Dataset;
use crate::render::plots::{
    ClassScores, CoOccurrence, DatasetFigures, LabelBar, SplitCounts, dataset_plots, evaluation_plots,
    multi_label_plots, training_plots,
};
use crate::run_folder::Evaluation;
use std::path::{Path, PathBuf};

/// Classes in the "top" plot of a run unless asked otherwise.
pub(super) const TOP_CLASSES: usize = 5;

/// Writes the tables and plots of `inspect --out`.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_inspection(dataset: &Dataset, statistics: &Statistics, out: &Path) -> Result<Vec<PathBuf>, JobError> {
    let mut files = statistics.write_csv(out)?;
    let counts = |of: fn(&ClassStatistics) -> u64| -> Vec<SplitCounts> {
        let splits = statistics.splits.iter();
        splits
            .map(|(split, s)| SplitCounts {
                split: split.name().to_owned(),
                per_class: s.classes.iter().map(of).collect(),
            })
            .collect()
    };
    let figures = DatasetFigures {
        classes: dataset.classes.classes.iter().map(|c| c.name.clone()).collect(),
        frames: counts(|c| c.frames),
        clips: counts(|c| c.clips),
        video_seconds: dataset.videos.iter().filter_map(|v| v.facts.as_ref()).map(|f| f.duration_s).collect(),
        labels: label_bars(dataset),
    };
    files.extend(dataset_plots(&figures, out)?);
    Ok(files)
}

/// Labels along the time of every video.
fn label_bars(dataset: &Dataset) -> Vec<LabelBar> {
    let readable = dataset.videos.iter().filter_map(|v| Some((v, v.facts.as_ref()?)));
    readable
        .filter(|(_, facts)| facts.fps > 0.0)
        .map(|(video, facts)| {
            let seconds = |frame: u32| f64::from(frame) / facts.fps;
            let parts = video.class_spans();
            LabelBar {
                name: if video.subject.is_empty() { video.name.clone() } else { video.subject.clone() },
                seconds: facts.duration_s,
                parts: parts.map(|s| (seconds(s.start), seconds(s.end), s.label.class())).collect(),
            }
        })
        .collect()
}

/// Draws the curves of a run and gives the files.
///
/// # Errors
/// A run without an epoch, or a folder that cannot be written.
pub fn plot_run(run: &RunView, top_classes: usize, out: &Path) -> Result<Vec<PathBuf>, JobError> {
    let classes: Vec<String> = run.classes.classes.iter().map(|c| c.name.clone()).collect();
    Ok(training_plots(&run.history, &classes, top_classes, out)?)
}

/// Draws the pictures of an evaluation in a folder named after its split.
pub(super) fn evaluation(evaluation: &Evaluation, dir: &Path) -> Result<(), JobError> {
    let scores: Vec<ClassScores> = evaluation
        .per_class
        .iter()
        .map(|c| ClassScores {
            class: c.class.clone(),
            precision: c.precision,
            recall: c.recall,
            f1: c.f1,
            support: c.support,
        })
        .collect();
    let dir = dir.join(format!("plots_{}", evaluation.split));
    match &evaluation.multi_label {
        None => evaluation_plots(&evaluation.confusion.counts, &scores, &dir)?,
        Some(several) => {
            let together = CoOccurrence {
                counts: &several.co_occurrence.counts,
                said_nothing: &several.said_nothing,
                average_precision: &several.average_precision,
                map: several.map,
            };
            multi_label_plots(&together, &scores, &dir)?
        }
    };
    Ok(())
}
