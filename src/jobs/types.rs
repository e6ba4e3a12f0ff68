use crate::config::{DataConfig, ModelConfig, RunConfig};
use crate::domain::{ClassSet, Dataset, HeatMap, MaskShare, PoolingRule, leaf};
use crate::eval::{
    CheckpointInfo, ClassMatch, Evaluation, Identity, Notes, Predictions, SplitChoice, Training, VideoPrediction,
};
use crate::model::{ModelSpec, WeightReport};
use crate::progress::{EpochReport, Progress, StepReport};
use crate::render::OverlayParams;
use crate::train::Imported;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Number of a job; never reused in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// The worker threads. Each owns its networks; training never blocks scrubbing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Training.
    Train,
    /// Evaluation, prediction, heat maps.
    Analyse,
    /// Opening, indexing, exporting.
    Io,
}

/// A clip named so that it survives reopening: by video name and first frame.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClipRef {
    /// Name of the video in the dataset.
    pub video: String,
    /// First frame.
    pub start: u32,
}

/// A run folder, or one checkpoint in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CheckpointRef {
    /// Run folder.
    pub run: PathBuf,
    /// `best_accuracy`, `best_loss`, `last`, `epoch_0010`; `None` takes the run's default, the first of
    /// [`RunDir::checkpoints`](crate::eval::RunDir::checkpoints). The window always names one.
    pub name: Option<String>,
}

/// Which logit a heat map explains.
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

/// One heat map asked for.
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

/// Heat maps and probabilities of clips.
#[derive(Clone, Debug)]
pub struct ExplainRequest {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The dataset the clips are in.
    pub dataset: Arc<Dataset>,
    /// The clips.
    pub clips: Vec<ClipRef>,
    /// The maps of each clip.
    pub maps: Vec<HeatRequest>,
    /// Also measure how much of each map lies on the body, where the dataset has masks.
    pub on_body: bool,
    /// How labels become classes of the run.
    pub class_match: ClassMatch,
}

/// A clip with what the network said and where it looked.
#[derive(Clone, Debug, PartialEq)]
pub struct ClipSample {
    /// The clip.
    pub clip: ClipRef,
    /// Frame numbers the network saw.
    pub frames: Vec<u32>,
    /// The label's class, when labelled.
    pub truth: Option<usize>,
    /// Most probable class.
    pub predicted: usize,
    /// Softmax probabilities in output order.
    pub probabilities: Vec<f32>,
    /// The maps, in the order asked for.
    pub maps: Vec<HeatMap>,
    /// How much of each map lies on the body, when that was asked for; see [`heat_on_body`](super::heat_on_body).
    pub on_body: Vec<Option<MaskShare>>,
}

/// Answer to an [`ExplainRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The network that was asked, as it was asked for.
    pub checkpoint: CheckpointRef,
    /// The weights that answered.
    pub identity: Identity,
    /// Classes in output order.
    pub classes: ClassSet,
    /// One a clip.
    pub samples: Vec<ClipSample>,
}

/// Heat maps to be written as videos (S0.13).
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// Clips to take; empty draws `num_samples` from `split`.
    pub clips: Vec<ClipRef>,
    /// Random samples when no clip is named.
    pub num_samples: usize,
    /// Where samples come from.
    pub split: SplitChoice,
    /// Draw only clips the network gets wrong.
    pub misclassified_only: bool,
    /// The maps of each clip.
    pub maps: Vec<HeatRequest>,
    /// How the overlay looks.
    pub look: OverlayParams,
    /// Frames a second of the videos written.
    pub fps: f64,
    /// Seed of the draw.
    pub seed: u64,
    /// Folder to write to; `None` computes the maps and writes nothing.
    pub out: Option<PathBuf>,
    /// Remove the samples of an earlier export from that folder first.
    pub replace: bool,
    /// How labels become classes of the run.
    pub class_match: ClassMatch,
}

