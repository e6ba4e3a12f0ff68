//! Everything a person can ask the window for, grouped by the file of [`super::dispatch`] that fulfils it. Each group is
//! matched without a catch-all arm, so an action that nothing fulfils does not compile.

use super::arrangement::{Draft, RunArrangement, VideoOrder};
use super::augmentation::{AugmentationChoice, AugmentationQuery};
use super::drawn::{Drawn, Form};
use super::selection::MatrixSelection;
use super::state::{
    Dialog, Filter, KernelQuery, LookSettings, Marks, NextStep, PathPurpose, SurveyForm, TableForm, ThemeChoice,
    ViewSettings, Workspace,
};
use super::weights::WeightQuery;
use crate::compare::{Table, TableFormat};
use crate::config::{ExperimentPlan, RunConfig, TableColumns};
use crate::data::LabelEdit;
use crate::domain::{ClassSet, LabelMap, LabelledPart};
use crate::jobs::kinds::ExportLabels;
use crate::jobs::{CheckpointRef, ClassMatch, ClipRef, ExportRequest, HeatRequest, JobId, SplitChoice};
use crate::progress::Flow;
use crate::run_folder::ClipNote;
use std::path::PathBuf;

/// One request of a person. Panels push them; [`super::dispatch`] fulfils them.
#[derive(Clone, Debug)]
pub enum Action {
    /// Opening and closing: datasets, runs, weight files.
    Open(OpenAction),
    /// Choosing what is looked at. Undo takes these back.
    Choose(ChooseAction),
    /// Moving through the frames of the chosen video.
    Time(TimeAction),
    /// How a frame is drawn. Undo takes these back.
    Draw(DrawAction),
    /// Starting, ending and asking for work.
    Work(WorkAction),
    /// Looking inside networks.
    Inside(InsideAction),
    /// What the window itself shows.
    Window(WindowAction),
    /// Undo and redo.
    History(HistoryAction),
    /// What only the window system can do.
    System(SystemAction),
    /// Runs side by side.
    Compare(CompareAction),
    /// Correcting labels. Undo takes these back.
    Correct(CorrectAction),
    /// The runs of a plan.
    Experiment(ExperimentAction),
}

macro_rules! groups {
    ($($group:ident: $actions:ident),*) => {
        $(impl From<$actions> for Action {
            fn from(action: $actions) -> Self {
                Action::$group(action)
            }
        })*
    };
}

groups!(Open: OpenAction, Choose: ChooseAction, Time: TimeAction, Draw: DrawAction, Work: WorkAction, Inside: InsideAction, Compare: CompareAction, Experiment: ExperimentAction, Correct: CorrectAction, Window: WindowAction, History: HistoryAction, System: SystemAction);

/// Opening and closing: datasets, runs, weight files.
#[derive(Clone, Debug)]
pub enum OpenAction {
    /// The answer to [`SystemAction::AskPath`].
    PathChosen(PathPurpose, PathBuf),
    /// Show the dialog that makes a run of PyTorch weights, for this file where one is known.
    AskImport(Option<PathBuf>),
    /// Make a run of PyTorch weights and open it.
    Import {
        /// The weight file, or a run.
        weights: PathBuf,
        /// The network and its clips.
        config: Box<RunConfig>,
        /// Classes in output order.
        classes: ClassSet,
        /// Run folder.
        out: PathBuf,
    },
    /// Find out what a weight file holds.
    LookIntoWeights(WeightQuery),
    /// The platform has no file dialog.
    NoFileDialog(PathPurpose),
    /// The platform's file dialog ended by an internal error, for this reason.
    FileDialogFailed(PathPurpose, String),
    /// Open whatever this is: a run folder, a dataset, a video.
    OpenAny(PathBuf),
    /// Open a dataset, a video or a frame folder.
    OpenDataset(PathBuf),
    /// Open a dataset with these answers to what its files leave open: key and value.
    Choose(PathBuf, Vec<(String, String)>),
    /// Show the dialog that assigns the columns of a table.
    AskTable(PathBuf),
    /// Take over what is said about the columns of a table.
    AssignTable(Box<TableForm>),
    /// Open a table with this assignment of its columns.
    OpenTable(PathBuf, Box<TableColumns>),
    /// Show the table of the classes of the open dataset.
    AskLabelMap,
    /// Read the open dataset again with this label map. Undo takes it back.
    Relabel(Box<LabelMap>),
    /// Open a run folder.
    OpenRun(PathBuf),
    /// Watch the run in a folder, which another process trains.
    WatchRun(PathBuf),
    /// Watch it no longer.
    StopWatching,
    /// Make the demo dataset in a folder and open it.
    MakeDemo(PathBuf),
    /// Open the demo dataset where it usually is, or make it there.
    OpenDemo,
    /// Read the dataset again from disk.
    ReloadDataset,
    /// Close the dataset and show the welcome page.
    CloseDataset,
    /// Take a run off the list (its files stay).
    CloseRun(PathBuf),
    /// Forget what was opened before.
    ClearRecent,
}

