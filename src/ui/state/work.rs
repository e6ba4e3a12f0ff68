//! What runs, and what was said about it.

use super::leading::NextStep;
use crate::jobs::{Job, JobId, RunView};
use crate::progress::WrongClip;
use crate::train::RateTest;
use std::sync::Arc;
use std::time::Instant;

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something was survived.
    Warning,
    /// Something failed.
    Error,
}

/// A sentence for the person, kept in the message list.
#[derive(Clone, Debug)]
pub struct Message {
    /// How serious it is.
    pub severity: Severity,
    /// The sentence: what happened, in which file, what to do.
    pub text: String,
    /// What it came from, for example the title of a job.
    pub source: String,
    /// When it was said.
    pub at: Instant,
    /// How often it was said in a row.
    pub count: u32,
    /// What can be done next.
    pub offers: Vec<NextStep>,
}

/// The longest sentence that is shown whole.
const WHOLE: usize = 220;

impl Message {
    /// What is said at once, and the details behind it where there are any.
    pub fn parts(&self) -> (&str, Option<&str>) {
        if let Some((first, rest)) = self.text.split_once('\n') {
            return (first, Some(rest.trim()).filter(|r| !r.is_empty()));
        }
        if self.text.chars().count() <= WHOLE {
            return (&self.text, None);
        }
        let ends = self.text.match_indices(". ").map(|(at, _)| at + 1);
        let end = ends.take_while(|at| *at <= WHOLE).last();
        match end.and_then(|at| self.text.split_at_checked(at)) {
            Some((first, rest)) => (first, Some(rest.trim())),
            None => (&self.text, None),
        }
    }
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq)]
pub enum JobStatus {
    /// Waits for its lane.
    Queued,
    /// Runs.
    Running,
    /// Holds until it is told to go on.
    Paused,
    /// Was told to end and has not answered yet.
    Stopping,
    /// Ended well.
    Done,
    /// Ended because it was asked to.
    Cancelled,
    /// Failed; the sentence.
    Failed(String),
}

impl JobStatus {
    /// True until the job has ended.
    pub fn is_live(&self) -> bool {
        matches!(self, JobStatus::Queued | JobStatus::Running | JobStatus::Paused | JobStatus::Stopping)
    }
}

/// A job as the top bar shows it.
#[derive(Clone, Debug)]
pub struct JobView {
    /// Its number.
    pub id: JobId,
    /// What it does.
    pub title: String,
    /// True for small work that has no chip (heatmaps of the shown clip).
    pub quiet: bool,
    /// Where it stands.
    pub status: JobStatus,
    /// The newest stage: what, done, total (0 = unknown).
    pub stage: Option<(String, u64, u64)>,
    /// Share done, 0…1, when known.
    pub fraction: Option<f32>,
    /// Seconds left, when known.
    pub eta_s: Option<f64>,
    /// When a lane took it.
    pub started: Option<Instant>,
    /// When it ended.
    pub ended: Option<Instant>,
    /// The work, so that it can be looked at or asked for again.
    pub job: Job,
}

/// A training of this session, live or ended: a run like any other, with the job that trains it.
#[derive(Clone, Debug)]
pub struct LiveRun {
    /// Its job.
    pub job: JobId,
    /// The run as this session knows it; steps, epochs, checkpoints and log grow while it trains.
    pub run: RunView,
    /// Wrong clips of the last validation.
    pub wrong: Vec<WrongClip>,
}

impl LiveRun {
    /// Takes over what was read from its folder, where that is more than this session saw: a run that went on from a
    /// checkpoint has a past on the disk.
    pub fn take_over(&mut self, stored: &RunView) {
        if stored.history.len() > self.run.history.len() {
            self.run.history.clone_from(&stored.history);
        }
        if stored.steps.len() > self.run.steps.len() {
            self.run.steps.clone_from(&stored.steps);
        }
        self.run.steps_per_epoch = self.run.steps_per_epoch.or(stored.steps_per_epoch);
    }
}

/// A learning-rate range test: the job that makes it, and what it found.
#[derive(Clone, Debug, Default)]
pub struct RateView {
    /// The job asked for last.
    pub job: Option<JobId>,
    /// What was found last.
    pub found: Option<Arc<RateTest>>,
    /// Why there is nothing newer.
    pub failure: Option<String>,
}

/// How looking into the videos of a large dataset goes on.
#[derive(Clone, Debug, Default)]
pub struct IndexWork {
    /// The part under way, or the last one.
    pub job: Option<JobId>,
    /// Parts begun so far.
    pub parts: u32,
    /// Positions of videos that come first.
    pub first: Vec<usize>,
    /// The chosen video that was asked for by itself.
    pub asked: Option<String>,
}

/// Notes of a run that are not on the disk yet.
#[derive(Clone, Debug)]
pub struct UnsavedNotes {
    /// When something was written last, or when saving failed.
    pub since: Instant,
    /// The job that writes them.
    pub saving: Option<JobId>,
    /// Something was written since that job was queued.
    pub changed: bool,
    /// They could not be written the last time.
    pub failed: bool,
}

impl UnsavedNotes {
    /// Nothing is under way.
    pub fn new(since: Instant) -> Self {
        Self { since, saving: None, changed: true, failed: false }
    }
}
