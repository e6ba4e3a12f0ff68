//! Undo: what a gesture changed, taken back at once.

use super::opening;
use crate::ui::action::{Action, ChooseAction, HistoryAction, InsideAction, TimeAction};
use crate::ui::state::{AppState, Memento, Workspace};
use crate::ui::workers::Workers;

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
        kept.then(|| Self { memento: memento(state), workspace: state.workspace, changed: false })
    }

    /// Makes an undo step of it if anything has changed, or lets the step the gesture began with stand for all of it.
    pub(super) fn keep(self, state: &mut AppState, gesture: Option<u64>) {
        if !self.changed {
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
    let earlier = memento(state);
    fulfil(state, action);
    before.changed |= earlier != memento(state) || state.workspace != before.workspace;
}

/// What undo takes back. Moving through time is not among it: it would bury everything else.
fn remembers(action: &Action) -> bool {
    match action {
        Action::Choose(ChooseAction::SetActiveView(_)) => false,
        Action::Choose(_)
        | Action::Draw(_)
        | Action::Time(TimeAction::Error(_))
        | Action::Inside(InsideAction::ChooseLayer(_)) => true,
        Action::Open(_)
        | Action::Time(_)
        | Action::Work(_)
        | Action::Inside(_)
        | Action::Window(_)
        | Action::History(_)
        | Action::System(_)
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
    Memento { selection, view, filter, label_map: state.reading.label_map.clone(), workspace: None }
}

/// Brings back a memento; what was before is the memento of the way back.
fn restore(state: &mut AppState, workers: &dyn Workers, memento: Memento) -> Memento {
    let mut back = self::memento(state);
    state.selection = memento.selection;
    state.view = memento.view;
    state.filter = memento.filter;
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
