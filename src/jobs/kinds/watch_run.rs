//! Looking at a run that another process trains.

use crate::domain::{Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::jobs::watched::{Watched, look};
use crate::progress::Monitor;
use crate::run_folder::Signs;
use std::path::PathBuf;
use std::sync::Arc;

/// Looks whether anything happened in a run folder.
#[derive(Clone, Debug)]
pub struct WatchRun {
    /// The folder.
    pub path: PathBuf,
    /// What the last look saw.
    pub seen: Option<Signs>,
}

impl JobKind for WatchRun {
    type Answer = Arc<Watched>;

    fn lane(&self) -> Lane {
        Lane::Files
    }

    fn title(&self) -> String {
        format!("watch run {}", leaf(&self.path))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, _: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        Ok(Done::Finished(Arc::new(look(&self.path, self.seen.as_ref())?)))
    }

    fn output(watched: Self::Answer) -> Output {
        Output::Watched(watched)
    }
}
