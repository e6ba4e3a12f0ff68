//! Undo: what a gesture changed, taken back at once.

use super::{correcting, notes, opening};
use crate::jobs::ClipRef;
use crate::run_folder::ClipNote;
use crate::ui::action::{Action, ChooseAction, CorrectAction, HistoryAction, InsideAction, TimeAction, WorkAction};
use crate::ui::state::{AppState, Memento, Workspace};
use crate::ui::workers::Workers;
use std::path::PathBuf;
use std::sync::Arc;

/// Undo steps kept.
const UNDO_DEPTH: usize = 100;

/// Makes an undo step of what is there now, before something that is not a gesture of its own.
pub(super) fn step(state: &mut AppState) {
    let now = memento(state);
    state.redo.clear();
    state.undo_gesture = None;
    state.undo.push(now);
    if state.undo.len() > UNDO_DEPTH {
        state.undo.remove(0);
    }
}

/// What was there before a gesture, and whether the gesture has changed it so far.
pub(super) struct Before {
    memento: Memento,
    workspace: Workspace,
    changed: bool,
}

impl Before {
    /// Looks at the state before these actions; `None` when undo takes none of them back.
    pub(super) fn of(state: &AppState, actions: &[Action]) -> Option<Self> {
        let kept = actions.iter().any(remembers);
        let notes = actions.iter().filter_map(|a| note_before(state, a)).collect();
        kept.then(|| Self { memento: Memento { notes, ..memento(state) }, workspace: state.workspace, changed: false })
    }

    /// True where this goes on with what the newest step is about: letters of one note, typed one after another.
    fn types_on(&self, state: &AppState) -> bool {
        let (Some(last), [now]) = (state.undo.last(), self.memento.notes.as_slice()) else { return false };
        let [before] = last.notes.as_slice() else { return false };
        let same_clip = (&before.0, &before.1) == (&now.0, &now.1);
        let tags = state.notes.get(&now.0).and_then(|n| n.get(&now.1.video, now.1.start)).map(|n| &n.tags);
        let only_text = before.2.tags == now.2.tags && tags.is_none_or(|t| *t == now.2.tags);
        same_clip && only_text && state.redo.is_empty() && last.selection == self.memento.selection
    }

    /// Makes an undo step of it if anything has changed, or lets the step the gesture began with stand for all of it.
    pub(super) fn keep(self, state: &mut AppState, gesture: Option<u64>) {
        if !self.changed {
            return;
        }
        if self.types_on(state) {
            return;
        }
        let led_elsewhere = (state.workspace != self.workspace).then_some(self.workspace);
        state.redo.clear();
        let goes_on = gesture.is_some() && state.undo_gesture == gesture;
        state.undo_gesture = gesture;
        match state.undo.last_mut().filter(|_| goes_on) {
            Some(step) => step.workspace = step.workspace.or(led_elsewhere),
            None => state.undo.push(Memento { workspace: led_elsewhere, ..self.memento }),
        }
        if state.undo.len() > UNDO_DEPTH {
            state.undo.remove(0);
        }
    }
}

/// Fulfils one action of a gesture and notes whether it changed what undo brings back.
pub(super) fn watched(
    before: &mut Option<Before>,
    state: &mut AppState,
    action: Action,
    fulfil: impl FnOnce(&mut AppState, Action),
) {
    let Some(before) = before.as_mut().filter(|_| remembers(&action)) else { return fulfil(state, action) };
    let (earlier, note) = (memento(state), note_before(state, &action));
    let again = action.clone();
    fulfil(state, action);
    let noted = note != note_before(state, &again);
    before.changed |= noted || earlier != memento(state) || state.workspace != before.workspace;
}

/// What undo takes back. Moving through time is not among it: it would bury everything else.
fn remembers(action: &Action) -> bool {
    match action {
        Action::Choose(ChooseAction::SetActiveView(_)) => false,
        Action::Choose(_)
        | Action::Draw(_)
        | Action::Time(TimeAction::Error(_))
        | Action::Work(WorkAction::SetNote(..))
        | Action::Correct(CorrectAction::Edit { .. } | CorrectAction::Confirm { .. })
        | Action::Inside(InsideAction::ChooseLayer(_)) => true,
        Action::Open(_)
        | Action::Time(_)
        | Action::Work(_)
        | Action::Inside(_)
        | Action::Window(_)
        | Action::History(_)
        | Action::System(_)
        | Action::Correct(CorrectAction::FindIssues(..))
        | Action::Compare(_)
        | Action::Experiment(_) => false,
    }
}

/// Goes back or forth by one step.
pub(super) fn fulfil(state: &mut AppState, workers: &dyn Workers, action: HistoryAction) {
    match action {
        HistoryAction::Undo => {
            if let Some(step) = state.undo.pop() {
                let back = restore(state, workers, step);
                state.redo.push(back);
            }
        }
        HistoryAction::Redo => {
            if let Some(step) = state.redo.pop() {
                let back = restore(state, workers, step);
                state.undo.push(back);
            }
        }
    }
}

fn memento(state: &AppState) -> Memento {
    let (selection, view, filter) = (state.selection.clone(), state.view.clone(), state.filter.clone());
    let (label_map, corrections) = (state.reading.label_map.clone(), state.corrections());
    let tags = Arc::clone(&state.video_tags);
    Memento { selection, view, filter, label_map, corrections, workspace: None, tags, notes: Vec::new() }
}

/// What is written about the clip that an action writes about.
fn note_before(state: &AppState, action: &Action) -> Option<(PathBuf, ClipRef, ClipNote)> {
    let Action::Work(WorkAction::SetNote(clip, _)) = action else { return None };
    let run = state.selection.run.clone()?;
    Some((run.clone(), clip.clone(), note_of(state, &run, clip)))
}

fn note_of(state: &AppState, run: &std::path::Path, clip: &ClipRef) -> ClipNote {
    state.notes.get(run).and_then(|n| n.get(&clip.video, clip.start)).cloned().unwrap_or_default()
}

/// Brings back a memento; what was before is the memento of the way back.
fn restore(state: &mut AppState, workers: &dyn Workers, memento: Memento) -> Memento {
    let mut back = self::memento(state);
    state.selection = memento.selection;
    state.view = memento.view;
    state.filter = memento.filter;
    state.video_tags = memento.tags;
    for (run, clip, note) in memento.notes {
        back.notes.push((run.clone(), clip.clone(), note_of(state, &run, &clip)));
        notes::set_of(state, run, &clip, note);
    }
    // Before the files are read again, which takes over what is on the disk.
    correcting::set(state, workers, memento.corrections);
    if memento.label_map != state.reading.label_map {
        // Its number is one among other classes.
        state.selection.class = None;
        opening::relabel(state, workers, memento.label_map);
    }
    if let Some(workspace) = memento.workspace {
        back.workspace = Some(std::mem::replace(&mut state.workspace, workspace));
    }
    state.undo_gesture = None;
    opening::refilter(state);
    back
}
