//! What is asked about clips and checkpoints, and what comes back.

use crate::classical::FeaturePicture;
use crate::compare::experiment::{Found, PlannedRun};
use crate::compare::{Comparison, EvaluatedRun};
use crate::config::{Arm, ExperimentPlan, RunConfig, TableColumns};
use crate::data::{Conclusion, Draw, Fold, Looked, TablePreview};
use crate::domain::{ClassSet, Clip, Cut, Dataset, HeatMap, MaskShare, PoolingRule, RgbImage, Task};
use crate::progress::EpochReport;
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// What the features of a classical baseline saw, where one clip was asked about.
    #[serde(skip)]
    pub pictures: Vec<FeaturePicture>,
    /// How much of each map lies on the body, when that was asked for; see [`heat_on_body`](super::heat_on_body).
    #[serde(skip)]
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

/// Which clip to look at as a training would see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreviewClip {
    /// The training clip that holds a frame of a video, the latest of several; one that no training takes where none does.
    At {
        /// Name of the video.
        video: String,
        /// Frame.
        frame: u32,
    },
    /// A training clip drawn by this number.
    Random(u64),
}

/// Answer to a [`PreviewAugmentation`](super::kinds::PreviewAugmentation).
#[derive(Clone, Debug, PartialEq)]
pub struct AugmentationView {
    /// The clip, before frames are drawn for it.
    pub clip: ClipRef,
    /// Frames drawn.
    pub frames: Vec<u32>,
    /// Names of its classes in the order of the outputs.
    pub classes: Vec<String>,
    /// Why no training takes it, where none does.
    pub note: Option<String>,
    /// Seed of the training.
    pub seed: u64,
    /// Epoch, from 1.
    pub epoch: u32,
    /// How often the epoch had the clip before.
    pub repeat: u32,
    /// How often the epoch draws it.
    pub times_drawn: usize,
    /// The changes drawn; `None` where augmentation is off.
    pub draw: Option<Draw>,
    /// The frames as they are decoded for the training, before any change.
    pub before: Vec<RgbImage>,
    /// The tensor of the training, `[3, T, H, W]` in C order, normalised.
    pub pixels: Vec<f32>,
    /// Its extents.
    pub shape: [usize; 4],
    /// The tensor as pictures, its normalisation undone.
    pub after: Vec<RgbImage>,
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

/// Where a plan comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanSource {
    /// A file.
    File(PathBuf),
    /// Made here; paths in it are relative to the folder.
    Made(Box<ExperimentPlan>, PathBuf),
}

/// How a planned run stands on the disk.
#[derive(Clone, Debug, PartialEq)]
pub struct RunStanding {
    /// What lies in its folder.
    pub found: Found,
    /// The configuration of a training that goes on: its own.
    pub config: Option<Box<RunConfig>>,
    /// Its epochs so far: losses, scores and seconds of each.
    pub history: Vec<EpochReport>,
}

/// Answer to a [`LayOutExperiment`](super::kinds::LayOutExperiment).
#[derive(Clone, Debug)]
pub struct LaidOut {
    /// The plan.
    pub plan: ExperimentPlan,
    /// Folder its paths are relative to.
    pub folder: PathBuf,
    /// Its file.
    pub source: Option<PathBuf>,
    /// Folder of the runs and tables.
    pub out: PathBuf,
    /// Root of the dataset it was laid out for.
    pub dataset: PathBuf,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The lines of training.
    pub arms: Vec<Arm>,
    /// The folds each is trained in.
    pub folds: Vec<Fold>,
    /// Every run, those others begin with first.
    pub runs: Vec<PlannedRun>,
    /// How each of them stands.
    pub standing: Vec<RunStanding>,
}

/// Answer to an [`IndexVideos`](super::kinds::IndexVideos).
#[derive(Clone, Debug)]
pub struct Indexed {
    /// The dataset it is about.
    pub root: PathBuf,
    /// Its fingerprint.
    pub fingerprint: String,
    /// What is to become part of the dataset.
    pub news: News,
}

/// What is to become part of a dataset.
#[derive(Clone, Debug)]
pub enum News {
    /// Videos that were looked into.
    Videos(Looked),
    /// What comparing all of them showed.
    Compared(Conclusion),
}

impl News {
    /// Makes it part of the dataset.
    pub fn merge_into(self, dataset: &mut Dataset) {
        match self {
            Self::Videos(looked) => looked.merge_into(dataset),
            Self::Compared(conclusion) => conclusion.merge_into(dataset),
        }
    }
}
