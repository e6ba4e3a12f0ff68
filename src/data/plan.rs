//! Which clips a run trains, validates and tests on.

use super::class_targets::VideoTargets;
use super::names::without_mirror_mark;
use super::sampler::{Sampler, class_counts, stream};
use super::sampling::FrameRule;
use super::windows::clips_of;
use super::{ClassTargets, DataError, fingerprint};
use crate::config::{ClipConfig, RunConfig, Validation};
use crate::domain::{
    ClassId, ClassInfo, ClassSet, Clip, Dataset, DatasetWarning, Label, Split, Task, VideoEntry, counted,
};
use rand::seq::SliceRandom;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Name and file id of the class that background frames form when a run asks for one.
const BACKGROUND: (&str, i64) = ("background", -1);
const FRACTION: u64 = 0x6672_6163;
/// Videos named in a sentence before the rest is only counted.
const SHOWN: usize = 5;

/// The clips of a run and the videos they come from.
///
/// Clip labels are always [`Label::Class`] of [`ClipPlan::classes`]; background windows appear only when the run has a
/// background class, and then as that class. In a multi-label task the label is the first of the clip's classes, all of which
/// [`ClipPlan::targets`] knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClipPlan {
    /// Classes in output order: the dataset's, then `background` if asked for, then unused ones up to `num_classes`.
    pub classes: ClassSet,
    /// Training clips.
    pub train: Vec<Clip>,
    /// Validation clips.
    pub val: Vec<Clip>,
    /// Test clips.
    pub test: Vec<Clip>,
    /// All classes of each clip, in a multi-label task.
    pub targets: Option<Arc<ClassTargets>>,
    /// The part each video of the dataset plays, by position; [`Split::Unassigned`] means none.
    pub parts: Vec<Split>,
    /// Things to know before believing a score.
    pub warnings: Vec<DatasetWarning>,
}

impl ClipPlan {
    /// The clips of a part; none for [`Split::Unassigned`].
    pub fn clips(&self, split: Split) -> &[Clip] {
        match split {
            Split::Train => &self.train,
            Split::Val => &self.val,
            Split::Test => &self.test,
            Split::Unassigned => &[],
        }
    }

    /// Clips of each class in a part, by output position; one of several classes counts once a class.
    pub fn class_counts(&self, split: Split) -> Vec<u64> {
        let (clips, classes) = (self.clips(split), self.classes.len());
        self.targets.as_ref().map_or_else(|| class_counts(clips, classes), |t| t.counts(clips, classes))
    }

    /// The share of training clips that show each class, by output position, as a sampler draws them.
    pub fn class_shares(&self, sampler: Sampler) -> Vec<f64> {
        let mut shares = vec![0.0; self.classes.len()];
        for (clip, chance) in self.train.iter().zip(sampler.chances(&self.train)) {
            let one = || clip.label.and_then(Label::class).into_iter().collect();
            let shown: Vec<ClassId> = self.targets.as_ref().map_or_else(one, |t| t.of(clip));
            for class in shown {
                if let Some(share) = shares.get_mut(class) {
                    *share += chance;
                }
            }
        }
        shares
    }

