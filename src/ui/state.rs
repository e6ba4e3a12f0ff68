//! Everything the window knows. Only [`super::dispatch`] changes it.

mod clip_index;
mod comparing;
mod correcting;
mod dialogs;
mod inside;
mod label_form;
mod leading;
mod marks;
mod queue;
mod table_form;
mod view;
mod views;
mod watching;
mod work;

pub use clip_index::{ClipIndex, VideoClips};
pub use comparing::{Comparing, FoundComparison, FoundMotion, ToWrite};
pub use correcting::{Correcting, FoundIssues, UnsavedCorrections};
pub use dialogs::{ChoiceForm, ClassForm, Dialog, ExportForm, ImportClasses, ImportForm, LabelExportForm, PathPurpose};
pub use inside::{ChannelLayout, InsideStore, KernelQuery, LayerStrip, LookQuery, LookSettings, LookStep, SurveyForm};
pub use label_form::{LabelMapForm, LabelRow, RowTarget};
pub use leading::{FirstTask, Leading, NextStep};
pub use marks::{Marks, VideoTags};
pub use queue::{Experiment, KeptExperiment, QueueRow, RowStatus, Turn};
pub use table_form::{ColumnRole, TableForm};
pub use view::{Playback, ThemeChoice, ViewMode, ViewSettings};
pub use watching::Watching;
pub use work::{IndexWork, JobStatus, JobView, LiveRun, Message, RateView, Severity, UnsavedNotes};

use super::arrangement::{Arrangements, Draft, Reading, RunArrangement, VideoOrder};
use super::augmentation::AugmentationStore;
use super::derived::{Derived, Same};
use super::disk::Then;
use super::disk::{Disk, Question};
use super::explain::ExplainStore;
use super::networks::{ClassMaps, RunParts};
use super::selection::{Selection, default_view};
use super::weights::WeightStore;
use crate::domain::{
    ClassMatch, ClassSet, Corrections, Cut, Dataset, Label, LabelMap, VideoEntry, counted, grouped, leaf,
};
use crate::jobs::{CheckpointRef, ClipRef, JobId, OnStop, RunView, VideoPrediction};
use crate::progress::{Flow, Meter};
pub use crate::render::HeatScale;
use crate::run_folder::{ClipNote, Evaluation, Notes, Predictions};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// The jobs of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Workspace {
    /// Inspect a dataset.
    #[default]
    Data,
    /// Train and watch.
    Train,
    /// From a number to the clips behind it.
    Evaluate,
    /// Frame by frame with heatmaps.
    Review,
    /// Layers, channels and kernels.
    Inside,
    /// Runs side by side.
    Compare,
}

impl Workspace {
    /// In the order of the top bar and of Ctrl+1…6.
    pub const ALL: [Workspace; 6] = [
        Workspace::Data,
        Workspace::Train,
        Workspace::Evaluate,
        Workspace::Review,
        Workspace::Inside,
        Workspace::Compare,
    ];

    /// Name on the tab.
    pub fn title(self) -> &'static str {
        match self {
            Workspace::Data => "Data",
            Workspace::Train => "Train",
            Workspace::Evaluate => "Evaluate",
            Workspace::Review => "Review",
            Workspace::Inside => "Inside",
            Workspace::Compare => "Compare",
        }
    }

    /// Id in saved layouts.
    pub fn id(self) -> &'static str {
        match self {
            Workspace::Data => "data",
            Workspace::Train => "train",
            Workspace::Evaluate => "evaluate",
            Workspace::Review => "review",
            Workspace::Inside => "inside",
            Workspace::Compare => "compare",
        }
    }
}

/// An evaluation the window can show.
#[derive(Clone, Debug)]
pub struct EvaluationEntry {
    /// Run folder.
    pub run: PathBuf,
    /// The report.
    pub evaluation: Arc<Evaluation>,
    /// Its clips.
    pub predictions: Arc<Predictions>,
}

/// What can be opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Recent {
    /// A dataset, video or frame folder.
    Dataset(PathBuf),
    /// A run folder.
    Run(PathBuf),
}

impl Recent {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Recent::Dataset(p) | Recent::Run(p) => p,
        }
    }
}

