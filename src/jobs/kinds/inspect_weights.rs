//! Looking what a network could take from a weight file.

use crate::config::ModelConfig;
use crate::domain::{Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::model::WeightReport;
use crate::progress::Monitor;
use crate::train::inspect;
use std::path::PathBuf;
use std::sync::Arc;

/// Looks what a network could take from a weight file.
#[derive(Clone, Debug)]
pub struct InspectWeights {
    /// The file, or a run.
    pub weights: PathBuf,
    /// The network.
    pub model: ModelConfig,
    /// Classes it would have.
    pub classes: usize,
}

impl JobKind for InspectWeights {
    type Answer = Arc<WeightReport>;

    fn lane(&self) -> Lane {
        Lane::Files
    }

    fn title(&self) -> String {
        format!("look into {}", leaf(&self.weights))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, _: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        Ok(Done::Finished(Arc::new(inspect(&self.weights, &self.model, self.classes)?)))
    }

    fn output(report: Self::Answer) -> Output {
        Output::Weights(report)
    }
}
