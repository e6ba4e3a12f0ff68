//! Correcting labels: edits become corrections, which are shown at once and written by a job that runs to its end.

use super::comparing;
use super::indexing;
use super::opening;
use super::outbox::{say, start};
use crate::compare::LabelIssues;
use crate::data::{LabelEdit, edited, with_corrections};
use crate::domain::{Corrections, leaf};
use crate::jobs::kinds::{CompareRuns, FindLabelIssues, SaveCorrections};
use crate::jobs::{CheckpointRef, Job, JobId, SplitChoice};
use crate::run_folder::now_unix;
use crate::ui::action::CorrectAction;
use crate::ui::state::{AppState, Dialog, FoundIssues, Severity, UnsavedCorrections};
use crate::ui::workers::Workers;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(15);
/// Searches kept.
const SEARCHES: usize = 16;

pub(super) fn fulfil(state: &mut AppState, workers: &dyn Workers, action: CorrectAction) {
    match action {
        CorrectAction::Edit { video, edit, note } => self::edit(state, workers, &video, &edit, &note),
        CorrectAction::Confirm { video, part, right } => {
            let mut all = (*state.corrections()).clone();
            all.confirm(&video, part, right);
            set(state, workers, Arc::new(all));
        }
        CorrectAction::FindIssues(networks, split) => find(state, workers, networks, split),
    }
}

fn edit(state: &mut AppState, workers: &dyn Workers, video: &str, edit: &LabelEdit, note: &str) {
    let Some(dataset) = &state.dataset else { return };
    let Some(entry) = state.video_named(video) else { return };
    match edited(dataset, entry, edit, now_unix(), note) {
        Err(sentence) => say(state, Severity::Warning, "labels", sentence),
        Ok(corrections) => {
            let mut all = (*state.corrections()).clone();
            all.set(video, corrections);
            set(state, workers, Arc::new(all));
        }
    }
}

/// Makes these the corrections of the open dataset: shown at once, and written.
pub(super) fn set(state: &mut AppState, workers: &dyn Workers, all: Arc<Corrections>) {
    let before = state.corrections();
    if before == all {
        return;
    }
    let Some(dataset) = state.dataset.take() else { return };
    let (root, file) = (dataset.root.clone(), dataset.corrections.as_ref().and_then(|c| c.file.clone()));
    let labels_stay = before.videos == all.videos;
    // In place, where nobody else works with it.
    let read_again = match with_corrections(Arc::unwrap_or_clone(dataset), all.clone()) {
        Ok(corrected) => {
            state.dataset = Some(Arc::new(corrected));
            false
        }
        Err(same) => {
            state.dataset = Some(Arc::new(*same));
            true
        }
    };
    let unsaved = state.correcting.unsaved.entry(root);
    let unsaved = unsaved.or_insert_with(|| UnsavedCorrections {
        file,
        saved: before,
        now: all.clone(),
        saving: None,
        failed: None,
    });
    (unsaved.now, unsaved.failed) = (all, None);
    save(state, workers, Instant::now());
    if !labels_stay {
        // What was computed for labels as they were.
        state.explain.clear();
        opening::known_better(state);
        if state.dataset.as_ref().is_some_and(|d| d.indexing.is_some()) {
            // What is under way is of labels as they were.
            indexing::begin(state, workers);
        }
    }
    if read_again {
        opening::reload(state, workers);
    }
}

/// Sends corrections to the disk that are not there, each once the one before is; returns when to look again.
pub fn keep_corrections(state: &mut AppState, workers: &dyn Workers, now: Instant) -> Option<Duration> {
    save(state, workers, now);
    let waits = state.correcting.unsaved.values().filter(|u| u.saving.is_none()).filter_map(|u| u.failed);
    waits.map(|failed| RETRY.saturating_sub(now.saturating_duration_since(failed))).min()
}

