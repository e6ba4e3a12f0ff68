//! The clips that all runs were evaluated on, in one numbering of classes, and what differs in data, split and labels.

use super::CompareError;
use super::evaluated::EvaluatedRun;
use crate::domain::{ClassSet, Cut, Split, Task, counted, listed};
use crate::run_folder::Prediction;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Names in a sentence before the rest are only counted.
const LISTED: usize = 6;

/// A clip that all runs were evaluated on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SharedClip {
    /// Name of the video in the dataset.
    pub video: String,
    /// Subject, empty when unknown.
    pub subject: String,
    /// First frame.
    pub start: u32,
    /// True class, by position in [`SharedClips::classes`].
    #[serde(rename = "true")]
    pub truth: usize,
    /// All true classes, ascending, in a multi-label task; else empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub truths: Vec<usize>,
    /// The part of the video it is taken from.
    #[serde(skip_serializing_if = "Cut::is_window_of_video")]
    pub cut: Cut,
}

impl SharedClip {
    /// The classes that are true of it: one, or in a multi-label task all.
    pub fn true_classes(&self) -> &[usize] {
        if self.truths.is_empty() { std::slice::from_ref(&self.truth) } else { &self.truths }
    }
}

/// What all runs said about the same clips.
#[derive(Clone, Debug, Default)]
pub struct SharedClips {
    /// The classes of all runs, in the order of the first that has them.
    pub classes: ClassSet,
    /// The clips, in the order of the first run.
    pub clips: Vec<SharedClip>,
    /// Each run's predictions in the order of `clips`, in the numbering of `classes`.
    pub answers: Vec<Vec<Prediction>>,
    /// How many classes a clip may have.
    pub task: Task,
    /// What differs in data, split or labels, as sentences: to be said before any number.
    pub notes: Vec<String>,
}

/// Two classes of a run may have one name; they are told apart by which of them comes first.
type ClassKey<'a> = (&'a str, usize);

fn keys(classes: &ClassSet) -> Vec<ClassKey<'_>> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut out = Vec::with_capacity(classes.len());
    for name in classes.classes.iter().map(|c| c.name.as_str()) {
        let count = seen.entry(name).or_default();
        out.push((name, *count));
        *count += 1;
    }
    out
}

/// The classes of all runs in the order of the first that has them, and for each run the number there of each of its own.
pub(super) fn numbering(runs: &[EvaluatedRun]) -> (ClassSet, Vec<Vec<usize>>) {
    let mut numbers: HashMap<ClassKey<'_>, usize> = HashMap::new();
    let mut classes = ClassSet::default();
    let mut to_shared: Vec<Vec<usize>> = Vec::new();
    for run in runs {
        let mut of_run = Vec::new();
        for (key, class) in keys(&run.evaluation.classes).into_iter().zip(&run.evaluation.classes.classes) {
            let next = classes.len();
            let at = *numbers.entry(key).or_insert(next);
            if at == next {
                classes.classes.push(class.clone());
            }
            of_run.push(at);
        }
        to_shared.push(of_run);
    }
    (classes, to_shared)
}

/// Refuses evaluations that do not tell what was said of each clip.
fn require_predictions(runs: &[EvaluatedRun]) -> Result<(), CompareError> {
    let of = |run: &EvaluatedRun| (run.name.clone(), run.evaluation.split.clone());
    match runs.iter().find(|r| r.predictions.clips.is_empty()).map(of) {
        Some((run, split)) => Err(CompareError::NoPredictions { run, split }),
        None => Ok(()),
    }
}

/// Refuses evaluations that do not tell of each clip which one class was said.
pub(super) fn require_one_class(runs: &[EvaluatedRun]) -> Result<(), CompareError> {
    require_predictions(runs)?;
    match runs.iter().find(|r| r.evaluation.multi_label.is_some()) {
        Some(run) => Err(CompareError::MultiLabel { run: run.name.clone(), split: run.evaluation.split.clone() }),
        None => Ok(()),
    }
}

/// The task of all runs.
fn task(runs: &[EvaluatedRun]) -> Result<Task, CompareError> {
    let find = |several: bool| runs.iter().find(|r| r.evaluation.multi_label.is_some() == several);
    match (find(true), find(false)) {
        (Some(several), Some(single)) => {
            Err(CompareError::MixedTasks { several: several.name.clone(), single: single.name.clone() })
        }
        (Some(_), None) => Ok(Task::MultiLabel),
        (None, _) => Ok(Task::SingleLabel),
    }
}

