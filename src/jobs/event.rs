//! What the lanes tell about jobs.

use super::kind::Output;
use crate::domain::Choice;
use crate::progress::Progress;
use std::path::PathBuf;

/// Number of a job; never reused in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub u64);

/// What came back from a lane.
#[derive(Clone, Debug)]
pub struct Event {
    /// The job it belongs to.
    pub job: JobId,
    /// What happened.
    pub body: EventBody,
}

/// What happened to a job.
#[derive(Clone, Debug)]
pub enum EventBody {
    /// A lane took it.
    Started,
    /// It tells something.
    Progress(Progress),
    /// It is done.
    Finished(Output),
    /// It ended because it was asked to; what it had so far, when that is of use (a stopped training's run).
    Cancelled(Option<Output>),
    /// The files of this dataset leave something open that somebody has to decide first.
    Asked(PathBuf, Choice),
    /// This table has a layout that nothing recognises: somebody has to say what its columns are.
    AskedTable(PathBuf),
    /// It failed; a sentence.
    Failed(String),
}