    /// Video name and part of every video used, for `split.csv`.
    pub fn assignments<'a>(&'a self, dataset: &'a Dataset) -> impl Iterator<Item = (&'a str, Split)> {
        dataset
            .videos
            .iter()
            .zip(&self.parts)
            .filter(|(_, p)| **p != Split::Unassigned)
            .map(|(v, p)| (v.name.as_str(), *p))
    }

    /// Subjects of a part, sorted; videos without a subject add none.
    pub fn subjects(&self, dataset: &Dataset, split: Split) -> Vec<String> {
        let names: BTreeSet<&String> =
            dataset.videos.iter().zip(&self.parts).filter(|(_, p)| **p == split).map(|(v, _)| &v.subject).collect();
        names.into_iter().filter(|n| !n.is_empty()).cloned().collect()
    }

    /// Refuses a plan nobody can train on.
    pub fn require_training(&self, dataset: &Dataset) -> Result<(), DataError> {
        if !self.train.is_empty() {
            return self.require_task(dataset);
        }
        let root = dataset.root.display();
        if let Some(reason) = self.unreadable(dataset) {
            return Err(DataError::Plan(format!("there is nothing to train on in {root}: {reason}")));
        }
        let reason = if !dataset.videos.iter().any(VideoEntry::is_labelled) {
            "none of its videos is labelled; add labels, or open a dataset with class folders"
        } else if !self.parts.contains(&Split::Train) {
            "no video belongs to the training split; put some into train"
        } else {
            "no clip of a training video has a class; check the labels, clip.length, clip.label and clip.sampling"
        };
        Err(DataError::Plan(format!("there is nothing to train on in {root}: {reason}")))
    }

    /// Where no video is trained on because those that were meant for it cannot be opened: how many, and why the first.
    fn unreadable(&self, dataset: &Dataset) -> Option<String> {
        if self.parts.contains(&Split::Train) {
            return None;
        }
        let divided = dataset.videos.iter().any(|v| v.split != Split::Unassigned);
        let meant = |v: &&VideoEntry| !divided || v.split == Split::Train;
        let broken: Vec<&VideoEntry> =
            dataset.videos.iter().filter(meant).filter(|v| v.is_unreadable() || v.frames() == 0).collect();
        let first = broken.first().filter(|v| !v.is_pending())?;
        let why = dataset.why_unreadable(first).map(|why| format!(": {why}"));
        let of = if divided { " of the training split" } else { "" };
        Some(format!(
            "{}{of} cannot be opened, and no other is left to train on; the first is {}{}. Look at it with 'kinolens probe', copy \
             the videos again if they are cut off or empty, or convert them, to H.264 in .mp4 for instance",
            counted(broken.len() as u64, "video"),
            first.path.display(),
            why.unwrap_or_default()
        ))
    }

    /// Refuses clips that are all of one class.
    fn require_task(&self, dataset: &Dataset) -> Result<(), DataError> {
        let counts = self.class_counts(Split::Train);
        let mut shown = counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(class, _)| class);
        let (Some(only), None) = (shown.next(), shown.next()) else { return Ok(()) };
        let background = dataset.videos.iter().any(|v| v.class_spans().any(|s| s.label == Label::Background));
        let reason = super::task::alone(self.classes.name(only), background);
        Err(DataError::OneClass { path: dataset.root.clone(), reason })
    }
}

/// Plans a run: divides the videos as [`assign`] does and cuts them into clips.
///
/// # Errors
/// When `model.num_classes` is smaller than the dataset's number of classes, or nobody looked into a video that plays a part.
pub fn plan(dataset: &Dataset, config: &RunConfig) -> Result<ClipPlan, DataError> {
    let (parts, warnings) = assign(dataset, config);
    let mut plan = plan_with(dataset, config, &parts)?;
    plan.warnings.splice(0..0, warnings);
    Ok(plan)
}

/// Plans a run whose videos are already divided, as a run's `split.csv` tells; `parts` are by position of the video.
///
/// # Errors
/// As [`plan`].
pub fn plan_with(dataset: &Dataset, config: &RunConfig, parts: &[Split]) -> Result<ClipPlan, DataError> {
    super::require_known(dataset, |i| parts.get(i).is_some_and(|p| *p != Split::Unassigned))?;
    let classes = output_classes(dataset, config)?;
    let of = |split: Split, stride: u32| labelled_clips(dataset, config, stride, |i| parts.get(i) == Some(&split));
    let mut train = of(Split::Train, config.clip.train_stride);
    let test = of(Split::Test, config.clip.eval_stride);
    let val = match config.data.validation {
        Validation::Subjects { .. } => of(Split::Val, config.clip.eval_stride),
        Validation::TestSplit => test.clone(),
        Validation::Off => Vec::new(),
    };
    keep_fraction(&mut train, config.data.fraction, config.seed);
    let several = dataset.task == Task::MultiLabel;
    let of_clips = || ClassTargets::new(dataset, FrameRule::of(&config.clip), background_class(dataset, config));
    let targets = several.then(of_clips).map(Arc::new);
    let mut plan = ClipPlan { classes, train, val, test, targets, parts: parts.to_vec(), warnings: Vec::new() };
    plan.parts.resize(dataset.videos.len(), Split::Unassigned);
    plan.warnings = class_warnings(dataset, &plan);
    plan.warnings.extend(copies_across(dataset, &plan.parts));
    let used = |i: usize| plan.parts.get(i).is_some_and(|p| *p != Split::Unassigned);
    let left_out = left_out(dataset, config, &plan.parts, used);
    plan.warnings.extend(left_out);
    let without_class = without_class(dataset, config, &plan);
    plan.warnings.extend(without_class);
    Ok(plan)
}

