//! Writing what people wrote about a run's clips.

use crate::domain::{Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::progress::Monitor;
use crate::run_folder::Notes;
use std::path::PathBuf;
use std::sync::Arc;

/// Writes what people wrote about a run's clips.
#[derive(Clone, Debug)]
pub struct SaveNotes {
    /// The run folder.
    pub run: PathBuf,
    /// All of its notes.
    pub notes: Notes,
}

impl JobKind for SaveNotes {
    type Answer = ();

    fn lane(&self) -> Lane {
        Lane::Files
    }

    fn title(&self) -> String {
        format!("save notes of {}", leaf(&self.run))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ignored
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, _: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        self.notes.save(&self.run)?;
        Ok(Done::Finished(()))
    }

    fn output((): Self::Answer) -> Output {
        Output::NotesSaved
    }
}