/// How the table and the explorer narrow the dataset, and how the table is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Words that must all occur in name, subject, split, codec or class names.
    pub text: String,
}

/// What undo brings back.
#[derive(Clone, Debug, PartialEq)]
pub struct Memento {
    /// The selection.
    pub selection: Selection,
    /// The view settings.
    pub view: ViewSettings,
    /// The filter.
    pub filter: Filter,
    /// The label map the dataset is read with.
    pub label_map: LabelMap,
    /// The corrections of its labels.
    pub corrections: Arc<Corrections>,
    /// The workspace, where the change led into another one.
    pub workspace: Option<Workspace>,
    /// The tags of the dataset's videos.
    pub tags: Arc<VideoTags>,
    /// What was written about clips that the change is about: run, clip and note.
    pub notes: Vec<(PathBuf, ClipRef, ClipNote)>,
}

/// What the order of wrong clips follows from.
pub type ErrorOrderKey = (Same<Predictions>, Same<Dataset>);

/// Everything the window knows.
pub struct AppState {
    /// The job the window shows.
    pub workspace: Workspace,
    /// Show the welcome page although something is open.
    pub welcome: bool,
    /// The open dataset.
    pub dataset: Option<Arc<Dataset>>,
    /// Position of each video by name.
    pub video_by_name: HashMap<String, usize>,
    /// Warnings of the dataset by video position.
    pub warnings_by_video: HashMap<usize, Vec<String>>,
    /// Positions of the videos that pass the filter.
    pub filtered: Vec<usize>,
    /// Counts changes of those.
    pub filtered_revision: u64,
    /// The clips of the evaluation by video.
    pub clip_index: Derived<Same<Predictions>, ClipIndex>,
    /// The wrong clips of the evaluation in order of the dataset's videos and of time, each as video and first frame.
    pub error_order: Derived<ErrorOrderKey, Vec<(usize, u32, Cut)>>,
    /// How the classes of runs stand to those of the dataset.
    pub class_maps: ClassMaps,
    /// Open runs, newest first.
    pub runs: Vec<Arc<RunView>>,
    /// Evaluations, newest first.
    pub evaluations: Vec<EvaluationEntry>,
    /// The newest training of this session.
    pub training: Option<LiveRun>,
    /// What is chosen.
    pub selection: Selection,
    /// Whether time runs.
    pub playback: Playback,
    /// How things are drawn.
    pub view: ViewSettings,
    /// What the dataset is narrowed to.
    pub filter: Filter,
    /// The order of the dataset's videos.
    pub order: VideoOrder,
    /// The training set up for the dataset.
    pub draft: Draft,
    /// How the open dataset is read where its files leave it open.
    pub reading: Reading,
    /// The epoch whose validation the matrix shows, instead of the evaluation's clips.
    pub epoch_shown: Option<u32>,
    /// What was arranged for other datasets, and for runs.
    pub arrangements: Arrangements,
    /// Heatmaps and predictions: wanted, asked for, kept.
    pub explain: ExplainStore,
    /// Layers, kernels and surveys: chosen, asked for, kept.
    pub inside: InsideStore,
    /// How classes of a dataset become those of a run, where somebody said it: by run folder and root of the dataset.
    pub class_matches: HashMap<(PathBuf, PathBuf), ClassMatch>,
    /// The part each video of the dataset plays in the run in use.
    pub run_parts: RunParts,
    /// Predictions along whole videos.
    pub video_predictions: HashMap<(CheckpointRef, String), Arc<VideoPrediction>>,
    /// What people wrote about clips, by run folder.
    pub notes: HashMap<PathBuf, Notes>,
    /// Runs whose notes are not on the disk yet.
    pub unsaved_notes: HashMap<PathBuf, UnsavedNotes>,
    /// Corrections of labels, and labels in doubt.
    pub correcting: Correcting,
    /// Counts changes of the notes.
    pub notes_revision: u64,
    /// Looking into the videos of the open dataset.
    pub index: IndexWork,
    /// What a training would see of a clip.
    pub augmentation: AugmentationStore,
    /// What was found in weight files.
    pub weights: WeightStore,
    /// Weights chosen for the next training, and how often some were chosen.
    pub first_weights: (u64, PathBuf),
    /// Jobs of this session, newest last.
    pub jobs: Vec<JobView>,
    /// How far those are that live.
    pub meters: HashMap<JobId, Meter>,
    /// Everything that was said, newest last.
    pub messages: Vec<Message>,
    /// Show the message list.
    pub show_messages: bool,
    /// Show the job list.
    pub show_jobs: bool,
    /// What networks run on.
    pub device: String,
    /// Light, dark, or as the system has it.
    pub theme: ThemeChoice,
    /// True while everything is drawn dark.
    pub dark: bool,
    /// How large everything is drawn, as a factor on what the screen asks for.
    pub scale: f32,
    /// What can be opened again, newest first.
    pub recent: Vec<Recent>,
    /// Questions to the disk.
    pub disk: Disk,
    /// What waits for an answer of the disk, oldest first.
    pub awaiting: Vec<(Question, Then)>,
    /// The window on top.
    pub dialog: Option<Dialog>,
    /// The keys are shown instead of the dialog, which comes back as it was when they are closed.
    pub keys_over: bool,
    /// The last session's dataset is being opened: it must not change the workspace.
    pub restoring: bool,
    /// Runs of the last session that are being opened: none of them takes the place of the one in use.
    pub restoring_runs: HashSet<PathBuf>,
    /// What undo brings back, newest last.
    pub undo: Vec<Memento>,
    /// The gesture that made the newest undo step, while it may go on.
    pub undo_gesture: Option<u64>,
    /// What redo brings back, newest last.
    pub redo: Vec<Memento>,
    /// Counts resets of the layout, so that the tiles follow.
    pub layout_generation: u64,
    /// The window closes as soon as nothing would be lost.
    pub leaving: bool,
    /// The window closes whatever would be lost.
    pub forced: bool,
    /// Runs side by side.
    pub comparing: Comparing,
    /// The run in training is evaluated again after each of its validations.
    pub follow_training: bool,
    /// The run of another process that is watched.
    pub watching: Option<Watching>,
    /// What leads people on.
    pub leading: Leading,
    /// Videos picked out together.
    pub marks: Marks,
    /// Tags of the dataset's videos.
    pub video_tags: Arc<VideoTags>,
    /// The runs of a plan.
    pub experiment: Option<Experiment>,
    /// The learning-rate range test made last, with the configuration it was made of.
    pub rate_test: RateView,
    /// A learning rate chosen for the training that is set up, and how often one was chosen.
    pub chosen_rate: (u64, f64),
}

