//! Runs side by side: choosing them, comparing them, testing what they need of a clip, writing it down.

use super::looking;
use super::opening;
use super::outbox::{say, start};
use crate::cam;
use crate::compare::motion::MotionReport;
use crate::domain::{leaf, listed};
use crate::jobs::kinds::{CompareRuns, OverlayVideo, TestMotion, WriteReport};
use crate::jobs::{CheckpointRef, ClassMatch, Compared, Job, JobId, SplitChoice};
use crate::ui::action::{CompareAction, OpenAction};
use crate::ui::disk::{Question, Then};
use crate::ui::state::{AppState, EvaluationEntry, FoundMotion, PathPurpose, Severity, ToWrite, Workspace};
use crate::ui::widgets::picture::params;
use crate::ui::workers::Workers;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Seed of what is drawn for intervals, as on the command line.
const SEED: u64 = 42;
/// Errors shown in a report.
const ERRORS: usize = 12;
/// Motion tests kept.
const MOTION_TESTS: usize = 32;

/// Fulfils an action; gives what a place must be asked for.
pub(super) fn fulfil(state: &mut AppState, workers: &dyn Workers, action: CompareAction) -> Option<PathPurpose> {
    match action {
        CompareAction::Open => show(state),
        CompareAction::With(run) => with(state, workers, &run),
        CompareAction::Choose(networks) => state.comparing.chosen = Some(networks),
        CompareAction::SetSplit(split) => state.comparing.split = split,
        CompareAction::SetTime(on) => state.comparing.time = on,
        CompareAction::Start => compare(state, workers),
        CompareAction::ShowPair(pair) => {
            state.comparing.pair = pair;
            state.comparing.cell = None;
        }
        CompareAction::ShowList(list) => state.comparing.list = list,
        CompareAction::ShowCell(cell) => state.comparing.cell = cell,
        CompareAction::SaveTable(format, table) => {
            state.comparing.to_write = Some(ToWrite::Table(table.text(format)));
            return Some(PathPurpose::Table(format));
        }
        CompareAction::SaveDrawn(form, drawn) => {
            state.comparing.to_write = Some(ToWrite::Drawn(form, drawn));
            return Some(PathPurpose::Drawn(form));
        }
        CompareAction::CopyDrawn(drawn) => {
            looking::await_answer(state, workers, Question::Draw(drawn), Then::CopyPicture);
        }
        CompareAction::SaveVideo(beside) => return overlay_video(state, beside),
        CompareAction::TestMotion(networks, split, most) => test_motion(state, workers, networks, split, most),
        CompareAction::AskReport(networks, split) => return ask_report(state, networks, split),
        CompareAction::ReportInUse => {
            let networks = state.selection.checkpoint_ref().into_iter().collect();
            let split = Some(state.selection.split).filter(|_| state.dataset.is_some());
            return ask_report(state, networks, split);
        }
        CompareAction::ShowFile(path) => {
            looking::await_answer(state, workers, Question::ShowFile(path), Then::TellShown);
        }
    }
    None
}

/// Keeps the report that is to be written; gives what a place must be asked for.
fn ask_report(state: &mut AppState, networks: Vec<CheckpointRef>, split: Option<SplitChoice>) -> Option<PathPurpose> {
    match request(state, networks, split) {
        Ok(job) => {
            state.comparing.to_write = Some(ToWrite::Report(Box::new(job)));
            Some(PathPurpose::Report)
        }
        Err(sentence) => {
            say(state, Severity::Warning, "report", sentence);
            None
        }
    }
}

fn show(state: &mut AppState) {
    state.workspace = Workspace::Compare;
    state.welcome = false;
}

/// Compares the run in use with another one, or shows where they are chosen when none is in use.
fn with(state: &mut AppState, workers: &dyn Workers, run: &Path) {
    show(state);
    let other = state.run_at(run).cloned();
    let other = other.map(|r| CheckpointRef { run: r.path.clone(), name: state.first_checkpoint(&r) });
    let in_use = state.selection.checkpoint_ref().map(|network| named(state, network));
    if let (Some(first), Some(second)) = (in_use, other)
        && first != second
    {
        state.comparing.chosen = Some(vec![first, second]);
        compare(state, workers);
    }
}

