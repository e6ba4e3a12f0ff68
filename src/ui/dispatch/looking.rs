//! What waits for an answer of the disk, and what is done when it is there.

use super::outbox::{offer, say};
use super::{importing, opening};
use crate::ui::awaited::Awaited;
use crate::ui::disk::{Answer, Found, Question, Then};
use crate::ui::state::{AppState, Dialog, NextStep, PathPurpose, Severity};
use crate::ui::workers::Workers;
use std::path::PathBuf;

/// Asks the disk, and has something done with the answer.
pub(super) fn await_answer(state: &mut AppState, workers: &dyn Workers, question: Question, then: Then) {
    state.disk.ask_first(question.clone());
    state.awaiting.push((question, then));
    settle(state, workers);
}

/// Does what the disk has answered to.
pub fn settle(state: &mut AppState, workers: &dyn Workers) {
    let mut at = 0;
    while let Some((question, then)) = state.awaiting.get(at).cloned() {
        if state.disk.known(&question) == Awaited::NotAsked {
            state.disk.ask_first(question.clone());
        }
        let answer = match state.disk.known(&question) {
            Awaited::Pending(_) | Awaited::NotAsked => {
                at += 1;
                continue;
            }
            Awaited::Ready(answer) => Some(answer),
            Awaited::Unavailable(sentence) => {
                say(state, Severity::Error, "disk", sentence);
                None
            }
        };
        state.awaiting.remove(at);
        match answer {
            Some(Answer::At(found)) => look_at(state, workers, then, found),
            Some(Answer::Folder(folder)) => folder_known(state, workers, then, folder),
            Some(Answer::Saved(done)) => told(state, then, done),
            Some(Answer::Drawn(Ok(picture))) => {
                state.leading.to_copy = Some(picture);
                say(state, Severity::Info, "copy", "The picture is on the clipboard.");
            }
            Some(Answer::Drawn(Err(sentence))) => say(state, Severity::Error, "copy", sentence),
            _ => {}
        }
    }
}

/// Says where something was written, or why not.
fn look_at(state: &mut AppState, workers: &dyn Workers, then: Then, found: Found) {
    match then {
        Then::Open(path) => {
            let kind = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
            if found.file && ["pth", "pt", "safetensors"].contains(&kind.as_str()) {
                importing::ask(state, Some(path));
            } else if found.run {
                opening::run(state, workers, path);
            } else {
                // Everything else is left to the dataset formats.
                opening::dataset(state, workers, path);
            }
        }
        Then::OpenDemo(dir) if found.exists => opening::any(state, workers, dir),
        Then::OpenDemo(dir) => opening::demo(state, workers, dir),
        Then::DatasetOfRun(root) if found.folder && state.dataset.is_none() => opening::dataset(state, workers, root),
        Then::RestoreDataset(root) if found.exists && state.dataset.is_none() => {
            state.restoring = true;
            opening::dataset(state, workers, root);
        }
        Then::RestoreRun(path) if found.exists => {
            state.restoring_runs.insert(path.clone());
            opening::run(state, workers, path);
        }
        _ => {}
    }
}

/// Says what became of a file.
fn told(state: &mut AppState, then: Then, done: Result<(), String>) {
    match (done, then) {
        (Ok(()), Then::TellSaved(path)) => {
            let folder = path.parent().map(|f| NextStep::OpenFolder(f.to_path_buf()));
            let told = format!("Saved {}.", path.display());
            offer(state, Severity::Info, "save", told, folder.into_iter().collect());
        }
        (Ok(()), _) => {}
        (Err(sentence), _) => say(state, Severity::Error, "file", sentence),
    }
}

fn folder_known(state: &mut AppState, workers: &dyn Workers, then: Then, folder: PathBuf) {
    let offered = folder.display().to_string();
    match then {
        Then::Demo => await_answer(state, workers, Question::At(folder.clone()), Then::OpenDemo(folder)),
        Then::StartTraining(config) => state.leading.start = Some((config, folder)),
        Then::Suggest => match &mut state.dialog {
            Some(Dialog::Path { purpose: PathPurpose::Demo, text, .. }) if text.is_empty() => *text = offered,
            Some(Dialog::Export(form)) if form.out.is_empty() => form.out = offered,
            Some(Dialog::ExportLabels(form)) if form.out.is_empty() => form.out = offered,
            _ => {}
        },
        _ => {}
    }
}
