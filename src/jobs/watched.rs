//! A look at a run that another process trains.

use super::error::JobError;
use super::run_view::{RunView, view};
use crate::progress::Flow;
use crate::run_folder::{RunDir, Signs, Worker};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// A run folder as a look found it.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Stamps of its files.
    pub signs: Signs,
    /// Who trains in it; `None` for nobody.
    pub worker: Option<Worker>,
    /// What its training is asked to do by its folder.
    pub asked: Flow,
    /// The run, where its files are others than they were.
    pub run: Option<Arc<RunView>>,
    /// How long the look took, in seconds.
    pub seconds: f64,
}

/// Looks at a run folder; reads it where its files are others than those that were `seen`.
pub(super) fn look(path: &Path, seen: Option<&Signs>) -> Result<Watched, JobError> {
    let begun = Instant::now();
    let run = RunDir::open(path)?;
    // Before it is read: what is written meanwhile is seen by the next look.
    let signs = run.signs();
    let read = (seen != Some(&signs)).then(|| view(path)).transpose()?;
    let (worker, asked) = (run.worker(), run.asked());
    Ok(Watched { signs, worker, asked, run: read.map(Arc::new), seconds: begun.elapsed().as_secs_f64() })
}
