//! How a training begins and ends.

use crate::progress::EpochReport;
use crate::run_folder::TrainEnd;
use std::path::PathBuf;

/// How to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrainOptions {
    /// Go on from the last checkpoint of the run.
    pub resume: bool,
    /// Replace a run that is there.
    pub force: bool,
    /// Also write what augmentation does to a few clips, every epoch, into the run's folder `debug`.
    pub debug: bool,
}

/// How a training ended.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOutcome {
    /// The run folder.
    pub run: PathBuf,
    /// Why it ended.
    pub end: TrainEnd,
    /// Every epoch, those before a resume included.
    pub history: Vec<EpochReport>,
}
