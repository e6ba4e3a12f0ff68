//! The dialog that makes a run of PyTorch weights.

use super::outbox::start;
use crate::ui::awaited::Awaited;
use crate::ui::state::{AppState, Dialog, ImportForm};
use crate::ui::weights::WeightQuery;
use crate::ui::workers::Workers;
use std::path::PathBuf;

/// Shows the dialog, or gives the open one another file.
pub(super) fn ask(state: &mut AppState, weights: Option<PathBuf>) {
    let mut form = match &state.dialog {
        Some(Dialog::Import(form)) => (**form).clone(),
        _ => ImportForm::default(),
    };
    if let Some(path) = weights {
        form.weights = path.display().to_string();
        // The same name may hold other weights by now.
        state.weights.forget(&path);
    }
    // Whether a folder is free, and what a list says, depends on how they are now.
    state.disk.forget();
    set(state, form);
}

/// Takes over the dialog.
pub(super) fn set(state: &mut AppState, mut form: ImportForm) {
    let before = match &state.dialog {
        Some(Dialog::Import(before)) => Some(before),
        _ => None,
    };
    if before.is_none_or(|b| b.weights != form.weights) {
        // A network that was chosen for other weights means nothing here.
        form.model = before.is_none().then(|| form.model.take()).flatten();
    }
    state.dialog = Some(Dialog::Import(Box::new(form)));
}

/// Finds out what a weight file holds, once.
pub(super) fn look_into(state: &mut AppState, workers: &dyn Workers, query: WeightQuery) {
    if matches!(state.weights.get(&query), Awaited::NotAsked) {
        let id = start(state, workers, query.job(), true);
        state.weights.asked(query, id);
    }
}
