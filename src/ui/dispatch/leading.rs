//! What leads people on: the steps of the first task tick themselves, next steps are done, panels and settings are shown.

use super::outbox::{begin_training, say};
use super::{looking, networks};
use crate::config::{PRESETS, RunConfig};
use crate::jobs::SplitChoice;
use crate::ui::action::{Action, ChooseAction, TimeAction};
use crate::ui::disk::{Question, Then};
use crate::ui::panels;
use crate::ui::selection::MatrixSelection;
use crate::ui::state::{AppState, FirstTask, NextStep, Severity, Workspace};
use crate::ui::workers::Workers;
use std::path::PathBuf;

/// Ticks the steps of the first task that an action is.
pub(super) fn observe(state: &mut AppState, action: &Action) {
    let task = &mut state.leading.first_task;
    match action {
        Action::Time(TimeAction::Error(_)) | Action::Choose(ChooseAction::ReviewClip(_)) => {
            task.explained |= state.selection.run.is_some();
        }
        Action::Time(_) if state.selection.video.is_some() => task.looked = true,
        _ => {}
    }
}

/// Does what the disk has answered to.
pub fn settle(state: &mut AppState, workers: &dyn Workers) {
    looking::settle(state, workers);
    if let Some((config, folder)) = state.leading.start.take() {
        train(state, workers, *config, folder, false);
    }
}

/// Never shows the first task again, or begins it anew.
pub(super) fn dismiss(state: &mut AppState, dismissed: bool) {
    state.leading.first_task = match dismissed {
        true => FirstTask { dismissed, ..state.leading.first_task },
        false => FirstTask::default(),
    };
}

/// Brings a panel to the front, in the workspace that has it.
pub(super) fn show_panel(state: &mut AppState, id: &str) {
    let Some(panel) = panels::find(id) else { return };
    if !panel.workspaces.contains(&state.workspace)
        && let Some(workspace) = panel.workspaces.first()
    {
        state.workspace = *workspace;
    }
    state.welcome = false;
    state.leading.panel = (state.leading.panel.0 + 1, id.to_owned());
}

/// Looks for settings in the form of a training.
pub(super) fn find_settings(state: &mut AppState, text: String) {
    state.workspace = Workspace::Train;
    state.welcome = false;
    state.leading.settings = (state.leading.settings.0 + 1, text);
}

/// Starts the training that is set up for the open dataset: in the folder that was typed, or in a new one.
pub(super) fn start_draft(state: &mut AppState, workers: &dyn Workers) {
    let config = state.draft.config();
    state.workspace = Workspace::Train;
    state.welcome = false;
    let typed = state.draft.out.trim().to_owned();
    if !typed.is_empty() {
        return train(state, workers, config, PathBuf::from(typed), false);
    }
    let root = state.dataset.as_ref().map(|d| d.root.clone());
    let preset = state.draft.configs().0.and_then(|i| PRESETS.get(i)).map_or("run", |p| p.name);
    let question = Question::RunFolder(root, preset.to_owned());
    looking::await_answer(state, workers, question, Then::StartTraining(Box::new(config)));
}

/// Starts a training where nothing speaks against it.
pub(super) fn train(state: &mut AppState, workers: &dyn Workers, config: RunConfig, out: PathBuf, resume: bool) {
    let Some(dataset) = state.dataset.clone() else {
        return say(state, Severity::Error, "train", "There is no dataset to train on: open one first.");
    };
    if state.live_training().is_some() {
        return say(state, Severity::Warning, "train", "A training is running: stop it before starting another.");
    }
    let map = &config.data.label_map;
    if !map.is_empty() && *map != dataset.label_map() {
        let told = "The configuration has a label map that the open dataset was not read with: apply it in Data \
                    (Label map…), or clear it in the form.";
        return say(state, Severity::Error, "train", told);
    }
    begin_training(state, workers, dataset, config, out, (resume, None));
}

/// Evaluates the checkpoint in use.
pub(super) fn evaluate(state: &mut AppState, workers: &dyn Workers, split: Option<SplitChoice>) {
    let Some(checkpoint) = state.selection.checkpoint_ref() else {
        return say(state, Severity::Warning, "evaluate", "Choose a run first.");
    };
    state.workspace = Workspace::Evaluate;
    state.welcome = false;
    let split = split.unwrap_or(state.selection.split);
    networks::evaluate(state, workers, checkpoint, split);
}

/// Does what was offered as the next step.
pub(super) fn next(state: &mut AppState, workers: &dyn Workers, step: NextStep) {
    let to = |state: &mut AppState, workspace: Workspace| {
        state.workspace = workspace;
        state.welcome = false;
    };
    match step {
        NextStep::Train | NextStep::Watch => to(state, Workspace::Train),
        NextStep::Evaluate => evaluate(state, workers, Some(SplitChoice::Test)),
        NextStep::Heatmaps => to(state, Workspace::Review),
        NextStep::WorstConfusion => {
            to(state, Workspace::Evaluate);
            if let Some(pair) = state.worst_confusion() {
                let (truth, predicted) = (pair.truth, pair.predicted);
                state.selection.cell = Some(MatrixSelection::Cell { truth, predicted });
                state.selection.class = state.class_of_output(truth);
            }
        }
        NextStep::OpenFolder(folder) => {
            looking::await_answer(state, workers, Question::ShowFile(folder), Then::TellShown);
        }
    }
}