/// Where background parts form a class: its position.
pub(super) fn background_class(dataset: &Dataset, config: &RunConfig) -> Option<ClassId> {
    config.data.background_class.then_some(dataset.classes.len())
}

/// The classes of the clips of a video, in a multi-label task.
pub(super) fn targets(dataset: &Dataset, video: &VideoEntry, background: Option<ClassId>) -> Option<VideoTargets> {
    (dataset.task == Task::MultiLabel).then(|| VideoTargets::of(video, background))
}

/// Says how many clips of a multi-label task are left out because no class covers half of them.
fn without_class(dataset: &Dataset, config: &RunConfig, plan: &ClipPlan) -> Option<DatasetWarning> {
    let targets = plan.targets.as_ref()?;
    let rule = FrameRule::of(&config.clip);
    let of_video = |(i, video): (usize, &VideoEntry)| {
        let stride = match plan.parts.get(i)? {
            Split::Unassigned => return None,
            Split::Train => config.clip.train_stride,
            Split::Val | Split::Test => config.clip.eval_stride,
        };
        let all = clips_of(dataset, i, &config.clip, stride);
        Some(all.iter().filter(|c| rule.can_show(video, c) && targets.of(c).is_empty()).count() as u64)
    };
    let clips: u64 = dataset.videos.iter().enumerate().filter_map(of_video).sum();
    (clips > 0).then(|| DatasetWarning {
        path: dataset.root.clone(),
        message: format!("{} left out because no class covers half of the frames", counted(clips, "clip")),
    })
}

/// Says how many clips are left out because frames of them cannot be shown, and of which videos.
pub(crate) fn left_out(
    dataset: &Dataset,
    config: &RunConfig,
    parts: &[Split],
    keep: impl Fn(usize) -> bool,
) -> Option<DatasetWarning> {
    let rule = FrameRule::of(&config.clip);
    let (mut clips, mut videos) = (0, Vec::new());
    for (i, video) in dataset.videos.iter().enumerate() {
        let gaps = video.facts.as_ref().map_or(0, crate::domain::VideoFacts::frames_in_gaps);
        if gaps == 0 || !keep(i) || !video.is_labelled() {
            continue;
        }
        let stride =
            if parts.get(i) == Some(&Split::Train) { config.clip.train_stride } else { config.clip.eval_stride };
        let all = clips_of(dataset, i, &config.clip, stride);
        let targets = targets(dataset, video, background_class(dataset, config));
        let labelled = |c: &Clip| match &targets {
            Some(targets) => !targets.of_clip(c, &rule).is_empty(),
            None => c.label.is_some(),
        };
        clips += all.iter().filter(|c| labelled(c) && !rule.can_show(video, c)).count();
        videos.push(format!("{} ({gaps} of {} frames)", video.name, video.frames()));
    }
    let shown = videos.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if videos.len() > SHOWN { format!(" and {} more", videos.len() - SHOWN) } else { String::new() };
    (!videos.is_empty()).then(|| DatasetWarning {
        path: dataset.root.clone(),
        message: format!(
            "{} left out because pictures are missing or damaged: {shown}{more}; see the warnings of the dataset",
            counted(clips as u64, "clip")
        ),
    })
}

/// Videos of which another one that shows the same is trained on.
pub(crate) fn copies_across(dataset: &Dataset, parts: &[Split]) -> Option<DatasetWarning> {
    let mut pairs = Vec::new();
    for copies in &dataset.copies {
        let of =
            |wanted: &dyn Fn(Split) -> bool| copies.videos.iter().find(|i| parts.get(**i).is_some_and(|p| wanted(*p)));
        let trained = of(&|p| p == Split::Train);
        let evaluated = of(&|p| matches!(p, Split::Val | Split::Test));
        if let (Some(a), Some(b)) = (trained, evaluated)
            && let (Some(a), Some(b), Some(part)) = (dataset.videos.get(*a), dataset.videos.get(*b), parts.get(*b))
        {
            pairs.push(format!("{} (train) and {} ({})", a.name, b.name, part.name()));
        }
    }
    let shown = pairs.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = if pairs.len() > SHOWN { format!("; and {} more", pairs.len() - SHOWN) } else { String::new() };
    (!pairs.is_empty()).then(|| DatasetWarning {
        path: dataset.root.clone(),
        message: format!(
            "the same recordings are trained on and evaluated, so scores are too good: {shown}{more}; keep one of each"
        ),
    })
}

