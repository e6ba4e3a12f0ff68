//! Plots as PNG and SVG: of a dataset, of a training and of an evaluation.
//!
//! Each function lays one plot out as a [`Scene`]; [`Scene::save`] writes both files. [`dataset_plots`],
//! [`training_plots`], [`evaluation_plots`] and [`multi_label_plots`] write whole sets. Class colours are the window's
//! ([`palette`](super::palette)). Values that are missing or not finite leave gaps.

mod axes;
mod bars;
mod curves;
mod layers;
mod matrix;
mod scene;
mod timeline;

pub use bars::{average_precision_bars, class_comparison, class_counts, class_scores, final_accuracy, histogram};
pub use curves::{
    EpochValues, accuracy_curves, learning_rate_curve, loss_curves, map_curve, per_class_curves, run_curves,
    training_overview,
};
pub use layers::{class_probabilities, named_curves, value_histogram};
pub use matrix::{class_accuracy_map, co_occurrence_matrix, confusion_difference, confusion_matrix};
pub use scene::Scene;
pub use timeline::label_overview;

use super::RenderError;
use crate::progress::EpochReport;
use std::path::{Path, PathBuf};

/// Counts of one split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SplitCounts {
    /// Name of the split.
    pub split: String,
    /// One number a class.
    pub per_class: Vec<u64>,
}

/// A class's scores, each 0…1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassScores {
    /// Class name.
    pub class: String,
    /// Right among predicted.
    pub precision: f64,
    /// Right among true.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// True clips.
    pub support: u64,
}

/// What only the evaluation of a multi-label task has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoOccurrence<'a> {
    /// `counts[a][b]`: clips labelled `a` of which `b` was said.
    pub counts: &'a [Vec<u64>],
    /// Clips labelled with each class of which nothing was said.
    pub said_nothing: &'a [u64],
    /// Average precision of each class, 0…1; `None` where no clip shows it.
    pub average_precision: &'a [Option<f64>],
    /// Their mean.
    pub map: f64,
}

/// Labels of one video along its time, for [`label_overview`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelBar {
    /// Subject or video.
    pub name: String,
    /// Length in seconds.
    pub seconds: f64,
    /// From, to (seconds) and class; `None` is background. What no part covers is unlabelled.
    pub parts: Vec<(f64, f64, Option<usize>)>,
}

/// What [`dataset_plots`] shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatasetFigures {
    /// Class names in output order.
    pub classes: Vec<String>,
    /// Labelled frames.
    pub frames: Vec<SplitCounts>,
    /// Clips.
    pub clips: Vec<SplitCounts>,
    /// Length of each video in seconds.
    pub video_seconds: Vec<f64>,
    /// Labels of each video.
    pub labels: Vec<LabelBar>,
}

/// Writes `frames_per_class`, `clips_per_class`, `video_lengths` and `label_overview` (PNG and SVG) into a folder;
/// returns the files. Parts without data are left out.
///
/// # Errors
/// [`RenderError::Write`], [`RenderError::Draw`].
pub fn dataset_plots(figures: &DatasetFigures, out: &Path) -> Result<Vec<PathBuf>, RenderError> {
    save_all(
        out,
        [
            (
                "frames_per_class",
                class_counts("Labelled frames per class", "frames", &figures.classes, &figures.frames),
            ),
            ("clips_per_class", class_counts("Clips per class", "clips", &figures.classes, &figures.clips)),
            ("video_lengths", histogram("Video lengths", "seconds", "videos", &figures.video_seconds)),
            ("label_overview", label_overview(&figures.classes, &figures.labels)),
        ],
    )
}

/// Writes every plot of a training (PNG and SVG) into a folder; returns the files. `classes` are names in output order,
/// `top` is how many classes the plot of the best and worst shows. Without an epoch nothing is written.
///
/// # Errors
/// [`RenderError::NothingToPlot`] without an epoch, [`RenderError::Write`], [`RenderError::Draw`].
pub fn training_plots(
    history: &[EpochReport],
    classes: &[String],
    top: usize,
    out: &Path,
) -> Result<Vec<PathBuf>, RenderError> {
    let [lines, lines_top, map, bars] = match history.iter().any(|e| !e.per_class_ap.is_empty()) {
        false => ["per_class_accuracy", "per_class_accuracy_top", "per_class_accuracy_map", "final_class_accuracy"],
        true => [
            "per_class_average_precision",
            "per_class_average_precision_top",
            "per_class_average_precision_map",
            "final_class_average_precision",
        ],
    };
    save_all(
        out,
        [
            // The first decides whether there is anything at all.
            ("loss", Ok(loss_curves(history)?)),
            ("accuracy", accuracy_curves(history)),
            ("mean_average_precision", map_curve(history)),
            ("learning_rate", learning_rate_curve(history)),
            ("training_overview", training_overview(history)),
            (lines, per_class_curves(history, classes, None)),
            (lines_top, per_class_curves(history, classes, Some(top))),
            (map, class_accuracy_map(history, classes)),
            (bars, final_accuracy(history, classes)),
        ],
    )
}

/// Writes `confusion_matrix`, `confusion_matrix_normalised` and `per_class_scores` (PNG and SVG) into a folder;
/// returns the files. `counts[truth][predicted]`.
///
/// # Errors
/// [`RenderError::Write`], [`RenderError::Draw`].
pub fn evaluation_plots(counts: &[Vec<u64>], scores: &[ClassScores], out: &Path) -> Result<Vec<PathBuf>, RenderError> {
    let classes: Vec<String> = scores.iter().map(|s| s.class.clone()).collect();
    save_all(
        out,
        [
            ("confusion_matrix", confusion_matrix(counts, &classes, false)),
            ("confusion_matrix_normalised", confusion_matrix(counts, &classes, true)),
            ("per_class_scores", class_scores(scores)),
        ],
    )
}

/// Writes `co_occurrence`, `average_precision` and `per_class_scores` (PNG and SVG) of a multi-label task into a folder;
/// returns the files.
///
/// # Errors
/// [`RenderError::Write`], [`RenderError::Draw`].
pub fn multi_label_plots(
    together: &CoOccurrence<'_>,
    scores: &[ClassScores],
    out: &Path,
) -> Result<Vec<PathBuf>, RenderError> {
    let classes: Vec<String> = scores.iter().map(|s| s.class.clone()).collect();
    let supports: Vec<u64> = scores.iter().map(|s| s.support).collect();
    save_all(
        out,
        [
            ("co_occurrence", co_occurrence_matrix(together, &supports, &classes)),
            ("average_precision", average_precision_bars(together, scores)),
            ("per_class_scores", class_scores(scores)),
        ],
    )
}

/// Writes what could be drawn; plots without data are left out.
fn save_all<'a>(
    out: &Path,
    plots: impl IntoIterator<Item = (&'a str, Result<Scene, RenderError>)>,
) -> Result<Vec<PathBuf>, RenderError> {
    let mut files = Vec::new();
    for (name, plot) in plots {
        match plot {
            Ok(scene) => files.extend(scene.save(&out.join(name))?),
            Err(RenderError::NothingToPlot { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(files)
}

/// Name of the class at a position; a number where the list is too short.
fn class_name(classes: &[String], class: usize) -> String {
    classes.get(class).cloned().unwrap_or_else(|| format!("class {class}"))
}