/// Finds the clips all runs were evaluated on with the same label.
///
/// # Errors
/// An evaluation without predictions, evaluations of different tasks, and evaluations without a clip in common.
pub fn share(runs: &[EvaluatedRun]) -> Result<SharedClips, CompareError> {
    require_predictions(runs)?;
    let (classes, to_shared) = numbering(runs);
    let label = |run: usize, p: &Prediction| labels(p, &to_shared[run]);
    let key = |p: &Prediction| (p.video.clone(), p.start, p.cut);
    let by_clip: Vec<HashMap<(String, u32, Cut), &Prediction>> =
        runs.iter().map(|r| r.predictions.clips.iter().map(|p| (key(p), p)).collect()).collect();
    let task = task(runs)?;
    let mut out = SharedClips { classes, answers: vec![Vec::new(); runs.len()], task, ..SharedClips::default() };
    let (mut relabelled, mut seen) = (0_u64, BTreeSet::new());
    for first in runs.first().into_iter().flat_map(|r| &r.predictions.clips) {
        let key = key(first);
        let found: Vec<&Prediction> = by_clip.iter().filter_map(|clips| clips.get(&key).copied()).collect();
        let own = label(0, first).filter(|_| found.len() == runs.len() && seen.insert(key.clone()));
        let Some((truth, truths)) = own else { continue };
        let same = |(run, p): (usize, &&Prediction)| {
            label(run, p).is_some_and(|(one, all)| all == truths && (task == Task::MultiLabel || one == truth))
        };
        if !found.iter().enumerate().all(same) {
            relabelled += 1;
            continue;
        }
        for (run, p) in found.into_iter().enumerate() {
            out.answers[run].push(renumbered(p, &to_shared[run], out.classes.len()));
        }
        let (video, subject) = (first.video.clone(), first.subject.clone());
        out.clips.push(SharedClip { video, subject, start: first.start, truth, truths, cut: first.cut });
    }
    out.notes = runs.iter().flat_map(|r| &r.damage).cloned().collect();
    out.notes.extend(differences(runs));
    if relabelled > 0 {
        let clips = counted(relabelled, "clip");
        out.notes
            .push(format!("{clips} that all runs were evaluated on are left out: their labels differ between runs"));
    }
    if out.clips.is_empty() {
        let counts = runs.iter().map(|r| (r.name.clone(), r.predictions.clips.len())).collect();
        return Err(CompareError::NothingShared { runs: counts, notes: out.notes });
    }
    let left_out = |r: &EvaluatedRun| {
        let (all, shared) = (r.predictions.clips.len(), out.clips.len());
        (all > shared).then(|| format!("{} of {all} clips of {}", all - shared, r.name))
    };
    let left_out: Vec<String> = runs.iter().filter_map(left_out).collect();
    if !left_out.is_empty() {
        out.notes.push(format!(
            "the runs were not evaluated on the same clips: all numbers are of the {} they share; left out are {}",
            counted(out.clips.len() as u64, "clip"),
            left_out.join(", ")
        ));
    }
    Ok(out)
}

/// The true class of a clip, and all of them where they are several, in the numbering of the shared classes.
fn labels(p: &Prediction, to_shared: &[usize]) -> Option<(usize, Vec<usize>)> {
    let number = |own: &usize| to_shared.get(*own).copied();
    let mut all: Vec<usize> = p.truths.iter().map(number).collect::<Option<_>>()?;
    all.sort_unstable();
    Some((number(&p.truth)?, all))
}

/// A prediction in the numbering of the shared classes.
pub(super) fn renumbered(p: &Prediction, to_shared: &[usize], classes: usize) -> Prediction {
    let mut probabilities = vec![0.0; classes];
    for (value, at) in p.probabilities.iter().zip(to_shared) {
        if let Some(slot) = probabilities.get_mut(*at) {
            *slot = *value;
        }
    }
    let number = |own: usize| to_shared.get(own).copied().unwrap_or(own);
    let mut truths: Vec<usize> = p.truths.iter().map(|own| number(*own)).collect();
    truths.sort_unstable();
    Prediction { truth: number(p.truth), truths, predicted: number(p.predicted), probabilities, ..p.clone() }
}