/// Clips with a class, of the videos whose positions `keep` accepts, in dataset order. Those with frames that cannot be
/// shown are left out.
pub fn labelled_clips(dataset: &Dataset, config: &RunConfig, stride: u32, keep: impl Fn(usize) -> bool) -> Vec<Clip> {
    labelled_clips_of(dataset, &config.clip, background_class(dataset, config), stride, keep)
}

/// As [`labelled_clips`]; background windows appear as the class `background`, or not at all. Of several classes the first
/// is the label.
pub(super) fn labelled_clips_of(
    dataset: &Dataset,
    config: &ClipConfig,
    background: Option<ClassId>,
    stride: u32,
    keep: impl Fn(usize) -> bool,
) -> Vec<Clip> {
    let mut out = Vec::new();
    for (i, video) in dataset.videos.iter().enumerate().filter(|(i, v)| keep(*i) && v.is_labelled()) {
        let rule = FrameRule::of(config);
        let targets = targets(dataset, video, background);
        let whole = clips_of(dataset, i, config, stride).into_iter().filter(|c| rule.can_show(video, c));
        out.extend(whole.filter_map(|clip| {
            let class = class_of_clip(targets.as_ref(), &clip, &rule, background)?;
            Some(Clip { label: Some(Label::Class(class)), ..clip })
        }));
    }
    out
}

/// The class that a clip counts as: of several the first; `None` for one that nobody trains on.
pub(super) fn class_of_clip(
    targets: Option<&VideoTargets>,
    clip: &Clip,
    rule: &FrameRule,
    background: Option<ClassId>,
) -> Option<ClassId> {
    match (targets, clip.label) {
        (Some(targets), _) => targets.of_clip(clip, rule).first().copied(),
        (None, Some(Label::Class(class))) => Some(class),
        (None, Some(Label::Background)) => background,
        (None, None) => None,
    }
}

fn output_classes(dataset: &Dataset, config: &RunConfig) -> Result<ClassSet, DataError> {
    let mut classes = dataset.classes.clone();
    if config.data.background_class {
        classes.classes.push(ClassInfo::named(BACKGROUND.1, BACKGROUND.0));
    }
    let Some(wanted) = config.model.num_classes else { return Ok(classes) };
    if wanted < classes.len() {
        return Err(DataError::Plan(format!(
            "model.num_classes is {wanted}, but {} has {} classes; set it to None or at least {}",
            dataset.root.display(),
            classes.len(),
            classes.len()
        )));
    }
    let mut id = 0;
    while classes.len() < wanted {
        if classes.by_id(id).is_none() {
            classes.classes.push(ClassInfo::named(id, format!("class {id} (unused)")));
        }
        id += 1;
    }
    Ok(classes)
}

fn keep_fraction(clips: &mut Vec<Clip>, fraction: f64, seed: u64) {
    if fraction >= 1.0 || clips.is_empty() {
        return;
    }
    let keep = ((clips.len() as f64 * fraction).ceil() as usize).clamp(1, clips.len());
    let mut order: Vec<usize> = (0..clips.len()).collect();
    order.shuffle(&mut stream(FRACTION, seed, 0, 0));
    order.truncate(keep);
    order.sort_unstable();
    *clips = order.into_iter().filter_map(|i| clips.get(i).copied()).collect();
}

/// Divides the videos of a dataset.
///
/// The dataset's own split is kept. Without one, `data.test_fraction` of the subjects are held out for testing. Validation
/// is the dataset's own, or else a share of the training subjects. Whom a share takes is decided by a digest of the
/// subject's name, not by the seed: runs with other seeds stay comparable, and a new subject moves none of the others.
/// Videos without a subject are divided one by one, a mirrored copy with its original, class by class.
pub fn assign(dataset: &Dataset, config: &RunConfig) -> (Vec<Split>, Vec<DatasetWarning>) {
    let mut warnings = Vec::new();
    // What cannot be opened plays no part; of what nobody looked into, that is not known.
    let usable = |v: &VideoEntry| (v.frames() > 0 || v.is_pending()) && v.is_labelled();
    let mut parts: Vec<Split> =
        dataset.videos.iter().map(|v| if usable(v) { v.split } else { Split::Unassigned }).collect();
    let warn = |message: &str| DatasetWarning { path: dataset.root.clone(), message: message.into() };

    if dataset.videos.iter().all(|v| v.split == Split::Unassigned) {
        let all: Vec<usize> = (0..parts.len()).filter(|i| dataset.videos.get(*i).is_some_and(usable)).collect();
        let test = share(dataset, &all, config.data.test_fraction, "test", &mut warnings);
        for i in all {
            parts[i] = if test.contains(&i) { Split::Test } else { Split::Train };
        }
        if test.is_empty() {
            warnings.push(warn("has only one labelled video, so nothing is held out for testing; add more videos"));
        }
    }
    if let Validation::Subjects { fraction } = config.data.validation
        && !parts.contains(&Split::Val)
    {
        let train: Vec<usize> = (0..parts.len()).filter(|i| parts[*i] == Split::Train).collect();
        let val = share(dataset, &train, fraction, "validation", &mut warnings);
        if val.is_empty() && !train.is_empty() {
            warnings.push(warn("has only one training video, so none is kept for validation; add more videos"));
        }
        for i in val {
            parts[i] = Split::Val;
        }
    }
    (parts, warnings)
}

