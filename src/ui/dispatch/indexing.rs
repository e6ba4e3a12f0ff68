//! Looking into the videos of a large dataset while people work with what is known of it.

use super::opening;
use super::outbox::{control, say, start};
use crate::data::Part;
use crate::domain::{counted, grouped};
use crate::jobs::kinds::{IndexVideos, Indexing};
use crate::jobs::{Indexed, JobId};
use crate::progress::Flow;
use crate::ui::state::{AppState, JobView, Severity};
use crate::ui::workers::Workers;
use std::sync::Arc;
use std::time::Duration;

/// How long the first part takes: what is on screen is known soon.
const FIRST: Duration = Duration::from_secs(1);
/// How long a part takes at most.
const LONGEST: Duration = Duration::from_secs(10);
/// Videos of the first part, and of a part at most. Each part is twice the one before, so that they are few.
const VIDEOS: (usize, usize) = (2048, 65_536);

/// A dataset was opened: what was under way for another ends.
pub(super) fn begin(state: &mut AppState, workers: &dyn Workers) {
    stop(state, workers);
    go_on(state, workers);
}

/// Nobody needs the open dataset any more.
fn stop(state: &mut AppState, workers: &dyn Workers) {
    let work = std::mem::take(&mut state.index);
    if let Some(job) = work.job {
        control(state, workers, job, Flow::Stop);
    }
}

/// Starts the next part, unless one is under way.
pub(super) fn go_on(state: &mut AppState, workers: &dyn Workers) {
    if state.indexing_job().is_some() {
        return;
    }
    let Some(dataset) = state.dataset.clone().filter(|d| d.indexing.is_some()) else { return };
    let parts = state.index.parts;
    let doubled = 1_u32.checked_shl(parts).unwrap_or(u32::MAX);
    let time = FIRST.saturating_mul(doubled).min(LONGEST);
    let work = match dataset.pending() {
        0 => Indexing::Compare(dataset),
        left => {
            let all = dataset.videos.len();
            let count = VIDEOS.0.saturating_mul(doubled as usize).min(VIDEOS.1);
            let positions = state.index.first.iter().copied().chain(0..all);
            let known = all.saturating_sub(left) as u64;
            Indexing::Look(Arc::new(Part::of(&dataset, positions, count)), (known, all as u64))
        }
    };
    state.index.job = Some(start(state, workers, IndexVideos { work, now: false, time }, false));
    state.index.parts = parts.saturating_add(1);
}

/// Has the chosen video looked into at once, where nobody did; without a dataset nothing goes on.
pub(super) fn follow(state: &mut AppState, workers: &dyn Workers) {
    if state.dataset.is_none() && state.index.job.is_some() {
        return stop(state, workers);
    }
    let Some(dataset) = state.dataset.clone().filter(|d| d.pending() > 0) else { return };
    let Some((at, video)) = state.video().filter(|(_, v)| v.is_pending()) else { return };
    if state.index.asked.as_ref() == Some(&video.name) {
        return;
    }
    let (asked, all) = (video.name.clone(), dataset.videos.len());
    let count = (all.saturating_sub(dataset.pending()) as u64, all as u64);
    let work = Indexing::Look(Arc::new(Part::of(&dataset, std::iter::once(at), 1)), count);
    drop(dataset);
    start(state, workers, IndexVideos { work, now: true, time: LONGEST }, true);
    state.index.asked = Some(asked);
}

/// Takes over what was found.
pub(super) fn found(state: &mut AppState, workers: &dyn Workers, job: JobId, indexed: Indexed) {
    // A part that is done is nothing to look at, and would hold the dataset.
    state.jobs.retain(|j| j.id != job);
    let Indexed { root, fingerprint, news } = indexed;
    let Some(dataset) = state.dataset.take_if(|d| d.root == root && d.fingerprint == fingerprint) else { return };
    // In place, where nobody else works with it.
    let mut dataset = Arc::unwrap_or_clone(dataset);
    news.merge_into(&mut dataset);
    let done = dataset.indexing.is_none();
    let told = format!(
        "All {} of {} are looked into; it has {}.",
        grouped(dataset.videos.len() as u64),
        dataset.name,
        counted(dataset.warnings.len() as u64, "integrity warning")
    );
    state.dataset = Some(Arc::new(dataset));
    opening::known_better(state);
    if done {
        say(state, Severity::Info, "index", told);
    }
    go_on(state, workers);
}

impl AppState {
    /// The job that looks into the videos of the open dataset, while it lives.
    fn indexing_job(&self) -> Option<&JobView> {
        self.job(self.index.job?).filter(|j| j.status.is_live())
    }

    /// How far looking into the videos of the open dataset is, in words; `None` once all is known. And whether it goes on.
    pub fn indexing_note(&self) -> Option<(String, bool)> {
        let dataset = self.dataset.as_ref().filter(|d| d.indexing.is_some())?;
        let (all, job) = (dataset.videos.len() as u64, self.indexing_job());
        let known = all.saturating_sub(dataset.pending() as u64);
        let told = job.and_then(|j| j.stage.as_ref()).filter(|(_, _, of)| *of == all).map(|(_, done, _)| *done);
        let done = told.unwrap_or(known).max(known);
        let goes_on = job.is_some();
        let text = match (dataset.pending(), goes_on) {
            (0, true) => format!("comparing {}", counted(all, "video")),
            (0, false) => format!("{} are not compared", counted(all, "video")),
            (_, true) => format!("indexing: {} of {}", grouped(done), counted(all, "video")),
            (_, false) => format!("{} of {} are looked into", grouped(done), counted(all, "video")),
        };
        Some((text, goes_on))
    }
}