fn save(state: &mut AppState, workers: &dyn Workers, now: Instant) {
    let leaving = state.leaving || state.forced;
    let due = |u: &UnsavedCorrections| {
        let rested = u.failed.is_none_or(|failed| leaving || now.saturating_duration_since(failed) >= RETRY);
        u.saving.is_none() && rested
    };
    let roots: Vec<PathBuf> =
        state.correcting.unsaved.iter().filter(|(_, u)| due(u)).map(|(root, _)| root.clone()).collect();
    for root in roots {
        let Some(unsaved) = state.correcting.unsaved.get(&root) else { continue };
        let (file, before, now) = (unsaved.file.clone(), unsaved.saved.clone(), unsaved.now.clone());
        let job = SaveCorrections { root: root.clone(), file, before, now: now.clone() };
        let id = start(state, workers, job, true);
        if let Some(unsaved) = state.correcting.unsaved.get_mut(&root) {
            unsaved.saving = Some((id, now));
        }
    }
}

/// A job that wrote corrections has ended; with the file where it could.
pub(super) fn ended(state: &mut AppState, job: JobId, saved: Option<&Path>) {
    let of_job = |(_, u): &(&PathBuf, &mut UnsavedCorrections)| u.saving.as_ref().is_some_and(|(id, _)| *id == job);
    let Some((root, unsaved)) = state.correcting.unsaved.iter_mut().find(of_job) else { return };
    let (root, written) = (root.clone(), unsaved.saving.take().map(|(_, written)| written));
    let name = leaf(&root);
    let Some(file) = saved else {
        unsaved.failed = Some(Instant::now());
        if std::mem::take(&mut state.leaving) {
            // The window does not close over corrections that could not be written; somebody decides.
            state.dialog = Some(Dialog::Leave);
        }
        let told = format!(
            "The corrections of {name} are kept in memory and are written again soon; leave the window open until then."
        );
        return say(state, Severity::Warning, "labels", told);
    };
    let fresh = unsaved.file.is_none();
    unsaved.file = Some(file.to_path_buf());
    if let Some(written) = written {
        unsaved.saved = written;
    }
    if unsaved.saved == unsaved.now {
        state.correcting.unsaved.remove(&root);
    }
    if !fresh {
        return;
    }
    if let Some(dataset) = state.dataset.take_if(|d| d.root == root) {
        let mut dataset = Arc::unwrap_or_clone(dataset);
        dataset.corrections.iter_mut().for_each(|c| c.file = Some(file.to_path_buf()));
        state.dataset = Some(Arc::new(dataset));
    }
    say(
        state,
        Severity::Info,
        "labels",
        format!("Corrections of {name} are kept in {}; its files stay as they are.", file.display()),
    );
}

/// Looks for labels in doubt.
fn find(state: &mut AppState, workers: &dyn Workers, networks: Vec<CheckpointRef>, split: SplitChoice) {
    let Some(dataset) = state.dataset.clone() else {
        return say(state, Severity::Warning, "labels", "There is no dataset to look at: open one first.");
    };
    let runs: Vec<CheckpointRef> = networks.into_iter().map(|n| comparing::named(state, n)).collect();
    if runs.is_empty() {
        return say(state, Severity::Warning, "labels", "Choose a run first.");
    }
    match comparing::class_match(state, &runs) {
        Ok(class_match) => {
            let runs =
                CompareRuns { runs, dataset: Some(dataset), split: Some(split), class_match, time: false, seed: 0 };
            start(state, workers, FindLabelIssues { runs }, false);
        }
        Err(sentence) => say(state, Severity::Warning, "labels", sentence),
    }
}

/// Labels in doubt are there.
pub(super) fn found(state: &mut AppState, job: JobId, issues: Arc<LabelIssues>) {
    let Some(Job::FindLabelIssues(FindLabelIssues { runs })) = state.job(job).map(|j| j.job.clone()) else { return };
    let (networks, split) = (runs.runs, runs.split.unwrap_or_default());
    let root = runs.dataset.map(|d| d.root.clone()).unwrap_or_default();
    let found = &mut state.correcting.issues;
    found.retain(|f| !(f.root == root && f.networks == networks && f.split == split));
    found.insert(0, FoundIssues { root, networks, split, issues });
    found.truncate(SEARCHES);
}
