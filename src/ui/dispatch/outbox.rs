//! What leaves dispatch: jobs for the workers, and sentences for the message list.

use crate::config::RunConfig;
use crate::domain::Dataset;
use crate::jobs::kinds::Train;
use crate::jobs::{Job, JobId, RunView};
use crate::progress::Flow;
use crate::ui::state::{AppState, JobStatus, JobView, LiveRun, Message, NextStep, Severity};
use crate::ui::workers::Workers;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Hands a job to its lane and lists it.
pub(super) fn start(state: &mut AppState, workers: &dyn Workers, job: impl Into<Job>, quiet: bool) -> JobId {
    let job = job.into();
    let id = workers.start(job.clone());
    state.jobs.push(JobView {
        id,
        title: job.title(),
        quiet,
        status: JobStatus::Queued,
        stage: None,
        fraction: None,
        eta_s: None,
        started: None,
        ended: None,
        job,
    });
    // The list is for people; ended quiet work is of no interest to them.
    if state.jobs.len() > 200 {
        let drop = state.jobs.iter().position(|j| !j.status.is_live());
        drop.map(|i| state.jobs.remove(i));
    }
    id
}

/// Starts a training and lists it as the live one; `until` is an epoch it ends with before its own end.
pub(super) fn begin_training(
    state: &mut AppState,
    workers: &dyn Workers,
    dataset: Arc<Dataset>,
    config: RunConfig,
    out: PathBuf,
    (resume, until): (bool, Option<u32>),
) -> JobId {
    let classes = dataset.classes.clone();
    let config = state.reading.training(&dataset, config);
    let job = Train {
        dataset,
        config: Box::new(config.clone()),
        out: out.clone(),
        resume,
        force: false,
        debug: false,
        until,
    };
    let id = start(state, workers, job, false);
    // A resumed run shows its past at once.
    let past = state.run_at(&out).filter(|_| resume).map_or_else(RunView::default, |run| (**run).clone());
    let run = RunView { path: out, config, classes, ..past };
    state.training = Some(LiveRun { job: id, run, wrong: Vec::new() });
    id
}

/// Lets a job go on, pause, finish or stop, and shows what was asked of it.
pub(super) fn control(state: &mut AppState, workers: &dyn Workers, id: JobId, flow: Flow) {
    let Some(job) = state.jobs.iter_mut().find(|j| j.id == id && j.status.is_live()) else { return };
    job.status = match flow {
        Flow::Continue if job.started.is_none() => JobStatus::Queued,
        Flow::Continue => JobStatus::Running,
        Flow::Pause => JobStatus::Paused,
        Flow::Finish | Flow::Stop => JobStatus::Stopping,
    };
    workers.control(id, flow);
}

/// Adds a sentence to the message list.
pub(super) fn say(state: &mut AppState, severity: Severity, source: &str, text: impl Into<String>) {
    offer(state, severity, source, text, Vec::new());
}

/// Adds a sentence to the message list, with what can be done next.
pub(super) fn offer(
    state: &mut AppState,
    severity: Severity,
    source: &str,
    text: impl Into<String>,
    offers: Vec<NextStep>,
) {
    let text = text.into();
    if let Some(last) = state.messages.last_mut()
        && last.text == text
        && last.source == source
    {
        last.count += 1;
        last.at = Instant::now();
        return;
    }
    state.messages.push(Message { severity, text, source: source.to_owned(), at: Instant::now(), count: 1, offers });
    if state.messages.len() > 1000 {
        state.messages.remove(0);
    }
}