/// A run folder as read from disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunView {
    /// The folder.
    pub path: PathBuf,
    /// Its resolved configuration.
    pub config: RunConfig,
    /// Classes in output order.
    pub classes: ClassSet,
    /// Epochs so far.
    pub history: Vec<EpochReport>,
    /// Optimiser steps so far; empty where the event file is gone.
    pub steps: Vec<StepReport>,
    /// Optimiser steps of an epoch; `None` where the run does not say how many clips it was trained on.
    pub steps_per_epoch: Option<u32>,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// Checkpoints there are, the default first.
    pub checkpoints: Vec<CheckpointInfo>,
    /// Dataset it was trained on.
    pub dataset_root: PathBuf,
    /// True when training can go on from its last checkpoint.
    pub resumable: bool,
    /// Layers heat maps can be made at, in forward order.
    pub layers: Vec<String>,
    /// What it remembers of the data it was trained on; `None` for imported weights.
    pub training: Option<Training>,
    /// Evaluations found in `results/`, oldest first.
    pub evaluations: Vec<(Arc<Evaluation>, Arc<Predictions>)>,
    /// What people wrote about its clips.
    pub notes: Notes,
    /// Why `notes` is empty although there is a file; it must not be written over.
    pub notes_problem: Option<String>,
}

impl RunView {
    /// The checkpoint that is meant where none is named.
    pub fn default_checkpoint(&self) -> Option<&str> {
        self.checkpoints.first().map(|c| c.name.as_str())
    }

    /// A checkpoint by its name.
    pub fn checkpoint(&self, name: &str) -> Option<&CheckpointInfo> {
        self.checkpoints.iter().find(|c| c.name == name)
    }

    /// Which weights a checkpoint of this run holds, as far as the run was read.
    pub fn identity(&self, name: &str) -> Identity {
        let info = self.checkpoint(name).cloned().unwrap_or_else(|| name.into());
        let CheckpointInfo { name: checkpoint, epoch, step } = info;
        Identity { run: self.path.clone(), checkpoint, epoch, step, ..Identity::default() }
    }
}

/// Work for a lane.
#[derive(Clone, Debug)]
pub enum Job {
    /// Open and index a dataset (a dataset folder, a video, or a frame folder).
    OpenDataset {
        /// What was chosen.
        path: PathBuf,
        /// Patterns and names.
        data: DataConfig,
    },
    /// Make the demo dataset.
    MakeDemo {
        /// Folder to make it in.
        dir: PathBuf,
        /// People.
        subjects: usize,
        /// Seed.
        seed: u64,
        /// Also write videos with the pose drawn in.
        pose_videos: bool,
        /// Replace a demo dataset that is there.
        force: bool,
    },
    /// Read a run folder.
    OpenRun {
        /// The folder.
        path: PathBuf,
    },
    /// Train, or go on training.
    Train {
        /// What to train on.
        dataset: Arc<Dataset>,
        /// How.
        config: Box<RunConfig>,
        /// Run folder.
        out: PathBuf,
        /// Go on from the last checkpoint in `out`.
        resume: bool,
        /// Replace a run that is in `out`.
        force: bool,
        /// Also write before/after videos of augmented clips (S1.2).
        debug: bool,
    },
    /// Judge a checkpoint.
    Evaluate {
        /// The network.
        checkpoint: CheckpointRef,
        /// The dataset.
        dataset: Arc<Dataset>,
        /// Which clips.
        split: SplitChoice,
        /// How labels become classes of the run.
        class_match: ClassMatch,
        /// Where to write; `None` writes to the run's `results/`, see [`results_folder`](crate::eval::results_folder).
        out: Option<PathBuf>,
    },
    /// Probabilities and heat maps of clips.
    Explain(ExplainRequest),
    /// Heat maps as videos.
    Export(ExportRequest),
    /// Sliding windows over a whole video.
    PredictVideo {
        /// The network.
        checkpoint: CheckpointRef,
        /// The dataset the video is in.
        dataset: Arc<Dataset>,
        /// Name of the video.
        video: String,
    },
    /// Make a run of foreign weights.
    Import {
        /// The file, or a run.
        weights: PathBuf,
        /// The network and its clips.
        config: Box<RunConfig>,
        /// Classes in output order.
        classes: ClassSet,
        /// Run folder.
        out: PathBuf,
        /// Replace a run that is in `out`.
        force: bool,
    },
    /// Find out which network a weight file is of.
    GuessNetwork {
        /// The file, or a run.
        weights: PathBuf,
    },
    /// Look what a network could take from a weight file.
    InspectWeights {
        /// The file, or a run.
        weights: PathBuf,
        /// The network.
        model: ModelConfig,
        /// Classes it would have.
        classes: usize,
    },
    /// Write what people wrote about a run's clips.
    SaveNotes {
        /// The run folder.
        run: PathBuf,
        /// All of its notes.
        notes: Notes,
    },
}

