//! Evaluating a checkpoint on a part of a dataset.

use super::caveats::{Setting, caveats};
use super::metrics::evaluation_of;
use super::multi_label::evaluation_of_sets;
use super::predict::{frame_probabilities, logits_of};
use super::same_data;
use super::segments::{FrameTrack, frame_metrics};
use super::views::{Vote, counts, one_by_one};
use super::{ClassMap, EvalError};
use crate::config::{RunConfig, Validation};
use crate::data::{
    ClassTargets, FrameRule, as_configured, assign, covering_windows, frame_use, labelled_clips, plan_with,
    require_known, views_of,
};
use crate::domain::{
    ClassChange, ClassId, ClassMatch, ClassSet, Clip, Cut, Dataset, FrameSampling, FrameUse, Label, LabelMap, Split,
    SplitChoice, Task, VideoEntry,
};
use crate::model::ComputeDevice;
use crate::progress::Monitor;
use crate::run_folder::{Checkpoint, Evaluation, FrameMetrics, Identity, Prediction, Predictions, RunDir, SplitRow};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Evaluates the network of a checkpoint on clips of any dataset whose classes the run knows.
///
/// On the dataset it was trained on, the parts are those of the run's `split.csv`. On another one they are the dataset's
/// own, or divided as a training would. Classes are matched as [`ClassMatch::Auto`] says. Clips of classes the run does
/// not know are left out, with a warning.
///
/// Where the run or the dataset is of a multi-label task, so is the evaluation; the probabilities are those the network was
/// trained for (a softmax, or a sigmoid a class).
///
/// # Errors
/// As [`evaluate_matched`].
pub fn evaluate(
    checkpoint: &Checkpoint,
    dataset: &Arc<Dataset>,
    split: SplitChoice,
    device: &ComputeDevice,
    monitor: &dyn Monitor,
) -> Result<(Evaluation, Predictions), EvalError> {
    evaluate_matched(checkpoint, dataset, split, &ClassMatch::Auto, device, monitor)
}