/// Choosing what is looked at. Undo takes these back.
#[derive(Clone, Debug)]
pub enum ChooseAction {
    /// Choose a video by name; the frame becomes 0.
    SelectVideo(String),
    /// Choose the next or previous video of the filtered list.
    StepVideo(i64),
    /// Choose a clip: its video and its first frame.
    SelectClip(ClipRef),
    /// Choose a clip and look at its heatmap.
    ReviewClip(ClipRef),
    /// Choose a clip and look at it with two networks side by side, which were evaluated on this split.
    ReviewBoth(ClipRef, Box<[CheckpointRef; 2]>, SplitChoice),
    /// Look at one view of a clip, of several that an evaluation averages, or at the clip as one look.
    SelectView(ClipRef, Option<ClipRef>),
    /// Look at the next or previous view of the clip under the playhead.
    StepView(i64),
    /// Let the explained clip follow the playhead again.
    FollowPlayhead,
    /// Choose a class, or none.
    SelectClass(Option<usize>),
    /// Choose a part of the confusion matrix, or none.
    SelectCell(Option<MatrixSelection>),
    /// Use a run, or none, in the active view and wherever one network is shown.
    SelectRun(Option<PathBuf>),
    /// Use a checkpoint of the run in use; `None` takes its default.
    SelectCheckpoint(Option<String>),
    /// Use this run and checkpoint; what is in use from now on is told.
    UseNetwork(CheckpointRef),
    /// Choose which evaluation is looked at.
    SelectSplit(SplitChoice),
    /// Replace the heatmap of a linked view.
    SetHeatView(usize, HeatRequest),
    /// Show this many linked views (1, 2 or 4).
    SetViewCount(usize),
    /// Choose the view the keys act on.
    SetActiveView(usize),
    /// Use the next heatmap method in the active view.
    CycleMethod,
    /// Narrow the dataset.
    SetFilter(Filter),
    /// Pick out videos together.
    Mark(Marks),
    /// Put a tag on videos, or take it off.
    TagVideos(Vec<String>, String, bool),
}

/// Moving through the frames of the chosen video.
#[derive(Clone, Debug)]
pub enum TimeAction {
    /// Go to a frame.
    Seek(u32),
    /// Go this many frames on or back.
    Step(i64),
    /// Go to the first frame.
    First,
    /// Go to the last frame.
    Last,
    /// Go to the next (true) or previous edge of a label segment.
    Edge(bool),
    /// Go to the next (true) or previous clip the network got wrong.
    Error(bool),
    /// Let time run or stand.
    TogglePlay,
    /// Next faster (true) or slower speed.
    ChangeSpeed(bool),
    /// Set the speed.
    SetSpeed(f32),
    /// Play the explained clip over and over, or not.
    ToggleLoop,
}

/// How a frame is drawn. Undo takes these back.
#[derive(Clone, Debug)]
pub enum DrawAction {
    /// Replace the view settings.
    SetView(ViewSettings),
    /// Heatmap on or off.
    ToggleHeat,
    /// Mask on or off.
    ToggleMask,
    /// Skeleton on or off.
    ToggleSkeleton,
    /// Caption on or off.
    ToggleCaption,
    /// Change the weight of the heatmap by this much.
    ChangeAlpha(f32),
}