impl Default for AppState {
    fn default() -> Self {
        Self {
            workspace: Workspace::Data,
            welcome: true,
            dataset: None,
            video_by_name: HashMap::new(),
            warnings_by_video: HashMap::new(),
            filtered: Vec::new(),
            filtered_revision: 0,
            clip_index: Derived::keeping(4),
            error_order: Derived::default(),
            class_maps: ClassMaps::default(),
            runs: Vec::new(),
            evaluations: Vec::new(),
            training: None,
            selection: Selection { views: vec![default_view()], ..Selection::default() },
            playback: Playback::default(),
            view: ViewSettings::default(),
            filter: Filter::default(),
            order: VideoOrder::default(),
            draft: Draft::default(),
            reading: Reading::default(),
            epoch_shown: None,
            arrangements: Arrangements::default(),
            explain: ExplainStore::default(),
            inside: InsideStore::default(),
            class_matches: HashMap::new(),
            run_parts: RunParts::default(),
            video_predictions: HashMap::new(),
            notes: HashMap::new(),
            unsaved_notes: HashMap::new(),
            correcting: Correcting::default(),
            notes_revision: 0,
            index: IndexWork::default(),
            augmentation: AugmentationStore::default(),
            weights: WeightStore::default(),
            first_weights: (0, PathBuf::new()),
            jobs: Vec::new(),
            meters: HashMap::new(),
            messages: Vec::new(),
            show_messages: false,
            show_jobs: false,
            device: String::new(),
            theme: ThemeChoice::Dark,
            dark: true,
            scale: 1.0,
            recent: Vec::new(),
            disk: Disk::default(),
            awaiting: Vec::new(),
            dialog: None,
            keys_over: false,
            restoring: false,
            restoring_runs: HashSet::new(),
            undo: Vec::new(),
            undo_gesture: None,
            redo: Vec::new(),
            layout_generation: 0,
            leaving: false,
            forced: false,
            comparing: Comparing::default(),
            follow_training: false,
            watching: None,
            leading: Leading::default(),
            marks: Marks::default(),
            video_tags: Arc::default(),
            experiment: None,
            rate_test: RateView::default(),
            chosen_rate: (0, 0.0),
        }
    }
}