/// As [`evaluate`], with a word on how the classes are matched.
///
/// # Errors
/// A checkpoint that does not load, classes that cannot be matched, a dataset without any clip to evaluate, clips that
/// cannot be decoded, [`EvalError::Stopped`].
pub fn evaluate_matched(
    checkpoint: &Checkpoint,
    dataset: &Arc<Dataset>,
    split: SplitChoice,
    matched: &ClassMatch,
    device: &ComputeDevice,
    monitor: &dyn Monitor,
) -> Result<(Evaluation, Predictions), EvalError> {
    let state = &checkpoint.state;
    let config = &state.config;
    let mut warnings = Vec::new();
    let map = checkpoint.class_map(dataset, matched)?;
    let original = dataset;
    let dataset = Arc::new(in_classes_of(&as_configured(original, config), &map, &state.classes, &mut warnings)?);
    let training = Training::of(checkpoint);
    let same = training.as_ref().is_some_and(|t| t.is_same(&dataset));
    let parts = parts_by(training.as_ref().filter(|_| same), &dataset, config);
    let clips = clips_of(&dataset, config, &parts, split)?;
    if clips.is_empty() {
        return Err(nothing_to_judge(&dataset, &parts, split));
    }

    let several = map.task() == Task::MultiLabel;
    // Frames are told of by windows that lie side by side; clips of instances are not.
    let frame_wise = !several
        && config.clip.sampling == FrameSampling::Windows
        && !dataset.instance_wise
        && dataset.videos.iter().any(is_frame_wise);
    let windows = if frame_wise { with_frame_windows(&dataset, config, &clips) } else { clips.clone() };
    let seen = Seen::of(&windows, checkpoint, &dataset, device, monitor)?;
    let background = config.data.background_class.then_some(dataset.classes.len());
    let targets = several.then(|| ClassTargets::new(&dataset, FrameRule::of(&config.clip), background));

    let by_place: HashMap<(usize, u32, Cut), usize> = windows.iter().map(Clip::place).zip(0..).collect();
    let prediction = |clip: &Clip| {
        let video = original.videos.get(clip.video)?;
        let truth = clip.label.and_then(Label::class)?;
        let truths = targets.as_ref().map_or_else(Vec::new, |t| t.of(clip));
        Some(prediction(state.task, video, clip, (truth, truths), seen.of_window(*by_place.get(&clip.place())?)?))
    };
    let predictions = Predictions { clips: clips.iter().filter_map(prediction).collect() };
    let mut evaluation = match map.task() {
        Task::SingleLabel => evaluation_of(&state.classes, &predictions.clips),
        Task::MultiLabel => evaluation_of_sets(&state.classes, &predictions.clips),
    };
    let identity = Identity::of(checkpoint);
    evaluation.run = identity.run.display().to_string();
    (evaluation.checkpoint, evaluation.epoch, evaluation.step) = (identity.checkpoint, identity.epoch, identity.step);
    evaluation.batches = identity.batches;
    evaluation.made_unix = identity.made_unix;
    evaluation.class_match = matched.clone();
    evaluation.label_map = match map.changes() {
        [] => dataset.mapped.as_ref().map(|m| m.changes.clone()).unwrap_or_default(),
        changes => changes.to_vec(),
    };
    warnings.extend(other_map(original, config));
    evaluation.dataset = dataset.root.display().to_string();
    evaluation.dataset_fingerprint = dataset.fingerprint.clone();
    evaluation.corrections = dataset.correction_counts();
    evaluation.split = split.name().to_owned();
    evaluation.frame_use = Some(frames_used(&dataset, config, &clips, &parts, split));
    evaluation.views = counts(seen.of_window(0).map_or(&[], |(views, _)| views));
    evaluation.frames = if frame_wise { frames_of(&dataset, config, &windows, &seen) } else { None };
    evaluation.warnings = warnings;
    let setting = Setting { checkpoint, dataset: &dataset, split, parts: &parts, same, training: training.as_ref() };
    let caveats = caveats(&setting, &evaluation, &predictions);
    evaluation.warnings.extend(caveats);
    Ok((evaluation, predictions))
}

/// Clips with their true outputs.
pub type LabelledClips = Vec<(Clip, ClassId)>;

/// The clips that an evaluation of a split evaluates, each with its true output, in the dataset as the run labels it.
///
/// # Errors
/// Classes that cannot be matched, a dataset without any clip to evaluate.
pub fn evaluated_clips(
    checkpoint: &Checkpoint,
    dataset: &Arc<Dataset>,
    split: SplitChoice,
    matched: &ClassMatch,
) -> Result<(Arc<Dataset>, LabelledClips), EvalError> {
    let config = &checkpoint.state.config;
    let map = checkpoint.class_map(dataset, matched)?;
    let classes = &checkpoint.state.classes;
    let own = Arc::new(in_classes_of(&as_configured(dataset, config), &map, classes, &mut Vec::new())?);
    let parts = parts_for(checkpoint, &own);
    let clips = clips_of(&own, config, &parts, split)?;
    if clips.is_empty() {
        return Err(nothing_to_judge(&own, &parts, split));
    }
    let labelled = |clip: Clip| Some((clip, clip.label.and_then(Label::class)?));
    Ok((own, clips.into_iter().filter_map(labelled).collect()))
}

/// The part each video of a dataset plays for a checkpoint: the one it played in training where it is the run's own
/// dataset, else the dataset's own split, or a division as a training would make it.
pub fn parts_for(checkpoint: &Checkpoint, dataset: &Dataset) -> Vec<Split> {
    let training = Training::of(checkpoint).filter(|t| t.is_same(dataset));
    parts_by(training.as_ref(), dataset, &checkpoint.state.config)
}

fn parts_by(own: Option<&Training>, dataset: &Dataset, config: &RunConfig) -> Vec<Split> {
    own.map_or_else(|| assign(dataset, config).0, |training| training.parts(dataset))
}