impl Job {
    /// The lane that runs this job.
    pub fn lane(&self) -> Lane {
        match self {
            Job::Train { .. } => Lane::Train,
            Job::Evaluate { .. } | Job::Explain(_) | Job::PredictVideo { .. } => Lane::Analyse,
            Job::OpenDataset { .. }
            | Job::MakeDemo { .. }
            | Job::OpenRun { .. }
            | Job::Export(_)
            | Job::Import { .. }
            | Job::GuessNetwork { .. }
            | Job::InspectWeights { .. }
            | Job::SaveNotes { .. } => Lane::Io,
        }
    }

    /// A short title for the job chip.
    pub fn title(&self) -> String {
        match self {
            Job::OpenDataset { path, .. } => format!("open {}", leaf(path)),
            Job::MakeDemo { .. } => "make demo dataset".into(),
            Job::OpenRun { path } => format!("open run {}", leaf(path)),
            Job::Train { out, .. } => format!("train {}", leaf(out)),
            Job::Evaluate { checkpoint, split, .. } => {
                let name = checkpoint.name.as_ref().map_or(String::new(), |n| format!(" {n}"));
                format!("evaluate {}{name} on {}", leaf(&checkpoint.run), split.name())
            }
            Job::Explain(request) if request.on_body => "measure heat on the body".into(),
            Job::Explain(_) => "heatmap".into(),
            Job::Export(_) => "export heatmaps".into(),
            Job::PredictVideo { video, .. } => format!("predict {video}"),
            Job::Import { weights, .. } => format!("import {}", leaf(weights)),
            Job::GuessNetwork { weights } | Job::InspectWeights { weights, .. } => {
                format!("look into {}", leaf(weights))
            }
            Job::SaveNotes { run, .. } => format!("save notes of {}", leaf(run)),
        }
    }
}

/// What a finished job gives.
#[derive(Clone, Debug)]
pub enum Output {
    /// An opened dataset.
    Dataset(Arc<Dataset>),
    /// Folder of the demo dataset made.
    Demo(PathBuf),
    /// A run as read from disk (also at the end of a training).
    Run(Arc<RunView>),
    /// An evaluation.
    Evaluation(Arc<Evaluation>, Arc<Predictions>),
    /// Heat maps.
    Explanation(Arc<Explanation>),
    /// A whole video predicted.
    VideoPrediction(Arc<VideoPrediction>),
    /// Folder of the videos exported.
    Exported(PathBuf),
    /// A run made of foreign weights.
    Imported(Arc<Imported>),
    /// The network a weight file is of, where one alone fits.
    Network(Option<&'static ModelSpec>),
    /// What a network could take from a weight file.
    Weights(Arc<WeightReport>),
    /// The notes are on the disk.
    NotesSaved,
}

/// What came back from a lane.
#[derive(Clone, Debug)]
pub struct Event {
    /// The job it belongs to.
    pub job: JobId,
    /// What happened.
    pub body: EventBody,
}

/// What happened to a job.
#[derive(Clone, Debug)]
pub enum EventBody {
    /// A lane took it.
    Started,
    /// It tells something.
    Progress(Progress),
    /// It is done.
    Finished(Output),
    /// It ended because it was asked to; what it had so far, when that is of use (a stopped training's run).
    Cancelled(Option<Output>),
    /// It failed; a sentence.
    Failed(String),
}
