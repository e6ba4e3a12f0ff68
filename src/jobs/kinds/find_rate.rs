//! The learning-rate range test.

use crate::config::RunConfig;
use crate::domain::Dataset;
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::progress::Monitor;
use crate::train::{RateRange, RateTest, device_of, rate_test};
use std::sync::Arc;

/// Finds a learning rate to begin with. Trains for a few steps, so it waits for its turn with trainings.
#[derive(Clone, Debug)]
pub struct FindRate {
    /// What to train on.
    pub dataset: Arc<Dataset>,
    /// How.
    pub config: Box<RunConfig>,
    /// Which rates.
    pub range: RateRange,
}

impl JobKind for FindRate {
    type Answer = Arc<RateTest>;

    fn lane(&self) -> Lane {
        Lane::Train
    }

    fn title(&self) -> String {
        format!("find a learning rate for {}", self.config.model.id)
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let device = state.device(device_of(&self.config), monitor);
        let found = rate_test(&self.dataset, &self.config, self.range, &device, monitor)?;
        Ok(Done::Finished(Arc::new(found)))
    }

    fn output(found: Self::Answer) -> Output {
        Output::RateTest(found)
    }
}
