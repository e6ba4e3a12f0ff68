//! Writing the corrections of a dataset's labels.

use crate::domain::{Corrections, Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::progress::Monitor;
use std::path::PathBuf;
use std::sync::Arc;

/// Writes the corrections of a dataset's labels: to the file they were read from, else beside the dataset or in the user's folder.
#[derive(Clone, Debug)]
pub struct SaveCorrections {
    /// Root of the dataset.
    pub root: PathBuf,
    /// The file they were read from.
    pub file: Option<PathBuf>,
    /// What is on the disk, as far as it is known.
    pub before: Arc<Corrections>,
    /// All of its corrections.
    pub now: Arc<Corrections>,
}

impl JobKind for SaveCorrections {
    type Answer = PathBuf;

    fn lane(&self) -> Lane {
        Lane::Files
    }

    fn title(&self) -> String {
        format!("save corrections of {}", leaf(&self.root))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ignored
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, _: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let Self { root, file, before, now } = self;
        let folder = crate::files::data_dir();
        let place = crate::data::save_corrections(&root, file.as_deref(), &before, &now, folder.as_deref())?;
        Ok(Done::Finished(place))
    }

    fn output(file: Self::Answer) -> Output {
        Output::CorrectionsSaved(file)
    }
}