/// Takes a share of the groups that `videos` form: at least one, never all.
fn share(
    dataset: &Dataset,
    videos: &[usize],
    fraction: f64,
    purpose: &str,
    warnings: &mut Vec<DatasetWarning>,
) -> BTreeSet<usize> {
    let entry = |i: &usize| dataset.videos.get(*i);
    // Groups by (stratum, name): subjects are one stratum, videos without a subject one a class.
    let group = |by_subject: bool| {
        let mut strata: BTreeMap<Option<Label>, BTreeMap<String, Vec<usize>>> = BTreeMap::new();
        for (i, v) in videos.iter().filter_map(|i| entry(i).map(|v| (*i, v))) {
            let subject = by_subject && !v.subject.is_empty();
            let (stratum, key) = match v.labels.segments() {
                _ if subject => (None, v.subject.clone()),
                [one] => (Some(one.label), without_mirror_mark(&v.name)),
                _ => (None, without_mirror_mark(&v.name)),
            };
            strata.entry(stratum).or_default().entry(key).or_default().push(i);
        }
        strata
    };
    let mut strata = group(true);
    if strata.values().map(BTreeMap::len).sum::<usize>() == 1 {
        strata = group(false);
        if strata.values().map(BTreeMap::len).sum::<usize>() > 1 {
            warnings.push(DatasetWarning {
                path: dataset.root.clone(),
                message: format!(
                    "there is only one subject to take {purpose} videos from, so the videos of one person are on both \
                     sides and scores are too good; add subjects"
                ),
            });
        }
    }
    let single = strata.len() == 1;
    let mut out = BTreeSet::new();
    for groups in strata.into_values() {
        let n = groups.len();
        if n < 2 {
            // A class of one video is better learned than tested.
            continue;
        }
        let rounded = (n as f64 * fraction).round() as usize;
        let take = rounded.clamp(1, n - 1);
        let mut ranked: Vec<(String, Vec<usize>)> = groups
            .into_iter()
            .map(|(key, members)| (fingerprint::hex(format!("{purpose}:{key}").as_bytes()) + &key, members))
            .collect();
        ranked.sort();
        out.extend(ranked.into_iter().take(take).flat_map(|(_, members)| members));
    }
    if out.is_empty() && !single && videos.len() > 1 {
        // Every stratum has one group: take one of them after all.
        out.extend(videos.last());
    }
    out
}

/// Classes that occur on one side only.
fn class_warnings(dataset: &Dataset, plan: &ClipPlan) -> Vec<DatasetWarning> {
    let mut out = Vec::new();
    let (train, test, val) =
        (plan.class_counts(Split::Train), plan.class_counts(Split::Test), plan.class_counts(Split::Val));
    let listed = |wanted: &dyn Fn(usize) -> bool| {
        let names: Vec<&str> = (0..plan.classes.len()).filter(|c| wanted(*c)).map(|c| plan.classes.name(c)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let mut warn = |message: String| out.push(DatasetWarning { path: dataset.root.clone(), message });
    if plan.train.is_empty() {
        return out;
    }
    if let Some(names) = listed(&|c| train[c] == 0 && test[c] + val[c] > 0) {
        warn(format!("no training clip shows {names}; the network cannot learn it, change the split"));
    }
    if !plan.test.is_empty()
        && let Some(names) = listed(&|c| train[c] > 0 && test[c] == 0)
    {
        warn(format!("no test clip shows {names}; its score will be missing"));
    }
    if !plan.val.is_empty()
        && let Some(names) = listed(&|c| train[c] > 0 && val[c] == 0)
    {
        warn(format!("no validation clip shows {names}; the best checkpoint is chosen without it"));
    }
    out
}