/// Starting, ending and asking for work.
#[derive(Clone, Debug)]
pub enum WorkAction {
    /// Ask which class of a run each class of the dataset is, and then do what waits for it.
    AskClasses(PathBuf, Option<(CheckpointRef, SplitChoice)>),
    /// The answer to [`WorkAction::AskClasses`].
    SetClasses(PathBuf, ClassMatch, Option<(CheckpointRef, SplitChoice)>),
    /// Start a training, or go on with one.
    StartTraining {
        /// How.
        config: Box<RunConfig>,
        /// Run folder.
        out: PathBuf,
        /// Go on from its last checkpoint.
        resume: bool,
    },
    /// Test which learning rates a training with this configuration can take.
    FindRate(Box<RunConfig>),
    /// Take this learning rate for the training that is set up.
    UseRate(f64),
    /// Pause, go on, finish or stop a job.
    Control(JobId, Flow),
    /// Evaluate a checkpoint on a split of the open dataset.
    Evaluate(CheckpointRef, SplitChoice),
    /// Start the training that is set up for the open dataset, in a new folder.
    StartDraft,
    /// Pause, go on, finish or stop the training under way.
    ControlTraining(Flow),
    /// Ask the training that is watched to pause, go on, finish or stop.
    AskWatched(Flow),
    /// Evaluate the checkpoint in use, on this split or on the chosen one.
    EvaluateInUse(Option<SplitChoice>),
    /// Do what was offered as the next step.
    Next(NextStep),
    /// Evaluate the run in training again after each of its validations, or not.
    FollowTraining(bool),
    /// Predict the chosen video from end to end with the chosen run.
    PredictVideo,
    /// Compute the active view's map for every window of the chosen video.
    ExplainVideo,
    /// Write heatmap videos.
    Export(Box<ExportRequest>),
    /// Fill in the export dialog.
    AskExport,
    /// Write labels as files.
    ExportLabels(Box<ExportLabels>),
    /// Fill in the dialog that writes labels.
    AskExportLabels,
    /// Replace what is written about a clip of the chosen run.
    SetNote(ClipRef, ClipNote),
    /// Measure how much of the active view's map lies on the body, for these clips.
    MeasureBody(Vec<ClipRef>),
    /// Look into the videos at these positions before others: they are on screen.
    IndexFirst(Vec<usize>),
    /// Go on looking into the videos of the dataset.
    IndexOn,
    /// Look at a clip as a training would see it.
    PreviewAugmentation(Box<AugmentationQuery>),
    /// Take ended jobs off the list.
    ClearJobs,
    /// Stop what runs, each with its checkpoint, and leave when that is done.
    StopAndQuit,
}

/// The runs of a plan.
#[derive(Clone, Debug)]
pub enum ExperimentAction {
    /// Lay out a plan that was made here, with the folder of its runs.
    LayOut(Box<ExperimentPlan>, PathBuf),
    /// Take another folder for its runs.
    SetFolder(PathBuf),
    /// Look again how its runs stand.
    LookAgain,
    /// Train what waits, one run after the other; or go on with what is held.
    Start,
    /// Hold the run in training and begin no other.
    Pause,
    /// Move a run so many places down the queue; up where it is negative.
    Move(String, i64),
    /// Put a run at this place of the queue.
    MoveTo(String, usize),
    /// Leave a run out, or take it in again.
    Skip(String, bool),
    /// Try a run that failed again.
    Retry(String),
    /// Compare what is trained.
    Compare,
    /// Ask where the plan goes, and write it there.
    Save,
    /// Put the experiment away; what was trained stays.
    Close,
}

/// Looking inside networks.
#[derive(Clone, Debug)]
pub enum InsideAction {
    /// Look at a layer, with the heatmap too where one can be made at it. Undo takes this back.
    ChooseLayer(String),
    /// Look at a channel of a layer.
    ChooseChannel(String, usize),
    /// Look at layers in another way.
    Show(LookSettings),
    /// Measure how long each module takes for a clip.
    Measure,
    /// Read the kernels of a layer.
    ReadKernels(KernelQuery),
    /// Read how much of the kernels is change over time in all checkpoints of the run in use.
    ReadMotion,
    /// What is surveyed next.
    SetSurvey(SurveyForm),
    /// Survey layers over the clips of a split with the run in use.
    Survey,
    /// Write a drawing of the network, an SVG document, to a file that is asked for.
    SaveDrawing(String),
    /// Write what the layers give for the clip, the kernels and the network drawn to a page whose file is asked for.
    SavePage,
}

