//! Making the demo dataset.

use crate::data::demo::{DemoOptions, make};
use crate::domain::Dataset;
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::progress::Monitor;
use std::path::PathBuf;
use std::sync::Arc;

/// Makes the demo dataset.
#[derive(Clone, Debug)]
pub struct MakeDemo {
    /// Folder to make it in.
    pub dir: PathBuf,
    /// People.
    pub subjects: usize,
    /// Seed.
    pub seed: u64,
    /// Also write videos with the pose drawn in.
    pub pose_videos: bool,
    /// Replace a demo dataset that is there.
    pub force: bool,
}

impl JobKind for MakeDemo {
    type Answer = PathBuf;

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        "make demo dataset".into()
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Loses
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let Self { dir, subjects, seed, pose_videos, force } = self;
        let options = DemoOptions { subjects, seed, pose_videos, force, ..DemoOptions::default() };
        make(&dir, &options, monitor)?;
        Ok(Done::Finished(dir))
    }

    fn output(dir: Self::Answer) -> Output {
        Output::Demo(dir)
    }
}
