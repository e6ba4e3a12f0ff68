//! The window's view of the worker lanes.

use crate::jobs::{Event, Job, JobId};
use crate::progress::{Flow, Progress};

/// What the window needs from the lanes. The real ones live in [`crate::jobs`]; tests script their own.
pub trait Workers {
    /// Queues a job on its lane and returns at once.
    fn start(&self, job: Job) -> JobId;

    /// Tells a job to pause, go on, finish or stop.
    fn control(&self, job: JobId, flow: Flow);

    /// Everything that happened since the last call, oldest first.
    fn drain(&self) -> Vec<Event>;

    /// The newest training step of a job, which does not travel through the queue.
    fn latest(&self, job: JobId) -> Option<Progress>;

    /// What networks run on, for people ("CPU, 4 threads").
    fn device(&self) -> String;
}
