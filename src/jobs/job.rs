//! The list of all job kinds, and running one.

use super::asked::Asked;
use super::error::JobError;
use super::kind::{Done, JobKind, Lane, OnStop};
use super::kinds::{
    AskRun, CompareRuns, Evaluate, ExplainRequest, ExportLabels, ExportRequest, FindLabelIssues, FindRate,
    GuessNetwork, ImportWeights, IndexVideos, InspectWeights, LayOutExperiment, LookInside, MakeDemo, OpenDataset,
    OpenRun, OverlayVideo, PredictVideo, PreviewAugmentation, ReadKernels, ReadTable, RunExperiment, SaveCorrections,
    SaveNotes, SurveyLayers, TestMotion, Train, WatchRun, WriteInsidePage, WriteReport,
};
use super::lane::LaneState;
use crate::domain::Dataset;
use crate::progress::Monitor;
use std::path::Path;

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
    /// Look into the videos of a large dataset.
    IndexVideos(IndexVideos),
    /// Read the first rows of a table.
    ReadTable(ReadTable),
    /// Make the demo dataset.
    MakeDemo(MakeDemo),
    /// Read a run folder.
    OpenRun(OpenRun),
    /// Look at a run that another process trains.
    WatchRun(WatchRun),
    /// Ask the training of another process to do something.
    AskRun(AskRun),
    /// Train, or go on training.
    Train(Train),
    /// Find a learning rate to begin with.
    FindRate(FindRate),
    /// Evaluate a checkpoint.
    Evaluate(Evaluate),
    /// Compare runs on the same clips.
    CompareRuns(CompareRuns),
    /// Find clips and edges of segments whose labels are in doubt.
    FindLabelIssues(FindLabelIssues),
    /// Test what of a clip networks need.
    TestMotion(TestMotion),
    /// Probabilities and heatmaps of clips.
    Explain(ExplainRequest),
    /// Heatmaps as videos.
    Export(ExportRequest),
    /// Labels for another tool.
    ExportLabels(ExportLabels),
    /// A whole video with heatmaps as one file.
    OverlayVideo(OverlayVideo),
    /// Sliding windows over a whole video.
    PredictVideo(PredictVideo),
    /// A training clip as an epoch would have it.
    PreviewAugmentation(PreviewAugmentation),
    /// Make a run of foreign weights.
    Import(ImportWeights),
    /// Find out which network a weight file is of.
    GuessNetwork(GuessNetwork),
    /// Look what a network could take from a weight file.
    InspectWeights(InspectWeights),
    /// Write a report on runs.
    WriteReport(WriteReport),
    /// Write what people wrote about a run's clips.
    SaveNotes(SaveNotes),
    /// Write corrections of labels.
    SaveCorrections(SaveCorrections),
    /// Outputs of layers for a clip.
    LookInside(LookInside),
    /// The inside of a network for a clip as one page.
    WriteInsidePage(WriteInsidePage),
    /// Kernels of checkpoints.
    ReadKernels(ReadKernels),
    /// Layers over the clips of a split.
    SurveyLayers(SurveyLayers),
    /// The trainings of a plan.
    RunExperiment(RunExperiment),
    /// A plan as its runs.
    LayOutExperiment(LayOutExperiment),
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