/// What a run remembers of the data it was trained on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Training {
    /// The rows of `split.csv`; none in a run of imported weights.
    pub rows: Vec<SplitRow>,
    /// Root of the dataset then.
    pub root: std::path::PathBuf,
    /// Its fingerprint then.
    pub fingerprint: String,
    /// The same without its label map; empty where there was none.
    pub files_fingerprint: String,
}

impl Training {
    fn of(checkpoint: &Checkpoint) -> Option<Self> {
        Self::read(&RunDir::open(checkpoint.run.as_deref()?).ok()?)
    }

    /// Reads what a run remembers; `None` where it has no readable `split.csv`.
    pub fn read(run: &RunDir) -> Option<Self> {
        let environment = run.environment().unwrap_or_default();
        let rows = run.split().ok()?;
        let (root, fingerprint) = (environment.dataset_root, environment.dataset_fingerprint);
        Some(Self { rows, root, fingerprint, files_fingerprint: environment.files_fingerprint })
    }

    /// The part each video of a dataset played in training, by position ([`Split::Unassigned`] for none); `None` for
    /// another dataset than the one that was trained on.
    pub fn parts_in(&self, dataset: &Dataset) -> Option<Vec<Split>> {
        (!self.rows.is_empty() && self.is_same(dataset)).then(|| self.parts(dataset))
    }

    /// True for the dataset itself, wherever it lies now.
    fn is_same(&self, dataset: &Dataset) -> bool {
        same_data::is_same(&self.rows, &self.root, &self.fingerprint, dataset)
    }

    fn parts(&self, dataset: &Dataset) -> Vec<Split> {
        same_data::parts(&self.rows, dataset)
    }

    /// True where files, labels and splits are what they were, whatever label map the dataset is read with now. `map` is
    /// that of the run.
    pub(super) fn is_unchanged(&self, dataset: &Dataset, map: &LabelMap) -> bool {
        let files = dataset.files_fingerprint();
        match self.files_fingerprint.as_str() {
            "" => self.fingerprint == files || self.fingerprint == dataset.fingerprint || !map.is_empty(),
            then => then == files,
        }
    }

    /// Subjects that were trained on.
    pub fn subjects(&self) -> BTreeSet<&str> {
        let trained = self.rows.iter().filter(|r| r.part == Split::Train && !r.subject.is_empty());
        trained.map(|r| r.subject.as_str()).collect()
    }
}

impl Checkpoint {
    /// Which output each class of a dataset is.
    ///
    /// # Errors
    /// Classes that cannot be matched; see [`ClassMap::of`].
    pub fn class_map(&self, dataset: &Dataset, matched: &ClassMatch) -> Result<ClassMap, EvalError> {
        let background = self.state.config.data.background_class;
        let map = own_map(dataset, &self.state.config);
        ClassMap::of_mapped(&dataset.classes, &self.state.classes, background, matched, &map)
            .map(|map| map.of_task(self.state.task.with(dataset.task)))
            .map_err(|reason| EvalError::Classes { root: dataset.root.clone(), reason })
    }
}

/// The label map of a run, where it says what the classes of a dataset are: one that was read with a map has its classes
/// already.
pub fn own_map(dataset: &Dataset, config: &RunConfig) -> LabelMap {
    if dataset.mapped.is_some() { LabelMap::default() } else { config.data.label_map.clone() }
}

/// What to know where a dataset was read with another label map than a run was trained with; a sentence.
pub fn other_map(dataset: &Dataset, config: &RunConfig) -> Option<String> {
    let mapped = dataset.mapped.as_ref().filter(|m| m.map != config.data.label_map)?;
    let words = match mapped.changes.as_slice() {
        [] => "another order of classes".to_owned(),
        changes => ClassChange::words(changes).join(", "),
    };
    Some(format!(
        "the dataset was read with a label map that is not the one the run was trained with: {words}; read it without one to \
         evaluate what the run was trained for"
    ))
}

