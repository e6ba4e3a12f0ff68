//! The dialog that makes a run of PyTorch weights.

use crate::jobs::read_classes;
use crate::ui::run_folder::{suggestion, taken};
use crate::ui::state::{AppState, Dialog, ImportForm};
use std::path::{Path, PathBuf};

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
    set(state, form);
}

/// Takes over the dialog; looks at the disk only where a path changed.
pub(super) fn set(state: &mut AppState, mut form: ImportForm) {
    let before = match &state.dialog {
        Some(Dialog::Import(before)) => Some(before),
        _ => None,
    };
    if before.is_none_or(|b| b.weights != form.weights) {
        // A network that was chosen for other weights, and a folder named after them, mean nothing here.
        form.model = before.is_none().then(|| form.model.take()).flatten();
        let name = Path::new(form.weights.trim()).file_stem().map(|n| n.to_string_lossy().into_owned());
        let name = name.filter(|n| !n.is_empty()).unwrap_or_else(|| "imported".into());
        let root = state.dataset.as_ref().map(|d| d.root.as_path());
        form.suggested = suggestion(root, &name).display().to_string();
    }
    if before.is_none_or(|b| b.list != form.list) {
        let list = form.list.trim();
        form.listed = (!list.is_empty()).then(|| read_classes(list).map_err(|e| e.to_string()));
    }
    if before.is_none_or(|b| b.out != form.out || b.suggested != form.suggested) {
        form.occupied = taken(&form.folder());
    }
    state.dialog = Some(Dialog::Import(Box::new(form)));
}
