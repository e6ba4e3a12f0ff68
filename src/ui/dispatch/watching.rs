//! A run that another process trains, on this machine or another: its folder is looked at again and again, and what it is asked
//! goes by its folder too.

use super::outbox::{say, start};
use crate::domain::leaf;
use crate::jobs::kinds::{AskRun, WatchRun};
use crate::jobs::{JobId, RunView, Watched};
use crate::progress::Flow;
use crate::ui::state::{AppState, Severity, Watching, Workspace};
use crate::ui::workers::Workers;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two looks; more where a look takes long.
const EVERY: Duration = Duration::from_secs(1);
/// The longest time between two looks.
const AT_MOST: Duration = Duration::from_secs(60);
/// A look may take this share of the time.
const SHARE: f64 = 0.1;
/// After one that failed.
const AGAIN: Duration = Duration::from_secs(5);
/// Who speaks.
const SOURCE: &str = "watch";

/// Begins to watch the run in a folder.
pub(super) fn begin(state: &mut AppState, workers: &dyn Workers, path: PathBuf) {
    if state.live_training().is_some_and(|(live, _)| live.run.path == path) {
        let text = format!("{} is trained by this window, which shows it already.", leaf(&path));
        return say(state, Severity::Info, SOURCE, text);
    }
    state.watching = Some(Watching::new(path, Instant::now()));
    (state.workspace, state.welcome) = (Workspace::Train, false);
    keep_watching(state, workers, Instant::now());
}

/// No longer; the run stays in the list.
pub(super) fn end(state: &mut AppState) {
    state.watching = None;
}

/// Looks at the watched run when it is time to; returns when that is.
pub fn keep_watching(state: &mut AppState, workers: &dyn Workers, now: Instant) -> Option<Duration> {
    let watching = state.watching.as_ref().filter(|w| w.looking.is_none())?;
    let wait = watching.next.saturating_duration_since(now);
    if !wait.is_zero() {
        return Some(wait);
    }
    let look = WatchRun { path: watching.path.clone(), seen: watching.signs.clone() };
    let job = start(state, workers, look, true);
    if let Some(watching) = &mut state.watching {
        watching.looking = Some(job);
    }
    None
}

/// Asks its training to do something.
pub(super) fn ask(state: &mut AppState, workers: &dyn Workers, flow: Flow) {
    let Some(watching) = state.watching.as_ref().filter(|w| w.asking.is_none()) else { return };
    let request = AskRun { path: watching.path.clone(), flow, seen: watching.signs.clone() };
    let job = start(state, workers, request, true);
    if let Some(watching) = &mut state.watching {
        watching.asking = Some(job);
    }
}

/// True for a job of the run that is watched now; it is under way no longer.
fn ended(watching: &mut Watching, job: JobId) -> bool {
    let (looked, asked) = (watching.looking == Some(job), watching.asking == Some(job));
    if looked {
        watching.looking = None;
    }
    if asked {
        watching.asking = None;
    }
    looked || asked
}

/// What a look found; the run where the list has to know of it, and whether it is new.
pub(super) fn answered(state: &mut AppState, job: JobId, watched: &Watched) -> Option<(Arc<RunView>, bool)> {
    let now = Instant::now();
    let watching = state.watching.as_mut()?;
    if !ended(watching, job) {
        return None;
    }
    let pause = Duration::from_secs_f64((watched.seconds / SHARE).min(AT_MOST.as_secs_f64()));
    watching.next = now + pause.max(EVERY);
    (watching.failure, watching.asked) = (None, watched.asked);
    watching.signs = Some(watched.signs.clone());
    let before = std::mem::replace(&mut watching.worker, watched.worker.clone());
    let read = watched.run.as_ref().map(|run| {
        (watching.path, watching.changed) = (run.path.clone(), now);
        (run.clone(), watching.run.replace(run.clone()))
    });
    let over = (before.is_some() && watched.worker.is_none()).then(|| watching.run.clone()).flatten();
    if let Some(run) = over {
        let how = if run.resumable { "was stopped, and can be resumed" } else { "has come to its end" };
        say(state, Severity::Info, SOURCE, format!("The training of {} {how}.", leaf(&run.path)));
    }
    // In the list it is another one where its checkpoints, evaluations or notes are.
    let (run, old) = read?;
    let same = old.as_ref().is_some_and(|old| {
        old.checkpoints == run.checkpoints && old.evaluations.len() == run.evaluations.len() && old.notes == run.notes
    });
    (!same).then_some((run, old.is_none()))
}

/// A look or a request that failed. True where it was a look, whose failure stands beside the run and is told nowhere else.
pub(super) fn failed(state: &mut AppState, job: JobId, sentence: &str) -> bool {
    let Some(watching) = &mut state.watching else { return false };
    let looked = watching.looking == Some(job);
    if !ended(watching, job) || !looked {
        return false;
    }
    watching.failure = Some(sentence.to_owned());
    watching.next = Instant::now() + AGAIN;
    let never = watching.run.is_none();
    state.jobs.retain(|j| j.id != job);
    if never {
        // There is nothing it could stand beside.
        state.watching = None;
        say(state, Severity::Error, SOURCE, sentence.to_owned());
    }
    true
}