/// The dataset in the classes of the run, with what is worth knowing about it.
fn in_classes_of(
    dataset: &Dataset,
    map: &ClassMap,
    run: &ClassSet,
    warnings: &mut Vec<String>,
) -> Result<Dataset, EvalError> {
    if map.is_empty() {
        return Err(EvalError::NothingToJudge(format!(
            "no class of {} is matched with one of the run, so there is no label to compare with",
            dataset.root.display()
        )));
    }
    warnings.extend(map.notes(&dataset.classes, run));
    Ok(map.dataset(dataset))
}

fn clips_of(
    dataset: &Dataset,
    config: &RunConfig,
    parts: &[Split],
    split: SplitChoice,
) -> Result<Vec<Clip>, EvalError> {
    if split == SplitChoice::All {
        require_known(dataset, |_| true)?;
        return Ok(labelled_clips(dataset, config, config.clip.eval_stride, |_| true));
    }
    let wanted = part_of(split, config);
    require_known(dataset, |i| parts.get(i).copied() == wanted)?;
    // What nobody looked into plays no part that is asked for.
    let pending = |i: usize| dataset.videos.get(i).is_some_and(VideoEntry::is_pending);
    let known = |(i, part): (usize, &Split)| if pending(i) { Split::Unassigned } else { *part };
    let parts: Vec<Split> = parts.iter().enumerate().map(known).collect();
    let plan = plan_with(dataset, config, &parts)?;
    Ok(match split {
        SplitChoice::Train => plan.train,
        SplitChoice::Val => plan.val,
        _ => plan.test,
    })
}

/// The part whose videos an evaluation of a split takes; `None` for all of them.
fn part_of(split: SplitChoice, config: &RunConfig) -> Option<Split> {
    match split {
        SplitChoice::Train => Some(Split::Train),
        SplitChoice::Val if config.data.validation == Validation::TestSplit => Some(Split::Test),
        SplitChoice::Val => Some(Split::Val),
        SplitChoice::Test => Some(Split::Test),
        SplitChoice::All => None,
    }
}

/// Positions of the videos that must be looked into before a split of a dataset is evaluated: those of the split, as far as
/// names tell. Where they do not tell, all labelled ones; where none is labelled, all.
pub fn videos_for(checkpoint: &Checkpoint, dataset: &Dataset, split: SplitChoice) -> Vec<usize> {
    let of = |keep: &dyn Fn(usize, &VideoEntry) -> bool| -> Vec<usize> {
        dataset.videos.iter().enumerate().filter(|(i, v)| keep(*i, v)).map(|(i, _)| i).collect()
    };
    let labelled = of(&|_, v| v.is_labelled());
    if labelled.is_empty() {
        return of(&|_, _| true);
    }
    let Some(wanted) = part_of(split, &checkpoint.state.config) else { return labelled };
    match Training::of(checkpoint).filter(|t| t.is_same(dataset)) {
        Some(training) => {
            let names: HashSet<&str> = dataset.videos.iter().map(|v| v.name.as_str()).collect();
            if !training.rows.iter().all(|row| names.contains(row.video.as_str())) {
                // What was renamed is found by its content alone.
                return labelled;
            }
            let parts = training.parts(dataset);
            of(&|i, v| v.is_labelled() && parts.get(i) == Some(&wanted))
        }
        None => {
            let own = |split: Split| dataset.videos.iter().any(|v| v.is_labelled() && v.split == split);
            if ![Split::Train, Split::Val, Split::Test].into_iter().any(own) {
                return labelled;
            }
            // A validation part that the dataset does not bring is taken from the training videos.
            let shared = wanted != Split::Test && !own(Split::Val);
            of(&|_, v| v.is_labelled() && (v.split == wanted || (shared && v.split == Split::Train)))
        }
    }
}

