//! The only code that changes the state and the only one that hands jobs to the workers. One file fulfils one group of
//! [`Action`]; jobs and messages leave through `outbox`; what workers and the disk answer comes in through `events` and
//! `looking`.

mod choosing;
mod comparing;
mod correcting;
mod drawing;
mod events;
mod experimenting;
mod explaining;
mod following;
mod importing;
mod indexing;
mod inside;
mod leading;
mod looking;
mod marking;
mod networks;
mod notes;
mod opening;
mod outbox;
mod tables;
mod time;
mod undo;
mod watching;
mod window;
mod working;

pub use correcting::keep_corrections;
pub use events::drain;
pub use explaining::keep_explaining;
pub use inside::keep_looking;
pub use leading::settle;
pub use notes::keep_notes;
pub use time::advance;
pub use watching::keep_watching;

use super::action::{Action, OpenAction, SystemAction};
use super::state::{AppState, PathPurpose};
use super::workers::Workers;

/// What only the window system can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Put text on the clipboard.
    Copy(String),
    /// Show the platform's file dialog.
    FileDialog(PathPurpose),
    /// Close the window.
    Quit,
}

/// What one gesture of a person asks for: a click, a drag, a key press.
#[derive(Debug)]
pub struct Gesture {
    /// What it asks for, in order.
    pub actions: Vec<Action>,
    /// Tells a gesture that goes on over several calls (a drag, a held key) from others; `None` for one that is over.
    pub id: Option<u64>,
}

impl From<Action> for Gesture {
    fn from(action: Action) -> Self {
        Self { actions: vec![action], id: None }
    }
}

/// Fulfils what a gesture asks for. Undo takes all of it back at once.
pub fn apply(state: &mut AppState, workers: &dyn Workers, gesture: Gesture, effects: &mut Vec<Effect>) {
    let mut before = undo::Before::of(state, &gesture.actions);
    for action in gesture.actions {
        undo::watched(&mut before, state, action, |state, action| {
            fulfil(state, workers, action, effects);
            networks::follow(state);
            indexing::follow(state, workers);
            comparing::follow(state);
            experimenting::follow(state, workers);
        });
    }
    if let Some(before) = before {
        before.keep(state, gesture.id);
    }
}

fn fulfil(state: &mut AppState, workers: &dyn Workers, action: Action, effects: &mut Vec<Effect>) {
    leading::observe(state, &action);
    match action {
        Action::Open(action) => {
            if matches!(action, OpenAction::Relabel(_)) {
                undo::step(state);
            }
            let place = comparing::place_in(&action);
            let plan = experimenting::plan_in(&action);
            opening::fulfil(state, workers, action);
            if let Some(path) = place {
                comparing::place_chosen(state, workers, path);
            }
            if let Some(path) = plan {
                experimenting::open(state, workers, path);
            }
        }
        Action::Choose(action) => choosing::fulfil(state, action),
        Action::Time(action) => time::fulfil(state, action),
        Action::Draw(action) => drawing::fulfil(state, action),
        Action::Work(action) => working::fulfil(state, workers, action),
        Action::Inside(action) => inside::fulfil(state, workers, action, effects),
        Action::Window(action) => window::fulfil(state, action),
        Action::Compare(action) => {
            effects.extend(comparing::fulfil(state, workers, action).map(Effect::FileDialog));
        }
        Action::Correct(action) => correcting::fulfil(state, workers, action),
        Action::Experiment(action) => {
            effects.extend(experimenting::fulfil(state, workers, action).map(Effect::FileDialog));
        }
        Action::History(action) => undo::fulfil(state, workers, action),
        Action::System(action) => effects.push(match action {
            SystemAction::AskPath(purpose) => Effect::FileDialog(purpose),
            SystemAction::Copy(text) => Effect::Copy(text),
            SystemAction::Quit => Effect::Quit,
            SystemAction::QuitNow => {
                state.forced = true;
                Effect::Quit
            }
        }),
    }
}
