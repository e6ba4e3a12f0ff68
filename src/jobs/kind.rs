//! What a job kind is: one file in [`kinds`](super::kinds) with its lane, its title, what a stop does to it, and what it
//! answers. What a kind leaves out does not compile.

use super::error::JobError;
use super::inside_view::{InsideView, KernelView, LayerSurvey};
use super::lane::LaneState;
use super::requests::{AugmentationView, Compared, Explanation, Indexed, LaidOut, TableView};
use super::run_view::RunView;
use super::watched::Watched;
use crate::compare::LabelIssues;
use crate::compare::experiment::ExperimentReport;
use crate::compare::motion::MotionReport;
use crate::domain::Dataset;
use crate::eval::VideoPrediction;
use crate::model::{ModelSpec, WeightReport};
use crate::progress::Monitor;
use crate::run_folder::{Evaluation, Predictions};
use crate::train::{Imported, RateTest};
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

/// The worker threads, by how long people may wait for what they do. Each owns its networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What the shown clip needs, within the time of a glance.
    Interactive,
    /// Work of seconds to hours: evaluations, predictions, exports, measurements, imports, the demo dataset.
    Batch,
    /// Training.
    Train,
    /// Reading and writing of small files: opening, notes, looks into weight files.
    Files,
    /// What nobody waits for: looking into the videos of large datasets.
    Index,
}

impl Lane {
    /// All of them.
    pub const ALL: [Lane; 5] = [Lane::Interactive, Lane::Batch, Lane::Train, Lane::Files, Lane::Index];

    /// Name of its thread.
    pub fn name(self) -> &'static str {
        match self {
            Lane::Interactive => "interactive",
            Lane::Batch => "batch",
            Lane::Train => "train",
            Lane::Files => "files",
            Lane::Index => "index",
        }
    }
}

/// What a stop does to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStop {
    /// It ends, and nothing is lost: it can be asked for again.
    Ends,
    /// It ends, and work is lost or left half done: people are asked before the window closes.
    Loses,
    /// Nothing: it runs to its end, and the window waits for it before it closes.
    Ignored,
}

/// A kind of work.
pub trait JobKind: Clone + Debug + Send {
    /// What it gives.
    type Answer;

    /// The lane that runs it.
    fn lane(&self) -> Lane;

    /// A short title for the job list.
    fn title(&self) -> String;

    /// What a stop does to it.
    fn on_stop(&self) -> OnStop;

    /// The dataset it decodes videos of, so that damage found on the way is told.
    fn dataset(&self) -> Option<&Arc<Dataset>>;

    /// Does it, in this thread.
    ///
    /// # Errors
    /// Whatever the work can fail with, as a sentence.
    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError>;

    /// Its answer among those of all kinds.
    fn output(answer: Self::Answer) -> Output;
}

/// How a job that did not fail ended.
#[derive(Debug)]
pub enum Done<T = Output> {
    /// With its result.
    Finished(T),
    /// Early, because it was asked to; with what is of use.
    Cancelled(Option<T>),
}

impl<T> Done<T> {
    /// With another result.
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Done<U> {
        match self {
            Done::Finished(answer) => Done::Finished(f(answer)),
            Done::Cancelled(answer) => Done::Cancelled(answer.map(f)),
        }
    }
}

/// What a finished job gives.
#[derive(Clone, Debug)]
pub enum Output {
    /// An opened dataset.
    Dataset(Arc<Dataset>),
    /// Videos that were looked into.
    Indexed(Box<Indexed>),
    /// Folder of the demo dataset made.
    Demo(PathBuf),
    /// A run as read from disk (also at the end of a training).
    Run(Arc<RunView>),
    /// A look at a run that another process trains.
    Watched(Arc<Watched>),
    /// A learning-rate range test.
    RateTest(Arc<RateTest>),
    /// An evaluation.
    Evaluation(Arc<Evaluation>, Arc<Predictions>),
    /// Runs compared.
    Comparison(Arc<Compared>),
    /// Labels in doubt.
    LabelIssues(Arc<LabelIssues>),
    /// Motion tests of runs.
    MotionReport(Arc<MotionReport>),
    /// Heatmaps.
    Explanation(Arc<Explanation>),
    /// A whole video predicted.
    VideoPrediction(Arc<VideoPrediction>),
    /// A training clip as an epoch would have it.
    Augmentation(Arc<AugmentationView>),
    /// Folder of the videos exported, or the report written.
    Exported(PathBuf),
    /// A run made of foreign weights.
    Imported(Arc<Imported>),
    /// The network a weight file is of, where one alone fits.
    Network(Option<&'static ModelSpec>),
    /// What a network could take from a weight file.
    Weights(Arc<WeightReport>),
    /// The first rows of a table.
    Table(Arc<TableView>),
    /// The notes are on the disk.
    NotesSaved,
    /// The corrections of labels are on the disk, in this file.
    CorrectionsSaved(PathBuf),
    /// Outputs of layers for a clip.
    Inside(Arc<InsideView>),
    /// Kernels of a checkpoint.
    Kernels(Arc<KernelView>),
    /// Layers over many clips.
    Survey(Arc<LayerSurvey>),
    /// A plan as its runs.
    LaidOut(Arc<LaidOut>),
    /// What became of a plan.
    Experiment(Arc<ExperimentReport>),
}
