//! What a job kind is, and the list of them.
//!
//! A kind is one file in [`kinds`](super::kinds) with its lane, its title, what a stop does to it, and what it answers.
//! The list below makes [`Job`] and [`Output`] of them; what a kind leaves out does not compile.

use super::asked::Asked;
use super::error::JobError;
use super::kinds::{
    Evaluate, ExplainRequest, ExportRequest, GuessNetwork, ImportWeights, InspectWeights, MakeDemo, OpenDataset,
    OpenRun, PredictVideo, SaveNotes, Train,
};
use super::lane::LaneState;
use super::requests::Explanation;
use super::run_view::RunView;
use crate::domain::Dataset;
use crate::eval::VideoPrediction;
use crate::model::{ModelSpec, WeightReport};
use crate::progress::Monitor;
use crate::run_folder::{Evaluation, Predictions};
use crate::train::Imported;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
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
}

impl Lane {
    /// All of them.
    pub const ALL: [Lane; 4] = [Lane::Interactive, Lane::Batch, Lane::Train, Lane::Files];

    /// Name of its thread.
    pub fn name(self) -> &'static str {
        match self {
            Lane::Interactive => "interactive",
            Lane::Batch => "batch",
            Lane::Train => "train",
            Lane::Files => "files",
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
pub trait JobKind: Clone + Debug + Send + Into<Job> {
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
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Done<U> {
        match self {
            Done::Finished(answer) => Done::Finished(f(answer)),
            Done::Cancelled(answer) => Done::Cancelled(answer.map(f)),
        }
    }
}

/// Makes [`Job`] of the kinds.
macro_rules! jobs {
    ($($(#[doc = $doc:literal])* $variant:ident($kind:ty)),* $(,)?) => {
        /// Work for a lane.
        #[derive(Clone, Debug)]
        pub enum Job {
            $($(#[doc = $doc])* $variant($kind)),*
        }

        $(impl From<$kind> for Job {
            fn from(kind: $kind) -> Job {
                Job::$variant(kind)
            }
        })*

        impl Job {
            /// The lane that runs this job.
            pub fn lane(&self) -> Lane {
                match self { $(Job::$variant(kind) => kind.lane()),* }
            }

            /// A short title for the job list.
            pub fn title(&self) -> String {
                match self { $(Job::$variant(kind) => kind.title()),* }
            }

            /// What a stop does to it.
            pub fn on_stop(&self) -> OnStop {
                match self { $(Job::$variant(kind) => kind.on_stop()),* }
            }
        }

        /// Runs a job in this thread.
        ///
        /// # Errors
        /// Whatever the job can fail with, as a sentence.
        pub fn run(job: Job, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done, JobError> {
            match job { $(Job::$variant(kind) => Ok(run_kind(kind, state, monitor)?.map(<$kind>::output))),* }
        }
    };
}

jobs! {
    /// Open and index a dataset (a dataset folder, a video, or a frame folder).
    OpenDataset(OpenDataset),
    /// Make the demo dataset.
    MakeDemo(MakeDemo),
    /// Read a run folder.
    OpenRun(OpenRun),
    /// Train, or go on training.
    Train(Train),
    /// Evaluate a checkpoint.
    Evaluate(Evaluate),
    /// Probabilities and heat maps of clips.
    Explain(ExplainRequest),
    /// Heat maps as videos.
    Export(ExportRequest),
    /// Sliding windows over a whole video.
    PredictVideo(PredictVideo),
    /// Make a run of foreign weights.
    Import(ImportWeights),
    /// Find out which network a weight file is of.
    GuessNetwork(GuessNetwork),
    /// Look what a network could take from a weight file.
    InspectWeights(InspectWeights),
    /// Write what people wrote about a run's clips.
    SaveNotes(SaveNotes),
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

/// Runs a job of a known kind in this thread; what decoding showed to be wrong with its videos is told afterwards.
///
/// # Errors
/// Whatever the job can fail with, as a sentence.
pub fn run_kind<K: JobKind>(
    kind: K,
    state: &mut LaneState,
    monitor: &dyn Monitor,
) -> Result<Done<K::Answer>, JobError> {
    let dataset = kind.dataset().cloned();
    let asked = Asked::new(monitor);
    let done = kind.work(state, &asked);
    if let Some(dataset) = dataset {
        tell_damage(&dataset, monitor);
    }
    asked.checked(done)
}

/// Says what decoding showed to be wrong with videos of a dataset, where opening it did not.
pub fn tell_damage(dataset: &Dataset, monitor: &dyn Monitor) {
    let paths: Vec<&Path> = dataset.videos.iter().map(|v| v.path.as_path()).collect();
    let found = match crate::video::damage_seen(&paths) {
        Ok(found) => found,
        Err(error) => return monitor.warn(error.to_string()),
    };
    for (path, sentences) in found {
        let known = |s: &String| dataset.warnings.iter().any(|w| w.path == path && w.message == *s);
        for sentence in sentences.iter().filter(|s| !known(s)) {
            monitor.warn(format!("{}: {sentence}", path.display()));
        }
    }
}
