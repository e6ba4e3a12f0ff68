//! Judging a checkpoint on a part of a dataset (S0.12).

use super::doubts::{Setting, doubts};
use super::metrics::{argmax, judge, softmax_and_loss};
use super::predict::{frame_probabilities, logits_of};
use super::same_data;
use super::segments::{FrameTrack, frame_metrics};
use super::{Checkpoint, EvalError, Evaluation, FrameMetrics, Prediction, Predictions, RunDir, SplitRow};
use crate::config::RunConfig;
use crate::data::{as_configured, assign, covering_windows, labelled_clips, plan_with};
use crate::domain::{ClassId, ClassSet, Clip, Dataset, Label, LabelTrack, Split, VideoEntry};
use crate::model::ComputeDevice;
use crate::progress::Monitor;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Which clips to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SplitChoice {
    /// The clips the run trained on.
    Train,
    /// The clips the run was validated on.
    Val,
    /// The held-out clips.
    #[default]
    Test,
    /// Every labelled clip.
    All,
}

impl SplitChoice {
    /// The name used on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            SplitChoice::Train => Split::Train.name(),
            SplitChoice::Val => Split::Val.name(),
            SplitChoice::Test => Split::Test.name(),
            SplitChoice::All => "all",
        }
    }
}

/// Judges the network of a checkpoint on clips of any dataset whose classes the run knows.
///
/// On the dataset it was trained on, the parts are those of the run's `split.csv`. On another one they are the dataset's
/// own, or divided as a training would. Classes are matched by name; in the exercise layout, whose files hold numbers
/// only, by number where no name is known. Clips of classes the run does not know are left out, with a warning.
///
/// # Errors
/// A checkpoint that does not load, a dataset without any clip to judge, clips that cannot be decoded,
/// [`EvalError::Stopped`].
pub fn evaluate(
    checkpoint: &Checkpoint,
    dataset: &Arc<Dataset>,
    split: SplitChoice,
    device: &ComputeDevice,
    monitor: &dyn Monitor,
) -> Result<(Evaluation, Predictions), EvalError> {
    let state = &checkpoint.state;
    let config = &state.config;
    let mut warnings = Vec::new();
    let dataset = &as_configured(dataset, config);
    let dataset = Arc::new(in_classes_of(dataset, &state.classes, config, &mut warnings)?);
    let training = Training::of(checkpoint);
    let same = training.as_ref().is_some_and(|t| t.is_same(&dataset));
    let parts = parts_by(training.as_ref().filter(|_| same), &dataset, config);
    let clips = clips_of(&dataset, config, &parts, split)?;
    if clips.is_empty() {
        return Err(nothing_to_judge(&dataset, &parts, split));
    }

    let windows = if dataset.videos.iter().any(is_frame_wise) {
        with_frame_windows(&dataset, config, &clips)
    } else {
        clips.clone()
    };
    let logits = logits_of(checkpoint, &dataset, &windows, "judging clips", device, monitor)?;

    let by_window: HashMap<(usize, u32), &Vec<f32>> = windows.iter().map(|c| (c.video, c.start)).zip(&logits).collect();
    let predictions = Predictions {
        clips: clips.iter().filter_map(|c| prediction(&dataset, c, by_window.get(&(c.video, c.start))?)).collect(),
    };
    let mut evaluation = judge(&state.classes, &predictions.clips);
    evaluation.run = checkpoint.home().display().to_string();
    evaluation.checkpoint = checkpoint.name.clone();
    evaluation.step = state.step;
    evaluation.dataset = dataset.root.display().to_string();
    evaluation.dataset_fingerprint = dataset.fingerprint.clone();
    evaluation.split = split.name().to_owned();
    evaluation.frames = frames_of(&dataset, config, &windows, &logits);
    evaluation.warnings = warnings;
    let setting = Setting { checkpoint, dataset: &dataset, split, parts: &parts, same, training: training.as_ref() };
    let doubts = doubts(&setting, &evaluation, &predictions);
    evaluation.warnings.extend(doubts);
    Ok((evaluation, predictions))
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
pub(super) struct Training {
    pub rows: Vec<SplitRow>,
    pub root: std::path::PathBuf,
    pub fingerprint: String,
}

impl Training {
    fn of(checkpoint: &Checkpoint) -> Option<Self> {
        let run = RunDir::open(checkpoint.run.as_deref()?).ok()?;
        let environment = run.environment().unwrap_or_default();
        let rows = run.split().ok()?;
        Some(Self { rows, root: environment.dataset_root, fingerprint: environment.dataset_fingerprint })
    }

    /// True for the dataset itself, wherever it lies now.
    fn is_same(&self, dataset: &Dataset) -> bool {
        same_data::is_same(&self.rows, &self.root, &self.fingerprint, dataset)
    }

    fn parts(&self, dataset: &Dataset) -> Vec<Split> {
        same_data::parts(&self.rows, dataset)
    }

    /// Subjects that were trained on.
    pub fn subjects(&self) -> BTreeSet<&str> {
        let trained = self.rows.iter().filter(|r| r.part == Split::Train && !r.subject.is_empty());
        trained.map(|r| r.subject.as_str()).collect()
    }
}

/// The dataset as the run would have labelled it: labels are output positions of the run; what it does not know becomes
/// unlabelled.
fn in_classes_of(
    dataset: &Dataset,
    run: &ClassSet,
    config: &RunConfig,
    warnings: &mut Vec<String>,
) -> Result<Dataset, EvalError> {
    // The planner numbers background behind the dataset's classes; so the dataset gets the classes before it.
    let mut known = run.clone();
    if config.data.background_class
        && let Some(at) = known.classes.iter().position(|c| c.id == -1)
    {
        known.classes.truncate(at);
    }
    if dataset.classes == known {
        return Ok(dataset.clone());
    }
    let named: Vec<Option<ClassId>> = dataset.classes.classes.iter().map(|c| known.by_name(&c.name)).collect();
    let numbered: Vec<Option<ClassId>> = dataset.classes.classes.iter().map(|c| known.by_id(c.id)).collect();
    let by_number = named.iter().all(Option::is_none) && dataset.format == "exercise";
    let map = if by_number { numbered } else { named };
    if by_number && map.iter().any(Option::is_some) {
        warnings.push("no class of the dataset has a name the run knows; classes were matched by their numbers".into());
    }
    let unknown: Vec<&str> = (0..map.len()).filter(|i| map[*i].is_none()).map(|i| dataset.classes.name(i)).collect();
    if !map.is_empty() && unknown.len() == map.len() {
        let known: Vec<&str> = known.classes.iter().map(|c| c.name.as_str()).collect();
        return Err(EvalError::NothingToJudge(format!(
            "the run knows none of the classes of {}: it has {}, the run has {}",
            dataset.root.display(),
            unknown.join(", "),
            known.join(", ")
        )));
    }
    if !unknown.is_empty() {
        warnings
            .push(format!("the run does not know these classes; their clips were left out: {}", unknown.join(", ")));
    }
    let mut out = dataset.clone();
    out.classes = known;
    for video in &mut out.videos {
        let segments = video.labels.segments().iter().filter_map(|s| {
            let label = match s.label {
                Label::Background => Label::Background,
                Label::Class(c) => Label::Class(map.get(c).copied().flatten()?),
            };
            Some(crate::domain::Segment { label, ..*s })
        });
        video.labels = LabelTrack::from_segments(segments.collect());
    }
    Ok(out)
}

fn clips_of(
    dataset: &Dataset,
    config: &RunConfig,
    parts: &[Split],
    split: SplitChoice,
) -> Result<Vec<Clip>, EvalError> {
    if split == SplitChoice::All {
        return Ok(labelled_clips(dataset, config, config.clip.eval_stride, |_| true));
    }
    let plan = plan_with(dataset, config, parts)?;
    Ok(match split {
        SplitChoice::Train => plan.train,
        SplitChoice::Val => plan.val,
        _ => plan.test,
    })
}

fn nothing_to_judge(dataset: &Dataset, parts: &[Split], split: SplitChoice) -> EvalError {
    let count = |s: Split| parts.iter().filter(|p| **p == s).count();
    EvalError::NothingToJudge(format!(
        "{} has no labelled clip to judge in '{}': its videos are {} train, {} val, {} test and {} in no part; choose \
         another part, or all",
        dataset.root.display(),
        split.name(),
        count(Split::Train),
        count(Split::Val),
        count(Split::Test),
        count(Split::Unassigned),
    ))
}

fn prediction(dataset: &Dataset, clip: &Clip, logits: &[f32]) -> Option<Prediction> {
    let truth = clip.label.and_then(Label::class)?;
    let video = dataset.videos.get(clip.video)?;
    let (probabilities, loss) = softmax_and_loss(logits, truth);
    Some(Prediction {
        video: video.name.clone(),
        subject: video.subject.clone(),
        start: clip.start,
        truth,
        predicted: argmax(logits),
        probabilities,
        loss,
    })
}

/// True when labels say more than one thing about the whole video.
fn is_frame_wise(video: &VideoEntry) -> bool {
    video.labels.segments().iter().any(|s| s.start > 0 || s.end < u32::MAX)
}

/// The clips, and further windows so that every frame with a class is inside one.
fn with_frame_windows(dataset: &Dataset, config: &RunConfig, clips: &[Clip]) -> Vec<Clip> {
    let geometry = config.clip.geometry();
    let judged: BTreeSet<usize> = clips.iter().map(|c| c.video).collect();
    let mut windows: Vec<Clip> = clips.to_vec();
    let mut have: BTreeSet<(usize, u32)> = clips.iter().map(|c| (c.video, c.start)).collect();
    for (index, video) in judged.into_iter().filter_map(|i| Some((i, dataset.videos.get(i)?))) {
        if !is_frame_wise(video) {
            continue;
        }
        for clip in covering_windows(video, index, geometry, config.clip.eval_stride, config.clip.label) {
            let (from, to) = (clip.start, clip.start.saturating_add(geometry.span()));
            let scored = |s: &crate::domain::Segment| s.start < to && s.end > from && s.label.class().is_some();
            if !video.has_clip(geometry, clip.start) {
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
fn frames_of(dataset: &Dataset, config: &RunConfig, windows: &[Clip], logits: &[Vec<f32>]) -> Option<FrameMetrics> {
    let background = config.data.background_class.then_some(dataset.classes.len());
    let mut of_video: HashMap<usize, Vec<(u32, Vec<f32>)>> = HashMap::new();
    for (clip, row) in windows.iter().zip(logits) {
        of_video.entry(clip.video).or_default().push((clip.start, softmax_and_loss(row, 0).0));
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
            let class = said.map(|(class, _)| class).filter(|c| Some(*c) != background);
            track.truth.push(label.and_then(Label::class));
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
    frame_metrics(&tracks)
}
