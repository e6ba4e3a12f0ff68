//! Opening and indexing a dataset.

use crate::config::DataConfig;
use crate::domain::{Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::progress::Monitor;
use std::path::PathBuf;
use std::sync::Arc;

/// Opens and indexes a dataset folder, a video, or a frame folder.
#[derive(Clone, Debug)]
pub struct OpenDataset {
    /// What was chosen.
    pub path: PathBuf,
    /// Patterns and names.
    pub data: DataConfig,
}

impl JobKind for OpenDataset {
    type Answer = Arc<Dataset>;

    fn lane(&self) -> Lane {
        Lane::Files
    }

    fn title(&self) -> String {
        format!("open {}", leaf(&self.path))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        Ok(Done::Finished(Arc::new(crate::data::open(&self.path, &self.data, monitor)?)))
    }

    fn output(dataset: Self::Answer) -> Output {
        Output::Dataset(dataset)
    }
}