fn nothing_to_judge(dataset: &Dataset, parts: &[Split], split: SplitChoice) -> EvalError {
    let count = |s: Split| parts.iter().filter(|p| **p == s).count();
    let root = dataset.root.display();
    let unreadable: Vec<&VideoEntry> = dataset.videos.iter().filter(|v| v.is_unreadable()).collect();
    if let (Some(first), true) = (unreadable.first(), unreadable.len() == dataset.videos.len()) {
        let why = dataset.warnings.iter().find(|w| w.path == first.path).map(|w| format!(": {}", w.message));
        return EvalError::NothingToJudge(format!(
            "no video of {root} can be opened; the first of {} is {}{}",
            unreadable.len(),
            first.path.display(),
            why.unwrap_or_default()
        ));
    }
    if !dataset.videos.iter().any(|v| v.is_labelled() || v.is_pending()) {
        return EvalError::NothingToJudge(format!(
            "{root} has no labels, so nothing it is told can be right or wrong; name a labelled dataset (`predict` and `explain` need \
             no labels)"
        ));
    }
    EvalError::NothingToJudge(format!(
        "{} has no labelled clip to evaluate in '{}': its videos are {} train, {} val, {} test and {} in no part; choose \
         another part, or all",
        root,
        split.name(),
        count(Split::Train),
        count(Split::Val),
        count(Split::Test),
        count(Split::Unassigned),
    ))
}

/// Windows or instances and all their views, with the logits of each.
struct Seen {
    views: Vec<Clip>,
    logits: Vec<Vec<f32>>,
    /// Where the views of each begin, and where the last ones end.
    ends: Vec<usize>,
}

impl Seen {
    fn of(
        windows: &[Clip],
        checkpoint: &Checkpoint,
        dataset: &Arc<Dataset>,
        device: &ComputeDevice,
        monitor: &dyn Monitor,
    ) -> Result<Self, EvalError> {
        let (mut views, mut ends) = (Vec::with_capacity(windows.len()), vec![0]);
        for window in windows {
            views.extend(views_of(window, &checkpoint.state.config.clip));
            ends.push(views.len());
        }
        let logits = logits_of(checkpoint, dataset, &views, "evaluating clips", device, monitor)?;
        Ok(Self { views, logits, ends })
    }

    /// The views of one of them and their logits.
    fn of_window(&self, at: usize) -> Option<(&[Clip], &[Vec<f32>])> {
        let (start, end) = (*self.ends.get(at)?, *self.ends.get(at + 1)?);
        Some((self.views.get(start..end)?, self.logits.get(start..end)?))
    }
}

/// What a network that was trained for `trained` says of a clip by its views. `truths` are all true classes in a multi-label
/// evaluation, else none.
fn prediction(
    trained: Task,
    video: &VideoEntry,
    clip: &Clip,
    (truth, truths): (ClassId, Vec<ClassId>),
    (views, logits): (&[Clip], &[Vec<f32>]),
) -> Prediction {
    let Vote { probabilities, predicted, loss } = match trained {
        Task::SingleLabel => Vote::of(logits, truth),
        Task::MultiLabel => Vote::of_sets(logits, &truths),
    };
    Prediction {
        video: video.name.clone(),
        subject: video.subject.clone(),
        start: clip.start,
        truth,
        truths,
        predicted,
        probabilities,
        loss,
        cut: clip.cut,
        views: one_by_one(trained, views, logits),
    }
}

/// Short instances that a report names one by one.
const SHORT_LISTED: usize = 100;

/// What became of the frames of the videos that a split takes.
fn frames_used(dataset: &Dataset, config: &RunConfig, clips: &[Clip], parts: &[Split], split: SplitChoice) -> FrameUse {
    // Where the test split validates, its videos are those of the validation.
    let test = split == SplitChoice::Val && config.data.validation == Validation::TestSplit;
    let split = if test { SplitChoice::Test } else { split };
    let takes = |i: usize| split.takes(parts.get(i).copied());
    let stride = if split == SplitChoice::Train { config.clip.train_stride } else { config.clip.eval_stride };
    let mut out = frame_use(dataset, config, clips, (stride, false), takes);
    out.short.list.truncate(SHORT_LISTED);
    out
}

