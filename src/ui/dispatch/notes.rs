//! Notes about clips: kept in memory until they are on the disk.

use super::outbox::{say, start};
use crate::domain::leaf;
use crate::jobs::kinds::SaveNotes;
use crate::jobs::{ClipRef, JobId};
use crate::run_folder::ClipNote;
use crate::ui::state::{AppState, Dialog, Severity, UnsavedNotes};
use crate::ui::workers::Workers;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long nothing more must be written before notes go to the disk.
const REST: Duration = Duration::from_millis(700);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(15);

/// Takes over what was written about a clip.
pub(super) fn set(state: &mut AppState, clip: &ClipRef, note: ClipNote) {
    let Some(run) = state.selection.run.clone() else { return };
    set_of(state, run, clip, note);
}

/// Takes over what was written about a clip of a run.
pub(super) fn set_of(state: &mut AppState, run: PathBuf, clip: &ClipRef, note: ClipNote) {
    if state.run_at(&run).is_some_and(|r| r.notes_problem.is_some()) {
        return;
    }
    state.notes.entry(run.clone()).or_default().set(&clip.video, clip.start, note);
    let unsaved = state.unsaved_notes.entry(run).or_insert_with(|| UnsavedNotes::new(Instant::now()));
    unsaved.since = Instant::now();
    unsaved.changed = true;
    state.notes_revision += 1;
}

/// Sends notes that have rested to the disk, all of them when the window closes; returns when to look again.
pub fn keep_notes(state: &mut AppState, workers: &dyn Workers, now: Instant) -> Option<Duration> {
    let leaving = state.leaving || state.forced;
    let rest = |unsaved: &UnsavedNotes| {
        let rest = if unsaved.failed { RETRY } else { REST };
        rest.saturating_sub(now.saturating_duration_since(unsaved.since))
    };
    let waits = |unsaved: &UnsavedNotes| unsaved.saving.is_none();
    let due: Vec<PathBuf> = state
        .unsaved_notes
        .iter()
        .filter(|(_, unsaved)| waits(unsaved) && (leaving || rest(unsaved).is_zero()))
        .map(|(run, _)| run.clone())
        .collect();
    for run in due {
        let notes = state.notes.get(&run).cloned().unwrap_or_default();
        let job = start(state, workers, SaveNotes { run: run.clone(), notes }, true);
        if let Some(unsaved) = state.unsaved_notes.get_mut(&run) {
            (unsaved.saving, unsaved.changed) = (Some(job), false);
        }
    }
    state.unsaved_notes.values().filter(|u| waits(u)).map(rest).min()
}

/// A job that wrote notes has ended. Only what is on the disk leaves the list.
pub(super) fn ended(state: &mut AppState, job: JobId, saved: bool) {
    let Some((run, unsaved)) = state.unsaved_notes.iter_mut().find(|(_, u)| u.saving == Some(job)) else { return };
    (unsaved.saving, unsaved.failed) = (None, !saved);
    if saved {
        if !unsaved.changed {
            let run = run.clone();
            state.unsaved_notes.remove(&run);
        }
        return;
    }
    unsaved.since = Instant::now();
    let name = leaf(run);
    if std::mem::take(&mut state.leaving) {
        // The window does not close over notes that could not be written; somebody decides.
        state.dialog = Some(Dialog::Leave);
    }
    say(
        state,
        Severity::Warning,
        "notes",
        format!("The notes of {name} are kept in memory and are written again soon; leave the window open until then."),
    );
}
