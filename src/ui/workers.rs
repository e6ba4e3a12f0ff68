//! The window's view of the worker lanes.

use crate::jobs::{Event, Job, JobId};
use crate::progress::Flow;

/// What the window needs from the lanes. The real ones live in [`crate::jobs`]; tests script their own.
pub trait Workers {
    /// Queues a job on its lane and returns at once.
    fn start(&self, job: Job) -> JobId;

    /// Tells a job to pause, go on, finish or stop.
    fn control(&self, job: JobId, flow: Flow);

    /// Everything that happened since the last call, oldest first.
    fn drain(&self) -> Vec<Event>;

    /// What networks run on, for people ("CPU, 4 threads").
    fn device(&self) -> String;
}

impl Workers for crate::jobs::Engine {
    fn start(&self, job: Job) -> JobId {
        Self::start(self, job)
    }

    fn control(&self, job: JobId, flow: Flow) {
        Self::control(self, job, flow);
    }

    fn drain(&self) -> Vec<Event> {
        Self::drain(self)
    }

    fn device(&self) -> String {
        Self::device(self)
    }
}
