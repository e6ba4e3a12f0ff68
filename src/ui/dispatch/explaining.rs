//! Keeps the heatmap of the shown clip coming.

use super::outbox::start;
use crate::progress::Flow;
use crate::ui::explain;
use crate::ui::state::AppState;
use crate::ui::workers::Workers;
use std::time::{Duration, Instant};

/// Keeps the explanation of the shown clip coming; returns when to look again.
pub fn keep_explaining(state: &mut AppState, workers: &dyn Workers, now: Instant) -> Option<Duration> {
    let wanted = explain::wanted(state);
    let step = state.explain.step(wanted, now);
    match step {
        explain::Step::Idle => None,
        explain::Step::Wait(time) => Some(time),
        explain::Step::Abandon(job) => {
            workers.control(job, Flow::Stop);
            None
        }
        explain::Step::Start(query) => {
            if let Some(job) = explain::job_of(state, &query) {
                let id = start(state, workers, job, true);
                state.explain.started(id, query);
            }
            None
        }
    }
}
