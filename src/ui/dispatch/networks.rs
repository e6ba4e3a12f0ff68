//! Choosing the run and checkpoint in use, evaluating them, and saying what their classes are.

use super::opening;
use super::outbox::{say, start};
use crate::domain::ClassMatch;
use crate::jobs::kinds::Evaluate;
use crate::jobs::{CheckpointRef, SplitChoice};
use crate::ui::networks::RunParts;
use crate::ui::state::{AppState, ClassForm, Dialog, Severity};
use crate::ui::workers::Workers;
use std::path::{Path, PathBuf};

/// What follows from a change of the dataset or of the run in use.
pub(super) fn follow(state: &mut AppState) {
    if RunParts::refresh(state) {
        // The part a video plays is among what is filtered by.
        opening::refilter(state);
    }
}

/// Uses a run with the checkpoint it is opened with, or none.
pub(super) fn use_run(state: &mut AppState, run: Option<PathBuf>) {
    if state.selection.run != run {
        let view = run.as_ref().and_then(|r| state.run_at(r)).cloned();
        let checkpoint = view.and_then(|r| state.first_checkpoint(&r));
        state.selection.use_network(run, checkpoint);
    }
    state.explain.retry();
    state.inside.retry();
}

/// Uses a checkpoint of the run in use; `None` takes its default.
pub(super) fn use_checkpoint(state: &mut AppState, name: Option<String>) {
    let name = name.or_else(|| state.run().and_then(|r| r.default_checkpoint()).map(str::to_owned));
    let run = state.selection.run.clone();
    state.selection.use_network(run, name);
    state.explain.retry();
}

/// Uses this run and checkpoint, and tells what is in use from now on.
pub(super) fn use_network(state: &mut AppState, CheckpointRef { run, name }: CheckpointRef) {
    use_run(state, Some(run));
    if name.is_some() {
        use_checkpoint(state, name);
    }
    let (active, views) = (state.selection.active_view + 1, state.selection.views.len());
    if let Some(identity) = state.identity() {
        let who = if views > 1 { format!("View {active} uses") } else { "Evaluate and Review use".to_owned() };
        say(state, Severity::Info, "run", format!("{who} {identity} now."));
    }
}

/// Evaluates a checkpoint on the open dataset; asks first which classes are which where their names are foreign.
pub(super) fn evaluate(state: &mut AppState, workers: &dyn Workers, checkpoint: CheckpointRef, split: SplitChoice) {
    let Some(dataset) = state.dataset.clone() else {
        return say(state, Severity::Error, "evaluate", "There is no dataset to evaluate on: open one first.");
    };
    state.selection.split = split;
    let run = state.run_at(&checkpoint.run).cloned();
    let name = checkpoint.name.or_else(|| run.as_ref().and_then(|r| r.default_checkpoint()).map(str::to_owned));
    let checkpoint = CheckpointRef { name, ..checkpoint };
    if run.is_some_and(|r| state.class_map(&r).as_ref().as_ref().map_or(true, |map| map.is_empty())) {
        let run = checkpoint.run.clone();
        return ask_classes(state, &run, Some((checkpoint, split)));
    }
    let class_match = state.class_match(&checkpoint.run);
    start(state, workers, Evaluate { checkpoint, dataset, split, class_match, out: None }, false);
}

/// Shows the table of classes. Names that differ only in case, blanks or dashes are proposed; nothing is matched until
/// somebody agrees.
pub(super) fn ask_classes(state: &mut AppState, run: &Path, then: Option<(CheckpointRef, SplitChoice)>) {
    let Some(view) = state.run_at(run).cloned() else { return };
    let plain =
        |name: &str| name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let known: Vec<String> = view.classes.classes.iter().map(|c| plain(&c.name)).collect();
    let said = state.class_map(&view);
    let proposed = |class: usize| {
        let said = said.as_ref().as_ref().ok().and_then(|map| map.output(class));
        let name = plain(state.classes().name(class));
        said.or_else(|| known.iter().position(|k| *k == name))
    };
    let outputs = (0..state.classes().len()).map(proposed).collect();
    state.dialog = Some(Dialog::Classes(Box::new(ClassForm { run: run.to_path_buf(), outputs, then })));
}

/// Keeps what somebody said about the classes, forgets what was computed without it, and goes on.
pub(super) fn set_classes(
    state: &mut AppState,
    workers: &dyn Workers,
    run: PathBuf,
    said: ClassMatch,
    then: Option<(CheckpointRef, SplitChoice)>,
) {
    state.dialog = None;
    let Some(root) = state.dataset.as_ref().map(|d| d.root.clone()) else { return };
    state.explain.forget_run(&run);
    state.inside.forget_run(&run);
    state.class_matches.insert((run, root), said);
    if let Some((checkpoint, split)) = then {
        evaluate(state, workers, checkpoint, split);
    }
}