impl AppState {
    /// The chosen video with its position.
    pub fn video(&self) -> Option<(usize, &VideoEntry)> {
        let index = *self.video_by_name.get(self.selection.video.as_deref()?)?;
        self.dataset.as_ref()?.videos.get(index).map(|v| (index, v))
    }

    /// A video by its name.
    pub fn video_named(&self, name: &str) -> Option<&VideoEntry> {
        let index = *self.video_by_name.get(name)?;
        self.dataset.as_ref()?.videos.get(index)
    }

    /// Frames of the chosen video; 0 when none is chosen or it cannot be opened.
    pub fn frames(&self) -> u32 {
        self.video().map_or(0, |(_, v)| v.frames())
    }

    /// Frames a second of the chosen video; 25 when unknown.
    pub fn fps(&self) -> f64 {
        let fps = self.video().and_then(|(_, v)| v.facts.as_ref()).map_or(0.0, |f| f.fps);
        if fps.is_finite() && fps > 0.0 { fps } else { 25.0 }
    }

    /// Classes of the dataset.
    pub fn classes(&self) -> &ClassSet {
        static NONE: ClassSet = ClassSet { classes: Vec::new() };
        self.dataset.as_ref().map_or(&NONE, |d| &d.classes)
    }

    /// A label in words.
    pub fn label_name(&self, label: Option<Label>) -> &str {
        match label {
            None => "unlabelled",
            Some(Label::Background) => "background",
            Some(Label::Class(c)) => self.classes().name(c),
        }
    }

    /// Names of all labels of a frame.
    pub fn label_names(&self, labels: &[Label]) -> String {
        match labels {
            [] => self.label_name(None).to_owned(),
            labels => labels.iter().map(|l| self.label_name(Some(*l))).collect::<Vec<_>>().join(" + "),
        }
    }

    /// The title of the window: what is open, the run in use before its dataset.
    pub fn title(&self) -> String {
        let run = self.run().map(|r| leaf(&r.path));
        let dataset = self.dataset.as_ref().map(|d| d.name.clone());
        let open: Vec<String> = [run, dataset].into_iter().flatten().filter(|name| !name.is_empty()).collect();
        if open.is_empty() { "kinolens".to_owned() } else { format!("{} – kinolens", open.join(" · ")) }
    }

    /// The chosen run.
    pub fn run(&self) -> Option<&Arc<RunView>> {
        let path = self.selection.run.as_ref()?;
        self.runs.iter().find(|r| r.path == *path)
    }

    /// A run by its folder.
    pub fn run_at(&self, path: &Path) -> Option<&Arc<RunView>> {
        self.runs.iter().find(|r| r.path == path)
    }

    /// How the results of the chosen run are looked at.
    pub fn run_arrangement(&self) -> RunArrangement {
        let run = self.selection.run.as_deref();
        run.and_then(|run| self.arrangements.run(run)).cloned().unwrap_or_default()
    }

    /// How many videos pass the filter, in words, where not all do.
    pub fn narrowed(&self) -> Option<String> {
        let all = self.dataset.as_ref()?.videos.len();
        let shown = self.filtered.len();
        (shown < all).then(|| format!("{} of {} pass the filter", grouped(shown as u64), counted(all as u64, "video")))
    }

    /// The clips of an evaluation by video.
    pub fn clips_by_video(&self, entry: &EvaluationEntry) -> Rc<ClipIndex> {
        self.clip_index.get(Same::of(&entry.predictions), || ClipIndex::of(&entry.predictions))
    }

