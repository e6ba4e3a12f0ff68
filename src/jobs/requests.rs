//! What is asked about clips and checkpoints, and what comes back.

use crate::compare::{Comparison, EvaluatedRun};
use crate::config::TableColumns;
use crate::data::TablePreview;
use crate::domain::{ClassSet, Clip, Cut, HeatMap, MaskShare, PoolingRule, Task};
use crate::run_folder::Identity;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A clip named so that it survives reopening: by video name, first frame and the part of the video it is taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClipRef {
    /// Name of the video in the dataset.
    pub video: String,
    /// First frame.
    pub start: u32,
    /// The part of the video it is taken from.
    #[serde(default, skip_serializing_if = "Cut::is_window_of_video")]
    pub cut: Cut,
}

impl ClipRef {
    /// The window of a video at a frame.
    pub fn window(video: impl Into<String>, start: u32) -> Self {
        Self { video: video.into(), start, cut: Cut::default() }
    }

    /// A clip of the video of this name.
    pub fn of(video: &str, clip: &Clip) -> Self {
        Self { video: video.to_owned(), start: clip.start, cut: clip.cut }
    }

    /// The clip, where the video has this position in its dataset.
    pub fn clip(&self, video: usize) -> Clip {
        Clip { cut: self.cut, ..Clip::window(video, self.start) }
    }

    /// The frame behind its last, where windows span so many frames; that of its instance where it is no window.
    pub fn end(&self, span: u32) -> u32 {
        self.cut.end_of(self.start, span)
    }
}

/// A run folder, or one checkpoint in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CheckpointRef {
    /// Run folder.
    pub run: PathBuf,
    /// `best_accuracy`, `best_loss`, `last`, `epoch_0010`; `None` takes the run's default, the first of
    /// [`RunDir::checkpoints`](crate::run_folder::RunDir::checkpoints). The window always names one.
    pub name: Option<String>,
}

/// Which logit a heatmap explains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TargetClass {
    /// The most probable class.
    #[default]
    Predicted,
    /// The clip's label.
    True,
    /// This output unit.
    Class(usize),
}

/// One heatmap asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HeatRequest {
    /// Method id in `cam::METHODS`.
    pub method: String,
    /// Layer id; `None` takes the network's default target layer.
    pub layer: Option<String>,
    /// The logit explained.
    pub target: TargetClass,
    /// A logit taken off it: what speaks for the one class rather than the other.
    #[serde(default)]
    pub against: Option<TargetClass>,
    /// How gradients are pooled.
    pub pooling: PoolingRule,
}

/// A clip with what the network said and where it looked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClipSample {
    /// The clip.
    pub clip: ClipRef,
    /// Frame numbers the network saw.
    pub frames: Vec<u32>,
    /// The label's class, when labelled; the first of several.
    pub truth: Option<usize>,
    /// All true classes, ascending, in a multi-label task; else empty.
    pub truths: Vec<usize>,
    /// Most probable class.
    pub predicted: usize,
    /// Probabilities in output order: of a softmax, or of a sigmoid a class in a multi-label task.
    pub probabilities: Vec<f32>,
    /// The maps, in the order asked for.
    pub maps: Vec<HeatMap>,
    /// How much of each map lies on the body, when that was asked for; see [`heat_on_body`](super::heat_on_body).
    pub on_body: Vec<Option<MaskShare>>,
}

impl ClipSample {
    /// True when the most probable class is the label, or among the labels; `None` without one.
    pub fn right(&self) -> Option<bool> {
        let truth = self.truth?;
        Some(if self.truths.is_empty() { truth == self.predicted } else { self.truths.contains(&self.predicted) })
    }

    /// The classes that are true of it.
    pub fn true_classes(&self) -> Vec<usize> {
        if self.truths.is_empty() { self.truth.into_iter().collect() } else { self.truths.clone() }
    }
}

/// Answer to an [`ExplainRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// The network that was asked, as it was asked for.
    pub checkpoint: CheckpointRef,
    /// The weights that answered.
    pub identity: Identity,
    /// Classes in output order.
    pub classes: ClassSet,
    /// How many classes a clip may have.
    pub task: Task,
    /// One a clip.
    pub samples: Vec<ClipSample>,
}

/// Answer to a [`ReadTable`](super::kinds::ReadTable).
#[derive(Clone, Debug, PartialEq)]
pub struct TableView {
    /// The table.
    pub path: PathBuf,
    /// The assignment it was read under.
    pub columns: TableColumns,
    /// Its first rows.
    pub preview: TablePreview,
}

/// Answer to a [`CompareRuns`](super::kinds::CompareRuns).
#[derive(Clone, Debug)]
pub struct Compared {
    /// The runs with their evaluations, in the order asked for.
    pub runs: Vec<EvaluatedRun>,
    /// What comparing them found.
    pub comparison: Comparison,
}
