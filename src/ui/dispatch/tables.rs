//! Asking what the columns of a table say.

use super::outbox::start;
use crate::config::TableColumns;
use crate::jobs::TableView;
use crate::jobs::kinds::ReadTable;
use crate::ui::state::{AppState, Dialog, TableForm};
use crate::ui::workers::Workers;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Shows the dialog for a table, and has its first rows read.
pub(super) fn ask(
    state: &mut AppState,
    workers: &dyn Workers,
    path: PathBuf,
    unrecognised: bool,
    known: Option<TableColumns>,
) {
    show(state, workers, TableForm::of(path, unrecognised, known));
}

/// Takes over what was said, and has the rows read again where it is something else.
pub(super) fn assign(state: &mut AppState, workers: &dyn Workers, form: TableForm) {
    let same = matches!(&state.dialog, Some(Dialog::Table(before)) if before.columns == form.columns);
    match same {
        true => state.dialog = Some(Dialog::Table(Box::new(form))),
        false => show(state, workers, form),
    }
}

fn show(state: &mut AppState, workers: &dyn Workers, form: TableForm) {
    start(state, workers, ReadTable { path: form.path.clone(), columns: form.columns.clone() }, true);
    state.dialog = Some(Dialog::Table(Box::new(form)));
}

/// The first rows were read. What the names of the columns say is taken where nobody has said anything.
pub(super) fn answered(state: &mut AppState, workers: &dyn Workers, view: &Arc<TableView>) {
    let Some(Dialog::Table(form)) = &mut state.dialog else { return };
    if form.path != view.path || form.columns != view.columns {
        return;
    }
    form.preview = Some((view.columns.clone(), Ok(Arc::new(view.preview.clone()))));
    if !form.touched && !view.preview.suggested.path.is_empty() {
        let form = TableForm { touched: true, columns: view.preview.suggested.clone(), ..(**form).clone() };
        assign(state, workers, form);
    }
}

/// The table cannot be read.
pub(super) fn failed(state: &mut AppState, path: &Path, columns: &TableColumns, sentence: String) {
    if let Some(Dialog::Table(form)) = &mut state.dialog
        && form.path == path
        && form.columns == *columns
    {
        form.preview = Some((columns.clone(), Err(sentence)));
    }
}