/// The same network by the name of its checkpoint.
pub(super) fn named(state: &AppState, network: CheckpointRef) -> CheckpointRef {
    let default = || state.run_at(&network.run).and_then(|r| r.default_checkpoint()).map(str::to_owned);
    CheckpointRef { name: network.name.clone().or_else(default), run: network.run }
}

/// What the classes of all of these networks are matched by, on clips of the open dataset.
pub(super) fn class_match(state: &AppState, networks: &[CheckpointRef]) -> Result<ClassMatch, String> {
    let foreign = |n: &&CheckpointRef| state.run_at(&n.run).is_some_and(|r| state.is_foreign(r));
    if let Some(network) = networks.iter().find(foreign) {
        let name = leaf(&network.run);
        return Err(format!(
            "The classes of {name} are not those of the open dataset: use the run and say which is which first, or compare \
             the runs as they were evaluated."
        ));
    }
    let mut said = networks.iter().map(|n| state.class_match(&n.run));
    let first = said.next().unwrap_or_default();
    if said.any(|other| other != first) {
        return Err(
            "The classes of these runs were matched with those of the open dataset in different ways: compare the runs as \
             they were evaluated."
                .into(),
        );
    }
    Ok(first)
}

/// The comparison of these networks: on a split of the open dataset, or as they were evaluated.
fn request(state: &AppState, runs: Vec<CheckpointRef>, split: Option<SplitChoice>) -> Result<CompareRuns, String> {
    let runs: Vec<CheckpointRef> = runs.into_iter().map(|r| named(state, r)).collect();
    let dataset = state.dataset.clone().filter(|_| split.is_some());
    let class_match = if dataset.is_some() { class_match(state, &runs)? } else { ClassMatch::default() };
    let split = split.filter(|_| dataset.is_some());
    Ok(CompareRuns { runs, dataset, split, class_match, time: state.comparing.time, seed: SEED })
}

fn compare(state: &mut AppState, workers: &dyn Workers) {
    let networks = state.to_compare();
    if networks.len() < 2 {
        return say(state, Severity::Warning, "compare", "Choose at least two runs to compare.");
    }
    if state.comparing_job().is_some() {
        return say(state, Severity::Warning, "compare", "A comparison is under way: stop it before starting another.");
    }
    match request(state, networks, state.comparing.split) {
        Ok(job) => {
            state.comparing.failure = None;
            start(state, workers, job, false);
        }
        Err(sentence) => {
            state.comparing.failure = Some(sentence.clone());
            say(state, Severity::Warning, "compare", sentence);
        }
    }
}

fn test_motion(
    state: &mut AppState,
    workers: &dyn Workers,
    networks: Vec<CheckpointRef>,
    split: SplitChoice,
    most: Option<usize>,
) {
    let Some(dataset) = state.dataset.clone() else {
        return say(state, Severity::Error, "motion test", "There is no dataset to test on: open one first.");
    };
    let runs: Vec<CheckpointRef> = networks.into_iter().map(|n| named(state, n)).collect();
    if runs.is_empty() {
        return say(state, Severity::Warning, "motion test", "Choose a run first.");
    }
    match class_match(state, &runs) {
        Ok(class_match) => {
            start(state, workers, TestMotion { runs, dataset, split, class_match, most, seed: SEED }, false);
        }
        Err(sentence) => say(state, Severity::Warning, "motion test", sentence),
    }
}

/// The file somebody chose for a table or a report.
pub(super) fn place_in(action: &OpenAction) -> Option<PathBuf> {
    match action {
        OpenAction::PathChosen(
            PathPurpose::Table(_)
            | PathPurpose::Report
            | PathPurpose::Drawn(_)
            | PathPurpose::Video
            | PathPurpose::NewPlan,
            path,
        ) => Some(path.clone()),
        _ => None,
    }
}