/// Groups of runs that agree in something: `a, b: this; c: that`. `None` where all agree.
fn apart(runs: &[EvaluatedRun], of: impl Fn(&EvaluatedRun) -> String) -> Option<String> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for run in runs {
        let value = of(run);
        match groups.iter_mut().find(|(known, _)| *known == value) {
            Some((_, names)) => names.push(&run.name),
            None => groups.push((value, vec![&run.name])),
        }
    }
    let told = |(value, names): &(String, Vec<&str>)| format!("{}: {value}", listed(names, LISTED));
    (groups.len() > 1).then(|| groups.iter().map(told).collect::<Vec<_>>().join("; "))
}

/// What differs in the data the runs were evaluated and trained on, as sentences.
fn differences(runs: &[EvaluatedRun]) -> Vec<String> {
    let mut out = Vec::new();
    let fingerprint = |r: &EvaluatedRun| match r.evaluation.dataset_fingerprint.is_empty() {
        true => r.evaluation.dataset.clone(),
        false => r.evaluation.dataset_fingerprint.clone(),
    };
    if apart(runs, fingerprint).is_some() {
        let place = |r: &EvaluatedRun| {
            let digits: String = r.evaluation.dataset_fingerprint.chars().take(8).collect();
            if digits.is_empty() {
                r.evaluation.dataset.clone()
            } else {
                format!("{} ({digits})", r.evaluation.dataset)
            }
        };
        let told = apart(runs, place).unwrap_or_default();
        out.push(format!("files, labels or splits of the evaluated datasets differ ({told})"));
    }
    for (at, run) in runs.iter().enumerate() {
        let same = |other: &&EvaluatedRun| {
            let (a, b) = (&run.evaluation, &other.evaluation);
            other.path == run.path && a.checkpoint == b.checkpoint && a.step == b.step
        };
        if let Some(twin) = runs.iter().take(at).find(same) {
            out.push(format!("{} and {} are the same weights, so nothing can differ", twin.name, run.name));
        }
    }
    let mut say = |what: &str, told: Option<String>| out.extend(told.map(|t| format!("{what} ({t})")));
    say("different splits were evaluated", apart(runs, |r| format!("'{}'", r.evaluation.split)));
    say("dataset classes were matched differently", apart(runs, |r| format!("{:?}", r.evaluation.class_match)));
    let names = |r: &EvaluatedRun| -> Vec<String> {
        let mut names: Vec<String> = r.evaluation.classes.classes.iter().map(|c| c.name.clone()).collect();
        names.sort();
        names
    };
    say("the runs know different classes", apart(runs, |r| listed(&names(r), LISTED)));
    say(
        "clips are made of other frames",
        apart(runs, |r| {
            let clip = &r.config.clip;
            let frames = match clip.length {
                1 => "1 frame".to_owned(),
                n => format!("{n} frames, every {}", clip.step.max(1)),
            };
            format!("{frames}, labelled by {:?}", clip.label)
        }),
    );
    if let Some(told) = training_videos(runs) {
        out.push(told);
    }
    out
}

/// Whether the runs were trained on the same videos.
fn training_videos(runs: &[EvaluatedRun]) -> Option<String> {
    let trained = |r: &EvaluatedRun| -> BTreeMap<String, String> {
        let rows = r.split.iter().filter(|row| row.part == Split::Train);
        let key = |content: &str, video: &str| if content.is_empty() { video.to_owned() } else { content.to_owned() };
        rows.map(|row| (key(&row.content, &row.video), row.video.clone())).collect()
    };
    let told: Vec<&EvaluatedRun> = runs.iter().filter(|r| !r.split.is_empty()).collect();
    let first = trained(told.first()?);
    let other = told.iter().map(|r| (r, trained(r))).find(|(_, t)| !t.keys().eq(first.keys()))?;
    let only = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
        let names: Vec<String> = a.iter().filter(|(k, _)| !b.contains_key(*k)).map(|(_, name)| name.clone()).collect();
        if names.is_empty() { "none".to_owned() } else { listed(&names, LISTED) }
    };
    Some(format!(
        "the runs were trained on different videos (only {}: {}; only {}: {})",
        told.first()?.name,
        only(&first, &other.1),
        other.0.name,
        only(&other.1, &first)
    ))
}