/// True when labels say more than one thing about the whole video.
fn is_frame_wise(video: &VideoEntry) -> bool {
    video.labels.segments().iter().any(|s| s.start > 0 || s.end < u32::MAX)
}

/// The clips, and further windows so that every frame with a class is inside one.
fn with_frame_windows(dataset: &Dataset, config: &RunConfig, clips: &[Clip]) -> Vec<Clip> {
    let (geometry, rule) = (config.clip.geometry(), FrameRule::of(&config.clip));
    let evaluated: BTreeSet<usize> = clips.iter().map(|c| c.video).collect();
    let mut windows: Vec<Clip> = clips.to_vec();
    let mut have: BTreeSet<(usize, u32)> = clips.iter().map(|c| (c.video, c.start)).collect();
    for (index, video) in evaluated.into_iter().filter_map(|i| Some((i, dataset.videos.get(i)?))) {
        if !is_frame_wise(video) {
            continue;
        }
        for clip in covering_windows(video, index, geometry, config.clip.eval_stride, config.clip.label) {
            let (from, to) = (clip.start, clip.start.saturating_add(geometry.span()));
            let scored = |s: &crate::domain::Segment| s.start < to && s.end > from && s.label.class().is_some();
            if !rule.can_show(video, &clip) {
                continue;
            }
            if video.labels.segments().iter().any(scored) && have.insert((index, clip.start)) {
                windows.push(clip);
            }
        }
    }
    windows.sort_by_key(|c| (c.video, c.start));
    windows
}

/// Metrics of frames, from the windows over the videos whose labels are frame-wise.
fn frames_of(dataset: &Dataset, config: &RunConfig, windows: &[Clip], seen: &Seen) -> Option<FrameMetrics> {
    let background = config.data.background_class.then_some(dataset.classes.len());
    // Classes of the format that mean background.
    let rest = |class: ClassId| dataset.classes.classes.get(class).is_some_and(|c| c.background);
    let mut of_video: HashMap<usize, Vec<(u32, Vec<f32>)>> = HashMap::new();
    for (at, clip) in windows.iter().enumerate() {
        let (_, logits) = seen.of_window(at)?;
        of_video.entry(clip.video).or_default().push((clip.start, Vote::of(logits, 0).probabilities));
    }
    let mut tracks = Vec::new();
    for (index, video) in dataset.videos.iter().enumerate().filter(|(_, v)| is_frame_wise(v)) {
        let Some(spans) = of_video.get(&index) else { continue };
        let spans: Vec<(u32, &[f32])> = spans.iter().map(|(s, p)| (*s, p.as_slice())).collect();
        let said = frame_probabilities(video.frames(), config.clip.geometry(), &spans);
        let mut track = FrameTrack::default();
        for (frame, said) in said.into_iter().enumerate() {
            // Beside frames that cannot be shown there are frames of no window; nobody said anything about them.
            let label = said.and(video.labels.at(frame as u32));
            let none = |class: &ClassId| Some(*class) == background || rest(*class);
            let class = said.map(|(class, _)| class).filter(|c| !none(c));
            track.labelled.push(label.is_some());
            track.truth.push(label.and_then(Label::class).filter(|c| !none(c)));
            // A network without a background output says some class in every rest; what nobody taught it is not held
            // against it, nor is what it says where nobody labelled.
            let scored = match label {
                Some(Label::Class(_)) => true,
                Some(Label::Background) => background.is_some(),
                None => false,
            };
            track.predicted.push(class.filter(|_| scored));
        }
        tracks.push(track);
    }
    // A network that cannot say background would be right wherever it is labelled.
    let says_rest = background.is_some() || dataset.classes.classes.iter().any(|c| c.background);
    let metrics = frame_metrics(&tracks)?;
    let accuracy_with_background = metrics.accuracy_with_background.filter(|_| says_rest);
    Some(FrameMetrics { accuracy_with_background, ..metrics })
}
