//! Making a run of foreign weights.

use crate::config::RunConfig;
use crate::domain::{ClassSet, Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::progress::Monitor;
use crate::train::{Imported, import};
use std::path::PathBuf;
use std::sync::Arc;

/// Makes a run of foreign weights.
#[derive(Clone, Debug)]
pub struct ImportWeights {
    /// The file, or a run.
    pub weights: PathBuf,
    /// The network and its clips.
    pub config: Box<RunConfig>,
    /// Classes in output order.
    pub classes: ClassSet,
    /// Run folder.
    pub out: PathBuf,
    /// Replace a run that is in `out`.
    pub force: bool,
}

impl JobKind for ImportWeights {
    type Answer = Arc<Imported>;

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        format!("import {}", leaf(&self.weights))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Loses
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let Self { weights, config, classes, out, force } = self;
        Ok(Done::Finished(Arc::new(import(&weights, &config, &classes, &out, force, monitor)?)))
    }

    fn output(imported: Self::Answer) -> Output {
        Output::Imported(imported)
    }
}
