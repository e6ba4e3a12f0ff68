//! A run that another process trains, as this window watches it.

use super::AppState;
use crate::jobs::{JobId, RunView};
use crate::progress::Flow;
use crate::run_folder::{Signs, Worker};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// A run folder that is looked at again and again.
#[derive(Clone, Debug)]
pub struct Watching {
    /// The folder.
    pub path: PathBuf,
    /// The run as the last look that read it found it; `None` before the first.
    pub run: Option<Arc<RunView>>,
    /// What the last look saw.
    pub signs: Option<Signs>,
    /// Who trains in it; `None` for nobody.
    pub worker: Option<Worker>,
    /// What its training is asked to do.
    pub asked: Flow,
    /// The look under way.
    pub looking: Option<JobId>,
    /// The request under way.
    pub asking: Option<JobId>,
    /// When to look next.
    pub next: Instant,
    /// When something new was seen last.
    pub changed: Instant,
    /// Why the last look failed.
    pub failure: Option<String>,
}

impl Watching {
    /// Of a folder nobody has looked at yet.
    pub fn new(path: PathBuf, now: Instant) -> Self {
        Self {
            path,
            run: None,
            signs: None,
            worker: None,
            asked: Flow::Continue,
            looking: None,
            asking: None,
            next: now,
            changed: now,
            failure: None,
        }
    }

    /// True while a process trains in it, as far as can be told from here.
    pub fn is_trained(&self) -> bool {
        self.worker.as_ref().is_some_and(|worker| !worker.ended)
    }
}

impl AppState {
    /// The run that is watched, where it is the one in use.
    pub fn watched_run(&self) -> Option<&Watching> {
        self.watching.as_ref().filter(|w| w.run.is_some() && self.selection.run.as_ref() == Some(&w.path))
    }
}
