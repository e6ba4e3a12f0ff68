//! A run in training as any other: it is read again with each of its checkpoints, and evaluated anew where somebody follows it.

use super::networks;
use super::outbox::start;
use crate::jobs::kinds::OpenRun;
use crate::jobs::{CheckpointRef, Job, RunView};
use crate::ui::state::{AppState, JobStatus, JobView};
use crate::ui::workers::Workers;
use std::path::Path;

/// The checkpoint that is written after every epoch.
const NEWEST: &str = "last";

/// A training has written a checkpoint: its run is read again, once for all that come meanwhile.
pub(super) fn checkpoint_written(state: &mut AppState, workers: &dyn Workers, run: &Path) {
    // One that runs may have looked before this checkpoint was there.
    let waits = |j: &JobView| j.status == JobStatus::Queued && matches!(&j.job, Job::OpenRun(kind) if kind.path == run);
    if !state.jobs.iter().any(waits) {
        start(state, workers, OpenRun { path: run.to_path_buf() }, true);
    }
}

/// Follows a training, or no longer: the newest checkpoint of its run comes into use.
pub(super) fn set(state: &mut AppState, workers: &dyn Workers, on: bool) {
    state.follow_training = on;
    let live = state.live_training().map(|(live, _)| live.run.path.clone());
    if let Some(run) = live.filter(|_| on).and_then(|path| state.run_at(&path).cloned()) {
        let newest = run.checkpoint(NEWEST).map_or_else(|| run.default_checkpoint(), |c| Some(c.name.as_str()));
        networks::use_network(state, CheckpointRef { run: run.path.clone(), name: newest.map(str::to_owned) });
        run_read(state, workers, &run);
    }
}

/// An evaluation has ended: meanwhile there may be newer weights of the run that is followed.
pub(super) fn evaluated(state: &mut AppState, workers: &dyn Workers) {
    if let Some(run) = state.run().cloned() {
        run_read(state, workers, &run);
    }
}

/// A run was read: where it is the one followed, and its weights are others than were evaluated, it is evaluated again.
pub(super) fn run_read(state: &mut AppState, workers: &dyn Workers, run: &RunView) {
    let followed = state.follow_training
        && state.selection.run.as_deref() == Some(&run.path)
        && state.live_training().is_some_and(|(live, _)| live.run.path == run.path);
    if !followed || state.dataset.is_none() {
        return;
    }
    let Some(network) = state.selection.checkpoint_ref() else { return };
    let now = network.name.as_deref().and_then(|name| run.checkpoint(name)).map(|c| c.step);
    let evaluated = state.evaluation().map(|e| e.evaluation.step);
    let busy = |job: &Job| matches!(job, Job::Evaluate(kind) if kind.checkpoint.run == run.path);
    let newer = now.is_some_and(|now| evaluated.is_none_or(|evaluated| now > evaluated));
    if newer && state.live_job(busy).is_none() {
        networks::evaluate(state, workers, network, state.selection.split);
    }
}
