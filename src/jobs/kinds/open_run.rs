//! Reading a run folder.

use crate::domain::{Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::jobs::run_view::{RunView, view};
use crate::progress::Monitor;
use std::path::PathBuf;
use std::sync::Arc;

/// Reads a run folder.
#[derive(Clone, Debug)]
pub struct OpenRun {
    /// The folder.
    pub path: PathBuf,
}

impl JobKind for OpenRun {
    type Answer = Arc<RunView>;

    fn lane(&self) -> Lane {
        Lane::Files
    }

    fn title(&self) -> String {
        format!("open run {}", leaf(&self.path))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, _: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        Ok(Done::Finished(Arc::new(view(&self.path)?)))
    }

    fn output(run: Self::Answer) -> Output {
        Output::Run(run)
    }
}
