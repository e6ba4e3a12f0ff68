//! Asking a training of another process, or of another machine, to do something.

use crate::domain::{Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::jobs::watched::{Watched, look};
use crate::progress::{Flow, Monitor};
use crate::run_folder::{RunDir, Signs};
use std::path::PathBuf;
use std::sync::Arc;

/// Asks the training of a run by its folder, and looks at it.
#[derive(Clone, Debug)]
pub struct AskRun {
    /// The folder.
    pub path: PathBuf,
    /// What it is asked to do.
    pub flow: Flow,
    /// What the last look saw.
    pub seen: Option<Signs>,
}

impl JobKind for AskRun {
    type Answer = Arc<Watched>;

    fn lane(&self) -> Lane {
        Lane::Files
    }

    fn title(&self) -> String {
        format!("ask run {} to {}", leaf(&self.path), self.flow.word())
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ignored
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, _: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        RunDir::open(&self.path)?.ask(self.flow)?;
        Ok(Done::Finished(Arc::new(look(&self.path, self.seen.as_ref())?)))
    }

    fn output(watched: Self::Answer) -> Output {
        Output::Watched(watched)
    }
}