    /// The wrong clips of an evaluation that lie in the open dataset, in its order and in that of time.
    pub fn errors_in_order(&self, entry: &EvaluationEntry) -> Rc<Vec<(usize, u32, Cut)>> {
        let key = (Same::of(&entry.predictions), Same::maybe(self.dataset.as_ref()));
        self.error_order.get(key, || {
            let wrong = entry.predictions.clips.iter().filter(|p| !p.correct());
            let mut wrong: Vec<(usize, u32, Cut)> =
                wrong.filter_map(|p| Some((*self.video_by_name.get(&p.video)?, p.start, p.cut))).collect();
            wrong.sort_unstable();
            wrong
        })
    }

    /// What is written about a clip of the chosen run.
    pub fn note(&self, clip: &ClipRef) -> Option<&ClipNote> {
        self.notes.get(self.selection.run.as_ref()?)?.get(&clip.video, clip.start)
    }

    /// Jobs whose work would be lost or left half done if the process ended now.
    pub fn work_to_lose(&self) -> impl Iterator<Item = &JobView> {
        self.jobs.iter().filter(|j| j.status.is_live() && j.job.on_stop() != OnStop::Ends)
    }

    /// A job by its number.
    pub fn job(&self, id: JobId) -> Option<&JobView> {
        self.jobs.iter().rev().find(|j| j.id == id)
    }

    /// The training job, while it lives.
    pub fn live_training(&self) -> Option<(&LiveRun, &JobView)> {
        let run = self.training.as_ref()?;
        let job = self.job(run.job)?;
        job.status.is_live().then_some((run, job))
    }

    /// What to say where a run is missed, while one is being trained.
    pub fn awaited_run(&self) -> Option<String> {
        let (run, _) = self.live_training()?;
        Some(format!("{} can be chosen as soon as it has a checkpoint.", leaf(&run.run.path)))
    }

    /// The clip whose map belongs to the current frame; see [`AppState::clip_at`].
    pub fn explained_clip(&self) -> Option<ClipRef> {
        self.clip_at(self.selection.video.as_deref()?, self.selection.frame)
    }

    /// The clip whose map belongs to a frame: the chosen one while the frame is in it, else the window of the evaluation
    /// grid of the run in use that holds the frame, or the instance where its network is shown whole instances.
    pub fn clip_at(&self, video: &str, frame: u32) -> Option<ClipRef> {
        self.clip_of(self.selection.run.as_deref(), video, frame)
    }

    /// As [`AppState::clip_at`], for another run: clips of other networks may be longer or lie elsewhere.
    pub fn clip_of(&self, run: Option<&Path>, video: &str, frame: u32) -> Option<ClipRef> {
        self.whole_clip_of(run, video, frame).map(|clip| self.selection.as_seen(&clip))
    }

    /// The same, whichever view of the clip is shown.
    fn whole_clip_of(&self, run: Option<&Path>, video: &str, frame: u32) -> Option<ClipRef> {
        if self.video_named(video)?.frames() == 0 {
            return None;
        }
        let (span, stride) = self.geometry_of(run);
        if let Some(clip) = &self.selection.clip
            && clip.video == video
            && frame >= clip.start
            && frame < clip.end(span)
        {
            return Some(clip.clone());
        }
        let instance = self.instance_at(run, video, frame);
        Some(instance.unwrap_or_else(|| ClipRef::window(video, frame / stride * stride)))
    }

    /// Frames from the first to the last of a clip, and the distance between two clips, of the run in use
    /// (or of the reference configuration).
    pub fn window_geometry(&self) -> (u32, u32) {
        self.geometry_of(self.selection.run.as_deref())
    }

    /// As [`AppState::window_geometry`], of another run.
    pub fn geometry_of(&self, run: Option<&Path>) -> (u32, u32) {
        let clip = run.and_then(|r| self.run_at(r)).map(|r| r.config.clip.clone()).unwrap_or_default();
        (clip.geometry().span().max(1), clip.eval_stride.max(1))
    }

    /// The flow a job was last told, as far as its status tells.
    pub fn flow_of(&self, id: JobId) -> Flow {
        match self.job(id).map(|j| &j.status) {
            Some(JobStatus::Paused) => Flow::Pause,
            Some(JobStatus::Stopping) => Flow::Stop,
            _ => Flow::Continue,
        }
    }
}