/// What the window itself shows.
#[derive(Clone, Debug)]
pub enum WindowAction {
    /// Show a workspace.
    SetWorkspace(Workspace),
    /// Sort the dataset's videos.
    SetOrder(VideoOrder),
    /// Keep the training that is being set up for the dataset.
    SetDraft(Box<Draft>),
    /// Show the validation of an epoch in the matrix, or the evaluation again.
    ShowEpoch(Option<u32>),
    /// Look at the results of the chosen run in another way.
    Arrange(RunArrangement),
    /// Show a dialog, or close the one on top.
    SetDialog(Option<Dialog>),
    /// Show the command palette.
    OpenPalette,
    /// Show or hide the message list.
    ShowMessages(bool),
    /// Forget the messages.
    ClearMessages,
    /// Show or hide the job list.
    ShowJobs(bool),
    /// Show or leave the welcome page.
    ShowWelcome(bool),
    /// Light or dark.
    SetTheme(ThemeChoice),
    /// The other theme.
    ToggleTheme,
    /// Draw everything so many steps larger, or smaller.
    ChangeScale(isize),
    /// Draw everything as large as the screen asks for.
    ResetScale,
    /// Choose what is looked at of augmentation.
    ChooseAugmentation(AugmentationChoice),
    /// Look at the draw of the next epoch.
    NextDraw,
    /// Put the panels of this workspace back where they were at first.
    ResetLayout,
    /// Bring a panel to the front, by its id.
    ShowPanel(String),
    /// Let the keyboard go to the next panel, or to the one before.
    FocusPanel(bool),
    /// Look for settings in the form of a training.
    FindSettings(String),
    /// Never show the first task again, or begin it anew.
    DismissFirstTask(bool),
}

/// Undo and redo.
#[derive(Clone, Debug)]
pub enum HistoryAction {
    /// Bring back the selection, filter and view settings before the last change.
    Undo,
    /// Take back an undo.
    Redo,
}

/// What only the window system can do.
#[derive(Clone, Debug)]
pub enum SystemAction {
    /// Show a dialog that asks for a path.
    AskPath(PathPurpose),
    /// Copy text to the clipboard.
    Copy(String),
    /// Leave.
    Quit,
    /// Leave without waiting for anything.
    QuitNow,
}

/// Correcting labels.
#[derive(Clone, Debug)]
pub enum CorrectAction {
    /// Correct labels of a video. Undo takes it back.
    Edit {
        /// Its name.
        video: String,
        /// What changes.
        edit: LabelEdit,
        /// Why, in words; may be empty.
        note: String,
    },
    /// Note that a label was looked at and is right, or that it was not. Undo takes it back.
    Confirm {
        /// Name of the video.
        video: String,
        /// The label.
        part: LabelledPart,
        /// It is right.
        right: bool,
    },
    /// Look for labels in doubt, with these networks on these clips of the open dataset.
    FindIssues(Vec<CheckpointRef>, SplitChoice),
}

/// Runs side by side.
#[derive(Clone, Debug)]
pub enum CompareAction {
    /// Show the workspace.
    Open,
    /// Compare the run in use with this one.
    With(PathBuf),
    /// Choose what is compared, A first.
    Choose(Vec<CheckpointRef>),
    /// Compare on clips of the open dataset, or on whatever all of the runs were evaluated on.
    SetSplit(Option<SplitChoice>),
    /// Also time a forward pass of each network, or not.
    SetTime(bool),
    /// Compare what is chosen.
    Start,
    /// Look at a pair by its position.
    ShowPair(usize),
    /// Look at one of the four lists of clips.
    ShowList(usize),
    /// Only clips in this part of the confusion matrices, or all.
    ShowCell(Option<MatrixSelection>),
    /// Ask where a table goes, and write it there.
    SaveTable(TableFormat, Box<Table>),
    /// Ask where a drawing goes, and write it there.
    SaveDrawn(Form, Drawn),
    /// Put a drawing on the clipboard.
    CopyDrawn(Drawn),
    /// Ask where the chosen video with its heatmaps goes, and write it there: with the plain frame beside it or not.
    SaveVideo(bool),
    /// Test what of a clip networks need: on these clips of the open dataset, at most so many.
    TestMotion(Vec<CheckpointRef>, SplitChoice, Option<usize>),
    /// Ask where a report goes, and write it there: on these networks, on clips of the open dataset or as they were evaluated.
    AskReport(Vec<CheckpointRef>, Option<SplitChoice>),
    /// As [`CompareAction::AskReport`], on the checkpoint in use.
    ReportInUse,
    /// Open a file or a folder with the program this system has for it.
    ShowFile(PathBuf),
}
