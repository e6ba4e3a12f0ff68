//! Predictions along a whole video.

use crate::domain::Dataset;
use crate::eval::{VideoPrediction, predict_video};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known::with_videos;
use crate::jobs::lane::LaneState;
use crate::jobs::lane::open_checkpoint;
use crate::jobs::requests::CheckpointRef;
use crate::progress::Monitor;
use std::sync::Arc;

/// Sliding windows over a whole video.
#[derive(Clone, Debug)]
pub struct PredictVideo {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The dataset the video is in.
    pub dataset: Arc<Dataset>,
    /// Name of the video.
    pub video: String,
}

impl JobKind for PredictVideo {
    type Answer = Arc<VideoPrediction>;

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        format!("predict {}", self.video)
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let found = open_checkpoint(&self.checkpoint)?;
        let dataset = with_videos(&self.dataset, [self.video.as_str()], monitor)?;
        let device = state.device(found.state.config.device, monitor);
        let prediction = predict_video(&found, &dataset, &self.video, &device, monitor)?;
        Ok(Done::Finished(Arc::new(prediction)))
    }

    fn output(prediction: Self::Answer) -> Output {
        Output::VideoPrediction(prediction)
    }
}
