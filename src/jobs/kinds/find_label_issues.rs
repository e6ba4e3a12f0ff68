//! Clips and edges of segments whose labels are in doubt.

use super::compare_runs::CompareRuns;
use crate::compare::LabelIssues;
use crate::domain::{Dataset, counted};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::progress::Monitor;
use std::sync::Arc;

/// Finds labels in doubt by what runs said about clips.
#[derive(Clone, Debug)]
pub struct FindLabelIssues {
    /// The runs, at least one, with the dataset and split as for a comparison.
    pub runs: CompareRuns,
}

impl JobKind for FindLabelIssues {
    type Answer = Arc<LabelIssues>;

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        format!("find labels in doubt by {}", counted(self.runs.runs.len() as u64, "run"))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        self.runs.dataset.as_ref()
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let runs = self.runs.evaluated(state, monitor)?;
        Ok(Done::Finished(Arc::new(LabelIssues::of(&runs, self.runs.dataset.as_deref())?)))
    }

    fn output(issues: Self::Answer) -> Output {
        Output::LabelIssues(issues)
    }
}
