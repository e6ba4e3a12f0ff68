//! Finding out which network a weight file is of.

use crate::domain::{Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::model::ModelSpec;
use crate::progress::Monitor;
use crate::train::{TrainError, guess};
use std::path::PathBuf;
use std::sync::Arc;

/// Finds out which network a weight file is of.
#[derive(Clone, Debug)]
pub struct GuessNetwork {
    /// The file, or a run.
    pub weights: PathBuf,
}

impl JobKind for GuessNetwork {
    type Answer = Option<&'static ModelSpec>;

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
        match guess(&self.weights) {
            Ok(spec) => Ok(Done::Finished(Some(spec))),
            // Not a fault of the file: somebody has to say it.
            Err(TrainError::UnknownWeights { .. }) => Ok(Done::Finished(None)),
            Err(error) => Err(error.into()),
        }
    }

    fn output(spec: Self::Answer) -> Output {
        Output::Network(spec)
    }
}