/// Writes what was to be written to this file.
pub(super) fn place_chosen(state: &mut AppState, workers: &dyn Workers, path: PathBuf) {
    match state.comparing.to_write.take() {
        Some(ToWrite::Table(text)) => {
            let question = Question::SaveText(path.clone(), text);
            looking::await_answer(state, workers, question, Then::TellSaved(path));
        }
        Some(ToWrite::Report(compare)) => {
            let method = cam::METHODS.first().map_or_else(String::new, |m| m.id.to_owned());
            start(state, workers, WriteReport { compare: *compare, errors: ERRORS, method, out: path }, false);
        }
        Some(ToWrite::Drawn(form, drawn)) => {
            let question = Question::SaveDrawn(path.clone(), form, drawn);
            looking::await_answer(state, workers, question, Then::TellSaved(path));
        }
        Some(ToWrite::Video(job)) => drop(start(state, workers, OverlayVideo { out: path, ..*job }, false)),
        None => {}
    }
}

/// The chosen video with the map of the active view, to be written once somebody has said where.
fn overlay_video(state: &mut AppState, beside: bool) -> Option<PathPurpose> {
    let (Some(checkpoint), Some(dataset), Some(video)) =
        (state.selection.checkpoint_ref(), state.dataset.clone(), state.selection.video.clone())
    else {
        say(state, Severity::Warning, "export", "Choose a video and a run first.");
        return None;
    };
    let job = OverlayVideo {
        class_match: state.class_match(&checkpoint.run),
        checkpoint,
        dataset,
        video,
        map: state.selection.view(),
        look: params(&state.view, false),
        beside,
        caption: true,
        out: PathBuf::new(),
    };
    state.comparing.to_write = Some(ToWrite::Video(Box::new(job)));
    Some(PathPurpose::Video)
}

/// A comparison is there; the evaluations that were made for it are known from now on.
pub(super) fn compared(state: &mut AppState, job: JobId, compared: Arc<Compared>) {
    let Some(Job::CompareRuns(CompareRuns { runs: networks, .. })) = state.job(job).map(|j| j.job.clone()) else {
        return;
    };
    for (network, run) in networks.iter().zip(&compared.runs) {
        let entry = EvaluationEntry {
            run: network.run.clone(),
            evaluation: run.evaluation.clone(),
            predictions: run.predictions.clone(),
        };
        let known = |e: &EvaluationEntry| e.run == entry.run && e.evaluation == entry.evaluation;
        if !state.evaluations.iter().any(known) {
            opening::evaluation_known(state, entry);
        }
    }
    state.comparing.take(networks, compared);
}

/// A motion test is there.
pub(super) fn motion_tested(state: &mut AppState, job: JobId, report: Arc<MotionReport>) {
    let Some(Job::TestMotion(TestMotion { runs: networks, split, .. })) = state.job(job).map(|j| j.job.clone()) else {
        return;
    };
    let names: Vec<String> = networks.iter().map(|n| leaf(&n.run)).collect();
    let told = format!("The motion test of {} is done: see the Motion test tab.", listed(&names, 4));
    say(state, Severity::Info, "motion test", told);
    let motion = &mut state.comparing.motion;
    motion.retain(|m| !(m.networks == networks && m.split == split));
    motion.insert(0, FoundMotion { networks, split, report });
    motion.truncate(MOTION_TESTS);
}

/// A job failed; where it was a comparison, that is said where it was asked for.
pub(super) fn failed(state: &mut AppState, job: JobId, sentence: &str) {
    if matches!(state.job(job).map(|j| &j.job), Some(Job::CompareRuns(_))) {
        state.comparing.failure = Some(sentence.to_owned());
    }
}

/// What follows from runs that were taken off the list, and from another dataset.
pub(super) fn follow(state: &mut AppState) {
    let AppState { comparing, runs, dataset, .. } = state;
    let open = |n: &CheckpointRef| runs.iter().any(|r| r.path == n.run);
    if let Some(chosen) = &mut comparing.chosen {
        chosen.retain(open);
    }
    let fits = |m: &FoundMotion| {
        let tests = &m.report.tests;
        let of_it = dataset.as_ref().is_some_and(|d| tests.iter().all(|t| t.dataset_fingerprint == d.fingerprint));
        of_it && m.networks.iter().all(open)
    };
    comparing.motion.retain(fits);
}
